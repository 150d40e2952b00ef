"""Blocks cut by lanes, blocks cut into lots, and on each lot a shop, flats, a home, or a gap.

A lot's house follows its place: high and wall to wall near the station, low and with a garden to the south further out.
"""

import math
import random

from central.city.model import LandCover
from central.city.synthetic_shapes import House, Plan, Rect, Tree
from central.city.synthetic_sites import draw_park


def _centrality(u: float, v: float) -> float:
    """1 at the station, 0 from 700 m; the town is longer along the railway and the old highway than across."""
    station = math.hypot(u * 0.85, (v - 90.0) if v > 90.0 else (v - 90.0) * 1.5)
    highway = 220.0 + abs(v - 480.0) * 3.5 + abs(u + 250.0) * 0.45
    return max(0.0, 1.0 - min(station, highway) / 700.0)


def draw_blocks(plan: Plan, chance: random.Random, piece: Rect) -> None:
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
            draw_blocks(plan, chance, half)
        return
    if chance.random() < 0.018 and piece.area < 4000.0:
        draw_park(plan, chance, piece, trees_per_m2=1 / 130)
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
