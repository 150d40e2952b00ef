"""The whole municipality: 6400 x 6400 cells of 2 m (164 km2), made by repeating the built-in downtown.

    python bench/heat_municipality.py [--cells 6400] [--folder DIR]

Prepares it into a mapped file as `kumagaya heat prepare` does, opens the file in a fresh process and steps. Prints the seconds,
the file's size and the most memory each of the two processes held. Takes about a minute and 7 GB of disk.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from central.city.synthetic import synthetic_downtown
from central.heat.compiled import thread_count
from central.heat.geometry import prepare
from central.heat.step import Frame, Weather, step
from central.heat.sun import sun_position
from central.heat.surface import Surface
from central.simulation.cityfile import load_city
from central.simulation.cityprepare import prepare_city

RECORD_DAY_NOON_MS = 1_532_314_800_000
WEATHER = Weather(38.0, 33.0, 2.0, 930.0)


def resident_gb() -> tuple[float, float]:
    """(most memory held so far, pages of files included; memory that is not a file's, now) [GB]."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, int(status["RssAnon"].split()[0]) / 1e6


def municipality(cells: int) -> Surface:
    _, downtown = synthetic_downtown(11202, pixel_size_m=2.0)
    repeats = -(-cells // min(downtown.shape))
    tiled = [
        np.tile(array, (repeats, repeats))[:cells, :cells] for array in (downtown.dsm, downtown.dem, downtown.cdsm)
    ]
    return Surface(*tiled, 2.0, downtown.lat, downtown.lon)


def run_prepare(cells: int, path: Path) -> None:
    surface = municipality(cells)
    prepare(municipality(64))  # compiled code is loaded, or made, before the clock runs
    started_s = time.perf_counter()
    looked_s: list[float] = []
    prepare_city(path, surface, lambda share: looked_s.append(time.perf_counter()) if share in {0.0, 1.0} else None)
    ended_s = time.perf_counter()
    print(
        f"cells={cells}x{cells} prepare_s={ended_s - started_s:.1f} of which looking round {looked_s[-1] - looked_s[0]:.1f}, "
        f"file_gb={path.stat().st_size / 1e9:.2f} peak_gb={resident_gb()[0]:.2f}",
        flush=True,
    )


def run_step(path: Path, repeat: int) -> None:
    started_s = time.perf_counter()
    geometry = load_city(path, verify=False)
    opened_s = time.perf_counter() - started_s
    sun = sun_position(RECORD_DAY_NOON_MS, geometry.lat, geometry.lon)
    out = Frame.empty(geometry.shape)
    took_s = []
    for _ in range(repeat + 1):
        started_s = time.perf_counter()
        step(geometry, WEATHER, sun, out)
        took_s.append(time.perf_counter() - started_s)
    peak_gb, own_gb = resident_gb()
    print(
        f"open_s={opened_s:.3f} first_step_s={took_s[0]:.2f} step_s_median={statistics.median(took_s[1:]):.2f} "
        f"step_s_min={min(took_s[1:]):.2f} threads={thread_count()} peak_gb={peak_gb:.2f} not_of_the_file_gb={own_gb:.2f} "
        f"load={os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=6400)
    parser.add_argument("--folder", type=Path, help="where the file is made (default: a temporary folder)")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--only", choices=("prepare", "step"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="kumagaya-municipality-") as temporary:
        path = (arguments.folder if arguments.only else Path(temporary)) / "municipality.city"
        if arguments.only == "prepare":
            run_prepare(arguments.cells, path)
        elif arguments.only == "step":
            run_step(path, arguments.repeat)
        else:
            given = ["--cells", str(arguments.cells), "--repeat", str(arguments.repeat), "--folder", temporary]
            for part in ("prepare", "step"):
                subprocess.run([sys.executable, __file__, *given, "--only", part], check=True)


if __name__ == "__main__":
    main()
