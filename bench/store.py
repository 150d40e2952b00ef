"""How fast the store writes and answers. `python -m bench.store [--days 30] [--folder DIR]`

Fills a store with readings of eight stations (12 quantities, one a second) and asks it what pages and tools ask.
"""

import argparse
import math
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from central.store.door import Incoming, Resolution, Store
from central.store.sqlite import open_store
from contract.clock import SystemClock
from contract.messages import VERSION, Batch, Reading
from contract.quantities import QUANTITIES
from contract.topics import Stream

STATIONS = [f"kmg-{number:02d}" for number in range(1, 9)]
NAMES = list(QUANTITIES)[:12]
START_MS = 1_532_300_400_000
BATCH_SECONDS = 30
BATCHES_A_COMMIT = 40


def batches(first_second: int, seconds: int, step_s: int, seq: int) -> list[Incoming]:
    """The telemetry of one gateway with all stations, cut into batches of BATCH_SECONDS steps."""
    made: list[Incoming] = []
    items: list[Reading] = []
    for second in range(first_second, first_second + seconds, step_s):
        at_ms = START_MS + second * 1000
        for number, station in enumerate(STATIONS):
            values = {name: 20.0 + number + 10 * math.sin(second / 5000 + index) for index, name in enumerate(NAMES)}
            items.append(Reading(seq, station, at_ms, second * 1000, "boot-1", values))
            seq += 1
        if len(items) >= BATCH_SECONDS * len(STATIONS):
            made.append(Incoming("gw-01", Stream.TELEMETRY, Batch(VERSION, "e1", 1, items)))
            items = []
    if items:
        made.append(Incoming("gw-01", Stream.TELEMETRY, Batch(VERSION, "e1", 1, items)))
    return made


def fill(store: Store, days: float, step_s: int) -> tuple[int, float]:
    """Readings written, and the seconds the store needed for them (making them is not counted)."""
    chunk_s = BATCH_SECONDS * BATCHES_A_COMMIT * step_s
    written, spent_s, seq = 0, 0.0, 1
    for first in range(0, round(days * 86_400), chunk_s):
        made = batches(first, chunk_s, step_s, seq)
        seq += sum(len(one.batch.items) for one in made)
        began = time.perf_counter()
        written += sum(one.stored for one in store.ingest(made).result())
        spent_s += time.perf_counter() - began
    return written, spent_s


def median_ms(call: Callable[[], object], repeat: int = 200) -> float:
    call()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def commits(store: Store, callers: int, seconds: float) -> float:
    """Single readings, each waited for, by so many callers at once: committed a second."""
    stop_at = time.perf_counter() + seconds
    counts = [0] * callers

    def caller(number: int) -> None:
        seq = 0
        while time.perf_counter() < stop_at:
            seq += 1
            item = Reading(seq, STATIONS[number % 8], START_MS + seq * 1000, 0, "boot-1", {"air_temperature_degc": 1.0})
            store.ingest_batch(f"gw-c{number}", Stream.TELEMETRY, Batch(VERSION, "e1", 1, [item])).result()
            counts[number] += 1

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--days", type=float, default=1.0, help="days of readings at 1 Hz from eight stations (default 1)"
    )
    parser.add_argument("--step", type=int, default=1, help="seconds between readings of a station (default 1)")
    parser.add_argument("--folder", type=Path, help="where to put the store; default: a temporary folder")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="kumagaya-bench-"))
    store = open_store(folder / "bench.db", SystemClock())
    try:
        written, spent_s = fill(store, arguments.days, arguments.step)
        print(f"readings={written} size_bytes={store.health().size_bytes}")
        print(
            f"write_readings_per_s={written / spent_s:.0f}  (batches of {BATCH_SECONDS * 8}, {BATCHES_A_COMMIT} a commit)"
        )
        day_ms = START_MS, START_MS + 86_400_000
        one = ["air_temperature_degc"]
        year_ms = START_MS, START_MS + 366 * 86_400_000
        for name, call in {
            "last_readings_8_stations_ms": store.last_readings,
            "day_at_minutes_one_quantity_ms": lambda: store.readings("kmg-01", *day_ms, quantities=one),
            "day_at_minutes_all_quantities_ms": lambda: store.readings("kmg-01", *day_ms),
            "year_at_days_one_quantity_ms": lambda: store.readings("kmg-01", *year_ms, Resolution.DAY, quantities=one),
            "change_token_ms": store.change_token,
        }.items():
            print(f"{name}={median_ms(call):.4f}")
        for callers in (1, 32):
            print(f"single_commits_per_s_{callers}_callers={commits(store, callers, 3.0):.0f}")
    finally:
        store.close()
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
