"""The application: every route, error and header in one place."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.simulation.paths.cool import CoolPaths
from central.simulation.service import SimulationService
from central.web import frontend, problems
from central.web.first_walk import FirstWalk
from central.web.metrics import RequestMetrics, StateCollector
from central.web.routes import city, health, heat, paths, stations, whatif
from central.web.services import Services, WebStore
from central.web.staff import StaffDoor
from central.web.stream import Hub
from contract.clock import Clock

DESCRIPTION: Final = """Weather stations and live heat maps of a city.

Open data: anybody may read it from any origin, without registration. Times are ISO 8601 in UTC. Errors are RFC 9457
problem details (`application/problem+json`); `type` can be followed. Lists are read page by page with `cursor`.
"""


class Finish:
    """ASGI middleware: answers HEAD like GET without the body, and forbids guessing content types."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def finished(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # An endless stream has no answer to HEAD; the route refuses the method itself.
        if is_head and not scope["path"].endswith("/stream"):
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, finished)


def create_app(
    *,
    store: WebStore,
    simulation: SimulationService,
    clock: Clock,
    speed: float = 1.0,
    simulated_weather: bool = False,
    registry: CollectorRegistry | None = None,
    dist: Path = frontend.DIST,
    checks: Mapping[str, health.Check] | None = None,
    cool_paths: CoolPaths | None = None,
    staff_token: str | None = None,
) -> FastAPI:
    """The web application. Starts nothing but the stream's watcher and the preparation of walks, and those only while it is served.

    Args:
        store: what central remembers.
        simulation: frames, stations and the city; started and stopped by whoever made it.
        clock: the city's time.
        speed: city seconds in a real one.
        simulated_weather: the stations are simulators, and the page has to say so.
        registry: where metrics are registered; others may add theirs. A new one when left out.
        dist: folder of the built page.
        checks: what else /healthz asks, by name.
        cool_paths: finds walks; one on the city's own roads or open ground when left out.
        staff_token: what the staff send to start scenarios; when left out only who sits at the machine may.

    """
    services = Services(store, simulation, clock, speed, simulated_weather)
    hub = Hub(services)
    walks = cool_paths or CoolPaths()
    first_walk = FirstWalk(services, walks)
    metrics = registry if registry is not None else CollectorRegistry()

    @asynccontextmanager
    async def watched(_: FastAPI) -> AsyncIterator[None]:
        await hub.start()
        first_walk.start()
        try:
            yield
        finally:
            first_walk.stop()
            await hub.stop()
            await run_in_threadpool(simulation.scenarios.stop)

    app = FastAPI(
        title="kumagaya",
        version=version("kumagaya"),
        description=DESCRIPTION,
        lifespan=watched,
        # Their pages load scripts from a foreign host; /openapi.json is what tools need.
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    app.include_router(stations.router(services))
    app.include_router(city.router(services))
    app.include_router(heat.router(services, hub))
    app.include_router(paths.router(services, walks))
    app.include_router(whatif.router(services, simulation.scenarios, StaffDoor(staff_token)))
    app.include_router(health.router(services, metrics, checks or {}))
    app.include_router(frontend.router(dist))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "DELETE", "OPTIONS"],
        allow_headers=["*"],
        expose_headers=["ETag", "Retry-After"],
        max_age=86_400,
    )
    app.add_middleware(Finish)
    app.add_middleware(RequestMetrics, registry=metrics)
    metrics.register(StateCollector(services, hub))
    return app
