"""A plan of a downtown drawn from a seed: streets, blocks, lots, houses, trees.

Nothing is copied from a map. The plan follows how such towns are built: a railway with a station, a plaza on each
side, a few avenues, a stream with a promenade, lanes between them that end in T junctions, blocks two lots deep, high
houses round the station and low ones beyond, each with its gap to the neighbour and its garden to the south.

Plan metres: u along the railway towards east-south-east, v across it towards the north; the station is at (0, 0).
"""

import math
import random
from itertools import pairwise

from central.city.synthetic_lots import draw_blocks
from central.city.synthetic_shapes import (
    AVENUES_ACROSS,
    AVENUES_ALONG,
    RAIL,
    REACH_M,
    RESERVED,
    RIVER_V,
    STREAM,
    House,
    Plan,
    Rect,
)
from central.city.synthetic_sites import draw_lines, draw_sites


def draw_plan(seed: int) -> Plan:
    """The whole plan; the same seed gives the same plan on every machine."""
    chance = random.Random(seed)
    plan = Plan()
    draw_lines(plan, chance)
    for block in _superblocks():
        for piece in _carved(block):
            draw_blocks(plan, chance, piece)
    _raise_towers(plan, chance)
    draw_sites(plan, chance)
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
    for site in RESERVED:
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
