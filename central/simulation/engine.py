"""The port to the heat room: load a city, prepare it, step."""

import copy
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import structlog

from central.city.load import load_city
from central.city.model import City
from central.heat.geometry import Geometry, prepare
from central.heat.land_cover import LandCover
from central.heat.memory import Memory
from central.heat.step import Frame, Weather, irradiance_of, step
from central.heat.sun import Sun, sun_position
from central.heat.surface import Surface
from central.simulation.cityfile import load_city as load_prepared
from central.simulation.cityprepare import prepare_city, surface_digest
from central.simulation.forcing import Forcing, RadiationSource
from central.simulation.frames import Field, Mask
from central.simulation.place import Stage
from central.simulation.wind import wind_at_10m_ms
from contract.errors import UserError

log = structlog.get_logger("central.simulation")

WARM_UP_AT_MS: Final = 1_532_318_400_000
"""2018-07-23 13:00 JST: a sunny moment, so that every kernel is run once."""
REMEMBERS_FOR_MS: Final = 6 * 3_600_000
"""After a longer gap between steps (city time), or when the clock went back, ground and walls begin in balance again."""

Report = Callable[[Stage, float, str], None]
"""Called with the stage, the share of it that is done (0 .. 1) and a line for people. May raise to stop the work."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One moment of the city.

    Args:
        fields: layer name -> (rows, columns) float32: tmrt, utci, wbgt [degC], shadow (1 = sun); valid until the next step.
        is_ground: (rows, columns) True where people walk.
        direct_normal_wm2, diffuse_wm2: how the global radiation was split.
        step_ms: what the step alone took [real milliseconds].
        has_utci: False where the air held more than 50 hPa of vapour, beyond what UTCI is defined for: that field is
            then NaN, the others go on.
    """

    fields: Mapping[str, Field]
    is_ground: Mask
    direct_normal_wm2: float
    diffuse_wm2: float
    sun: Sun
    step_ms: float
    has_utci: bool = True


class Engine(Protocol):
    """What the service needs of the heat room. Called from one thread at a time, in this order."""

    def load(self, report: Report) -> City:
        """The city. Raises UserError for input that cannot be used."""
        ...

    @property
    def altitude_m(self) -> float:
        """Height of the city above sea level [m]; 0 before `load`."""
        ...

    def prepare(self, report: Report) -> None:
        """Does once what every step needs."""
        ...

    def warm_up(self) -> None:
        """Makes the first step as fast as the others."""
        ...

    def step(self, forcing: Forcing, at_ms: int) -> StepResult:
        """The fields of one moment (city time). Raises ValueError for a weather that the indices are not defined for."""
        ...

    @property
    def stepped_at_ms(self) -> int | None:
        """City time of the last step, which the memory is of; None before it. A step for an earlier moment forgets all."""
        ...

    def fork(self) -> "Engine":
        """Another engine on the same prepared city that goes on from here, for another thread: its steps leave this one's as they are.

        May be called while another thread steps; then it waits for that step.
        """
        ...


class HeatEngine:
    """The real one.

    Args:
        city_path: CityGML tile, .osm file or folder; None for the built-in downtown.
        data_dir: the prepared city is kept here, for the next start.
        wind_height_m: height above the ground at which the forcing's wind was measured.
    """

    def __init__(self, city_path: Path | None, data_dir: Path, *, wind_height_m: float = 10.0) -> None:
        self._city_path = city_path
        self._folder = data_dir / "prepared"
        self._wind_height_m = wind_height_m
        self._surface: Surface | None = None
        self._geometry: Geometry | None = None
        self._maps: Frame | None = None
        self._land_cover: LandCover | None = None
        self._memory: Memory | None = None
        self._stepped_at_ms: int | None = None
        self._had_utci = True
        self._tells = True
        """Whether this one logs: of a forecast who asked for it tells."""
        self._stepping = threading.Lock()
        """Held while the memory changes."""

    def load(self, report: Report) -> City:
        report(Stage.CITY, 0.0, "reading the city model" if self._city_path else "building the downtown")
        city, self._surface = load_city(self._city_path)
        self._land_cover = LandCover(city.land_cover)
        report(Stage.CITY, 1.0, f"{len(city.buildings)} buildings, {city.grid.width} x {city.grid.height} cells")
        return city

    @property
    def surface(self) -> Surface | None:
        """The city's heights; None before `load`."""
        return self._surface

    @property
    def altitude_m(self) -> float:
        return self._surface.altitude_m if self._surface is not None else 0.0

    def prepare(self, report: Report) -> None:
        if self._surface is None:
            raise RuntimeError("load the city before preparing it")
        path = self._folder / f"{surface_digest(self._surface)}.city"
        if path.exists():
            try:
                self._geometry = load_prepared(path)
            except UserError as damaged:
                log.warning("the prepared city cannot be used and is made again", reason=str(damaged))
            else:
                report(Stage.GEOMETRY, 1.0, "prepared before")
                return
        surface = self._surface

        def progress(share: float) -> None:
            report(Stage.GEOMETRY, share, "looking round from every cell")

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for former in (*self._folder.glob("*.city"), *self._folder.glob(".*.city.*")):
                if path.name not in former.name:  # an unfinished try at this very city is taken up again
                    former.unlink()
            self._geometry = prepare_city(path, surface, progress)
        except (OSError, UserError) as error:
            # Without the file the next start takes longer; this one does not need it any more.
            log.warning("the prepared city cannot be kept", reason=str(error))
            self._geometry = prepare(surface, progress)

    def warm_up(self) -> None:
        noon = Forcing(35.0, 45.0, 2.0, None, 900.0, 1005.0, RadiationSource.MODELLED, ())
        self.step(noon, WARM_UP_AT_MS)
        self._memory, self._stepped_at_ms = None, None

    @property
    def stepped_at_ms(self) -> int | None:
        return self._stepped_at_ms

    def fork(self) -> "HeatEngine":
        with self._stepping:
            other = copy.copy(self)
            # What ground and walls remember by now, as a copy: a forecast for tonight begins with the asphalt of this afternoon.
            other._memory = copy.deepcopy(self._memory)  # noqa: SLF001 - of our own class
        other._maps = None  # noqa: SLF001
        other._tells = False  # noqa: SLF001
        other._stepping = threading.Lock()  # noqa: SLF001
        return other

    def step(self, forcing: Forcing, at_ms: int) -> StepResult:
        with self._stepping:
            return self._step(forcing, at_ms)

    def _step(self, forcing: Forcing, at_ms: int) -> StepResult:
        if self._geometry is None:
            raise RuntimeError("prepare the city before stepping")
        weather = Weather(
            air_temperature_degc=forcing.air_temperature_degc,
            relative_humidity_pct=forcing.relative_humidity_pct,
            wind_speed_ms=wind_at_10m_ms(forcing.wind_speed_ms, self._wind_height_m),
            global_radiation_wm2=forcing.global_radiation_wm2,
            air_pressure_hpa=forcing.air_pressure_hpa,
        )
        sun = sun_position(at_ms, self._geometry.lat, self._geometry.lon)
        if self._maps is None:
            self._maps = Frame.empty(self._geometry.shape)
        memory, elapsed_s = self._remembered(self._geometry, at_ms)
        started = time.perf_counter()
        maps = step(
            self._geometry,
            weather,
            sun,
            self._maps,
            land_cover=self._land_cover,
            memory=memory,
            elapsed_s=elapsed_s,
            blank_utci=True,
        )
        step_ms = (time.perf_counter() - started) * 1000.0
        self._stepped_at_ms = at_ms
        has_utci = bool(np.isfinite(maps.utci_degc[0, 0]))
        if self._tells and self._had_utci and not has_utci:
            log.warning(
                "the air holds more than 50 hPa of vapour, UTCI is not defined there: its layer stays blank",
                air_temperature_degc=forcing.air_temperature_degc,
                relative_humidity_pct=forcing.relative_humidity_pct,
            )
        self._had_utci = has_utci
        split = irradiance_of(weather, sun)
        return StepResult(
            fields={
                "wbgt": maps.wbgt_degc,
                "utci": maps.utci_degc,
                "tmrt": maps.tmrt_degc,
                "shadow": maps.shadow,
            },
            is_ground=self._geometry.is_ground,
            direct_normal_wm2=split.direct_normal_wm2,
            diffuse_wm2=split.diffuse_wm2,
            sun=sun,
            step_ms=step_ms,
            has_utci=has_utci,
        )

    def _remembered(self, geometry: Geometry, at_ms: int) -> tuple[Memory, float]:
        """What ground and walls remember, and for how long [s] they were left alone.

        A start of the program, a long gap and a clock that went back begin in balance with the weather of the step.
        """
        if self._memory is None:
            self._memory = Memory.fresh(geometry)
        since_ms = 0 if self._stepped_at_ms is None else at_ms - self._stepped_at_ms
        if not 0 <= since_ms <= REMEMBERS_FOR_MS:
            self._memory.forget()
            since_ms = 0
        return self._memory, since_ms / 1000.0
