"""/v1/heat/forecast and /v1/heat/exceedance: the rest of the day, and how long it is hot."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from central.simulation.areas.exceedance import Exceedance, ExceedanceMaps, Part
from central.simulation.areas.hours import LIMITS_DEGC, MS_PER_HOUR
from central.simulation.forecast.shelf import Forecast, ForecastHour
from central.simulation.forecast.skill import Skill
from central.simulation.frames import LAYERS, Layer
from central.simulation.geotiff import encode_geotiff
from central.simulation.png import encode_gray
from central.web import schemas, schemas_forecast
from central.web.heat_at import HeatAt
from central.web.moments import iso
from central.web.problems import NO_FRAME_YET, UNKNOWN_FRAME, UNKNOWN_LAYER, ProblemError
from central.web.replies import IMMUTABLE, NO_CACHE, json_reply, not_modified
from central.web.services import Services

STALE_AFTER_MS: Final = 2 * MS_PER_HOUR
PATH: Final = "/v1/heat/forecast"
EXCEEDANCE_PATH: Final = "/v1/heat/exceedance"
TIFF: Final = "image/tiff"


def router(services: Services, heat: HeatAt, maps: ExceedanceMaps) -> APIRouter:
    routes = APIRouter()
    shelf = services.simulation.outlook.shelf

    def hour_named(name: str) -> ForecastHour:
        forecast = heat.forecast()
        hour = next((one for one in forecast.hours if one.id == name), None) if forecast is not None else None
        if hour is None:
            raise ProblemError(UNKNOWN_FRAME, f"no hour {name[:40]!r} in the forecast", field="frame")
        return hour

    def counted(part: str, limit: str) -> tuple[Exceedance, Layer]:
        heat.latest_frame()
        found = maps.now()
        if found is None:
            raise ProblemError(NO_FRAME_YET, "no frame of today has been counted yet", retry_after_s=2)
        for (one_part, one_limit), layer in found.layers.items():
            if (one_part.value, str(one_limit)) == (part, limit):
                return found, layer
        known = ", ".join(f"{one_part.value}/{one_limit}" for one_part, one_limit in found.layers)
        raise ProblemError(UNKNOWN_LAYER, f"no layer {f'{part}/{limit}'[:40]!r}; layers: {known}", field="layer")

    def geotiff(layer: Layer, at_ms: int, name: str, cache: str) -> Response:
        city = services.city()
        return Response(
            encode_geotiff(layer, city.grid, city.frame, at=iso(at_ms), credit=city.attribution_en),
            media_type=TIFF,
            headers={"Cache-Control": cache, "Content-Disposition": f'attachment; filename="{name}.tif"'},
        )

    @routes.get(
        "/forecast",
        summary="The heat of today's remaining hours",
        response_model=schemas_forecast.Forecast,
    )
    def forecast(request: Request) -> Response:
        return json_reply(request, forecast_view(heat.forecast(), services.clock.unix_ms()))

    @routes.get(
        "/forecast/skill",
        summary="How good past forecasts were, against persistence",
        response_model=schemas_forecast.ForecastSkill,
    )
    def skill(request: Request) -> Response:
        return json_reply(request, skill_view(shelf.skill()))

    @routes.get(
        "/forecast/{frame}/{layer}.png",
        summary="A layer of a forecast hour as an 8-bit gray PNG",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, **schemas.problems(404)},
    )
    def hour_png(request: Request, frame: str, layer: str) -> Response:
        etag = f'"{frame}-{layer}"'
        path = shelf.png_path(frame, layer)
        try:
            data = path.read_bytes() if path is not None else None
        except FileNotFoundError:
            data = None
        if data is None:
            heat.of_hour(hour_named(frame)).layer(layer)
            raise ProblemError(UNKNOWN_FRAME, f"the picture of hour {frame[:40]!r} is gone", field="frame")
        headers = {"Cache-Control": IMMUTABLE, "ETag": etag}
        if not_modified(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type="image/png", headers=headers)

    @routes.get(
        "/forecast/{frame}/{layer}.tif",
        summary="A layer of a forecast hour as a float32 GeoTIFF",
        response_class=Response,
        responses={200: {"content": {TIFF: {}}}, **schemas.problems(404, 503)},
    )
    def hour_tif(frame: str, layer: str) -> Response:
        hour = hour_named(frame)
        return geotiff(heat.of_hour(hour).layer(layer), hour.valid_ms, f"{hour.id}_{layer}", IMMUTABLE)

    @routes.get(
        "/exceedance",
        summary="How many hours of today each place is at and above WBGT 28 and 31",
        response_model=schemas_forecast.Exceedance,
    )
    def exceedance_about(request: Request) -> Response:
        return json_reply(request, exceedance_view(maps.now() if services.latest_frame() is not None else None))

    @routes.get(
        "/exceedance/{part}/{limit}.png",
        summary="Hours as an 8-bit gray PNG",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, **schemas.problems(404)},
    )
    def exceedance_png(request: Request, part: str, limit: str) -> Response:
        found, layer = counted(part, limit)
        headers = {"Cache-Control": NO_CACHE, "ETag": f'"{found.name}-{part}-{limit}"'}
        if not_modified(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(encode_gray(layer.level), media_type="image/png", headers=headers)

    @routes.get(
        "/exceedance/{part}/{limit}.tif",
        summary="Hours as a float32 GeoTIFF",
        response_class=Response,
        responses={200: {"content": {TIFF: {}}}, **schemas.problems(404, 503)},
    )
    def exceedance_tif(part: str, limit: str) -> Response:
        found, layer = counted(part, limit)
        return geotiff(layer, found.counted_ms, f"hours_above_{limit}_{part}", NO_CACHE)

    return routes


def forecast_view(forecast: Forecast | None, now_ms: int) -> dict[str, Any]:
    if forecast is None:
        return {"issued_at": None, "stale": True, "history_days": 0.0, "supplied": None, "hours": []}
    return {
        "issued_at": iso(forecast.issued_ms),
        "stale": abs(now_ms - forecast.issued_ms) > STALE_AFTER_MS,
        "history_days": forecast.history_days,
        "supplied": forecast.supplied,
        "hours": [
            {
                "id": hour.id,
                "at": iso(hour.valid_ms),
                "lead_h": round((hour.valid_ms - forecast.issued_ms) / MS_PER_HOUR, 2),
                "source": hour.source,
                "weather": hour.meta.weather,
                "band_share": hour.meta.band_share,
                "layers": {
                    name: {
                        "title_ja": LAYERS[name].title_ja,
                        "title_en": LAYERS[name].title_en,
                        "unit": LAYERS[name].unit,
                        "png": f"{PATH}/{hour.id}/{name}.png",
                        "tif": f"{PATH}/{hour.id}/{name}.tif",
                        "offset": layer.offset,
                        "step": layer.step,
                        "min": layer.minimum,
                        "mean": layer.mean,
                        "max": layer.maximum,
                    }
                    for name, layer in hour.meta.layers.items()
                    if name in LAYERS
                },
            }
            for hour in forecast.hours
        ],
    }


def skill_view(skill: Skill) -> dict[str, Any]:
    return {
        "since": None if skill.since_ms is None else iso(skill.since_ms),
        "leads": [
            {
                "lead_h": lead_h,
                "quantities": {
                    name: {
                        "count": tally.count,
                        "forecast_mae": round(tally.forecast / tally.count, 3),
                        "persistence_mae": round(tally.persistence / tally.count, 3),
                    }
                    for name, tally in tallies.items()
                },
            }
            for lead_h, tallies in sorted(skill.tallies.items())
        ],
    }


def exceedance_view(found: Exceedance | None) -> dict[str, Any]:
    if found is None:
        moments = ("begins_at", "ends_at", "counted_until", "forecast_issued_at")
        return {**dict.fromkeys(moments), "watched_h": 0.0, "layers": []}
    return {
        "begins_at": iso(found.begins_ms),
        "ends_at": iso(found.ends_ms),
        "counted_until": iso(found.counted_ms),
        "watched_h": round(found.watched_ms / MS_PER_HOUR, 3),
        "forecast_issued_at": None if found.issued_ms is None else iso(found.issued_ms),
        "layers": [
            {
                "part": part.value,
                "min_wbgt_degc": limit,
                "title_ja": layer.kind.title_ja,
                "title_en": layer.kind.title_en,
                "unit": layer.kind.unit,
                "png": f"{EXCEEDANCE_PATH}/{part.value}/{limit}.png",
                "tif": f"{EXCEEDANCE_PATH}/{part.value}/{limit}.tif",
                "offset": layer.offset,
                "step": layer.step,
                "min": layer.minimum,
                "mean": layer.mean,
                "max": layer.maximum,
            }
            for (part, limit), layer in found.layers.items()
        ],
    }


def hours_at(found: Exceedance | None, cell: tuple[int, int]) -> list[dict[str, float | None]] | None:
    """The hours of one cell by limit; None where nothing was counted."""
    if found is None:
        return None

    def value(part: Part, limit: int) -> float | None:
        layer = found.layers.get((part, limit))
        return None if layer is None else layer.value_at(*cell)

    return [
        {"min_wbgt_degc": float(limit), "so_far_h": value(Part.SO_FAR, limit), "day_h": value(Part.DAY, limit)}
        for limit in LIMITS_DEGC
    ]
