"""The answers as types, for /openapi.json. The tests hold every real answer to them; the routes write bytes themselves."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.web.problems import PROBLEM_JSON

BandName = Literal["caution", "warning", "severe_warning", "danger"]
LayerName = Literal["wbgt", "utci", "tmrt", "shadow"]
FlagName = Literal["ok", "missing", "device_error", "out_of_range", "jump", "stuck"]
LonLat = tuple[float, float]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(Strict):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    field: str | None = None


class LatLon(Strict):
    lat: float
    lon: float


class Bounds(Strict):
    """Degrees."""

    west: float
    south: float
    east: float
    north: float


class CityClock(Strict):
    """The city's time now, and how many city seconds pass in a real one."""

    now: str
    speed: float


class City(Strict):
    name_ja: str
    name_en: str
    center: LatLon
    bounds: Bounds
    source: Literal["synthetic", "plateau", "osm"]
    attribution_ja: str
    attribution_en: str
    buildings: str
    building_count: int
    building_height_estimated_count: int
    simulated_weather: bool
    clock: CityClock


class Measured(Strict):
    """`value` is null when nothing valid was measured; `flag` is what quality control says."""

    value: float | None
    flag: FlagName


class LastReading(Strict):
    """`age_s`: real seconds."""

    at: str
    age_s: float
    stale: bool
    values: dict[str, Measured]


class Station(Strict):
    id: str
    name_ja: str
    name_en: str
    lat: float | None
    lon: float | None
    gateway: str | None
    profile: str | None
    surface: str | None
    last: LastReading | None
    wbgt_degc: float | None
    wbgt_band: BandName | None


class Stations(Strict):
    now: str
    stale_after_s: float
    stations: list[Station]


class Unit(Strict):
    unit: str


class Readings(Strict):
    """`items`: `at` and a field for each quantity; roll-ups hold the mean under the quantity's name, with `_min` and `_max` beside it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    station: str
    resolution: Literal["raw", "minute", "hour", "day"]
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    quantities: dict[str, Unit]
    items: list[dict[str, Any]]
    next_cursor: str | None


class Weather(Strict):
    air_temperature_degc: float
    relative_humidity_pct: float
    wind_speed_ms: float
    wind_direction_deg: float | None
    global_radiation_wm2: float
    direct_normal_wm2: float
    diffuse_wm2: float
    air_pressure_hpa: float
    sun_altitude_deg: float
    sun_azimuth_deg: float
    radiation_source: Literal["measured", "modelled"]


class FrameLayer(Strict):
    """value = offset + step * gray for gray 1 .. 255; gray 0: no value. min, mean, max over outdoor ground."""

    title_ja: str
    title_en: str
    unit: str
    png: str
    tif: str
    offset: float
    step: float
    min: float | None
    mean: float | None
    max: float | None


class Frame(Strict):
    """`assumed`: quantities that no station gave. `corners`: lon, lat of NW, NE, SE, SW."""

    id: str
    at: str
    computed_at: str
    stale: bool
    weather: Weather
    assumed: list[str]
    stations_used: list[str]
    step_ms: float
    corners: tuple[LonLat, LonLat, LonLat, LonLat]
    bounds: Bounds
    width: int
    height: int
    pixel_size_m: float
    layers: dict[LayerName, FrameLayer]
    band_share: dict[BandName, float]


class FrameEntry(Strict):
    id: str
    at: str


class Frames(Strict):
    """Newest first."""

    items: list[FrameEntry]
    next_cursor: str | None


class PointValues(Strict):
    tmrt_degc: float | None
    utci_degc: float | None
    wbgt_degc: float | None
    shadow: float | None


class HoursAbove(Strict):
    """Hours of today at and above a WBGT: so far, and with the forecast of the rest (null without one)."""

    min_wbgt_degc: float
    so_far_h: float | None
    day_h: float | None


class PointHeat(Strict):
    """`values` and `band` are null in buildings and outside the map. A building lies in a heat area when the ground next to it does."""

    lat: float
    lon: float
    frame: str
    at: str
    forecast: bool
    surface: Literal["ground", "building", "outside"]
    values: PointValues | None
    band: BandName | None
    inside_heat_area: bool
    heat_area_min_wbgt_degc: float
    hours_above: list[HoursAbove] | None


class AreaProperties(Strict):
    """`area_m2` counts the buildings that stand in it."""

    band: str
    min_degc: float
    max_degc: float | None
    area_m2: float
    frame: str
    at: str


class Polygon(Strict):
    type: Literal["Polygon"]
    coordinates: list[list[LonLat]]


class MultiPolygon(Strict):
    type: Literal["MultiPolygon"]
    coordinates: list[list[list[LonLat]]]


class AreaFeature(Strict):
    type: Literal["Feature"]
    geometry: Polygon
    properties: AreaProperties


class Areas(Strict):
    """GeoJSON (RFC 7946) with the frame it was taken from. `least_area_m2`: smaller pieces were joined to their neighbours.

    `attribution`: the line that the city's licence asks for, empty for the built-in one.
    """

    type: Literal["FeatureCollection"]
    frame: str
    at: str
    layer: Literal["wbgt", "utci"]
    least_area_m2: float
    attribution: str
    features: list[AreaFeature]


class BuildingProperties(Strict):
    id: str
    height_m: float
    base_m: float
    height_estimated: bool


class BuildingFeature(Strict):
    type: Literal["Feature"]
    id: int
    geometry: Polygon | MultiPolygon
    properties: BuildingProperties


class Buildings(Strict):
    """GeoJSON (RFC 7946). `attribution`: the line that the city's licence asks for, empty for the built-in one."""

    type: Literal["FeatureCollection"]
    attribution: str
    features: list[BuildingFeature]


class Check(Strict):
    status: Literal["ok", "degraded"]
    detail: str


class Health(Strict):
    status: Literal["ok", "degraded"]
    checks: dict[str, Check]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may refuse with, for its entry in the OpenAPI document."""
    return {
        status: {"model": Problem, "content": {PROBLEM_JSON: {}}, "description": "Problem details (RFC 9457)"}
        for status in statuses
    }
