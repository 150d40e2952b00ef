"""The city as heights on a square grid."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Heights = npt.NDArray[np.float32]

SMALLEST_SIDE_CELLS = 2
LARGEST_HEIGHT_M = 9000.0
SUNKEN_CELL_LIMIT_M = 10.0
SUNKEN_NOISE_M = 1.0
SUNKEN_SHARE_LIMIT = 0.05


@dataclass(frozen=True, eq=False)
class Surface:
    """Heights of ground, buildings and trees. Row 0 is north, column 0 is west.

    Args:
        dsm: (rows, columns) height of ground and buildings above sea level [m], trees left out.
        dem: (rows, columns) height of the bare ground above sea level [m].
        cdsm: (rows, columns) height of the canopy's top above the ground [m], 0 where no tree stands.
        pixel_size_m: edge of a cell [m].
        lat: latitude of the grid's centre [deg, north positive].
        lon: longitude of the grid's centre [deg, east positive].
        altitude_m: height of the place above sea level [m]; the mean of the ground where left out.

    Raises:
        ValueError: an array is not of real numbers, is not two-dimensional, has another shape than ``dsm``, holds a
            value that is not finite or out of range; the ground lies above the surface; the canopy is negative; the
            place is not on Earth.
            The message names the array, the cell and the value. Surveys of surface and ground never agree to the
            decimetre: single cells of ``dsm`` a little below ``dem`` are taken as ground. Refused is a cell more than
            10 m below, or more than 5 % of all cells more than 1 m below (swapped arrays, another height datum).
    """

    dsm: Heights
    dem: Heights
    cdsm: Heights
    pixel_size_m: float
    lat: float
    lon: float
    altitude_m: float = field(default=float("nan"))

    def __post_init__(self) -> None:
        shape: tuple[int, ...] | None = None
        for name in ("dsm", "dem", "cdsm"):
            array = _checked_heights(name, getattr(self, name), shape)
            shape = array.shape
            object.__setattr__(self, name, array)
        _check_above_ground(self.dsm, self.dem)
        if (self.cdsm < 0).any():
            row, column = _first(self.cdsm < 0)
            raise ValueError(f"cdsm is negative at row {row}, column {column}: {self.cdsm[row, column]:g} m")
        for name, lowest, highest in (("pixel_size_m", 0.05, 1000.0), ("lat", -90.0, 90.0), ("lon", -180.0, 180.0)):
            value = float(getattr(self, name))
            if not lowest <= value <= highest:
                raise ValueError(f"{name} is {value:g}, must lie in {lowest:g} .. {highest:g}")
            object.__setattr__(self, name, value)
        altitude_m = float(self.altitude_m)
        object.__setattr__(self, "altitude_m", altitude_m if np.isfinite(altitude_m) else float(self.dem.mean()))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the grid."""
        rows, columns = self.dsm.shape
        return rows, columns


def _first(mask: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the first True."""
    row, column = np.unravel_index(int(np.argmax(mask)), mask.shape)
    return int(row), int(column)


def _check_above_ground(dsm: Heights, dem: Heights) -> None:
    """Refuse a surface that lies under the ground by more than surveys disagree."""
    depth = dem - dsm
    deepest = int(np.argmax(depth))
    row, column = (int(index) for index in np.unravel_index(deepest, depth.shape))
    sunken_share = float(np.mean(depth > SUNKEN_NOISE_M))
    if depth[row, column] <= SUNKEN_CELL_LIMIT_M and sunken_share <= SUNKEN_SHARE_LIMIT:
        return
    raise ValueError(
        f"dsm lies below dem: at row {row}, column {column} it is {dsm[row, column]:g} m under {dem[row, column]:g} m, "
        f"and {100 * sunken_share:.1f} % of the cells are more than {SUNKEN_NOISE_M:g} m below"
    )


def _checked_heights(name: str, values: Any, shape: tuple[int, ...] | None) -> Heights:
    """The array as contiguous read-only float32; see ``Surface`` for what is refused. ``shape`` is that of ``dsm``."""
    try:
        given = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers: {error}") from None
    if given.dtype.kind not in "biuf":  # text would be read as numbers, complex numbers lose a half
        raise ValueError(f"{name} is not an array of real numbers: its type is {given.dtype}")
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
        array = np.array(given, dtype=np.float32, order="C")
    if array.ndim != 2:
        raise ValueError(f"{name} has {array.ndim} dimensions, must have 2 (rows, columns)")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, dsm has {shape}: they must be equal")
    if min(array.shape) < SMALLEST_SIDE_CELLS:
        raise ValueError(f"{name} has shape {array.shape}, each side must have {SMALLEST_SIDE_CELLS} cells or more")
    wrong = ~(np.abs(array) <= LARGEST_HEIGHT_M)
    if wrong.any():
        row, column = _first(wrong)
        raise ValueError(
            f"{name} is {array[row, column]:g} m at row {row}, column {column}: must be a height within "
            f"+-{LARGEST_HEIGHT_M:g} m"
        )
    array.setflags(write=False)
    return array
