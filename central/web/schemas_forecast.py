"""The shapes of /v1/heat/forecast and /v1/heat/exceedance, for the OpenAPI document and the tests."""

from typing import Literal

from central.web.schemas import BandName, FrameLayer, LayerName, Strict, Weather


class ForecastHour(Strict):
    """`source`: supplied where the air temperature is from the supplied file, else blended."""

    id: str
    at: str
    lead_h: float
    source: Literal["blended", "supplied"]
    weather: Weather
    band_share: dict[BandName, float]
    layers: dict[LayerName, FrameLayer]


class SuppliedForecast(Strict):
    """What became of the supplied file; `problems`: one line for each row, value or column that is not used."""

    rows: int
    usable: int
    problems: list[str]


class Forecast(Strict):
    """`history_days`: how much of the stations' past it rests on. `stale`: it is more than two hours old.

    Before the first there is no `issued_at` and no hour.
    """

    issued_at: str | None
    stale: bool
    history_days: float
    supplied: SuppliedForecast | None
    hours: list[ForecastHour]


class Errors(Strict):
    """Mean absolute errors over `count` hours: of the forecast, and of taking the present weather for the coming one."""

    count: int
    forecast_mae: float
    persistence_mae: float


class SkillLead(Strict):
    lead_h: int
    quantities: dict[str, Errors]


class ForecastSkill(Strict):
    """`since`: the first hour that was scored; null before."""

    since: str | None
    leads: list[SkillLead]


class ExceedanceLayer(FrameLayer):
    part: Literal["so_far", "day"]
    min_wbgt_degc: float


class Exceedance(Strict):
    """`begins_at` and `ends_at`: midnights in Japan. `watched_h`: how much of the time up to `counted_until` frames were there for.

    Before the first frame all is null and there is no layer.
    """

    begins_at: str | None
    ends_at: str | None
    counted_until: str | None
    watched_h: float
    forecast_issued_at: str | None
    layers: list[ExceedanceLayer]
