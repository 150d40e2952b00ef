"""The answers of /v1/heat/scenarios as types, for /openapi.json."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from central.web.schemas import FrameLayer, LonLat


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Compared(Strict):
    """`difference`: after minus before."""

    before: float
    after: float
    difference: float


class Walks(Strict):
    """Means over the cells where people walk before and after. UTCI is left out where it is not defined (above 50 hPa of vapour)."""

    mean_tmrt_degc: Compared
    mean_utci_degc: Compared | None = None
    mean_wbgt_degc: Compared
    sunlit_pct: Compared


class ScenarioLayer(FrameLayer):
    """value = offset + step x gray for gray 1 to 255; gray 0 is a building; in differences gray 128 is none."""


class ScenarioMoment(Strict):
    at: str
    wbgt_31_and_more_m2: Compared
    walks_m2: float
    walks: Walks | None
    layers: dict[str, ScenarioLayer]


class ScenarioWindow(Strict):
    """Where anything can change; outside of it all is as before. Corners: longitude and latitude of NW, NE, SE, SW."""

    width: int
    height: int
    pixel_size_m: float
    area_m2: float
    corners: list[LonLat]


class ScenarioResult(Strict):
    """`window` is null when the changes change no cell. `without_effect`: indices of features that changed none; `cropped`: of those that
    reach beyond the map, where they are left out. `attribution`: whom to thank for the city's model.
    """

    window: ScenarioWindow | None
    without_effect: list[int]
    cropped: list[int]
    attribution: str
    moments: list[ScenarioMoment]


class ScenarioSummary(Strict):
    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    share: float
    message: str
    submitted_at: str
    changes: int


class Scenario(ScenarioSummary):
    result: ScenarioResult | None


class Scenarios(Strict):
    """Newest first."""

    items: list[ScenarioSummary]
