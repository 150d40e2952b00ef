"""What Prometheus reads: requests as they pass, the rest looked up at the moment of the scrape."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.web.services import Services
from central.web.stream import Hub


class RequestMetrics:
    """ASGI middleware: counts requests and their duration by route template, so that ids in paths make no new series."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "kumagaya_http_requests", "Answered HTTP requests", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "kumagaya_http_request_seconds",
            "Time to the end of the answer; the live stream is left out",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, is_stream = time.perf_counter(), 500, False

        async def noted(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = any(
                    name == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message["headers"]
                )
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            # Methods are the caller's words: only known ones may become a label.
            method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
            self._requests.labels(method, route, str(status)).inc()
            if not is_stream:
                self._seconds.labels(route).observe(time.perf_counter() - started)


class StateCollector(Collector):
    """The state of simulation, stream, stations and store at the moment of the scrape."""

    def __init__(self, services: Services, hub: Hub) -> None:
        self._services = services
        self._hub = hub

    def describe(self) -> list[Metric]:
        """Nothing: so that registering asks nobody anything."""
        return []

    def collect(self) -> Iterator[Metric]:
        state = self._services.simulation.state
        yield CounterMetricFamily("kumagaya_frames", "Heat frames computed since the start", state.frames)
        failures = CounterMetricFamily("kumagaya_step_failures", "Steps that failed, by error", labels=["error"])
        for kind, count in state.failures.items():
            failures.add_metric([kind], count)
        yield failures
        if state.last_step_ms is not None and state.last_total_ms is not None:
            yield GaugeMetricFamily("kumagaya_step_seconds", "The last heat step alone", state.last_step_ms / 1000.0)
            yield GaugeMetricFamily(
                "kumagaya_frame_seconds", "The last frame from looking to kept", state.last_total_ms / 1000.0
            )
        yield GaugeMetricFamily("kumagaya_stream_listeners", "Connected to the live stream", self._hub.listeners)
        yield CounterMetricFamily("kumagaya_stream_events", "Events put to listeners", self._hub.sent_events)
        yield CounterMetricFamily(
            "kumagaya_stream_events_dropped", "Events that slow listeners lost", self._hub.dropped_events
        )
        now = self._services.stations_now()
        age = GaugeMetricFamily("kumagaya_station_age_seconds", "Age of the last reading", labels=["station"])
        stale = GaugeMetricFamily("kumagaya_station_stale", "1: silent for too long", labels=["station"])
        for report in now.reports:
            if report.age_s is not None:
                age.add_metric([report.station.id], report.age_s)
            stale.add_metric([report.station.id], float(report.is_stale))
        yield age
        yield stale
        store = self._services.store.health()
        yield GaugeMetricFamily("kumagaya_store_writable", "1: the store can be written", float(store.problem is None))
        yield GaugeMetricFamily("kumagaya_store_waiting_writes", "Writes in the queue", store.waiting)
        yield GaugeMetricFamily("kumagaya_store_bytes", "Size of the store", store.size_bytes)
