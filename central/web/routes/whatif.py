"""/v1/heat/scenarios: what buildings and trees more or less would change."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from central.simulation.frames import Layer
from central.simulation.geotiff import encode_geotiff
from central.simulation.png import encode_gray
from central.simulation.rounding import rounded
from central.simulation.whatif.city import building_outline, frames_at_hours, moment_of, walks_of
from central.simulation.whatif.compare import Moment
from central.simulation.whatif.edit import EDIT_BYTES_MAX, read_edit
from central.simulation.whatif.jobs import JobState, JobView, QueueFullError, ScenarioJobs, Task
from central.simulation.whatif.maps import MAP_NAMES, row_dict
from central.simulation.whatif.shelf import KeptResult
from central.web import schemas, schemas_whatif
from central.web.moments import iso
from central.web.problems import (
    CITY_PREPARING,
    INVALID_EDIT,
    INVALID_INPUT,
    NO_FRAME_YET,
    SCENARIO_UNFINISHED,
    TOO_LARGE,
    TOO_MANY_SCENARIOS,
    UNKNOWN_LAYER,
    UNKNOWN_SCENARIO,
    ProblemError,
)
from central.web.replies import IMMUTABLE, json_reply
from central.web.services import Services
from central.web.staff import StaffDoor
from contract.errors import UserError

PATH: Final = "/v1/heat/scenarios"
HOURS_MAX: Final = 6
FRAMES_LOOKED_AT: Final = 1000
EDIT_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A GeoJSON FeatureCollection; see docs/whatif.md.",
        "content": {
            "application/geo+json": {"schema": {"type": "object"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


def router(services: Services, jobs: ScenarioJobs, staff: StaffDoor) -> APIRouter:
    routes = APIRouter(prefix=PATH, tags=["what-if"])

    def found(name: str) -> JobView:
        job = jobs.get(name)
        if job is None:
            # While the city is being loaded nobody knows yet which scenarios are kept of it.
            services.city()
            raise ProblemError(UNKNOWN_SCENARIO, f"no scenario {name[:40]!r}", field="scenario")
        return job

    def layer_of(name: str, moment: int, layer: str) -> tuple[JobView, KeptResult, Layer]:
        job = found(name)
        if job.result is None:
            raise ProblemError(
                SCENARIO_UNFINISHED, f"scenario {name[:40]!r} is {job.state}: {job.message}", field="scenario"
            )
        if not 0 <= moment < len(job.result.layers):
            raise ProblemError(
                UNKNOWN_LAYER, f"the scenario has {len(job.result.layers)} moments, not {moment}", field="moment"
            )
        if layer not in job.result.layers[moment]:
            raise ProblemError(UNKNOWN_LAYER, f"no layer {layer[:40]!r}; layers: {', '.join(MAP_NAMES)}", field="layer")
        shown = jobs.layer(name, moment, layer)
        if shown is None:
            raise ProblemError(UNKNOWN_SCENARIO, f"the maps of scenario {name[:40]!r} are gone", field="scenario")
        return job, job.result, shown

    @routes.post(
        "",
        summary="Ask what changes of buildings and trees would do",
        status_code=202,
        response_model=schemas_whatif.Scenario,
        responses=schemas.problems(403, 404, 413, 422, 503),
        openapi_extra=EDIT_SCHEMA,
    )
    async def submit(
        request: Request,
        hours: Annotated[
            str | None,
            Query(max_length=40, description="hours of today (JST) such as 9,12,15; the newest frame when left out"),
        ] = None,
    ) -> Response:
        staff.check(request)
        content = await _body(request)
        job = await run_in_threadpool(partial(_submit, services, jobs, content, hours))
        location = f"{PATH}/{job.id}"
        reply = json_reply(request, scenario_view(job, services), headers={"Location": location})
        reply.status_code = 202
        return reply

    @routes.get(
        "",
        summary="The scenarios that are kept, newest first; for the staff",
        response_model=schemas_whatif.Scenarios,
        responses=schemas.problems(403, 503),
    )
    def every(request: Request) -> Response:
        staff.check(request)
        services.city()
        items = [_summary(job) for job in jobs.all()]
        return json_reply(request, {"items": items}, cache="no-store")

    @routes.get(
        "/{scenario}",
        summary="How far a scenario is, and its table",
        response_model=schemas_whatif.Scenario,
        responses=schemas.problems(404),
    )
    def one(request: Request, scenario: str) -> Response:
        return json_reply(request, scenario_view(found(scenario), services))

    @routes.delete(
        "/{scenario}",
        summary="Cancel a scenario, or forget its maps",
        response_model=schemas_whatif.Scenario,
        responses=schemas.problems(403, 404),
    )
    def cancel(request: Request, scenario: str) -> Response:
        staff.check(request)
        found(scenario)
        job = jobs.cancel(scenario)
        return json_reply(request, scenario_view(job or found(scenario), services))

    @routes.get(
        "/{scenario}/{moment}/{layer}.png",
        summary="A map of a scenario as an 8-bit gray PNG",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, **schemas.problems(404, 409, 422)},
    )
    def png(scenario: str, moment: int, layer: str) -> Response:
        _, _, shown = layer_of(scenario, moment, layer)
        return Response(encode_gray(shown.level), media_type="image/png", headers={"Cache-Control": IMMUTABLE})

    @routes.get(
        "/{scenario}/{moment}/{layer}.tif",
        summary="A map of a scenario as a float32 GeoTIFF",
        response_class=Response,
        responses={200: {"content": {"image/tiff": {}}}, **schemas.problems(404, 409, 422, 503)},
    )
    def tif(scenario: str, moment: int, layer: str) -> Response:
        job, result, shown = layer_of(scenario, moment, layer)
        city = services.city()
        assert result.grid is not None
        at = iso(result.rows[moment].at_ms)
        data = encode_geotiff(shown, result.grid, city.frame, at=at, credit=city.attribution_en)
        named = f'attachment; filename="{job.id}_{moment}_{layer}.tif"'
        return Response(
            data, media_type="image/tiff", headers={"Cache-Control": IMMUTABLE, "Content-Disposition": named}
        )

    return routes


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is too long, whatever its header says."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > EDIT_BYTES_MAX:
            raise ProblemError(TOO_LARGE, f"the body holds more than {EDIT_BYTES_MAX} bytes")
    return bytes(content)


def _submit(services: Services, jobs: ScenarioJobs, content: bytes, hours: str | None) -> JobView:
    city = services.city()
    surface = services.simulation.surface
    if surface is None:
        raise ProblemError(CITY_PREPARING, "the city's heights are not there yet", retry_after_s=2)
    try:
        changes = read_edit(content, city.grid, city.frame, partial(building_outline, city))
    except UserError as error:
        raise ProblemError(INVALID_EDIT, str(error), field=error.where or None) from None
    task = Task(surface, city.grid, changes, _moments(services, hours), walks_of(city, surface), city.land_cover)
    try:
        return jobs.submit(task, services.clock.unix_ms())
    except QueueFullError as full:
        raise ProblemError(TOO_MANY_SCENARIOS, str(full), retry_after_s=5) from None


def _moments(services: Services, hours: str | None) -> list[Moment]:
    newest = services.latest_frame()
    if newest is None:
        progress = services.simulation.place.progress
        raise ProblemError(
            NO_FRAME_YET, f"{progress.stage}: {progress.share:.0%} {progress.message}".strip(), retry_after_s=2
        )
    frames = [newest]
    if hours is not None:
        wanted = _hours(hours)
        known = [
            frame for frame in services.simulation.library.page(FRAMES_LOOKED_AT).frames if services.frame(frame.id)
        ]
        near = frames_at_hours(known, newest, wanted)
        missing = [hour for hour, frame in near.items() if frame is None]
        if missing:
            raise ProblemError(
                INVALID_INPUT,
                f"hours: no frame is kept within half an hour of {missing[0]}:00 JST of the newest frame's day",
                field="hours",
            )
        frames = [frame for frame in near.values() if frame is not None]
    try:
        return [moment_of(frame, services.simulation.wind_height_m) for frame in frames]
    except ValueError as error:
        raise ProblemError(INVALID_INPUT, f"hours: {error}", field="hours") from None


def _hours(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isascii() and word.strip().isdigit() and int(word) <= 23 for word in words):
        raise ProblemError(
            INVALID_INPUT, f"hours: {text!r} is no list of hours 0 .. 23, such as 9,12,15", field="hours"
        )
    wanted = sorted({int(word) for word in words})
    if len(wanted) > HOURS_MAX:
        raise ProblemError(INVALID_INPUT, f"hours: {len(wanted)} hours, at most {HOURS_MAX} are taken", field="hours")
    return wanted


def scenario_view(job: JobView, services: Services) -> dict[str, Any]:
    """A scenario as docs/whatif.md promises it."""
    return {
        **_summary(job),
        "result": _result_view(job, job.result, services) if job.state is JobState.DONE and job.result else None,
    }


def _summary(job: JobView) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state.value,
        "share": round(job.share, 3),
        "message": job.message,
        "submitted_at": iso(job.submitted_at_ms),
        "changes": job.changes,
    }


def _result_view(job: JobView, result: KeptResult, services: Services) -> dict[str, Any]:
    window = None
    if result.grid is not None:
        grid, frame = result.grid, services.city().frame
        places = (
            (grid.x_west_m, grid.y_north_m),
            (grid.x_east_m, grid.y_north_m),
            (grid.x_east_m, grid.y_south_m),
            (grid.x_west_m, grid.y_south_m),
        )
        corners = [[round(degrees, 7) for degrees in frame.point_to_lonlat(*place)] for place in places]
        window = {
            "width": grid.width,
            "height": grid.height,
            "pixel_size_m": grid.pixel_size_m,
            "area_m2": grid.width * grid.height * grid.pixel_size_m**2,
            "corners": corners,
        }
    return {
        "window": window,
        "without_effect": list(result.untouched),
        "cropped": list(result.cropped),
        "attribution": services.city().attribution_en,
        "moments": [
            {
                "at": iso(row.at_ms),
                **row_dict(row),
                "layers": {
                    name: {
                        "title_ja": layer.kind.title_ja,
                        "title_en": layer.kind.title_en,
                        "unit": layer.kind.unit,
                        "png": f"{PATH}/{job.id}/{number}/{name}.png",
                        "tif": f"{PATH}/{job.id}/{number}/{name}.tif",
                        "offset": layer.offset,
                        "step": layer.step,
                        "min": None if layer.minimum is None else rounded(layer.minimum, 3),
                        "mean": None if layer.mean is None else rounded(layer.mean, 3),
                        "max": None if layer.maximum is None else rounded(layer.maximum, 3),
                    }
                    for name, layer in sorted(result.layers[number].items())
                },
            }
            for number, row in enumerate(result.rows)
        ],
    }
