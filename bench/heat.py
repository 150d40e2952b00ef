"""How fast the heat simulation is: geometry once, then steps, on a made-up downtown.

    python bench/heat.py [CELLS ...]        default: 500 1000; 2000 takes some seconds more

Prints one line a size. Nothing else should run beside it: on a shared machine take the least, not the median.
"""

import argparse
import resource
import statistics
import time

import numpy as np

from central.heat.compiled import thread_count
from central.heat.geometry import prepare
from central.heat.step import Frame, Weather, step
from central.heat.sun import sun_position
from central.heat.surface import Surface

RECORD_DAY_NOON_MS = 1_532_314_800_000
"""2018-07-23 12:00 JST."""
WEATHER = Weather(38.0, 33.0, 2.0, None, 724.7, 234.2)


def downtown(cells: int) -> Surface:
    """Houses of 10 to 30 m edge on a third of the ground, some of them tall, and single trees; 2 m cells."""
    rng = np.random.default_rng(20180723)
    dem = np.full((cells, cells), 25.0, dtype=np.float32)
    dsm, cdsm = dem.copy(), np.zeros_like(dem)
    for _ in range(cells * cells // 500):
        row, column = rng.integers(0, cells - 16, size=2)
        height, width = rng.integers(5, 16, size=2)
        dsm[row : row + height, column : column + width] = 25.0 + 3.0 + rng.gamma(3.0, 3.0)
    for _ in range(cells * cells // 400):
        row, column = rng.integers(0, cells - 5, size=2)
        cdsm[row : row + 4, column : column + 4] = rng.uniform(4.0, 12.0)
    cdsm[dsm > dem] = 0.0
    return Surface(dsm, dem, cdsm, 2.0, 36.139, 139.389)


def measure(cells: int, repeat: int) -> None:
    surface = downtown(cells)
    started_s = time.perf_counter()
    geometry = prepare(surface)
    geometry_s = time.perf_counter() - started_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    sun = sun_position(RECORD_DAY_NOON_MS, surface.lat, surface.lon)
    wind = np.random.default_rng(1).uniform(0.2, 4.0, geometry.shape).astype(np.float32)
    out = Frame.empty(geometry.shape)
    took_ms = []
    for _ in range(repeat):
        started_s = time.perf_counter()
        step(geometry, WEATHER, sun, out, wind_field_ms=wind)
        took_ms.append(1000.0 * (time.perf_counter() - started_s))
    print(
        f"cells={cells}x{cells} geometry_s={geometry_s:.2f} peak_mb={peak_mb:.0f} "
        f"resident_mb={geometry.resident_bytes / 1e6:.0f} step_ms_median={statistics.median(took_ms):.2f} "
        f"step_ms_min={min(took_ms):.2f} threads={thread_count()}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", type=int, nargs="*", default=[500, 1000])
    parser.add_argument("--repeat", type=int, default=40, help="steps to time (default: 40)")
    arguments = parser.parse_args()
    prepared = prepare(downtown(64))  # compiled code is loaded, or made, before the clock runs
    step(prepared, WEATHER, sun_position(RECORD_DAY_NOON_MS, prepared.lat, prepared.lon))
    for cells in arguments.cells:
        measure(cells, arguments.repeat)


if __name__ == "__main__":
    main()
