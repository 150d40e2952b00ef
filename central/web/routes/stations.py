"""/v1/stations: what the stations say now, and what they said."""

import json
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from central.store.door import BadCursor, Resolution, Series
from central.web import schemas
from central.web.moments import UNIX_MS_MAX, iso, parse_iso
from central.web.problems import INVALID_INPUT, UNKNOWN_STATION, ProblemError
from central.web.replies import json_reply
from central.web.services import Services
from central.web.views import stations_view
from contract.quantities import QUANTITIES

DAY_MS: Final = 86_400_000
ITEMS_MAX: Final = 10_000
DECIMALS: Final = 3
"""Finer than any station measures; more digits are only float dust."""
IDS_IN_HINT_MAX: Final = 20
UNITS: Final = {name: quantity.unit for name, quantity in QUANTITIES.items()} | {"wbgt_degc": "degC"}


class Fineness(StrEnum):
    """How finely readings are asked for."""

    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/v1/stations", tags=["stations"])

    @routes.get("", summary="All stations with their last reading", response_model=schemas.Stations)
    def stations(request: Request) -> Response:
        return json_reply(request, stations_view(services.stations_now()))

    @routes.get(
        "/{station}/readings",
        summary="What one station measured, oldest first",
        response_model=schemas.Readings,
        responses=schemas.problems(404, 422),
    )
    def readings(  # noqa: PLR0917 - FastAPI passes each by name
        request: Request,
        station: str,
        start: Annotated[
            str | None, Query(alias="from", description="first moment (ISO 8601 with offset); a day before `to`")
        ] = None,
        end: Annotated[
            str | None, Query(alias="to", description="first moment after (ISO 8601 with offset); now")
        ] = None,
        resolution: Fineness = Fineness.MINUTE,
        limit: Annotated[int, Query(ge=1, le=ITEMS_MAX)] = 1000,
        cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before")] = None,
    ) -> Response:
        to_ms = min(services.clock.unix_ms() + 1, UNIX_MS_MAX) if end is None else parse_iso(end, "to")
        from_ms = max(to_ms - DAY_MS, 0) if start is None else parse_iso(start, "from")
        if from_ms >= to_ms:
            raise ProblemError(
                INVALID_INPUT, f"from: {iso(from_ms)} does not lie before to ({iso(to_ms)})", field="from"
            )
        known = [each.id for each in services.store.stations()]
        if station not in known:
            listed = ", ".join(known[:IDS_IN_HINT_MAX]) or "none so far"
            raise ProblemError(UNKNOWN_STATION, f"no station {station[:80]!r}; known: {listed}", field="station")
        try:
            series = services.store.readings(station, from_ms, to_ms, Resolution(resolution.value), limit, cursor)
        except BadCursor:
            raise ProblemError(
                INVALID_INPUT, "cursor: not one that this service gave for these parameters", field="cursor"
            ) from None
        if resolution is Fineness.MINUTE:
            series = services.with_wbgt(series)
        return json_reply(
            request,
            {
                "station": station,
                "resolution": resolution.value,
                "from": iso(from_ms),
                "to": iso(to_ms),
                "quantities": {
                    name: {"unit": UNITS[name]}
                    for index, name in enumerate(series.columns)
                    if name in UNITS and any(row[index] is not None for row in series.rows)
                },
                "items": items(series),
                "next_cursor": series.next_cursor,
            },
        )

    return routes


def items(series: Series) -> list[dict[str, Any]]:
    """The rows by name, without columns that hold nothing at all on this page."""
    filled = [
        index
        for index, name in enumerate(series.columns)
        if name != "at_ms" and any(row[index] is not None for row in series.rows)
    ]
    at = series.columns.index("at_ms")
    named = []
    for row in series.rows:
        item: dict[str, Any] = {"at": iso(row[at])}
        for index in filled:
            name, value = series.columns[index], row[index]
            if name != "flags":
                item[name] = round(value, DECIMALS) if isinstance(value, float) else value
            elif value:
                item[name] = json.loads(value)
        named.append(item)
    return named
