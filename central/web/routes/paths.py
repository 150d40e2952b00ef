"""/v1/paths: cool ways on foot."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from central.simulation.paths.cool import DETOUR_MAX, LAYERS_NEEDED, CoolPaths, NoPath, Obstacle
from central.simulation.paths.geojson import paths_geojson
from central.simulation.paths.place import read_place
from central.store.door import Frame
from central.web import schemas, schemas_paths
from central.web.moments import iso
from central.web.problems import (
    INVALID_INPUT,
    NO_FRAME_YET,
    NO_WALK_NEAR,
    OUTSIDE_THE_MAP,
    UNKNOWN_FRAME,
    UNREACHABLE,
    ProblemError,
)
from central.web.replies import GEO_JSON, json_reply
from central.web.services import Services
from contract.errors import UserError

_OF_OBSTACLE: Final = {
    Obstacle.OUTSIDE: OUTSIDE_THE_MAP,
    Obstacle.NO_WALK_NEAR: NO_WALK_NEAR,
    Obstacle.UNREACHABLE: UNREACHABLE,
}
PLACE_CHARS_MAX: Final = 60


def router(services: Services, cool: CoolPaths) -> APIRouter:
    routes = APIRouter(prefix="/v1/paths", tags=["paths"])
    library = services.simulation.library

    @routes.get(
        "/cool",
        summary="Walks that trade length against heat",
        response_model=schemas_paths.Paths,
        responses=schemas.problems(404, 422, 503),
    )
    def cool_paths(  # noqa: PLR0917 - the framework passes them by name
        request: Request,
        start: Annotated[str, Query(alias="from", max_length=PLACE_CHARS_MAX, description="lat,lon")],
        goal: Annotated[str, Query(alias="to", max_length=PLACE_CHARS_MAX, description="lat,lon")],
        max_detour: Annotated[
            float, Query(ge=1.0, le=DETOUR_MAX, allow_inf_nan=False, description="longest walk / shortest walk")
        ] = 1.3,
        index: Annotated[Literal["utci", "wbgt"], Query(description="what the heat dose is made of")] = "utci",
        frame: Annotated[str | None, Query(max_length=40, description="a frame's id; the newest when left out")] = None,
    ) -> Response:
        origin, end = _place("from", start), _place("to", goal)
        city = services.city()
        shown = _frame(services, frame)
        layers = {name: layer for name in LAYERS_NEEDED if (layer := library.layer(shown, name)) is not None}
        if len(layers) < len(LAYERS_NEEDED):
            raise ProblemError(UNKNOWN_FRAME, f"the pictures of frame {shown.id} were pruned", field="frame")
        found = cool.find(city, shown.id, layers, origin, end, max_detour=max_detour, index=index)
        if isinstance(found, NoPath):
            field = found.end or "to"
            raise ProblemError(_OF_OBSTACLE[found.obstacle], f"{field}: {found.detail}", field=field)
        body = paths_geojson(found, frame_id=shown.id, at=iso(shown.at_ms), max_detour=max_detour)
        return json_reply(request, body, media_type=GEO_JSON)

    return routes


def _frame(services: Services, name: str | None) -> Frame:
    if name is not None:
        found = services.frame(name)
        if found is None:
            raise ProblemError(UNKNOWN_FRAME, f"no frame {name!r}", field="frame")
        return found
    latest = services.latest_frame()
    if latest is None:
        progress = services.simulation.place.progress
        raise ProblemError(
            NO_FRAME_YET, f"{progress.stage}: {progress.share:.0%} {progress.message}".strip(), retry_after_s=2
        )
    return latest


def _place(field: str, text: str) -> tuple[float, float]:
    """(lat, lon). Raises ProblemError naming the field."""
    try:
        return read_place(text, field)
    except UserError as error:
        raise ProblemError(INVALID_INPUT, str(error), field=field) from None
