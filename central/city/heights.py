"""A height for every building, the best that is known of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from central.city.citygml import RawVolume
from central.city.model import HeightSource

STOREY_HEIGHT_M = 3.0
"""Storey to storey in Japanese housing; PLATEAU's own unknown buildings are drawn with one such storey."""
AREA_CLASSES_M2 = (25.0, 60.0, 150.0, 500.0, 2000.0)
"""Sheds, small houses, houses, shops and flats, blocks, halls: like footprints have like heights."""
NEIGHBOURS = 15
NEIGHBOURS_MIN = 3
NEIGHBOUR_DISTANCE_MAX_M = 500.0
FALLBACK_HEIGHT_M = 6.0
"""Two storeys, where a city has no known height at all."""


def resolve_heights(
    volumes: Sequence[RawVolume], areas_m2: NDArray[np.float64], centres_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[HeightSource]]:
    """Heights above ground [m] and where each came from.

    Stated height, else the z extent of the solid, else storeys x 3 m, else the median of the 15 nearest buildings of
    like footprint within 500 m whose height is known (of the whole city where they are fewer than 3).

    Args:
        volumes: n buildings as read.
        areas_m2: (n,) footprint areas.
        centres_m: (n, 2) x, y of their centres.
    """
    heights = np.full(len(volumes), np.nan)
    sources = [HeightSource.NEIGHBOURS] * len(volumes)
    for index, volume in enumerate(volumes):
        if volume.measured_height_m is not None:
            heights[index], sources[index] = volume.measured_height_m, HeightSource.MEASURED
        elif volume.solid_height_m is not None:
            heights[index], sources[index] = volume.solid_height_m, HeightSource.SOLID
        elif volume.storeys is not None:
            heights[index], sources[index] = volume.storeys * STOREY_HEIGHT_M, HeightSource.STOREYS
    unknown = np.isnan(heights)
    if unknown.any():
        # Counted storeys are an estimate themselves: they teach the neighbours only where nothing was measured.
        measured = np.array([source in {HeightSource.MEASURED, HeightSource.SOLID} for source in sources], dtype=bool)
        teachers = measured if measured.any() else ~unknown
        heights[unknown] = _from_neighbours(
            heights, teachers, unknown, np.digitize(areas_m2, AREA_CLASSES_M2), centres_m
        )
    return heights, sources


def _from_neighbours(
    heights: NDArray[np.float64],
    teachers: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    classes: NDArray[np.intp],
    centres_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    city_median = float(np.median(heights[teachers])) if teachers.any() else FALLBACK_HEIGHT_M
    estimates = np.full(len(heights), city_median)
    for size in np.unique(classes[unknown]):
        asked = unknown & (classes == size)
        known = np.flatnonzero(teachers & (classes == size))
        if len(known) < NEIGHBOURS_MIN:
            continue
        distance, nearest = cKDTree(centres_m[known]).query(
            centres_m[asked], k=min(NEIGHBOURS, len(known)), distance_upper_bound=NEIGHBOUR_DISTANCE_MAX_M
        )
        found = np.isfinite(distance)
        values = np.where(found, heights[known][np.minimum(nearest, len(known) - 1)], np.nan)
        values[found.sum(axis=1) < NEIGHBOURS_MIN] = np.median(heights[known])
        estimates[asked] = np.nanmedian(values, axis=1)
    return estimates[unknown]
