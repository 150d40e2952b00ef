"""What the services know, in the shape that `docs/api.md` promises: pure."""

from typing import Any, Final

from central.city.model import City
from central.simulation.forcing import STALE_AFTER_MIN_S
from central.simulation.frames import LAYERS
from central.simulation.library import meta_of
from central.simulation.stations import StationReport, StationsNow
from central.store.door import Frame
from central.web.moments import iso
from contract.quantities import Flag

FRAMES_PATH: Final = "/v1/heat/frames"


def stations_view(now: StationsNow, *, only: frozenset[str] | None = None) -> dict[str, Any]:
    """`only`: ids to show, None for all."""
    reports = [report for report in now.reports if only is None or report.station.id in only]
    return {
        "now": iso(now.at_ms),
        "stale_after_s": max((report.stale_after_s for report in now.reports), default=STALE_AFTER_MIN_S),
        "stations": [station_view(report) for report in reports],
    }


def station_view(report: StationReport) -> dict[str, Any]:
    station, last = report.station, report.last
    return {
        "id": station.id,
        "name_ja": station.name_ja,
        "name_en": station.name_en,
        "lat": station.lat,
        "lon": station.lon,
        "gateway": station.gateway,
        "profile": station.profile,
        "surface": station.surface or None,
        "last": None
        if last is None
        else {
            "at": iso(last.at_ms),
            "age_s": round(report.age_s or 0.0, 1),
            "stale": report.is_stale,
            "values": {
                quantity: {"value": value, "flag": last.flags.get(quantity, Flag.OK).value}
                for quantity, value in last.values.items()
            },
        },
        "wbgt_degc": report.wbgt_degc,
        "wbgt_band": report.wbgt_band,
    }


def frame_age_s(frame: Frame, now_ms: int, speed: float) -> float:
    """Real seconds between now and the moment the frame shows; a frame of the future (a clock was set) is no fresher."""
    return abs(now_ms - frame.at_ms) / 1000.0 / speed


def frame_view(frame: Frame, *, now_ms: int, speed: float) -> dict[str, Any]:
    meta = meta_of(frame)
    return {
        "id": frame.id,
        "at": iso(frame.at_ms),
        "computed_at": iso(frame.computed_at_ms),
        "stale": frame_age_s(frame, now_ms, speed) > STALE_AFTER_MIN_S,
        "weather": meta.weather,
        "assumed": meta.assumed,
        "stations_used": meta.stations_used,
        "step_ms": meta.step_ms,
        "corners": meta.corners,
        "bounds": meta.bounds,
        "width": meta.width,
        "height": meta.height,
        "pixel_size_m": meta.pixel_size_m,
        "layers": {
            name: {
                "title_ja": LAYERS[name].title_ja,
                "title_en": LAYERS[name].title_en,
                "unit": LAYERS[name].unit,
                "png": f"{FRAMES_PATH}/{frame.id}/{name}.png",
                "tif": f"{FRAMES_PATH}/{frame.id}/{name}.tif",
                "offset": layer.offset,
                "step": layer.step,
                "min": layer.minimum,
                "mean": layer.mean,
                "max": layer.maximum,
            }
            for name, layer in meta.layers.items()
            if name in LAYERS
        },
        "band_share": meta.band_share,
    }


def city_view(city: City, *, now_ms: int, speed: float, simulated_weather: bool) -> dict[str, Any]:
    lat, lon = city.center
    return {
        "name_ja": city.name_ja,
        "name_en": city.name_en,
        "center": {"lat": round(lat, 7), "lon": round(lon, 7)},
        "bounds": {side: round(degrees, 7) for side, degrees in city.bounds.items()},
        "source": city.source,
        "attribution_ja": city.attribution_ja,
        "attribution_en": city.attribution_en,
        "buildings": "/v1/city/buildings.geojson",
        "building_count": len(city.buildings),
        "building_height_estimated_count": city.height_estimated_count,
        "simulated_weather": simulated_weather,
        "clock": {"now": iso(now_ms), "speed": speed},
    }
