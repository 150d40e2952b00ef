"""What the stations say now: their last words with age, whether those are stale, and the WBGT at each: read-only."""

import math
from dataclasses import dataclass
from typing import Final, Protocol

from central.heat.comfort.bands import band_of
from central.heat.sun import Sun, sun_position
from central.simulation.forcing import Forcing, NoForcing, StationWord, city_forcing, stale_after_s
from central.simulation.station_wbgt import COMPLETED_FROM, Mast, wbgt_of
from central.store.door import GatewayState, LastReading, Station
from contract.clock import Clock

INTERVAL_S: Final = 1.0
"""How often a station is read when its gateway has not told."""
INTERVALS_FOR_S: Final = 10.0
"""How long the polling intervals are believed before they are asked for again."""
KUMAGAYA: Final = (36.1390, 139.3890)
"""Where the sun is looked up before the city is loaded."""


class StationStore(Protocol):
    """What this room needs of the store."""

    def stations(self) -> list[Station]: ...
    def last_readings(self) -> list[LastReading]: ...
    def gateways(self) -> list[GatewayState]: ...


@dataclass(frozen=True, slots=True)
class StationReport:
    """One station now. `age_s` in real seconds; `wbgt_degc` None where temperature or humidity is missing or bad."""

    station: Station
    last: LastReading | None
    age_s: float | None
    is_stale: bool
    stale_after_s: float
    wbgt_degc: float | None
    wbgt_band: str | None


@dataclass(frozen=True, slots=True)
class StationsNow:
    """All stations at one moment (city time), and the weather they make together."""

    at_ms: int
    reports: tuple[StationReport, ...]
    forcing: Forcing | NoForcing
    sun: Sun


class StationBoard:
    """Asks the store and the clock; holds nothing but the polling intervals.

    Args:
        speed: how many city seconds pass in a real one.
        wind_height_m: height of the anemometers above the ground.
    """

    def __init__(self, store: StationStore, clock: Clock, *, speed: float = 1.0, wind_height_m: float = 10.0) -> None:
        self._store = store
        self._clock = clock
        self._speed = speed
        self._wind_height_m = wind_height_m
        self._intervals: dict[str, float] = {}
        self._intervals_at_s = -math.inf

    def now(
        self,
        place: tuple[float, float] = KUMAGAYA,
        altitude_m: float = 0.0,
        *,
        last_clearness: float | None = None,
    ) -> StationsNow:
        """Every station by id.

        Args:
            place: (lat, lon) of the city [degrees].
            altitude_m: its height above sea level [m].
            last_clearness: see `city_forcing`.

        """
        at_ms = self._clock.unix_ms()
        intervals = self._polling_intervals()
        last_by_station = {last.station: last for last in self._store.last_readings()}
        sun = sun_position(at_ms, *place)
        known = {station.id: station for station in self._store.stations()}
        # A reading whose station is not registered yet is possible for the blink between two commits.
        for name in last_by_station.keys() - known.keys():
            known[name] = Station(name, name, name, None, None, configured=False)
        heard: dict[str, tuple[StationWord, float]] = {}
        for name, last in last_by_station.items():
            # A reading from the future is no fresher than one as far in the past: a clock was set, or another run's data.
            age_s = abs(at_ms - last.at_ms) / 1000.0 / self._speed
            is_fresh = age_s <= stale_after_s(intervals.get(name, INTERVAL_S))
            heard[name] = StationWord(name, is_fresh, last.values, last.flags), age_s
        forcing = city_forcing([word for word, _ in heard.values()], sun, altitude_m, last_clearness=last_clearness)
        reports = []
        for name, station in sorted(known.items()):
            limit_s = stale_after_s(intervals.get(name, INTERVAL_S))
            if name not in heard:
                reports.append(StationReport(station, None, None, True, limit_s, None, None))
                continue
            word, age_s = heard[name]
            last = last_by_station[name]
            wbgt = self._wbgt(
                word, forcing, sun_position(last.at_ms, *place), Mast(*place, altitude_m, self._wind_height_m)
            )
            band = None if wbgt is None else band_of(wbgt).id
            reports.append(StationReport(station, last, age_s, not word.is_fresh, limit_s, wbgt, band))
        return StationsNow(at_ms, tuple(reports), forcing, sun)

    @staticmethod
    def _wbgt(word: StationWord, forcing: Forcing | NoForcing, sun: Sun, mast: Mast) -> float | None:
        """`sun` is that of the reading. A stale word cannot be completed with the weather of now."""
        city = None
        if isinstance(forcing, Forcing) and word.is_fresh:
            city = {name: float(getattr(forcing, name)) for name in COMPLETED_FROM}
        return wbgt_of(word.good, city, sun, mast)

    def _polling_intervals(self) -> dict[str, float]:
        """Station -> polling interval [real seconds], as the gateways told in their hello."""
        now_s = self._clock.monotonic_s()
        if now_s - self._intervals_at_s > INTERVALS_FOR_S:
            self._intervals_at_s = now_s
            self._intervals = {
                info.station: info.interval_s
                for gateway in self._store.gateways()
                if gateway.hello is not None
                for info in gateway.hello.stations
            }
        return self._intervals
