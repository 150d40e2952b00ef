"""The answers of /v1/paths as types, for /openapi.json."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from central.web.schemas import LonLat


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class PathEnd(Strict):
    """Where the walk begins or ends, and how far that is from the wanted place [m]."""

    lat: float
    lon: float
    snapped_m: float


class UtciMinutes(Strict):
    no_heat_stress: float
    moderate_heat_stress: float
    strong_heat_stress: float
    very_strong_heat_stress: float
    extreme_heat_stress: float


class WbgtMinutes(Strict):
    caution: float
    warning: float
    severe_warning: float
    danger: float


class PathNumbers(Strict):
    """`kinds`: what the walk is. Doses are time integrals of max(0, UTCI - 26) and max(0, WBGT - 25) [degC min]."""

    kinds: list[Literal["shortest", "balanced", "coolest"]]
    length_m: float
    duration_s: float
    shade_pct: float
    mean_utci_degc: float | None
    max_utci_degc: float | None
    mean_wbgt_degc: float
    max_wbgt_degc: float
    utci_dose_degc_min: float | None
    wbgt_dose_degc_min: float
    utci_minutes: UtciMinutes | None
    wbgt_minutes: WbgtMinutes


class PathLine(Strict):
    type: Literal["LineString"]
    coordinates: list[LonLat]


class PathFeature(Strict):
    type: Literal["Feature"]
    geometry: PathLine
    properties: PathNumbers


class Paths(Strict):
    """GeoJSON, shortest walk first. `network`: what was walked on: lines of a map, road surfaces, or the open ground.

    `attribution`: whom to thank for what was walked on; `city_attribution`: for the city's model, whose shade it is.
    """

    type: Literal["FeatureCollection"]
    frame: str
    at: str
    index: Literal["utci", "wbgt"]
    max_detour: float
    dose_from_degc: float
    walking_speed_ms: float
    network: Literal["ground", "roads", "lines"]
    attribution: str
    city_attribution: str
    from_: PathEnd = Field(alias="from")
    to: PathEnd
    features: list[PathFeature]
