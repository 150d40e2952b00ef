"""/v1/heat: frames, their layers, areas, the point query and the live stream."""

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from central.city.model import City
from central.heat.comfort.bands import band_of
from central.simulation.areas.exceedance import ExceedanceMaps
from central.simulation.areas.polygons import NearestGround, areas_geojson, outlines, pieces_of
from central.simulation.bands import HEAT_AREA_FROM_DEGC
from central.simulation.frames import LAYERS, NO_VALUE, Layer
from central.simulation.geotiff import encode_geotiff
from central.store.door import BadCursor, Frame
from central.web import schemas
from central.web.heat_at import HeatAt, ShownHeat
from central.web.moments import iso, parse_iso
from central.web.problems import (
    INVALID_INPUT,
    TOO_MANY_LISTENERS,
    UNKNOWN_FRAME,
    ProblemError,
)
from central.web.replies import GEO_JSON, IMMUTABLE, Document, document_reply, json_reply, not_modified
from central.web.routes import heat_forecast
from central.web.services import Services
from central.web.stream import HEARTBEAT_S, SEND_TIMEOUT_S, Hub, HubFullError
from central.web.views import frame_view

FRAMES_PAGE_MAX: Final = 500
AREAS_HELD: Final = 6
"""Documents of areas held in memory; one of the built-in city at noon is 6 MB."""
LEAST_AREA_MAX_M2: Final = 1e6


Moment = Annotated[
    str | None,
    Query(
        max_length=60, description="ISO 8601 with offset: the nearest kept frame, or ahead the nearest forecast hour"
    ),
]


class BandedLayer(StrEnum):
    """Layers that heat areas can be drawn for."""

    WBGT = "wbgt"
    UTCI = "utci"


class Areas:
    """Areas by frame, layer, lower limit and least area: computed once, whoever asks how often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, str, float, float | None], Document] = OrderedDict()
        self._nearest: NearestGround | None = None

    def nearest_to(self, layer: Layer) -> NearestGround:
        """Made for the first frame of a city and kept as long as the buildings stay where they are."""
        is_ground = layer.level != NO_VALUE
        with self._lock:
            if self._nearest is None or not np.array_equal(self._nearest.is_ground, is_ground):
                self._nearest = NearestGround(is_ground)
            return self._nearest

    def get(
        self, frame: ShownHeat, layer: Layer, minimum_degc: float, least_area_m2: float | None, city: City
    ) -> Document:
        """The GeoJSON document. One is computed at a time: a crowd that asks for the same waits for the first."""
        key = (frame.id, layer.kind.name, minimum_degc, least_area_m2)
        nearest = self.nearest_to(layer)
        with self._lock:
            if key not in self._held:
                pieces = pieces_of(layer, city.grid, minimum_degc, nearest, least_area_m2)
                self._held[key] = Document.of(
                    areas_geojson(
                        outlines(pieces, city.grid),
                        city.frame,
                        frame_id=frame.id,
                        at=iso(frame.at_ms),
                        layer=layer.kind.name,
                        least_area_m2=pieces.least_area_m2,
                        attribution=city.attribution_en,
                    )
                )
                while len(self._held) > AREAS_HELD:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
            return self._held[key]


def router(services: Services, hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/heat", tags=["heat"])
    library = services.simulation.library
    areas_of = Areas()
    heat = HeatAt(services)
    exceedance = ExceedanceMaps(services.simulation.outlook, library, services.clock)
    routes.include_router(heat_forecast.router(services, heat, exceedance))

    def named(name: str) -> Frame:
        frame = services.frame(name)
        if frame is None:
            raise ProblemError(UNKNOWN_FRAME, f"no frame {name[:40]!r}", field="frame")
        return frame

    def gone(name: str) -> ProblemError:
        return ProblemError(UNKNOWN_FRAME, f"the picture of frame {name[:40]!r} was pruned", field="frame")

    def view(frame: Frame) -> dict[str, object]:
        return frame_view(frame, now_ms=services.clock.unix_ms(), speed=services.speed)

    @routes.get(
        "/frames/latest",
        summary="The newest frame",
        response_model=schemas.Frame,
        responses=schemas.problems(404),
    )
    def latest_frame(request: Request) -> Response:
        return json_reply(request, view(heat.latest_frame()))

    @routes.get(
        "/frames",
        summary="Frames that are kept, newest first",
        response_model=schemas.Frames,
        responses=schemas.problems(422),
    )
    def frames(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=FRAMES_PAGE_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        try:
            page = library.page(limit, cursor)
        except BadCursor:
            raise ProblemError(INVALID_INPUT, "cursor: not one that this service gave", field="cursor") from None
        items = [{"id": frame.id, "at": iso(frame.at_ms)} for frame in page.frames]
        return json_reply(request, {"items": items, "next_cursor": page.next_cursor})

    @routes.get(
        "/frames/{frame}",
        summary="One frame by its id",
        response_model=schemas.Frame,
        responses=schemas.problems(404),
    )
    def one_frame(request: Request, frame: str) -> Response:
        return json_reply(request, view(named(frame)))

    @routes.get(
        "/frames/{frame}/{layer}.png",
        summary="A layer as an 8-bit gray PNG",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, **schemas.problems(404)},
    )
    def png(request: Request, frame: str, layer: str) -> Response:
        etag = f'"{frame}-{layer}"'
        headers = {"Cache-Control": IMMUTABLE, "ETag": etag}
        path = library.png_path(frame, layer)
        if path is None:
            heat.of_frame(named(frame)).layer(layer)
            raise gone(frame)
        if not_modified(request, etag):
            return Response(status_code=304, headers=headers)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise gone(frame) from None
        return Response(data, media_type="image/png", headers=headers)

    @routes.get(
        "/frames/{frame}/{layer}.tif",
        summary="A layer as a float32 GeoTIFF",
        response_class=Response,
        responses={200: {"content": {"image/tiff": {}}}, **schemas.problems(404, 503)},
    )
    def tif(frame: str, layer: str) -> Response:
        found = named(frame)
        values = heat.of_frame(found).layer(layer)
        city = services.city()
        data = encode_geotiff(values, city.grid, city.frame, at=iso(found.at_ms), credit=city.attribution_en)
        return Response(
            data,
            media_type="image/tiff",
            headers={
                "Cache-Control": IMMUTABLE,
                "Content-Disposition": f'attachment; filename="{found.id}_{layer}.tif"',
            },
        )

    @routes.get(
        "/areas",
        summary="Heat areas of a moment as GeoJSON; of the newest frame without `at`",
        response_model=schemas.Areas,
        responses=schemas.problems(404, 422, 503),
    )
    def areas(
        request: Request,
        layer: BandedLayer = BandedLayer.WBGT,
        minimum_degc: Annotated[
            float | None,
            Query(alias="min", ge=-50.0, le=80.0, allow_inf_nan=False, description="28 for wbgt, 32 for utci"),
        ] = None,
        least_area_m2: Annotated[
            float | None,
            Query(
                ge=0.0,
                le=LEAST_AREA_MAX_M2,
                allow_inf_nan=False,
                description="smaller pieces are joined to their neighbours; without it as coarse as each band keeps its size",
            ),
        ] = None,
        at: Moment = None,
    ) -> Response:
        frame = heat.at(None if at is None else parse_iso(at, "at"))
        minimum = HEAT_AREA_FROM_DEGC[layer.value] if minimum_degc is None else minimum_degc
        document = areas_of.get(frame, frame.layer(layer.value), minimum, least_area_m2, services.city())
        return document_reply(request, document, media_type=GEO_JSON)

    @routes.get(
        "/at",
        summary="The heat at one place, and whether it lies in a heat area",
        response_model=schemas.PointHeat,
        responses=schemas.problems(404, 422, 503),
    )
    def at_place(
        request: Request,
        lat: Annotated[float, Query(ge=-90.0, le=90.0, allow_inf_nan=False)],
        lon: Annotated[float, Query(ge=-180.0, le=180.0, allow_inf_nan=False)],
        at: Moment = None,
    ) -> Response:
        frame = heat.at(None if at is None else parse_iso(at, "at"))
        cell = services.city().cell_at(lat, lon)
        limit = HEAT_AREA_FROM_DEGC["wbgt"]
        answer: dict[str, object] = {
            "lat": lat,
            "lon": lon,
            "frame": frame.id,
            "at": iso(frame.at_ms),
            "forecast": frame.is_forecast,
            "surface": "outside",
            "values": None,
            "band": None,
            "inside_heat_area": False,
            "heat_area_min_wbgt_degc": limit,
            "hours_above": None,
        }
        if cell is not None:
            layers = {name: frame.layer(name) for name in LAYERS}
            wbgt = layers["wbgt"].value_at(*cell)
            if wbgt is None:
                answer["surface"] = "building"
                around = layers["wbgt"].value_at(*areas_of.nearest_to(layers["wbgt"]).cell(*cell))
                answer["inside_heat_area"] = around is not None and around >= limit
            else:
                answer |= {
                    "surface": "ground",
                    "values": {
                        "tmrt_degc": layers["tmrt"].value_at(*cell),
                        "utci_degc": layers["utci"].value_at(*cell),
                        "wbgt_degc": wbgt,
                        "shadow": layers["shadow"].value_at(*cell),
                    },
                    "band": band_of(wbgt).id,
                    "inside_heat_area": wbgt >= limit,
                    "hours_above": heat_forecast.hours_at(exceedance.now(), cell),
                }
        return json_reply(request, answer)

    @routes.get(
        "/stream",
        summary="Live events: `frame` and `readings` (server-sent events)",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}}, **schemas.problems(503)},
    )
    async def stream() -> Response:
        try:
            subscription = hub.subscribe()
        except HubFullError as full:
            raise ProblemError(TOO_MANY_LISTENERS, str(full), retry_after_s=10) from None

        async def events() -> AsyncIterator[bytes]:
            try:
                yield b"retry: 2000\r\n\r\n"
                async for event in hub.listen(subscription):
                    yield event
            finally:
                hub.unsubscribe(subscription)

        return EventSourceResponse(
            events(),
            ping=HEARTBEAT_S,
            ping_message_factory=lambda: ServerSentEvent(comment="alive"),
            send_timeout=SEND_TIMEOUT_S,
        )

    return routes
