"""The built-in downtown: a believable middle of a Japanese town of 190,000, for a start with nothing but the repository."""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from central.city.crowns import draw_crowns
from central.city.grid import Grid, check_pixel_size, grid_over
from central.city.model import Building, City, HeightSource, ImportReport, LandCover
from central.city.projection import LocalFrame
from central.city.surface_raster import draw_buildings, ground_at
from central.city.synthetic_plan import draw_plan
from central.city.synthetic_shapes import RIVER_V, Plan, Rect, Tree
from central.heat.surface import Surface

Float64s = NDArray[np.float64]

CENTER_LAT, CENTER_LON = 36.1390, 139.3890
SIDE_M = 2000.0
TURN_DEG = 17.0
"""The railway runs west-north-west to east-south-east: so many degrees clockwise from east."""
BEND_M, BEND_LENGTH_M = 11.0, 1100.0
"""Old streets are not ruled lines: the plan is bent by this much over this length."""
GROUND_M = 27.0
LEVEE_M = 5.0


def synthetic_downtown(seed: int = 11202, *, pixel_size_m: float = 2.0) -> tuple[City, Surface]:
    """Two kilometres square round the station, drawn from a seed; 1000 x 1000 cells at 2 m.

    Raises:
        UserError: the pixel size is not 1, 2 or 4.
    """
    check_pixel_size(pixel_size_m)
    frame = LocalFrame(CENTER_LAT, CENTER_LON)
    half = SIDE_M / 2
    grid = grid_over((-half, -half, half, half), pixel_size_m)
    plan = draw_plan(seed)
    dem = _ground(grid)
    buildings = _buildings(grid, plan, dem)
    dsm, inside = draw_buildings(grid, buildings, dem)
    cover = _land_cover(grid, plan, inside)
    cdsm = _canopy(grid, plan.trees, inside | (cover == LandCover.WATER))
    city = City(
        name_ja="熊谷市（模擬市街地）",
        name_en="Kumagaya (synthetic downtown)",
        source="synthetic",
        frame=frame,
        grid=grid,
        buildings=buildings,
        land_cover=cover,
        attribution_ja="",
        attribution_en="",
        report=ImportReport(buildings=len(buildings), volumes=len(buildings), tiles=(f"seed {seed}",), terrain="drawn"),
    )
    return city, Surface(dsm, dem, cdsm, pixel_size_m=grid.pixel_size_m, lat=CENTER_LAT, lon=CENTER_LON)


def plan_to_local(u: Float64s, v: Float64s) -> tuple[Float64s, Float64s]:
    """Plan metres to local metres: bent a little, then turned."""
    wave = 2 * math.pi / BEND_LENGTH_M
    bent_u = u + BEND_M * np.sin(wave * v + 0.7)
    bent_v = v + BEND_M * np.sin(wave * u * 0.8) * np.clip(np.abs(v) / 300.0, 0.25, 1.0)
    turn = math.radians(TURN_DEG)
    return (
        bent_u * math.cos(turn) + bent_v * math.sin(turn),
        -bent_u * math.sin(turn) + bent_v * math.cos(turn),
    )


def _local_rings(rings: Sequence[Sequence[tuple[float, float]]]) -> list[Float64s]:
    """Rings of the plan to closed rings in local metres; one pass over all points, there are a hundred thousand."""
    points = np.array([point for ring in rings for point in (*ring, ring[0])], dtype=np.float64)
    local = np.column_stack(plan_to_local(points[:, 0], points[:, 1]))
    return np.split(local, np.cumsum([len(ring) + 1 for ring in rings])[:-1])


def _ring_of(rect: Rect) -> list[tuple[float, float]]:
    """Corners of a rectangle; long ones follow the bend with a point every 40 m."""
    steps = int(rect.width / 40.0)
    if steps < 1:
        return rect.corners
    along = [rect.u0 + rect.width * step / (steps + 1) for step in range(steps + 2)]
    return [(u, rect.v0) for u in along] + [(u, rect.v1) for u in reversed(along)]


def _ground(grid: Grid) -> NDArray[np.float32]:
    """An alluvial fan that falls gently to the east-south-east, and the levee of the river."""
    x, y = np.meshgrid(grid.column_x_m(), grid.row_y_m())
    turn = math.radians(TURN_DEG)
    u, v = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    level = GROUND_M - 0.0021 * u + 0.0009 * v + 0.35 * np.sin(x / 310.0) * np.cos(y / 270.0)
    levee = LEVEE_M * np.clip(1.0 - np.abs(v - (RIVER_V - 30.0)) / 22.0, 0.0, 0.65) / 0.65
    bed = 2.5 * np.clip((RIVER_V - 45.0 - v) / 60.0, 0.0, 1.0)
    return np.asarray(level + levee - bed, dtype=np.float32)


def _buildings(grid: Grid, plan: Plan, dem: NDArray[np.float32]) -> tuple[Building, ...]:
    rings = _local_rings([house.corners for house in plan.houses])
    kept = [
        index
        for index, ring in enumerate(rings)
        if np.abs(ring[:, 0]).max() < grid.x_east_m and np.abs(ring[:, 1]).max() < grid.y_north_m
    ]
    outlines = {index: shapely.Polygon(rings[index]) for index in kept}
    bases = ground_at(grid, [outlines[index] for index in kept], dem)
    return tuple(
        Building(f"syn-{number:05d}", outlines[index], plan.houses[index].height_m, float(base), HeightSource.SYNTHETIC)
        for number, (index, base) in enumerate(zip(kept, bases, strict=True), start=1)
    )


def _land_cover(grid: Grid, plan: Plan, inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """What the plan says, streets of asphalt between, roofs on top."""
    rings = _local_rings([_ring_of(rect) for rect, _ in plan.ground])
    drawn = rasterize(
        (
            ({"type": "Polygon", "coordinates": [ring.tolist()]}, int(cover))
            for ring, (_, cover) in zip(rings, plan.ground, strict=True)
            if np.abs(ring).min(axis=0).max() < grid.x_east_m
        ),
        out_shape=grid.shape,
        transform=grid.transform,
        fill=int(LandCover.ASPHALT),
        dtype="uint8",
    )
    cover = np.asarray(drawn, dtype=np.uint8)
    cover[inside] = LandCover.ROOF
    return cover


def _canopy(grid: Grid, trees: Sequence[Tree], barred: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Heights of the crowns above ground [m]; none where barred."""
    x, y = plan_to_local(np.array([tree.u for tree in trees]), np.array([tree.v for tree in trees]))
    canopy = np.zeros(grid.shape, dtype=np.float32)
    heights, radii = np.array([tree.height_m for tree in trees]), np.array([tree.radius_m for tree in trees])
    draw_crowns(canopy, grid, x, y, height_m=heights, radius_m=radii)
    canopy[barred] = 0.0
    return canopy
