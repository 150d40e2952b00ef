"""A plan of a downtown drawn from a seed: streets, blocks, lots, houses, trees.

Nothing is copied from a map. The plan follows how such towns are built: a railway with a station, a plaza on each
side, a few avenues, a stream with a promenade, lanes between them that end in T junctions, blocks two lots deep, high
houses round the station and low ones beyond, each with its gap to the neighbour and its garden to the south.

Plan metres: u along the railway towards east-south-east, v across it towards the north; the station is at (0, 0).
"""

import math
import random
from dataclasses import dataclass, field
from itertools import pairwise

from central.city.model import LandCover

REACH_M = 1320.0
"""Half the side of the plan: it covers a 2 km square however it is turned."""


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle of the plan [m]."""

    u0: float
    v0: float
    u1: float
    v1: float

    @property
    def width(self) -> float:
        return self.u1 - self.u0

    @property
    def depth(self) -> float:
        return self.v1 - self.v0

    @property
    def middle(self) -> tuple[float, float]:
        return (self.u0 + self.u1) / 2, (self.v0 + self.v1) / 2

    @property
    def area(self) -> float:
        return self.width * self.depth

    def inset(self, west: float, south: float, east: float, north: float) -> "Rect":
        return Rect(self.u0 + west, self.v0 + south, self.u1 - east, self.v1 - north)

    def holds(self, other: "Rect") -> bool:
        return self.u0 <= other.u0 and self.v0 <= other.v0 and self.u1 >= other.u1 and self.v1 >= other.v1

    def touches(self, other: "Rect") -> bool:
        return self.u0 < other.u1 and other.u0 < self.u1 and self.v0 < other.v1 and other.v0 < self.v1

    @property
    def corners(self) -> list[tuple[float, float]]:
        return [(self.u0, self.v0), (self.u1, self.v0), (self.u1, self.v1), (self.u0, self.v1)]


@dataclass(frozen=True, slots=True)
class House:
    """Corners in plan metres, counter-clockwise, and the height [m]."""

    corners: list[tuple[float, float]]
    height_m: float


@dataclass(frozen=True, slots=True)
class Tree:
    u: float
    v: float
    height_m: float
    radius_m: float


@dataclass(slots=True)
class Plan:
    """What is drawn, in the order of drawing: later ground covers earlier ground."""

    ground: list[tuple[Rect, LandCover]] = field(default_factory=list)
    houses: list[House] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)


RAIL = Rect(-REACH_M, -20.0, REACH_M, 14.0)
STREAM = Rect(-REACH_M, 330.0, REACH_M, 360.0)
NORTH_PLAZA = Rect(-72.0, 16.0, 86.0, 102.0)
SOUTH_PLAZA = Rect(-46.0, -78.0, 52.0, -22.0)
BUS_TERMINAL = Rect(-196.0, 20.0, -80.0, 102.0)
CITY_HALL = Rect(-330.0, 700.0, -200.0, 850.0)
CENTRAL_PARK = Rect(30.0, 690.0, 190.0, 820.0)
DEPARTMENT_STORE = Rect(-640.0, 498.0, -530.0, 586.0)
SCHOOL = Rect(-310.0, -580.0, -110.0, -430.0)
NORTH_SCHOOL = Rect(390.0, 700.0, 560.0, 840.0)
SOUTH_PARK = Rect(110.0, -300.0, 210.0, -215.0)
SHRINE = Rect(-560.0, 700.0, -460.0, 800.0)
STATION_STORE = Rect(92.0, 22.0, 182.0, 101.0)
CAR_PARK = Rect(-160.0, -172.0, -88.0, -116.0)
SUPERMARKET = Rect(400.0, -830.0, 540.0, -720.0)
HOSPITAL = Rect(420.0, 150.0, 540.0, 230.0)
RIVER_V = -900.0

# Middle line and width [m] of the streets that run through; between them lanes are cut at random.
AVENUES_ACROSS = [
    (-880.0, 10.0),
    (-640.0, 10.0),
    (-340.0, 18.0),
    (-85.0, 14.0),
    (108.5, 13.0),
    (480.0, 22.0),
    (664.0, 10.0),
    (886.0, 14.0),
    (1110.0, 8.0),
]
AVENUES_ALONG = [
    (-1000.0, 12.0),
    (-700.0, 16.0),
    (-380.0, 12.0),
    (0.0, 26.0),
    (335.0, 14.0),
    (650.0, 18.0),
    (1000.0, 12.0),
]
TREE_LINED_WIDTH_M = 14.0

_RESERVED = [
    NORTH_PLAZA, STATION_STORE, SOUTH_PLAZA, BUS_TERMINAL, CITY_HALL, CENTRAL_PARK, DEPARTMENT_STORE, SCHOOL, NORTH_SCHOOL,
    SOUTH_PARK, SHRINE, CAR_PARK, SUPERMARKET, HOSPITAL,
]  # fmt: skip


def draw_plan(seed: int) -> Plan:
    """The whole plan; the same seed gives the same plan on every machine."""
    chance = random.Random(seed)
    plan = Plan()
    _draw_lines(plan, chance)
    for block in _superblocks():
        for piece in _carved(block):
            _draw_blocks(plan, chance, piece)
    _raise_towers(plan, chance)
    _draw_sites(plan, chance)
    return plan


def _superblocks() -> list[Rect]:
    """What the through streets, the railway and the stream leave over."""
    rows: list[tuple[float, float]] = []
    barriers = sorted(
        [(v - width / 2, v + width / 2) for v, width in AVENUES_ACROSS]
        + [(RAIL.v0 - 5.0, RAIL.v1 + 5.0), (STREAM.v0, STREAM.v1), (-REACH_M - 1, RIVER_V), (REACH_M, REACH_M + 1)]
    )
    for (_, low), (high, _) in pairwise(barriers):
        if high - low > 15.0:
            rows.append((low, high))
    sides = [(-REACH_M, -REACH_M), *((u - width / 2, u + width / 2) for u, width in AVENUES_ALONG), (REACH_M, REACH_M)]
    columns = [(left[1], right[0]) for left, right in pairwise(sides)]
    return [Rect(u0, v0, u1, v1) for v0, v1 in rows for u0, u1 in columns]


def _carved(block: Rect) -> list[Rect]:
    """The block without the reserved sites in it, a lane left round each."""
    pieces = [block]
    for site in _RESERVED:
        lane = 6.0
        left: list[Rect] = []
        for piece in pieces:
            if not piece.touches(site):
                left.append(piece)
                continue
            left += [
                Rect(piece.u0, piece.v0, min(site.u0 - lane, piece.u1), piece.v1),
                Rect(max(site.u1 + lane, piece.u0), piece.v0, piece.u1, piece.v1),
                Rect(max(site.u0 - lane, piece.u0), piece.v0, min(site.u1 + lane, piece.u1), site.v0 - lane),
                Rect(max(site.u0 - lane, piece.u0), site.v1 + lane, min(site.u1 + lane, piece.u1), piece.v1),
            ]
        pieces = [piece for piece in left if piece.width > 10.0 and piece.depth > 10.0]
    return pieces


def _centrality(u: float, v: float) -> float:
    """1 at the station, 0 from 700 m; the town is longer along the railway and the old highway than across."""
    station = math.hypot(u * 0.85, (v - 90.0) if v > 90.0 else (v - 90.0) * 1.5)
    highway = 220.0 + abs(v - 480.0) * 3.5 + abs(u + 250.0) * 0.45
    return max(0.0, 1.0 - min(station, highway) / 700.0)


def _draw_blocks(plan: Plan, chance: random.Random, piece: Rect) -> None:
    """Cuts lanes until a block is two lots deep, then fills it."""
    centrality = _centrality(*piece.middle)
    long_max = 95.0 - 20.0 * centrality + chance.uniform(-10.0, 15.0)
    short_max = 40.0 + 22.0 * centrality + chance.uniform(-4.0, 6.0)
    long_side, short_side = max(piece.width, piece.depth), min(piece.width, piece.depth)
    if long_side > long_max or short_side > short_max:
        lane = chance.choice((4.0, 4.0, 5.0, 6.0)) if centrality < 0.45 else chance.choice((5.0, 6.0, 8.0))
        at = chance.uniform(0.42, 0.58)
        if piece.width >= piece.depth:
            cut = piece.u0 + piece.width * at
            halves = (
                Rect(piece.u0, piece.v0, cut - lane / 2, piece.v1),
                Rect(cut + lane / 2, piece.v0, piece.u1, piece.v1),
            )
        else:
            cut = piece.v0 + piece.depth * at
            halves = (
                Rect(piece.u0, piece.v0, piece.u1, cut - lane / 2),
                Rect(piece.u0, cut + lane / 2, piece.u1, piece.v1),
            )
        for half in halves:
            _draw_blocks(plan, chance, half)
        return
    if chance.random() < 0.018 and piece.area < 4000.0:
        _draw_park(plan, chance, piece, trees_per_m2=1 / 130)
        return
    for lot, sides in _lots(chance, piece, centrality):
        _draw_lot(plan, chance, lot, sides, _centrality(*lot.middle))


def _lots(chance: random.Random, block: Rect, centrality: float) -> list[tuple[Rect, str]]:
    """Lots of a block with the side ("n", "s", "e", "w") on which each meets its street."""
    along_u = block.width >= block.depth
    depth = block.depth if along_u else block.width
    length = block.width if along_u else block.depth
    rows = [(0.0, 1.0, "s" if along_u else "w")]
    if depth > 20.0 + 14.0 * centrality:
        middle = chance.uniform(0.44, 0.56)
        rows = [(0.0, middle, "s" if along_u else "w"), (middle, 1.0, "n" if along_u else "e")]
    lots = []
    for low, high, side in rows:
        at = 0.0
        while at < length:
            typical = chance.uniform(9.0, 15.0) + centrality * chance.uniform(2.0, 20.0)
            end = length if length - at < typical * 1.6 else at + typical
            if along_u:
                lot = Rect(block.u0 + at, block.v0 + depth * low, block.u0 + end, block.v0 + depth * high)
            else:
                lot = Rect(block.u0 + depth * low, block.v0 + at, block.u0 + depth * high, block.v0 + end)
            lots.append((lot, side))
            at = end
    return lots


def _draw_lot(plan: Plan, chance: random.Random, lot: Rect, side: str, centrality: float) -> None:
    if lot.width < 5.0 or lot.depth < 5.0:
        plan.ground.append((lot, LandCover.ASPHALT))
        return
    luck = chance.random()
    # Coin parking fills gaps downtown; further out it is empty plots and kitchen gardens.
    if luck < 0.07 + 0.06 * centrality:
        plan.ground.append((lot, LandCover.ASPHALT))
        return
    if luck < 0.13 and centrality < 0.3:
        plan.ground.append((lot, chance.choice((LandCover.GRASS, LandCover.BARE_SOIL, LandCover.BARE_SOIL))))
        return
    if centrality > 0.42:
        _draw_shop(plan, chance, lot, side, centrality)
    elif chance.random() < 0.09 + 0.25 * centrality and lot.area > 190.0:
        _draw_flats(plan, chance, lot, side)
    else:
        _draw_home(plan, chance, lot, side)


def _draw_shop(plan: Plan, chance: random.Random, lot: Rect, side: str, centrality: float) -> None:
    plan.ground.append((lot, LandCover.ASPHALT))
    gap = chance.uniform(0.3, 0.8)
    back = chance.uniform(0.8, 1.0 + 6.0 * (1.0 - centrality))
    house = _facing(lot, side, front=chance.uniform(0.3, 1.2), back=back, gap=gap)
    if house.width < 4.0 or house.depth < 4.0:
        return
    storeys = 2 + chance.random() ** 1.2 * (1.5 + 8.0 * centrality**1.5) * min(1.4, math.sqrt(lot.area) / 18.0)
    plan.houses.append(House(_shape(chance, house, 0.2), _height(chance, round(storeys), 3.5)))


def _draw_flats(plan: Plan, chance: random.Random, lot: Rect, side: str) -> None:
    plan.ground.append((lot, LandCover.ASPHALT))
    house = _facing(
        lot, side, front=chance.uniform(1.0, 5.0), back=chance.uniform(1.0, 2.5), gap=chance.uniform(0.9, 1.8)
    )
    if house.width > 5.0 and house.depth > 5.0:
        plan.houses.append(House(house.corners, _height(chance, chance.choice((2, 3, 3, 4, 5)), 3.1)))


def _draw_home(plan: Plan, chance: random.Random, lot: Rect, side: str) -> None:
    yard = chance.choice(
        (LandCover.BARE_SOIL, LandCover.BARE_SOIL, LandCover.GRASS, LandCover.ASPHALT, LandCover.COBBLE)
    )
    plan.ground.append((lot, yard))
    # A house leaves the sun its south side, wherever the street is.
    sunny = chance.uniform(2.0, 4.5)
    gap = chance.uniform(0.7, 1.6)
    house = lot.inset(gap, sunny, chance.uniform(0.7, 1.6), chance.uniform(0.7, 1.4))
    if side == "w":
        house = house.inset(chance.uniform(0.5, 3.0), 0.0, 0.0, 0.0)
    elif side == "e":
        house = house.inset(0.0, 0.0, chance.uniform(0.5, 3.0), 0.0)
    elif side == "n":
        house = house.inset(0.0, 0.0, 0.0, chance.uniform(0.3, 1.5))
    if house.width > 13.0:
        house = house.inset(0.0, 0.0, house.width - chance.uniform(9.0, 13.0), 0.0)
    if house.depth > 11.5:
        house = house.inset(0.0, house.depth - chance.uniform(8.0, 11.5), 0.0, 0.0)
    if house.width < 4.0 or house.depth < 4.0:
        return
    storeys = chance.choice((1, 2, 2, 2, 2, 2, 2, 3))
    plan.houses.append(House(_shape(chance, house, 0.45), _height(chance, storeys, 2.9) + chance.uniform(0.6, 1.8)))
    if yard is not LandCover.ASPHALT and chance.random() < 0.6:
        plan.trees.append(
            Tree(
                chance.uniform(lot.u0 + 1.2, lot.u1 - 1.2),
                lot.v0 + sunny * 0.45,
                chance.uniform(2.5, 5.0),
                chance.uniform(1.1, 2.1),
            )
        )


def _facing(lot: Rect, side: str, front: float, back: float, gap: float) -> Rect:
    """The lot less its margins, `front` towards the street on `side`."""
    return {
        "s": lot.inset(gap, front, gap, back),
        "n": lot.inset(gap, back, gap, front),
        "w": lot.inset(front, gap, back, gap),
        "e": lot.inset(back, gap, front, gap),
    }[side]


def _shape(chance: random.Random, rect: Rect, angled_share: float) -> list[tuple[float, float]]:
    """The rectangle, or with `angled_share` probability an L: one corner left out."""
    if chance.random() > angled_share or min(rect.width, rect.depth) < 6.0:
        return rect.corners
    du, dv = rect.width * chance.uniform(0.25, 0.5), rect.depth * chance.uniform(0.25, 0.5)
    u0, v0, u1, v1 = rect.u0, rect.v0, rect.u1, rect.v1
    return [
        [(u0 + du, v0), (u1, v0), (u1, v1), (u0, v1), (u0, v0 + dv), (u0 + du, v0 + dv)],
        [(u0, v0), (u1 - du, v0), (u1 - du, v0 + dv), (u1, v0 + dv), (u1, v1), (u0, v1)],
        [(u0, v0), (u1, v0), (u1, v1 - dv), (u1 - du, v1 - dv), (u1 - du, v1), (u0, v1)],
        [(u0, v0), (u1, v0), (u1, v1), (u0 + du, v1), (u0 + du, v1 - dv), (u0, v1 - dv)],
    ][chance.randrange(4)]


def _height(chance: random.Random, storeys: int, storey_m: float) -> float:
    return round(storeys * storey_m + chance.uniform(0.2, 1.4), 1)


def _raise_towers(plan: Plan, chance: random.Random) -> None:
    """Six of the larger houses near the station become towers of flats and hotels."""
    near = [
        index
        for index, house in enumerate(plan.houses)
        if house.height_m < 40.0 and len(house.corners) == 4 and _is_tower_site(house)
    ]
    chosen: list[int] = []
    for index in chance.sample(near, len(near)):
        u, v = plan.houses[index].corners[0]
        if all(
            math.hypot(u - plan.houses[other].corners[0][0], v - plan.houses[other].corners[0][1]) > 90.0
            for other in chosen
        ):
            chosen.append(index)
        if len(chosen) == 6:
            break
    for index in chosen:
        plan.houses[index] = House(plan.houses[index].corners, round(chance.uniform(40.0, 60.0), 1))


def _is_tower_site(house: House) -> bool:
    (u0, v0), _, (u1, v1), _ = house.corners
    return math.hypot(u0, v0 - 60.0) < 380.0 and 280.0 < (u1 - u0) * (v1 - v0) < 1100.0


def _draw_lines(plan: Plan, chance: random.Random) -> None:
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


def _draw_park(plan: Plan, chance: random.Random, site: Rect, trees_per_m2: float) -> None:
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


def _draw_sites(plan: Plan, chance: random.Random) -> None:
    """The places that everyone in such a town knows."""
    _draw_station(plan, chance)
    _draw_park(plan, chance, CENTRAL_PARK, trees_per_m2=1 / 95)
    plan.trees.append(Tree(76.0, 790.0, 12.0, 4.6))  # the old camphor tree under which the park's station stands
    plan.ground.append((Rect(140.0, 775.0, 175.0, 805.0), LandCover.WATER))
    _draw_park(plan, chance, SOUTH_PARK, trees_per_m2=1 / 110)
    _draw_park(plan, chance, SHRINE, trees_per_m2=1 / 38)
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
