"""Refusals and failures as RFC 9457 problem details: one shape for every route, one name for every reason.

`type` is a path on this service; following it explains the problem in words.
"""

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from central.simulation.paths.place import is_on_earth

PROBLEM_JSON: Final = "application/problem+json"
TYPES_PATH: Final = "/problems"

log = structlog.get_logger("central.web")


@dataclass(frozen=True, slots=True)
class Kind:
    """A reason that callers can tell from others. `slug` ends its type's address and never changes."""

    slug: str
    status: int
    title: str
    meaning: str


NOT_FOUND: Final = Kind("not-found", 404, "Nothing is here", "No route of this service has this address.")
METHOD_NOT_ALLOWED: Final = Kind(
    "method-not-allowed", 405, "Method not allowed", "The address exists, but not for this HTTP method; see Allow."
)
INVALID_INPUT: Final = Kind(
    "invalid-input", 422, "Invalid input", "A parameter is missing or cannot be understood; `field` names it."
)
UNKNOWN_STATION: Final = Kind(
    "unknown-station", 404, "Unknown station", "No station has this id; /v1/stations lists those that exist."
)
NO_FRAME_YET: Final = Kind(
    "no-frame-yet", 404, "No heat frame yet",
    "The simulation has not computed its first frame: the city is being prepared, or no station has spoken. Try again.",
)  # fmt: skip
UNKNOWN_FRAME: Final = Kind(
    "unknown-frame", 404, "Unknown frame",
    "No frame has this id. Frames are kept for a day, the older ones thinned to one in ten minutes.",
)  # fmt: skip
UNKNOWN_LAYER: Final = Kind("unknown-layer", 404, "Unknown layer", "A frame has no layer of this name.")
CITY_PREPARING: Final = Kind(
    "city-preparing", 503, "The city is being prepared",
    "The service has just started and still loads the city model. Try again after Retry-After seconds.",
)  # fmt: skip
CITY_FAILED: Final = Kind(
    "city-failed", 503, "The city could not be loaded", "The city model cannot be used; `detail` says why."
)
OUTSIDE_THE_MAP: Final = Kind(
    "outside-the-map", 422, "Outside the map", "A place lies outside the city's map; see /v1/city for its bounds."
)
NO_WALK_NEAR: Final = Kind(
    "no-walk-near", 422, "No place to walk near by",
    "A place is further from every street and open ground than a walk may begin.",
)  # fmt: skip
UNREACHABLE: Final = Kind(
    "unreachable", 422, "No way on foot",
    "Both places lie on the map, but no walk joins them: water, rails or buildings lie between.",
)  # fmt: skip
INVALID_EDIT: Final = Kind(
    "invalid-edit", 422, "Invalid edit",
    "The GeoJSON of a scenario cannot be used; `detail` names the feature and its field.",
)  # fmt: skip
TOO_LARGE: Final = Kind(
    "too-large", 413, "Too large", "The body is larger than this address takes; `detail` says how much it takes."
)
UNKNOWN_SCENARIO: Final = Kind(
    "unknown-scenario",
    404,
    "Unknown scenario",
    "No scenario has this id, or it was one of the oldest and had to go; the newest are kept.",
)
SCENARIO_UNFINISHED: Final = Kind(
    "scenario-unfinished",
    409,
    "The scenario is not done",
    "Its maps are not there: it waits, runs, failed or was cancelled; see `state`.",
)
TOO_MANY_SCENARIOS: Final = Kind(
    "too-many-scenarios", 503, "Too many scenarios", "As many scenarios wait as may. Try again later."
)
STAFF_ONLY: Final = Kind(
    "staff-only", 403, "For the city's staff",
    "This address is for the city's staff, who send their token in the header Authorization: Bearer; reading is open to all.",
)  # fmt: skip
STORE_UNAVAILABLE: Final = Kind(
    "store-unavailable", 503, "The store is unavailable", "The database cannot be used at the moment. Try again later."
)
TOO_MANY_LISTENERS: Final = Kind(
    "too-many-listeners", 503, "Too many listeners", "The live stream has as many listeners as it may. Try again later."
)
INTERNAL_ERROR: Final = Kind(
    "internal-error", 500, "Internal error", "A fault of this service. It was logged under the id in `detail`."
)

KINDS: Final = {
    kind.slug: kind
    for kind in (
        NOT_FOUND, METHOD_NOT_ALLOWED, INVALID_INPUT, UNKNOWN_STATION, NO_FRAME_YET, UNKNOWN_FRAME, UNKNOWN_LAYER,
        CITY_PREPARING, CITY_FAILED, OUTSIDE_THE_MAP, NO_WALK_NEAR, UNREACHABLE, INVALID_EDIT, TOO_LARGE, UNKNOWN_SCENARIO,
        SCENARIO_UNFINISHED, TOO_MANY_SCENARIOS, STAFF_ONLY, STORE_UNAVAILABLE, TOO_MANY_LISTENERS, INTERNAL_ERROR,
    )
}  # fmt: skip


class ProblemError(Exception):
    """Raised by a route to answer with a problem.

    Args:
        kind: which.
        detail: this occurrence in one line, with the value that was wrong.
        field: the parameter it is about.
        retry_after_s: when to try again.
    """

    def __init__(self, kind: Kind, detail: str, *, field: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.field = field
        self.retry_after_s = retry_after_s


def problem_response(
    request: Request,
    *,
    type_: str,
    title: str,
    status: int,
    detail: str,
    field: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer itself. The query is left out of `instance`: it may hold what should not be logged."""
    body: dict[str, Any] = {
        "type": type_,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    if field is not None:
        body["field"] = field
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def of_kind(
    request: Request, kind: Kind, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    return problem_response(
        request,
        type_=f"{TYPES_PATH}/{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        field=field,
        headers=headers,
    )


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem, those of the framework too."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return of_kind(request, error.kind, error.detail, field=error.field, headers=headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    # ("query", "from") -> from
    field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    given = first.get("input")
    said = f"{field}: {first['msg']}"
    if given is not None and first["type"] != "missing":
        said += f", got {str(given)[:80]!r}"
    said += _swapped(request) if field in {"lat", "lon"} else ""
    return of_kind(request, INVALID_INPUT, said, field=field)


def _swapped(request: Request) -> str:
    """A hint where the two coordinates of the query would be a place the other way round, and are none as they are."""
    try:
        lat, lon = (float(request.query_params[name]) for name in ("lat", "lon"))
    except (KeyError, ValueError):
        return ""
    if is_on_earth(lat, lon) or not is_on_earth(lon, lat):
        return ""
    return f" (are they swapped? lat={lon:.8g}, lon={lat:.8g} is a place)"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == NOT_FOUND.status:
        return of_kind(request, NOT_FOUND, f"{request.url.path} is not an address of this service", headers=headers)
    if error.status_code == METHOD_NOT_ALLOWED.status:
        detail = f"{request.method} is not allowed at {request.url.path}"
        return of_kind(request, METHOD_NOT_ALLOWED, detail, headers=headers)
    status = HTTPStatus(error.status_code)
    return problem_response(
        request,
        type_="about:blank",
        title=status.phrase,
        status=status.value,
        detail=str(error.detail),
        headers=headers,
    )


async def _internal(request: Request, error: Exception) -> Response:
    incident = secrets.token_hex(6)
    log.error("a request failed", incident=incident, method=request.method, path=request.url.path, exc_info=error)
    return of_kind(request, INTERNAL_ERROR, f"logged under {incident}")
