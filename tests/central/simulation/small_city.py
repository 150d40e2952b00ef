"""A city of 60 x 60 cells with two houses and a tree, a clock that is set by hand, and eight stations to fill a store with."""

from pathlib import Path

import numpy as np
from shapely import box

from central.city.grid import Grid
from central.city.model import Building, City, HeightSource, ImportReport, LandCover
from central.city.projection import LocalFrame
from central.city.surface_raster import draw_buildings
from central.heat.surface import Surface
from central.simulation.engine import HeatEngine, Report
from central.simulation.place import Stage
from central.store.door import Incoming, Station, Store
from contract.messages import Batch, Hello, Reading, StationInfo, StreamState
from contract.quantities import Flag
from contract.topics import Stream

LAT, LON = 36.1390, 139.3890
JST_14_MS = 1_532_322_000_000
"""2018-07-23 14:00 JST."""
JST_02_MS = JST_14_MS - 12 * 3_600_000
STATIONS = tuple(f"kmg-{number:02d}" for number in range(1, 9))
HOT_DAY: dict[str, float | None] = {
    "air_temperature_degc": 38.0,
    "relative_humidity_pct": 35.0,
    "wind_speed_ms": 2.0,
    "wind_direction_deg": 150.0,
    "global_radiation_wm2": 880.0,
    "air_pressure_hpa": 1003.0,
}


class HandClock:
    """Shows what it was set to."""

    def __init__(self, unix_ms: int = JST_14_MS) -> None:
        self.ms = unix_ms
        self.s = 1000.0

    def unix_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.s

    def synchronised(self) -> bool:
        return True

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        self.s += seconds


def small_city() -> tuple[City, Surface]:
    """120 m x 120 m: a house of 20 m north of the middle, a lower one in the south-east, a tree in the west."""
    grid = Grid(-60.0, 60.0, 60, 60, 2.0)
    dem = np.full(grid.shape, 27.0, np.float32)
    buildings = (
        Building("house-1", box(-20.0, 10.0, 20.0, 30.0), 20.0, 27.0, HeightSource.MEASURED),
        Building("house-2", box(30.0, -40.0, 44.0, -30.0), 6.0, 27.0, HeightSource.NEIGHBOURS),
    )
    dsm, inside = draw_buildings(grid, buildings, dem)
    cdsm = np.zeros(grid.shape, np.float32)
    cdsm[40:46, 5:11] = 8.0
    city = City(
        name_ja="試験の町",
        name_en="Test town",
        source="synthetic",
        frame=LocalFrame(LAT, LON),
        grid=grid,
        buildings=buildings,
        land_cover=np.where(inside, np.uint8(LandCover.ROOF), np.uint8(LandCover.UNKNOWN)),
        attribution_ja="",
        attribution_en="",
        report=ImportReport(buildings=2, volumes=2),
    )
    return city, Surface(dsm, dem, cdsm, pixel_size_m=2.0, lat=LAT, lon=LON)


class SmallEngine(HeatEngine):
    """The real engine on the small city."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(None, data_dir)

    def load(self, report: Report) -> City:
        report(Stage.CITY, 0.5, "small")
        city, self._surface = small_city()
        return city


def add_stations(store: Store, *, interval_s: float | None = None) -> None:
    """Eight stations at known places; with `interval_s` their gateway has said how often it reads them."""
    for number, name in enumerate(STATIONS, start=1):
        store.station_upsert(
            Station(name, f"観測局{number}", f"Station {number}", LAT + 1e-4 * number, LON, surface="asphalt")
        ).result()
    if interval_s is not None:
        infos = [StationInfo(name, "bus-1", number, "wxt", interval_s) for number, name in enumerate(STATIONS, start=1)]
        hello = Hello(1, "0", "boot", JST_14_MS, {Stream.TELEMETRY: StreamState("e1", 1, 1)}, infos)
        store.set_hello("gw-1", hello).result()


class Feed:
    """Puts readings into a store through its door, numbering them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seq = 0

    def say(
        self,
        station: str,
        at_ms: int,
        values: dict[str, float | None] | None = None,
        flags: dict[str, Flag] | None = None,
    ) -> None:
        self._seq += 1
        reading = Reading(
            seq=self._seq,
            station=station,
            at_ms=at_ms,
            monotonic_ms=self._seq,
            boot_id="boot",
            values=dict(HOT_DAY if values is None else values),
            flags=flags or {},
        )
        self._store.ingest([Incoming("gw-1", Stream.TELEMETRY, Batch(1, "e1", 1, [reading]))]).result()

    def all_say(self, at_ms: int, values: dict[str, float | None] | None = None) -> None:
        for station in STATIONS:
            self.say(station, at_ms, values)
