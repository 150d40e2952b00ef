"""How well the blended forecast does on weather that really was, against persistence and climatology; and what its steps cost.

    python bench/forecast.py            # AMeDAS Kumagaya, July to December 2023, air temperature; DTU July 2018, all quantities
    python bench/forecast.py --steps    # how far steps of the memory may be apart, and seconds of a forecast; two cores, 2 minutes

Walks forward: at each hour only what was measured before it is known. The first days train, the rest is scored. Data that is not
beside the repository is left out with a line that says so.

Steps: a cloudless 23 July 2018 from 9 to 18 h, begun in balance. The frames of the full hours, against steps of 60 s over all
ground; then whole forecasts from 9 h on until midnight as the service makes them, and how long a live step takes beside them.
"""

import argparse
import csv
import gzip
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import sun_position
from central.simulation.engine import HeatEngine
from central.simulation.forcing import Forcing, RadiationSource
from central.simulation.forecast.outlook import BETWEEN_MIN, Outlook, moments_until
from central.simulation.forecast.weather import (
    CLIMATOLOGY_DAYS,
    MS_PER_HOUR,
    History,
    climatology,
    default_shape,
    forecast,
    hour_of_day,
)
from central.simulation.frames import LAYERS, quantise
from central.simulation.library import FrameLibrary, frame_id, meta_dict
from central.simulation.service import frame_meta
from central.store.door import Frame
from central.store.sqlite import open_store
from contract.clock import SimulatedClock

SHARED = Path(os.environ.get("KUMAGAYA_SHARED", Path(__file__).resolve().parents[2] / "shared"))
LEADS_H = (1, 2, 3, 6, 9, 12, 18, 24)
KUMAGAYA_AMEDAS = "43056"


def amedas(path: Path) -> History:
    """Hourly air temperature of Kumagaya, gaps as NaN."""
    with gzip.open(path, "rt") as file:
        rows = [
            (round(datetime.fromisoformat(row["obs_time_jst"]).timestamp() * 1000), float(row["temp_c"]))
            for row in csv.DictReader(file)
            if row["amdno"] == KUMAGAYA_AMEDAS and row["temp_c"]
        ]
    begins_ms = min(at_ms for at_ms, _ in rows)
    values = np.full(max(at_ms - begins_ms for at_ms, _ in rows) // MS_PER_HOUR + 1, np.nan)
    for at_ms, value in rows:
        values[(at_ms - begins_ms) // MS_PER_HOUR] = value
    return History(begins_ms, {"air_temperature_degc": values})


def score(history: History, quantity: str, train_h: int, months: tuple[int, ...] | None = None) -> None:
    """Prints RMSE by lead: the blend, persistence, yesterday's value, climatology."""
    known = history.values[quantity]
    squares: dict[str, dict[int, list[float]]] = {
        name: {lead: [] for lead in LEADS_H} for name in ("blend", "persist", "yesterday", "climate")
    }
    for now in range(train_h, len(known)):
        now_ms = history.begins_ms + now * MS_PER_HOUR
        if not math.isfinite(known[now]):
            continue
        if months and datetime.fromtimestamp(now_ms / 1000, UTC).month not in months:
            continue
        leads = [lead for lead in LEADS_H if now + lead < len(known) and math.isfinite(known[now + lead])]
        if not leads:
            continue
        valid_ms = [now_ms + lead * MS_PER_HOUR for lead in leads]
        past = History(history.begins_ms, {quantity: known[: now + 1]})
        blend = forecast(past, {quantity: known[now]}, now_ms, valid_ms)[quantity]
        begin = max(0, now + 1 - 24 * CLIMATOLOGY_DAYS)
        table = climatology(quantity, known[begin : now + 1], history.begins_ms + begin * MS_PER_HOUR)
        for value, lead, at_ms in zip(blend, leads, valid_ms, strict=True):
            truth = known[now + lead]
            squares["blend"][lead].append((value - truth) ** 2)
            squares["persist"][lead].append((known[now] - truth) ** 2)
            squares["climate"][lead].append((table[hour_of_day(at_ms)] - truth) ** 2)
            if math.isfinite(known[now + lead - 24]):
                squares["yesterday"][lead].append((known[now + lead - 24] - truth) ** 2)
    print(f"| lead h | n | {' | '.join(f'{name} RMSE' for name in squares)} |")
    print("|---" * (2 + len(squares)) + "|")
    for lead in LEADS_H:
        cells = [f"{math.sqrt(np.mean(per[lead])):.2f}" if per[lead] else "-" for per in squares.values()]
        print(f"| {lead} | {len(squares['blend'][lead])} | {' | '.join(cells)} |")


def dtu(path: Path) -> tuple[History, float, float]:
    """DTU Lyngby, July 2018, as hourly values; the hour of the day is made local by moving the clock."""
    lat, lon, altitude_offset_h = 55.79064, 12.52505, 2
    sums: dict[int, dict[str, list[float]]] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            text = next(value for name, value in row.items() if "time" in name.lower() or name == "")
            moment = datetime.fromisoformat(text.replace(" ", "T") + ("" if "+" in text else "+00:00"))
            at_ms = round(moment.timestamp() * 1000)
            hour = (at_ms + MS_PER_HOUR // 2) // MS_PER_HOUR
            cells = sums.setdefault(hour, {})
            found = {
                name: _number(row, name) for name in ("air_temperature", "relative_humidity", "wind_speed_avg", "GHI")
            }
            temperature, humidity = found["air_temperature"], found["relative_humidity"]
            if temperature is not None and humidity is not None and temperature != 0.0 and humidity > 1.0:
                gamma = math.log(humidity / 100.0) + 17.62 * temperature / (243.12 + temperature)
                cells.setdefault("air_temperature_degc", []).append(temperature)
                cells.setdefault("dew_point_degc", []).append(243.12 * gamma / (17.62 - gamma))
                radiation = found["GHI"]
                clear = clear_sky_wm2(sun_position(at_ms, lat, lon), temperature, humidity, 1010.0)
                if radiation is not None and clear > 50.0:
                    cells.setdefault("clearness", []).append(radiation / clear)
            if found["wind_speed_avg"] is not None:
                cells.setdefault("wind_speed_ms", []).append(found["wind_speed_avg"])
    first, last = min(sums), max(sums)
    values = {}
    for quantity in ("air_temperature_degc", "dew_point_degc", "wind_speed_ms", "clearness"):
        series = np.full(last - first + 1, np.nan)
        for hour, cells in sums.items():
            if len(cells.get(quantity, ())) >= 20:
                series[hour - first] = np.mean(cells[quantity])
        values[quantity] = series
    # hour_of_day reckons in Japan's time: 7 hours ahead of Denmark's summer time.
    return History((first - (9 - altitude_offset_h)) * MS_PER_HOUR, values), lat, lon


def _number(row: dict[str, str], name: str) -> float | None:
    text = row.get(name)
    if not text:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


JST_9_MS = 1_532_304_000_000
LAST_H = 9
STEPS_MIN = {f"{step_s} s": tuple(range(60 - step_s // 60, 0, -step_s // 60)) for step_s in (300, 600, 1800, 3600)}
NIIZA = SHARED / "data/plateau/53395404_bldg_6697_op.gml.gz"


def clear_day(at_ms: int, place: tuple[float, float]) -> Forcing:
    air_degc = 36.0 + default_shape("air_temperature_degc", at_ms)
    clear_wm2 = clear_sky_wm2(sun_position(at_ms, *place), air_degc, 40.0, 1003.0)
    return Forcing(air_degc, 40.0, 2.0, None, clear_wm2, 1003.0, RadiationSource.MODELLED, (), clearness=1.0)


def tmrt_of_hours(engine: HeatEngine, place: tuple[float, float], between_min: Sequence[int]) -> np.ndarray:
    """(hours, ground cells) Tmrt at 10 to 18 h of a fork that begins at 9 h and is stepped so between the hours."""
    ahead = engine.fork()
    ahead.step(clear_day(JST_9_MS, place), JST_9_MS)
    hours = [JST_9_MS + hour * MS_PER_HOUR for hour in range(1, LAST_H + 1)]
    found = []
    for at_ms in moments_until(hours, JST_9_MS, place, between_min):
        result = ahead.step(clear_day(at_ms, place), at_ms)
        if at_ms in hours:
            found.append(result.fields["tmrt"][result.is_ground])
    return np.array(found)


def steps() -> None:
    """Prints what steps between the hours change, on the built-in downtown and on a real tile, and what they cost."""
    for name, path in (("built-in downtown", None), ("Niiza, real", NIIZA)):
        if path is not None and not path.exists():
            print(f"left out: {path} is not there")
            continue
        with tempfile.TemporaryDirectory() as folder:
            engine = HeatEngine(path, Path(folder))
            city = engine.load(lambda *_: None)
            engine.prepare(lambda *_: None)
            engine.warm_up()
            fine = tmrt_of_hours(engine, city.center, range(59, 0, -1))
            print(f"\n{name}, {city.grid.height} x {city.grid.width} cells")
            print("| steps | median K | p99 K | p99.9 K | worst K |\n|---|---|---|---|---|")
            for label, between_min in {**STEPS_MIN, "forecast": BETWEEN_MIN}.items():
                off_k = np.abs(tmrt_of_hours(engine, city.center, between_min) - fine)
                shares = np.percentile(off_k, (50, 99, 99.9))
                print(f"| {label} | {shares[0]:.3f} | {shares[1]:.2f} | {shares[2]:.2f} | {off_k.max():.1f} |")
            for label, between_min in (("hours alone", ()), ("forecast", BETWEEN_MIN)) * 3:
                timed(label, between_min, engine, city, Path(tempfile.mkdtemp(dir=folder)))


def timed(label: str, between_min: Sequence[int], engine: HeatEngine, city, folder: Path) -> None:
    """Prints the seconds of one forecast from 9 h until midnight, and of live steps alone and beside it."""
    now = clear_day(JST_9_MS, city.center)
    clock = SimulatedClock(JST_9_MS, time.time(), 1.0)
    store = open_store(folder / "central.db", clock)
    outlook = Outlook(
        store=store,
        library=FrameLibrary(store, folder / "frames", recent_max=10),
        clock=clock,
        data_dir=folder,
        describe=frame_meta,
        between_min=between_min,
    )
    outlook.begin(city, engine)
    live = engine.fork()
    result = live.step(now, JST_9_MS)
    layers = [quantise(LAYERS[name], field, result.is_ground) for name, field in result.fields.items()]
    meta = meta_dict(frame_meta(city, now, result, layers))
    frame = Frame(frame_id(JST_9_MS), JST_9_MS, JST_9_MS, meta)
    wbgt = next(layer for layer in layers if layer.kind.name == "wbgt")
    took_s: list[float] = []

    def work() -> None:
        began_s = time.perf_counter()
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        assert outlook.work()
        took_s.append(time.perf_counter() - began_s)

    def live_step_ms() -> float:
        began_s = time.perf_counter()
        live.step(now, JST_9_MS)
        return 1000.0 * (time.perf_counter() - began_s)

    alone_ms = []
    for _ in range(20):
        alone_ms.append(live_step_ms())
        time.sleep(0.1)
    outlook.observe(frame, now, wbgt)
    thread = threading.Thread(target=work)
    thread.start()
    beside_ms = []
    while thread.is_alive():
        beside_ms.append(live_step_ms())
        thread.join(0.1)
    store.close()
    print(
        f"{label}: {took_s[0]:.2f} s; a live step alone {statistics.median(alone_ms):.0f} ms median, {max(alone_ms):.0f} worst; "
        f"beside it {statistics.median(beside_ms):.0f} ms median, {max(beside_ms):.0f} worst of {len(beside_ms)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", action="store_true", help="how far steps of the memory may be apart, and what they cost"
    )
    if parser.parse_args().steps:
        steps()
        return
    path = SHARED / "data/weather/jma_amedas_hourly_kumagaya_area_2023.csv.gz"
    if path.exists():
        history = amedas(path)
        train_h = 24 * 20
        print("\nKumagaya, AMeDAS 2023, air temperature [K], all months after the first 20 days")
        score(history, "air_temperature_degc", train_h)
        print("\nThe same, August and September alone")
        score(history, "air_temperature_degc", train_h, (8, 9))
    else:
        print(f"left out: {path} is not there")
    path = SHARED / "data/weather/dtu_1min_2018_07.csv.gz"
    if path.exists():
        history, _, _ = dtu(path)
        for quantity in history.values:
            print(f"\nLyngby, DTU July 2018, {quantity}, after the first 10 days")
            score(history, quantity, 24 * 10)
    else:
        print(f"left out: {path} is not there")


if __name__ == "__main__":
    main()
