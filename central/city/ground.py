"""The level of the bare ground: from relief tiles where they cover the city, else from the feet of its buildings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from central.city import relief
from central.city.citygml import RawVolume, Tally
from central.city.gml_geometry import BrokenError
from central.city.grid import Grid
from central.city.layers import lonlat_box
from central.city.model import Outline
from central.city.projection import LocalFrame
from central.city.terrain import Float32s, ground_from_feet, ground_from_triangles

RELIEF_SHARE_MIN = 0.05
MARGIN_M = 100.0


@dataclass(frozen=True, slots=True)
class Ground:
    """(height, width) level [m], where it came from ("dem", "buildings", "flat") and the share that the relief covers."""

    dem: Float32s
    source: str
    relief_share: float = 0.0


def draw_ground(
    grid: Grid,
    frame: LocalFrame,
    volumes: Sequence[RawVolume],
    outlines: Sequence[Outline],
    *,
    reliefs: Sequence[Path],
    tally: Tally,
) -> Ground:
    """The ground under the city. Relief tiles are streamed: memory does not grow with their number.

    Raises:
        UserError: a relief tile cannot be read.
    """
    if reliefs:
        box = lonlat_box(grid, frame, MARGIN_M)
        batches = (
            relief.to_local(batch, frame) for path in reliefs for batch in relief.triangle_batches(path, tally, box)
        )
        dem, share = ground_from_triangles(grid, batches)
        if share > RELIEF_SHARE_MIN:
            return Ground(dem, "dem", share)
        missed = BrokenError("relief tiles that miss the raster", f"{100 * share:.1f} % of it are covered")
        tally.skip(reliefs[0].name, f"{len(reliefs)} tiles", missed)
    feet = [(index, volume.ground_m) for index, volume in enumerate(volumes) if volume.ground_m is not None]
    if not feet:
        return Ground(np.zeros(grid.shape, dtype=np.float32), "flat")
    shapes = np.array([outlines[index] for index, _ in feet], dtype=object)
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    elevations = np.array([level for _, level in feet], dtype=np.float64)
    return Ground(ground_from_feet(grid, centres[:, 0], centres[:, 1], elevations), "buildings")
