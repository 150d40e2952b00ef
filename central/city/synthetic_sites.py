"""What everyone in such a town knows: railway, stream and river, the avenues' trees, station, parks, schools, city hall."""

import random

from central.city.model import LandCover
from central.city.synthetic_shapes import (
    AVENUES_ACROSS,
    AVENUES_ALONG,
    BUS_TERMINAL,
    CAR_PARK,
    CENTRAL_PARK,
    CITY_HALL,
    DEPARTMENT_STORE,
    HOSPITAL,
    NORTH_PLAZA,
    NORTH_SCHOOL,
    RAIL,
    REACH_M,
    RIVER_V,
    SCHOOL,
    SHRINE,
    SOUTH_PARK,
    SOUTH_PLAZA,
    STATION_STORE,
    STREAM,
    SUPERMARKET,
    TREE_LINED_WIDTH_M,
    House,
    Plan,
    Rect,
    Tree,
)


def draw_lines(plan: Plan, chance: random.Random) -> None:
    """Railway, stream, river and the trees along the avenues."""
    plan.ground.append((Rect(-REACH_M, -REACH_M, REACH_M, RIVER_V), LandCover.GRASS))
    plan.ground.append((Rect(-REACH_M, -1010.0, REACH_M, -1000.0), LandCover.BARE_SOIL))
    plan.ground.append((Rect(-REACH_M, -REACH_M, REACH_M, -1075.0), LandCover.WATER))
    plan.ground.append((RAIL, LandCover.BARE_SOIL))
    plan.ground.append((STREAM, LandCover.COBBLE))
    plan.ground.append((Rect(STREAM.u0, 341.5, STREAM.u1, 348.5), LandCover.WATER))
    u = -REACH_M
    while u < REACH_M:
        for v in (339.0, 351.0):
            if chance.random() < 0.85 and not _on_avenue(AVENUES_ALONG, u):
                plan.trees.append(
                    Tree(u, v + chance.uniform(-1.0, 1.0), chance.uniform(5.5, 10.0), chance.uniform(2.2, 3.8))
                )
        u += 8.5
    for across, avenues, crossing in ((True, AVENUES_ACROSS, AVENUES_ALONG), (False, AVENUES_ALONG, AVENUES_ACROSS)):
        for line, width in avenues:
            if width < TREE_LINED_WIDTH_M:
                continue
            at = -REACH_M
            while at < REACH_M:
                at += 9.0
                for offset in (-(width / 2 - 1.8), width / 2 - 1.8):
                    u, v = (at, line + offset) if across else (line + offset, at)
                    if chance.random() < 0.12 or _on_avenue(crossing, at) or not _may_line(u, v):
                        continue
                    plan.trees.append(Tree(u, v, chance.uniform(5.0, 8.5), chance.uniform(1.9, 3.3)))


def _on_avenue(avenues: list[tuple[float, float]], at: float) -> bool:
    return any(abs(at - line) < width / 2 + 5.0 for line, width in avenues)


def _may_line(u: float, v: float) -> bool:
    point = Rect(u, v, u, v)
    wide_rail = Rect(RAIL.u0, RAIL.v0 - 14.0, RAIL.u1, RAIL.v1 + 8.0)
    return v > RIVER_V + 20.0 and not any(
        site.touches(point) for site in (wide_rail, STREAM, NORTH_PLAZA, SOUTH_PLAZA, BUS_TERMINAL)
    )


def draw_park(plan: Plan, chance: random.Random, site: Rect, trees_per_m2: float) -> None:
    plan.ground.append((site, LandCover.GRASS))
    u, v = site.middle
    plan.ground.append((Rect(site.u0 + 4.0, v - 2.0, site.u1 - 4.0, v + 2.0), LandCover.BARE_SOIL))
    plan.ground.append((Rect(u - 2.0, site.v0 + 4.0, u + 2.0, site.v1 - 4.0), LandCover.BARE_SOIL))
    square = min(site.width, site.depth) * 0.18
    plan.ground.append((Rect(u - square, v - square, u + square, v + square), LandCover.BARE_SOIL))
    for _ in range(int(site.area * trees_per_m2)):
        tree_u, tree_v = chance.uniform(site.u0 + 3.0, site.u1 - 3.0), chance.uniform(site.v0 + 3.0, site.v1 - 3.0)
        if max(abs(tree_u - u), abs(tree_v - v)) > square + 3.0:
            plan.trees.append(Tree(tree_u, tree_v, chance.uniform(6.0, 14.0), chance.uniform(2.2, 4.8)))


def draw_sites(plan: Plan, chance: random.Random) -> None:
    """The places that everyone in such a town knows."""
    _draw_station(plan, chance)
    draw_park(plan, chance, CENTRAL_PARK, trees_per_m2=1 / 95)
    plan.trees.append(Tree(76.0, 790.0, 12.0, 4.6))  # the old camphor tree under which the park's station stands
    plan.ground.append((Rect(140.0, 775.0, 175.0, 805.0), LandCover.WATER))
    draw_park(plan, chance, SOUTH_PARK, trees_per_m2=1 / 110)
    draw_park(plan, chance, SHRINE, trees_per_m2=1 / 38)
    plan.houses.append(House(Rect(-516.0, 765.0, -504.0, 780.0).corners, 9.5))
    for site in (SCHOOL, NORTH_SCHOOL):
        _draw_school(plan, site)

    plan.ground.append((CITY_HALL, LandCover.ASPHALT))
    plan.ground.append((Rect(-330.0, 700.0, -200.0, 742.0), LandCover.COBBLE))
    plan.houses.append(House(Rect(-312.0, 762.0, -220.0, 788.0).corners, 36.0))
    plan.houses.append(House(Rect(-300.0, 788.0, -240.0, 804.0).corners, 16.0))
    for u in range(-322, -200, 11):
        plan.trees.append(Tree(float(u), 706.0, chance.uniform(7.0, 11.0), chance.uniform(2.6, 3.8)))
        if abs(u + 266) > 16:
            plan.trees.append(Tree(float(u), 734.0, chance.uniform(6.0, 9.0), chance.uniform(2.2, 3.2)))

    plan.ground.append((DEPARTMENT_STORE, LandCover.COBBLE))
    plan.houses.append(House(Rect(-634.0, 506.0, -552.0, 572.0).corners, 31.5))
    plan.houses.append(House(Rect(-550.0, 520.0, -533.0, 572.0).corners, 21.0))
    for site, store in ((CAR_PARK, None), (SUPERMARKET, Rect(416.0, -772.0, 524.0, -726.0))):
        plan.ground.append((site, LandCover.ASPHALT))
        if store is not None:
            plan.houses.append(House(store.corners, 8.8))
    plan.ground.append((HOSPITAL, LandCover.ASPHALT))
    plan.houses.append(House([(426, 178), (520, 178), (520, 200), (452, 200), (452, 224), (426, 224)], 24.6))


def _draw_station(plan: Plan, chance: random.Random) -> None:
    plan.ground.append((NORTH_PLAZA, LandCover.COBBLE))
    # The carriageway round the island where the buses turn.
    plan.ground.append((Rect(-58.0, 46.0, 72.0, 92.0), LandCover.ASPHALT))
    plan.ground.append((Rect(-40.0, 58.0, 54.0, 80.0), LandCover.GRASS))
    plan.ground.append((SOUTH_PLAZA, LandCover.COBBLE))
    plan.ground.append((Rect(-36.0, -72.0, 42.0, -44.0), LandCover.ASPHALT))
    plan.ground.append((BUS_TERMINAL, LandCover.ASPHALT))
    for u in range(-36, 54, 9):
        if chance.random() < 0.8:
            plan.trees.append(
                Tree(float(u), 62.0 + chance.uniform(0.0, 14.0), chance.uniform(5.0, 9.0), chance.uniform(2.0, 3.4))
            )
    for tree_u in (-40.0, -28.0, 34.0, 46.0):
        plan.trees.append(Tree(tree_u, -28.0, chance.uniform(5.0, 8.0), chance.uniform(2.0, 3.0)))
    # Station over the tracks, its shopping floors to the north, platform roofs on both sides.
    plan.houses.append(House(Rect(-58.0, -30.0, 70.0, 22.0).corners, 17.5))
    plan.ground.append((STATION_STORE, LandCover.ASPHALT))
    plan.houses.append(House(Rect(96.0, 26.0, 176.0, 98.0).corners, 32.0))
    for v0, v1 in ((-15.0, -7.0), (3.0, 10.0)):
        plan.houses.append(House(Rect(-190.0, v0, -60.0, v1).corners, 6.2))
        plan.houses.append(House(Rect(72.0, v0, 195.0, v1).corners, 6.2))
    for v0 in (34.0, 56.0, 78.0):
        plan.houses.append(House(Rect(-186.0, v0, -112.0, v0 + 4.5).corners, 4.2))


def _draw_school(plan: Plan, site: Rect) -> None:
    plan.ground.append((site, LandCover.BARE_SOIL))
    long_house = Rect(site.u0 + 14.0, site.v1 - 26.0, site.u1 - 50.0, site.v1 - 13.0)
    plan.houses.append(House(long_house.corners, 13.8))
    plan.houses.append(House(Rect(site.u0 + 14.0, site.v1 - 54.0, site.u0 + 60.0, site.v1 - 42.0).corners, 13.8))
    plan.houses.append(House(Rect(site.u1 - 40.0, site.v1 - 52.0, site.u1 - 12.0, site.v1 - 14.0).corners, 11.5))
    pool = Rect(site.u1 - 38.0, site.v0 + 8.0, site.u1 - 24.0, site.v0 + 33.0)
    plan.ground.append((pool, LandCover.WATER))
    at = site.u0 + 5.0
    while at < site.u1 - 4.0:
        plan.trees.append(Tree(at, site.v0 + 4.0, 7.5, 2.8))
        at += 9.0
    at = site.v0 + 13.0
    while at < site.v1 - 8.0:
        plan.trees.append(Tree(site.u0 + 4.0, at, 8.0, 2.8))
        at += 9.0
