"""/v1/city: where this is, and its buildings."""

import threading

from fastapi import APIRouter, Request
from fastapi.responses import Response

from central.city.geojson import buildings_geojson
from central.city.model import City
from central.web import schemas
from central.web.replies import GEO_JSON, Document, document_reply, json_reply
from central.web.services import Services
from central.web.views import city_view


class Buildings:
    """The outlines as bytes, made once per city."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: City | None = None
        self._document: Document | None = None

    def of(self, city: City) -> Document:
        with self._lock:
            if self._document is None or self._of is not city:
                self._of, self._document = city, Document.of(buildings_geojson(city))
            return self._document


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/v1/city", tags=["city"])
    buildings = Buildings()

    @routes.get("", summary="The city and its clock", response_model=schemas.City, responses=schemas.problems(503))
    def city(request: Request) -> Response:
        shown = city_view(
            services.city(),
            now_ms=services.clock.unix_ms(),
            speed=services.speed,
            simulated_weather=services.simulated_weather,
        )
        return json_reply(request, shown)

    @routes.get(
        "/buildings.geojson",
        summary="Outlines and heights of the buildings",
        response_model=schemas.Buildings,
        responses={304: {"description": "Not changed (If-None-Match)"}, **schemas.problems(503)},
    )
    def outlines(request: Request) -> Response:
        return document_reply(request, buildings.of(services.city()), media_type=GEO_JSON)

    return routes
