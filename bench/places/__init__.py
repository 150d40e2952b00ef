"""Places built from a seed, none of them in any reference: what the heat simulation is held against SOLWEIG on.

Crowns are 2 m and taller: those that begin less than a metre above the ground are bushes, for SOLWEIG and for us.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from central.heat.surface import Surface

LAT, LON = 36.139, 139.389
Array = npt.NDArray[np.float32]


def low_rise(*, trees: bool) -> Surface:
    """Houses of 6 to 10 m on lots of 10 to 14 m, lanes of 4 m, streets of 8 m; 2 m cells."""
    rng = np.random.default_rng(11)
    dem = np.full((200, 200), 24.0, dtype=np.float32)
    height, crowns = np.zeros_like(dem), np.zeros_like(dem)
    row = 2
    while row < 190:
        column = 2
        depth = int(rng.integers(5, 8))
        while column < 190:
            width = int(rng.integers(4, 8))
            if rng.random() < 0.88:
                height[row : row + depth - 1, column : column + width - 1] = rng.uniform(5.5, 10.0)
            elif rng.random() < 0.6:
                crowns[row + 1 : row + 3, column + 1 : column + 4] = rng.uniform(2.0, 8.0)
            column += width if rng.random() < 0.9 else width + 4
        row += depth + (1 if rng.random() < 0.5 else 4)
    crowns[height > 0.0] = 0.0
    return Surface(dem + height, dem, crowns if trees else np.zeros_like(dem), 2.0, LAT, LON)


def towers() -> Surface:
    """Towers of 25 to 90 m on podiums round an open plaza with groups of trees; 2 m cells."""
    rng = np.random.default_rng(12)
    dem = np.full((200, 200), 24.0, dtype=np.float32)
    height, crowns = np.zeros_like(dem), np.zeros_like(dem)
    for row in range(6, 180, 34):
        for column in range(6, 180, 34):
            if 60 < row < 130 and 60 < column < 130:
                continue
            top = rng.uniform(25.0, 90.0)
            height[row : row + 24, column : column + 24] = rng.uniform(5.0, 9.0)
            inset = rng.integers(3, 8, size=2)
            height[row + inset[0] : row + 20, column + inset[1] : column + 20] = top
    _plant(rng, crowns, 60, (74, 74, 126, 126), (5.0, 14.0))
    _plant(rng, crowns, 60, (2, 2, 196, 196), (2.0, 9.0))
    crowns[height > 0.0] = 0.0
    return Surface(dem + height, dem, crowns, 2.0, LAT, LON)


def slope() -> Surface:
    """Houses and gardens on a hillside that falls by 8 % to the south-west and waves; 1 m cells."""
    rng = np.random.default_rng(13)
    rows, columns = np.mgrid[0:220, 0:220].astype(np.float32)
    dem = 40.0 + 0.06 * (220.0 - rows) + 0.05 * columns + 1.5 * np.sin(rows / 31.0) * np.cos(columns / 23.0)
    dem = dem.astype(np.float32)
    dsm, crowns = dem.copy(), np.zeros_like(dem)
    for row in range(8, 205, 24):
        for column in range(6, 205, 22):
            if rng.random() < 0.2:
                continue
            y, x = row + int(rng.integers(0, 6)), column + int(rng.integers(0, 5))
            depth, width = (int(v) for v in rng.integers(8, 14, size=2))
            place = np.s_[y : y + depth, x : x + width]
            dsm[place] = dem[place].max() + rng.uniform(5.0, 9.0)
    _plant(rng, crowns, 120, (2, 2, 214, 214), (2.0, 9.0))
    crowns[dsm > dem] = 0.0
    return Surface(dsm, dem, crowns, 1.0, LAT, LON)


def avenue() -> Surface:
    """A street 24 m wide between houses of 18 to 30 m, running north-north-east, with two rows of trees; 1 m cells."""
    rng = np.random.default_rng(14)
    dem = np.full((220, 220), 24.0, dtype=np.float32)
    height, crowns = np.zeros_like(dem), np.zeros_like(dem)
    rows, columns = np.mgrid[0:220, 0:220].astype(np.float32)
    along = (rows - 110.0) * math.cos(0.35) + (columns - 110.0) * math.sin(0.35)
    across = -(rows - 110.0) * math.sin(0.35) + (columns - 110.0) * math.cos(0.35)
    for begin in range(-160, 160, 20):
        for side in (-1.0, 1.0):
            if rng.random() < 0.12:
                continue
            near = 12.0 + rng.uniform(0.0, 2.0)
            house = (along >= begin) & (along < begin + 19) & (side * across >= near) & (side * across < near + 22)
            height[house] = rng.uniform(18.0, 30.0)
    for begin in range(-150, 150, 9):
        for side in (-8.0, 8.0):
            if rng.random() < 0.15:
                continue
            radius = rng.uniform(2.0, 3.5)
            crown = (along - begin) ** 2 + (across - side) ** 2 <= radius**2
            crowns[crown] = rng.uniform(6.0, 10.0)
    crowns[height > 0.0] = 0.0
    return Surface(dem + height, dem, crowns, 1.0, LAT, LON)


def small() -> Surface:
    """A corner of everything on a slope of 3 %: houses, a tower, a court, trees; 60 x 64 cells of 2 m, no place far from a wall."""
    rng = np.random.default_rng(15)
    rows, columns = np.mgrid[0:60, 0:64].astype(np.float32)
    dem = (30.0 + 0.06 * (60.0 - rows) + 0.02 * columns).astype(np.float32)
    dsm, crowns = dem.copy(), np.zeros_like(dem)
    for row in range(2, 54, 11):
        for column in range(2, 58, 10):
            depth, width = (int(v) for v in rng.integers(4, 8, size=2))
            place = np.s_[row : row + depth, column : column + width]
            dsm[place] = dem[place].max() + (rng.uniform(30.0, 45.0) if rng.random() < 0.12 else rng.uniform(5.0, 14.0))
    _plant(rng, crowns, 14, (2, 2, 56, 60), (4.5, 9.0))
    crowns[dsm > dem] = 0.0
    cm = 100.0
    return Surface(np.rint(dsm * cm) / cm, np.rint(dem * cm) / cm, np.rint(crowns * cm) / cm, 2.0, LAT, LON)


def _plant(
    rng: np.random.Generator, crowns: Array, count: int, box: tuple[int, int, int, int], tall_m: tuple[float, float]
) -> None:
    """Round crowns of 2 to 4 cells radius within a box of rows and columns."""
    rows, columns = np.mgrid[0 : crowns.shape[0], 0 : crowns.shape[1]]
    for _ in range(count):
        row, column = rng.integers(box[0], box[2]), rng.integers(box[1], box[3])
        radius = rng.uniform(1.5, 4.0)
        crowns[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = rng.uniform(*tall_m)


CASES: dict[str, Callable[[], Surface]] = {
    "low-rise": lambda: low_rise(trees=True),
    "low-rise bare": lambda: low_rise(trees=False),
    "towers": towers,
    "slope": slope,
    "avenue": avenue,
    "small": small,
}
