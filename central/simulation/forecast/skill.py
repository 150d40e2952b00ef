"""How good the forecasts were: each hour's values kept until the hour has come, then counted against persistence."""

from collections.abc import Mapping
from typing import Final

import msgspec

from central.simulation.forecast.weather import LEAD_MAX_H, MS_PER_HOUR

SCORED: Final = ("air_temperature_degc", "relative_humidity_pct", "wind_speed_ms", "global_radiation_wm2")
KEPT_MS: Final = (LEAD_MAX_H + 1) * MS_PER_HOUR


class Pending(msgspec.Struct, frozen=True):
    """What was said for an hour that has not come yet, and what it was when it was said."""

    valid_ms: int
    lead_h: int
    forecast: dict[str, float]
    persistence: dict[str, float]


class Tally(msgspec.Struct, frozen=True):
    """Sums over the hours scored: number, and absolute errors of the forecast and of "as it is now"."""

    count: int = 0
    forecast: float = 0.0
    persistence: float = 0.0

    def plus(self, forecast_error: float, persistence_error: float) -> "Tally":
        return Tally(self.count + 1, self.forecast + abs(forecast_error), self.persistence + abs(persistence_error))


class Skill(msgspec.Struct, frozen=True):
    """All that is kept. `tallies`: lead [h] -> quantity -> tally. `since_ms`: the first hour that was scored."""

    pending: list[Pending] = []
    tallies: dict[int, dict[str, Tally]] = {}
    since_ms: int | None = None

    def issued(self, issued_ms: int, hours: Mapping[int, Mapping[str, float]], now: Mapping[str, float]) -> "Skill":
        """With the hours of a forecast (valid_ms -> values) waiting to be scored. Only whole leads are: 1 h, 2 h, ..."""
        added = []
        for valid_ms, values in hours.items():
            lead_h = round((valid_ms - issued_ms) / MS_PER_HOUR)
            if 1 <= lead_h <= LEAD_MAX_H:
                said = {name: float(values[name]) for name in SCORED if name in values}
                added.append(Pending(valid_ms, lead_h, said, {name: float(now[name]) for name in said if name in now}))
        return msgspec.structs.replace(self, pending=[*self.pending, *added])

    def observed(self, valid_ms: int, values: Mapping[str, float]) -> "Skill":
        """With this hour scored; what waited for it, or has waited for too long, is dropped."""
        tallies = {lead: dict(of) for lead, of in self.tallies.items()}
        scored = False
        for one in self.pending:
            if one.valid_ms != valid_ms:
                continue
            of = tallies.setdefault(one.lead_h, {})
            for name, said in one.forecast.items():
                if name in values and name in one.persistence:
                    errors = said - values[name], one.persistence[name] - values[name]
                    of[name] = of.get(name, Tally()).plus(*errors)
                    scored = True
        waiting = [one for one in self.pending if valid_ms < one.valid_ms <= valid_ms + KEPT_MS]
        since_ms = self.since_ms if self.since_ms is not None or not scored else valid_ms
        return Skill(waiting, tallies, since_ms)
