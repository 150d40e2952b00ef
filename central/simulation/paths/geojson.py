"""Walks as GeoJSON."""

from typing import Any

import numpy as np

from central.heat.paths import Exposure
from central.heat.paths.exposure import WALKING_SPEED_MS
from central.simulation.bands import BANDS
from central.simulation.paths.cool import DOSE_FROM_DEGC, End, Paths
from central.simulation.rounding import rounded


def paths_geojson(found: Paths, *, frame_id: str, at: str | None, max_detour: float) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (RFC 7946) as an object: the walks, shortest first. `at`: None where nobody knows the frame's moment."""
    return {
        "type": "FeatureCollection",
        "frame": frame_id,
        "at": at,
        "index": found.index,
        "max_detour": max_detour,
        "dose_from_degc": DOSE_FROM_DEGC[found.index],
        "walking_speed_ms": WALKING_SPEED_MS,
        "network": found.network,
        "attribution": found.attribution,
        "city_attribution": found.city_attribution,
        "from": _end_dict(found.start),
        "to": _end_dict(found.goal),
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": [list(point) for point in path.line]},
                "properties": {"kinds": list(path.kinds), **_numbers(path.exposure)},
            }
            for path in found.paths
        ],
    }


def _numbers(exposure: Exposure) -> dict[str, Any]:
    has_utci = np.isfinite(exposure.mean_utci_degc)
    return {
        "length_m": round(exposure.length_m, 1),
        "duration_s": round(exposure.duration_s),
        "shade_pct": round(exposure.shade_pct, 1),
        "mean_utci_degc": rounded(exposure.mean_utci_degc, 2) if has_utci else None,
        "max_utci_degc": rounded(exposure.max_utci_degc, 2) if has_utci else None,
        "mean_wbgt_degc": rounded(exposure.mean_wbgt_degc, 2),
        "max_wbgt_degc": rounded(exposure.max_wbgt_degc, 2),
        "utci_dose_degc_min": round(exposure.utci_dose_degc_min, 2) if has_utci else None,
        "wbgt_dose_degc_min": round(exposure.wbgt_dose_degc_min, 2),
        "utci_minutes": _named("utci", exposure.utci_minutes) if has_utci else None,
        "wbgt_minutes": _named("wbgt", exposure.wbgt_minutes),
    }


def _named(layer: str, minutes: tuple[float, ...]) -> dict[str, float]:
    return {band.id: round(spent, 2) for band, spent in zip(BANDS[layer], minutes, strict=True)}


def _end_dict(end: End) -> dict[str, float]:
    return {"lat": end.lat, "lon": end.lon, "snapped_m": end.snapped_m}
