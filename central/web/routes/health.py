"""/healthz for people and supervisors, /metrics for Prometheus, /problems for whoever follows a problem's type."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from central.simulation.place import Stage
from central.web import schemas
from central.web.problems import KINDS, NOT_FOUND, TYPES_PATH, ProblemError
from central.web.services import Services
from central.web.views import frame_age_s

FRAME_LATE_S = 60.0
"""Without a newer frame for so long the simulation is not well."""


Check = Callable[[], tuple[bool, str]]
"""Whether a part that the web does not know is well, and one line about it."""


def health(services: Services, further: Mapping[str, Check]) -> dict[str, Any]:
    """Every check with one line; degraded when one of them is."""
    checks: dict[str, dict[str, str]] = {}

    def check(name: str, is_ok: bool, detail: str) -> None:
        checks[name] = {"status": "ok" if is_ok else "degraded", "detail": detail}

    try:
        store = services.store.health()
        check("store", store.problem is None, store.problem or f"{store.waiting} writes waiting")
        now = services.stations_now()
        fresh = sum(not report.is_stale for report in now.reports)
        check(
            "stations",
            bool(now.reports) and fresh == len(now.reports),
            f"{fresh} of {len(now.reports)} stations are fresh",
        )
        frame = services.latest_frame()
    except Exception as error:
        check("store", False, f"cannot be read: {type(error).__name__}: {error}")
        return {"status": "degraded", "checks": checks}
    for name, ask in further.items():
        check(name, *ask())
    progress = services.simulation.place.progress
    check(
        "city",
        progress.stage is Stage.READY,
        f"{progress.stage} {progress.share:.0%}{': ' + progress.message if progress.message else ''}",
    )
    state = services.simulation.state
    if state.refusal is not None:
        check("simulation", False, f"no weather to simulate with: {state.refusal}")
    elif frame is None:
        check("simulation", False, "no frame yet")
    else:
        age_s = frame_age_s(frame, services.clock.unix_ms(), services.speed)
        failed = sum(state.failures.values())
        check(
            "simulation",
            age_s <= FRAME_LATE_S,
            f"last frame {age_s:.1f} s ago, {state.frames} frames, {failed} failed steps",
        )
    status = "ok" if all(each["status"] == "ok" for each in checks.values()) else "degraded"
    return {"status": status, "checks": checks}


def router(services: Services, registry: CollectorRegistry, further: Mapping[str, Check]) -> APIRouter:
    routes = APIRouter(tags=["operation"])

    @routes.get("/healthz", summary="Whether the service is well", response_model=schemas.Health)
    def healthz() -> dict[str, Any]:
        """Answers 200 also when degraded: the process is alive and a restart would not help."""
        return health(services, further)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @routes.get(TYPES_PATH + "/{slug}", summary="What a problem type means", response_class=PlainTextResponse)
    def problem(slug: str) -> Response:
        kind = KINDS.get(slug)
        if kind is None:
            raise ProblemError(NOT_FOUND, f"no problem type {slug[:40]!r}")
        return PlainTextResponse(f"{kind.title} (HTTP {kind.status})\n\n{kind.meaning}\n")

    return routes
