"""/v1/city: where this is, and its buildings."""

import gzip
import hashlib
import threading
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from central.city.geojson import buildings_geojson
from central.city.model import City
from central.web import schemas
from central.web.replies import NO_CACHE, accepts_gzip, json_reply, not_modified
from central.web.services import Services
from central.web.views import city_view


@dataclass(frozen=True, slots=True)
class _Document:
    plain: bytes
    packed: bytes
    etag: str


class Buildings:
    """The outlines as bytes, made once per city."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: City | None = None
        self._document: _Document | None = None

    def of(self, city: City) -> _Document:
        with self._lock:
            if self._document is None or self._of is not city:
                plain = buildings_geojson(city)
                etag = '"' + hashlib.blake2b(plain, digest_size=12).hexdigest() + '"'
                self._of, self._document = city, _Document(plain, gzip.compress(plain, 6, mtime=0), etag)
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
        document = buildings.of(services.city())
        headers = {"ETag": document.etag, "Cache-Control": NO_CACHE, "Vary": "Accept-Encoding"}
        if not_modified(request, document.etag):
            return Response(status_code=304, headers=headers)
        if accepts_gzip(request):
            headers["Content-Encoding"] = "gzip"
            return Response(document.packed, media_type="application/geo+json", headers=headers)
        return Response(document.plain, media_type="application/geo+json", headers=headers)

    return routes
