"""What the routes work with, wired once by `central.main`."""

from dataclasses import dataclass
from typing import Final, Protocol

from central.city.model import City
from central.simulation.library import FrameStore, shows
from central.simulation.place import Stage
from central.simulation.service import SimulationService
from central.simulation.station_wbgt import WEATHER_WITHIN_MS, Mast, PastWeather, needs_weather, past_weather, with_wbgt
from central.simulation.stations import KUMAGAYA, StationsNow, StationStore
from central.store.door import Frame, Resolution, Series, StoreHealth
from central.web.problems import CITY_FAILED, CITY_PREPARING, ProblemError
from contract.clock import Clock

FRAMES_A_PAGE: Final = 200
FRAMES_READ_MAX: Final = 2000
"""Further back than so many frames the city's weather is not looked up: a day's frames are some 260."""


class WebStore(FrameStore, StationStore, Protocol):
    """What the web needs of the store."""

    def change_token(self) -> int: ...
    def health(self) -> StoreHealth: ...
    def readings(  # noqa: PLR0917 - the door has it so
        self,
        station: str,
        from_ms: int,
        to_ms: int,
        resolution: Resolution = ...,
        limit: int = ...,
        after: str | None = None,
    ) -> Series: ...


@dataclass(frozen=True)
class Services:
    """`speed`: city seconds in a real one; `simulated_weather`: the stations are simulators and the page must say so."""

    store: WebStore
    simulation: SimulationService
    clock: Clock
    speed: float
    simulated_weather: bool

    def city(self) -> City:
        """The city. Raises ProblemError while it is being loaded, or when it could not be."""
        city = self.simulation.place.city
        if city is not None:
            return city
        progress = self.simulation.place.progress
        if progress.stage is Stage.FAILED:
            raise ProblemError(CITY_FAILED, progress.message)
        raise ProblemError(CITY_PREPARING, f"{progress.stage}: {progress.share:.0%}", retry_after_s=2)

    def latest_frame(self) -> Frame | None:
        """The newest frame of this city; None while the city is being loaded, since nobody knows yet whether it is."""
        city, frame = self.simulation.place.city, self.simulation.library.latest()
        return frame if city is not None and frame is not None and shows(frame, city) else None

    def frame(self, name: str) -> Frame | None:
        """The frame of this name; None when there is none, or it is one of another city."""
        city, frame = self.simulation.place.city, self.simulation.library.frame(name)
        return frame if frame is not None and (city is None or shows(frame, city)) else None

    def stations_now(self) -> StationsNow:
        """All stations at this moment."""
        city = self.simulation.place.city
        return self.simulation.board.now(city.center) if city is not None else self.simulation.board.now()

    def with_wbgt(self, series: Series) -> Series:
        """Minute values of one station with the WBGT that follows from each."""
        city = self.simulation.place.city
        lat, lon = KUMAGAYA if city is None else city.center
        weather = PastWeather()
        if series.rows and needs_weather(series):
            at = series.columns.index("at_ms")
            weather = self._past_weather(series.rows[0][at], series.rows[-1][at])
        return with_wbgt(series, weather, Mast(lat, lon, wind_height_m=self.simulation.wind_height_m))

    def _past_weather(self, from_ms: int, to_ms: int) -> PastWeather:
        """Of the kept frames of this city from a little before to a little after."""
        city = self.simulation.place.city
        found: list[Frame] = []
        cursor = None
        for _ in range(FRAMES_READ_MAX // FRAMES_A_PAGE):
            page = self.simulation.library.page(FRAMES_A_PAGE, cursor)
            found += [
                frame
                for frame in page.frames
                if from_ms - WEATHER_WITHIN_MS <= frame.at_ms <= to_ms + WEATHER_WITHIN_MS
                and (city is None or shows(frame, city))
            ]
            cursor = page.next_cursor
            if cursor is None or page.frames[-1].at_ms < from_ms - WEATHER_WITHIN_MS:
                break
        return past_weather(found)
