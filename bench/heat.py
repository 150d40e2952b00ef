"""How fast the heat simulation is: geometry once, then steps; and beside it the best peer on the same raster.

    python bench/heat.py [CELLS ...] [--threads 1 2] [--peer 300]      (300 1000 2000 where left out; 6400 takes 4 GB)

Each size runs in a process of its own for each number of threads, so that the peak of memory is that size's alone. With ``--peer``
solweig 0.1.0b96 (Rust; GPL, installed from PyPI into a throwaway environment under a temporary folder, its GPU off) prepares and
steps the same raster in the same run. Nothing else should run beside it: on a shared machine take the least, not the median.
The whole municipality: bench/heat_municipality.py.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import prange

from bench.places.peer import PEER, peer_python
from central.heat.comfort.utci_map import utci_map
from central.heat.comfort.wbgt_surface import wbgt_at, wbgt_surface
from central.heat.compiled import PARALLEL, kernel, thread_count
from central.heat.geometry import prepare
from central.heat.land_cover import LandCover
from central.heat.memory import Memory
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


def timed(run: Callable[[], object], repeat: int) -> str:
    """Median and least of some runs [ms], after one that is not counted."""
    run()
    took_ms = []
    for _ in range(repeat):
        started_s = time.perf_counter()
        run()
        took_ms.append(1000.0 * (time.perf_counter() - started_s))
    return f"{statistics.median(took_ms):.1f}/{min(took_ms):.1f}"


@kernel(parallel=True)
def fill_wbgt(  # noqa: PLR0917
    c: np.ndarray,
    x: np.ndarray,
    z: np.ndarray,
    y: np.ndarray,
    sun: np.ndarray,
    diffuse: np.ndarray,
    wind: np.ndarray,
    out: np.ndarray,
) -> None:
    for row in prange(out.shape[0]):
        for i in range(out.shape[1]):
            beam = np.float32(700.0) * sun[row, i]
            light = diffuse[row, i]
            root = (np.sqrt(np.sqrt(wind[row, i] * y[0])) - y[1]) * y[2]
            globe, wick = x[0] + x[1] * light + x[2] * beam, z[0] + z[1] * light + z[2] * beam
            out[row, i] = wbgt_at(c, globe, wick, max(root, np.float32(-1.0)))


def wbgt_map(sun: np.ndarray, diffuse: np.ndarray, wind: np.ndarray, out: np.ndarray) -> None:
    """WBGT as the step makes it: the balances fitted anew, then each cell by its light and wind."""
    surface = wbgt_surface(38.0, 33.0, 1005.0, (0.2, 4.0), 0.767, 250.0, 700.0, 0.9)
    with PARALLEL:
        fill_wbgt(
            surface.coefficients, surface.globe_terms, surface.wick_terms, surface.wind_terms, sun, diffuse, wind, out
        )


def measure(cells: int, repeat: int) -> None:
    small = prepare(downtown(64))  # compiled code is loaded, or made, before the clock runs
    step(small, WEATHER, sun_position(RECORD_DAY_NOON_MS, small.lat, small.lon))
    surface = downtown(cells)
    started_s = time.perf_counter()
    geometry = prepare(surface)
    geometry_s = time.perf_counter() - started_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    sun = sun_position(RECORD_DAY_NOON_MS, surface.lat, surface.lon)
    rng = np.random.default_rng(1)

    def field(lowest: float, highest: float) -> np.ndarray:
        return rng.uniform(lowest, highest, geometry.shape).astype(np.float32)

    wind, air, humidity = field(0.2, 4.0), field(36.0, 40.0), field(28.0, 38.0)
    cover = LandCover(rng.choice([0, 1, 2, 5, 6, 7, 255], geometry.shape).astype(np.uint8))
    memory, out = Memory.fresh(geometry), Frame.empty(geometry.shape)
    uniform = timed(lambda: step(geometry, WEATHER, sun, out), repeat)
    windy = timed(lambda: step(geometry, WEATHER, sun, out, wind_field_ms=wind), repeat)
    everything = timed(
        lambda: step(
            geometry,
            WEATHER,
            sun,
            out,
            wind_field_ms=wind,
            air_temperature_field_degc=air,
            relative_humidity_field_pct=humidity,
            land_cover=cover,
            memory=memory,
            elapsed_s=30.0,
        ),
        repeat,
    )
    points = timed(lambda: utci_map(air, out.tmrt_degc, wind, humidity, out.utci_degc), repeat)
    diffuse = field(50.0, 250.0)
    wbgt = timed(lambda: wbgt_map(out.shadow, diffuse, wind, out.wbgt_degc), repeat)
    stepped_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(
        f"cells={cells} threads={thread_count()} geometry_s={geometry_s:.2f} peak_mb={peak_mb:.0f} "
        f"resident_mb={geometry.resident_bytes / 1e6:.0f} step_ms={uniform} wind_ms={windy} all_ms={everything} "
        f"utci_points_ms={points} wbgt_points_ms={wbgt} peak_with_fields_mb={stepped_mb:.0f} load={os.getloadavg()[0]:.1f}",
        flush=True,
    )


PEER_PROGRAM = """
import datetime, json, resource, sys, time
import numpy as np, solweig
given = np.load(sys.argv[1])
folder = sys.argv[2]
hours = [solweig.Weather(datetime.datetime(2018, 7, 23, h), 38.0, 33.0, 930.0, ws=2.0) for h in (12, 13, 14)]
place = solweig.Location(36.139, 139.389, 30.0, 9.0)
started = time.perf_counter()
surface = solweig.SurfaceData.prepare(
    dsm=given["dsm"], dem=given["dem"], cdsm=given["cdsm"], pixel_size=2.0, working_dir=folder + "/work"
)
prepared = time.perf_counter() - started
took = []
for steps in (1, 3):
    started = time.perf_counter()
    solweig.calculate(surface, hours[:steps], place, output_dir=folder + f"/out{steps}", use_anisotropic_sky=True)
    took.append(time.perf_counter() - started)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
print(json.dumps({"prepare_s": prepared, "first_s": took[0], "step_s": (took[1] - took[0]) / 2, "peak_mb": peak}))
"""


def measure_peer(sizes: list[int]) -> None:
    """The peer in its own environment: preparing, and a step as half the difference between three hours and one."""
    with tempfile.TemporaryDirectory(prefix="kumagaya-peer-") as temporary:
        folder = Path(temporary)
        python = peer_python(folder)
        (folder / "run.py").write_text(PEER_PROGRAM)
        for cells in sizes:
            surface = downtown(cells)
            raster = folder / f"{cells}.npz"
            np.savez(raster, dsm=surface.dsm, dem=surface.dem, cdsm=surface.cdsm)
            (folder / str(cells)).mkdir()
            result = subprocess.run(
                [python, folder / "run.py", raster, folder / str(cells)],
                env={**os.environ, "SOLWEIG_NO_GPU": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            if result.returncode != 0:
                sys.exit(f"the peer failed at {cells} cells: {result.stderr.strip().splitlines()[-1:]}")
            found = json.loads(result.stdout.strip().splitlines()[-1])
            print(
                f"peer={PEER} cells={cells} " + " ".join(f"{key}={value:.2f}" for key, value in found.items()),
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", type=int, nargs="*", default=[300, 1000, 2000])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=25, help="steps to time (default: 25)")
    parser.add_argument("--peer", type=int, nargs="*", default=[], metavar="CELLS", help="sizes to run the peer on")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        measure(arguments.cells[0], arguments.repeat)
        return
    for cells in arguments.cells:
        for threads in arguments.threads:
            repeat = max(3, min(arguments.repeat, 25_000_000 // cells**2))
            subprocess.run(
                [sys.executable, __file__, str(cells), "--repeat", str(repeat), "--here"],
                env={**os.environ, "NUMBA_NUM_THREADS": str(threads)},
                check=True,
            )
    if arguments.peer:
        measure_peer(arguments.peer)


if __name__ == "__main__":
    main()
