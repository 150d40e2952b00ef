"""The loop: load the city, prepare it, then look at the stations again and again and compute a frame when there is cause.

One job of the scheduler looks every LOOK_EVERY_S. A look is cheap: it asks the store whether anything was committed. A frame is
computed at once when something was and the last frame is `tick_interval_s` old, or when `sun_interval_s` went by (the sun moves
on without any reading); not when the weather is the same as before and the last frame is younger than REPEAT_AFTER_S. What a
look raises is counted, logged once per kind, and the next look goes on.
"""

import logging
import threading
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from central.city.model import City
from central.heat.sun import Sun
from central.heat.surface import Surface
from central.simulation import frames
from central.simulation.engine import Engine, HeatEngine, StepResult
from central.simulation.forcing import Forcing, NoForcing
from central.simulation.forecast.history import HistoryStore
from central.simulation.forecast.outlook import Outlook
from central.simulation.frames import LAYERS, Layer, band_share, quantise
from central.simulation.library import (
    FrameLibrary,
    FrameMeta,
    FrameStore,
    LayerSummary,
    corners_of,
    frame_id,
    meta_dict,
)
from central.simulation.place import Place, Stage
from central.simulation.stations import StationBoard, StationStore
from central.simulation.whatif.jobs import ScenarioJobs
from central.simulation.whatif.shelf import ScenarioShelf
from central.store.door import Frame
from contract.clock import Clock
from contract.errors import UserError

LOOK_EVERY_S: Final = 0.1
REPEAT_AFTER_S: Final = 10.0
"""An unchanged weather is computed again after this many real seconds, so that the map does not seem dead."""
SUN_NOTICEABLE_DEG: Final = 0.05
CLEARNESS_FOR_MS: Final = 2 * 3600 * 1000
"""How long (city time) the sky is taken to stay as clear as it was last measured."""
PRUNE_EVERY_FRAMES: Final = 20
STOP_TIMEOUT_S: Final = 15.0

log = structlog.get_logger("central.simulation")
# A step that takes longer than the looking interval is normal; the scheduler would warn at each.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


class SimulationStore(FrameStore, StationStore, HistoryStore, Protocol):
    """What the simulation needs of the store."""

    def change_token(self) -> int: ...


@dataclass(frozen=True, slots=True)
class SimulationState:
    """For /healthz and /metrics. `refusal`: why there is no weather to simulate with at the moment."""

    frames: int
    failures: dict[str, int]
    refusal: str | None
    last_step_ms: float | None
    last_total_ms: float | None
    last_frame_id: str | None


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the last frame was computed from."""

    forcing: Forcing
    sun: Sun
    monotonic_s: float

    def is_like(self, forcing: Forcing, sun: Sun) -> bool:
        return (
            self.forcing.is_like(forcing)
            and abs(self.sun.altitude_deg - sun.altitude_deg) < SUN_NOTICEABLE_DEG
            and abs(self.sun.azimuth_deg - sun.azimuth_deg) < SUN_NOTICEABLE_DEG
        )


class SimulationService:
    """Frames of one city, as long as it runs.

    Args:
        store: where readings are read and frames described.
        clock: the city's time.
        data_dir: frames/, scenarios/, the prepared city and progress.jsonl live here.
        city_path: CityGML tile, .osm file or folder; None for the built-in downtown.
        speed: how many city seconds pass in a real one.
        tick_interval_s: a frame at most this often [real seconds].
        sun_interval_s: without new readings a frame at least this often [real seconds]: the sun moves on.
        frames_recent_max: newest frames kept; older ones are thinned to one in ten minutes for a day.
        wind_height_m: height of the stations' anemometers above the ground.
        computes: False in a process that only serves what another one computes; the city is loaded for it all the same.
        engine: what loads, prepares and steps; handed in by tests.
    """

    def __init__(
        self,
        *,
        store: SimulationStore,
        clock: Clock,
        data_dir: Path,
        city_path: Path | None = None,
        speed: float = 1.0,
        tick_interval_s: float = 0.5,
        sun_interval_s: float = 10.0,
        frames_recent_max: int = 120,
        wind_height_m: float = 10.0,
        computes: bool = True,
        engine: Engine | None = None,
    ) -> None:
        self.place = Place(data_dir / "progress.jsonl" if computes else None)
        self.library = FrameLibrary(store, data_dir / "frames", recent_max=frames_recent_max)
        self.board = StationBoard(store, clock, speed=speed, wind_height_m=wind_height_m)
        self.outlook = Outlook(
            store=store,
            library=self.library,
            clock=clock,
            data_dir=data_dir,
            describe=frame_meta,
            computes=computes,
        )
        self.scenarios = ScenarioJobs(ScenarioShelf(data_dir / "scenarios"))
        self.wind_height_m = wind_height_m
        self.tick_interval_s = tick_interval_s
        self.sun_interval_s = sun_interval_s
        self._store = store
        self._clock = clock
        self._computes = computes
        self._data_dir = data_dir
        self._engine: Engine = engine or HeatEngine(city_path, data_dir, wind_height_m=wind_height_m)
        self._scheduler: BackgroundScheduler | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._token: int | None = None
        self._looked_at_s = self._framed_at_s = float("-inf")
        self._shown: _Shown | None = None
        self._clearness: tuple[float, int] | None = None
        self._state = SimulationState(0, {}, None, None, None, None)
        self._failures: Counter[str] = Counter()

    @property
    def state(self) -> SimulationState:
        with self._lock:
            return self._state

    @property
    def surface(self) -> Surface | None:
        """The city's heights; None while the city is being loaded."""
        return self._engine.surface if isinstance(self._engine, HeatEngine) else None

    @property
    def computes(self) -> bool:
        return self._computes

    def start(self) -> None:
        """Begins to load the city in a thread and returns at once."""
        if self._thread is not None:
            raise RuntimeError("the simulation was started before")
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="simulation-prepare", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Waits for the step that runs, at most STOP_TIMEOUT_S; afterwards nothing is written any more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
        self.outlook.stop(STOP_TIMEOUT_S)
        self.scenarios.stop()

    def _run(self) -> None:
        if self.prepare() and self._computes and not self._stopping.is_set():
            scheduler = BackgroundScheduler(
                job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}, daemon=True
            )
            scheduler.add_job(self.look, "interval", seconds=LOOK_EVERY_S, id="look")
            self._scheduler = scheduler
            scheduler.start()
            self.outlook.start()

    def prepare(self) -> bool:
        """Loads and prepares the city in the caller's thread; False when it could not be, or the service was stopped meanwhile."""

        def report(stage: Stage, share: float, message: str = "") -> None:
            if self._stopping.is_set():
                raise _StoppedError
            self.place.report(stage, share, message)

        try:
            report(Stage.CITY, 0.0, "loading the city")
            city = self._engine.load(report)
            # Before anybody can see the city and send a scenario for it.
            self.scenarios.begin(repr((city.grid.shape, corners_of(city))))
            self.place.set_city(city)
            if self._computes:
                self.library.forget_others(city)
                report(Stage.GEOMETRY, 0.0, "looking round from every cell")
                self._engine.prepare(report)
                report(Stage.KERNELS, 0.0, "compiling and warming up the step")
                self._engine.warm_up()
                frames.warm_up()
                report(Stage.KERNELS, 1.0)
            self.outlook.begin(city, self._engine)
            report(Stage.READY, 1.0, "ready")
        except _StoppedError:
            return False
        except UserError as error:
            self.place.report(Stage.FAILED, 1.0, str(error))
            log.error("the city cannot be used: there will be no frames", reason=str(error))
            return False
        except Exception as error:
            # Ingest and the rest of the web go on without a map; the reason is on /healthz and in the log.
            self.place.report(Stage.FAILED, 1.0, f"{type(error).__name__}: {error}")
            log.exception("the city could not be prepared: there will be no frames")
            return False
        return True

    def look(self) -> bool:
        """One look; True when a frame came of it. Called by the scheduler, or by a test."""
        try:
            return self._look()
        except Exception as error:
            kind = type(error).__name__
            self._failures[kind] += 1
            self._note(failures=dict(self._failures))
            if self._failures[kind] == 1:
                log.exception("a step failed; the next one goes on, and this kind is only counted from now on")
            return False

    def _look(self) -> bool:
        token, now_s = self._store.change_token(), self._clock.monotonic_s()
        # Counted from the last frame, not from the last look: readings of one sweep come in pieces, and a look at the first piece,
        # which changes nothing yet, must not keep the rest waiting.
        if now_s - self._framed_at_s < self.tick_interval_s:
            return False
        if token == self._token and now_s - self._looked_at_s < self.sun_interval_s:
            return False
        self._token, self._looked_at_s = token, now_s
        city = self.place.city
        if city is None:
            return False
        now = self.board.now(city.center, self._engine.altitude_m, last_clearness=self._last_clearness())
        if isinstance(now.forcing, NoForcing):
            if self._state.refusal != now.forcing.value:
                log.warning("no weather to simulate with", reason=now.forcing.value)
            self._note(refusal=now.forcing.value)
            return False
        if self._state.refusal is not None:
            self._note(refusal=None)
        if now.forcing.clearness is not None:
            self._clearness = now.forcing.clearness, now.at_ms
        shown = self._shown
        if shown is not None and shown.is_like(now.forcing, now.sun) and now_s - shown.monotonic_s < REPEAT_AFTER_S:
            return False
        result = self._engine.step(now.forcing, now.at_ms)
        self._keep(city, now.forcing, now.at_ms, result)
        self._shown, self._framed_at_s = _Shown(now.forcing, now.sun, now_s), now_s
        total_ms = (self._clock.monotonic_s() - now_s) * 1000.0
        count = self._state.frames + 1
        self._note(frames=count, last_step_ms=result.step_ms, last_total_ms=total_ms, last_frame_id=frame_id(now.at_ms))
        if count % PRUNE_EVERY_FRAMES == 1:
            self.library.prune()
        return True

    def _keep(self, city: City, forcing: Forcing, at_ms: int, result: StepResult) -> None:
        layers = [quantise(LAYERS[name], field, result.is_ground) for name, field in result.fields.items()]
        meta = frame_meta(city, forcing, result, layers)
        frame = Frame(frame_id(at_ms), at_ms, self._clock.unix_ms(), meta_dict(meta))
        self.library.keep(frame, layers)
        self.outlook.observe(frame, forcing, next(layer for layer in layers if layer.kind.name == "wbgt"))

    def _last_clearness(self) -> float | None:
        if self._clearness is None:
            return None
        clearness, at_ms = self._clearness
        return clearness if 0 <= self._clock.unix_ms() - at_ms <= CLEARNESS_FOR_MS else None

    def _note(self, **changes: Any) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)


class _StoppedError(Exception):
    """The service was asked to stop while the city was being prepared."""


def frame_meta(city: City, forcing: Forcing, result: StepResult, layers: list[Layer]) -> FrameMeta:
    """The description of a frame."""
    by_name = {layer.kind.name: layer for layer in layers}
    weather: dict[str, float | str | None] = {
        "air_temperature_degc": forcing.air_temperature_degc,
        "relative_humidity_pct": forcing.relative_humidity_pct,
        "wind_speed_ms": forcing.wind_speed_ms,
        "wind_direction_deg": forcing.wind_direction_deg,
        "global_radiation_wm2": forcing.global_radiation_wm2,
        "direct_normal_wm2": round(result.direct_normal_wm2, 1),
        "diffuse_wm2": round(result.diffuse_wm2, 1),
        "air_pressure_hpa": forcing.air_pressure_hpa,
        "sun_altitude_deg": round(result.sun.altitude_deg, 2),
        "sun_azimuth_deg": round(result.sun.azimuth_deg, 2),
        "radiation_source": forcing.radiation_source.value,
    }
    return FrameMeta(
        weather=weather,
        assumed=list(forcing.assumed),
        stations_used=list(forcing.stations_used),
        step_ms=round(result.step_ms, 2),
        corners=corners_of(city),
        bounds={side: round(degrees, 7) for side, degrees in city.bounds.items()},
        width=city.grid.width,
        height=city.grid.height,
        pixel_size_m=city.grid.pixel_size_m,
        layers={
            name: LayerSummary(
                layer.offset,
                layer.step,
                _rounded(layer.minimum),
                _rounded(layer.mean),
                _rounded(layer.maximum),
            )
            for name, layer in by_name.items()
        },
        band_share=band_share(by_name["wbgt"]),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
