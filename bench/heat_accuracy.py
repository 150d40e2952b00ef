"""Whether the heat simulation agrees with SOLWEIG on places that no test has seen.

    python bench/heat_accuracy.py [--case NAME ...] [--surface SURFACE.npz] [--terms] [--save FOLDER]

Five places are built here, each from a seed: dense low-rise blocks with and without their trees, towers round a plaza with
trees, houses on a slope, a street canyon with an avenue; besides them any surface of one's own (``kumagaya heat import
plateau ... --out SURFACE.npz``), cut to 250 x 250 cells. The peer, solweig 0.1.0b96 (GPL, from PyPI into a throwaway
environment, its GPU off), simulates the same rasters as snapshots, without the half step by which it shifts the sun, and
says which direct and diffuse radiation it used; ours is given the same. Compared are the ground cells, for Tmrt and UTCI
those with the same sun or shade. The status is 1 when a gate fails.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from central.heat.geometry import Geometry, prepare
from central.heat.radiation.weights import Materials
from central.heat.step import Frame, Weather, step
from central.heat.sun import Sun, sun_position
from central.heat.surface import Surface

PEER = "solweig==0.1.0b96"
LAT, LON, ALTITUDE_M = 36.139, 139.389, 30.0
CELLS_MAX = 250
LEAF_TRANSMISSIVITY, TWIG_TRANSMISSIVITY = 0.03, 0.5

Array = npt.NDArray[np.float32]

GATES = {
    "bias K": 0.8,
    "RMSE K": 1.4,
    "p95 K": 3.2,
    "UTCI RMSE K": 0.4,
    "sun/shade %": 99.6,
    "sky RMSE": 0.002,
    "sky with trees RMSE": 0.025,
}
"""Of TARGETS: the greatest allowed, for sun and shade the least."""


@dataclass(frozen=True)
class Hour:
    """Weather of one snapshot."""

    name: str
    time: str
    air_degc: float
    humidity_pct: float
    global_wm2: float
    wind_ms: float = 2.0


HOURS = (
    Hour("clear 08", "2018-07-23T08:00", 30.0, 60.0, 480.0),
    Hour("clear 10", "2018-07-23T10:00", 33.0, 45.0, 800.0),
    Hour("clear 12", "2018-07-23T12:00", 38.0, 33.0, 940.0),
    Hour("clear 14", "2018-07-23T14:00", 41.0, 28.0, 830.0),
    Hour("clear 16", "2018-07-23T16:00", 40.0, 30.0, 470.0),
    Hour("clear 17", "2018-07-23T17:00", 38.0, 35.0, 260.0),
    Hour("half 13", "2018-07-23T13:00", 35.0, 50.0, 520.0),
    Hour("overcast 12", "2018-07-23T12:00", 28.0, 80.0, 180.0),
    Hour("overcast 16", "2018-07-23T16:00", 27.0, 85.0, 90.0),
    Hour("October 12", "2018-10-15T12:00", 21.0, 50.0, 640.0),
    Hour("January 12", "2018-01-15T12:00", 7.0, 40.0, 480.0),
)


def low_rise(*, trees: bool) -> Surface:
    """Houses of 6 to 10 m on lots of 10 to 14 m, lanes of 4 m, streets of 8 m; 2 m cells."""
    rng = np.random.default_rng(11)
    dem = np.full((200, 200), 24.0, dtype=np.float32)
    height, crowns = np.zeros_like(dem), np.zeros_like(dem)
    row = 2
    while row < 190:
        column = 2
        depth = int(rng.integers(5, 8))
        while column < 190:
            width = int(rng.integers(4, 8))
            if rng.random() < 0.88:
                height[row : row + depth - 1, column : column + width - 1] = rng.uniform(5.5, 10.0)
            elif rng.random() < 0.6:
                crowns[row + 1 : row + 3, column + 1 : column + 4] = rng.uniform(3.0, 8.0)
            column += width if rng.random() < 0.9 else width + 4
        row += depth + (1 if rng.random() < 0.5 else 4)
    crowns[height > 0.0] = 0.0
    return Surface(dem + height, dem, crowns if trees else np.zeros_like(dem), 2.0, LAT, LON)


def towers() -> Surface:
    """Towers of 25 to 90 m on podiums round an open plaza with groups of trees; 2 m cells."""
    rng = np.random.default_rng(12)
    dem = np.full((200, 200), 24.0, dtype=np.float32)
    height, crowns = np.zeros_like(dem), np.zeros_like(dem)
    for row in range(6, 180, 34):
        for column in range(6, 180, 34):
            if 60 < row < 130 and 60 < column < 130:
                continue
            top = rng.uniform(25.0, 90.0)
            height[row : row + 24, column : column + 24] = rng.uniform(5.0, 9.0)
            inset = rng.integers(3, 8, size=2)
            height[row + inset[0] : row + 20, column + inset[1] : column + 20] = top
    _plant(rng, crowns, 60, (74, 74, 126, 126), (5.0, 14.0))
    _plant(rng, crowns, 60, (2, 2, 196, 196), (4.0, 9.0))
    crowns[height > 0.0] = 0.0
    return Surface(dem + height, dem, crowns, 2.0, LAT, LON)


def slope() -> Surface:
    """Houses and gardens on a hillside that falls by 8 % to the south-west and waves; 1 m cells."""
    rng = np.random.default_rng(13)
    rows, columns = np.mgrid[0:220, 0:220].astype(np.float32)
    dem = 40.0 + 0.06 * (220.0 - rows) + 0.05 * columns + 1.5 * np.sin(rows / 31.0) * np.cos(columns / 23.0)
    dem = dem.astype(np.float32)
    dsm, crowns = dem.copy(), np.zeros_like(dem)
    for row in range(8, 205, 24):
        for column in range(6, 205, 22):
            if rng.random() < 0.2:
                continue
            y, x = row + int(rng.integers(0, 6)), column + int(rng.integers(0, 5))
            depth, width = (int(v) for v in rng.integers(8, 14, size=2))
            place = np.s_[y : y + depth, x : x + width]
            dsm[place] = dem[place].max() + rng.uniform(5.0, 9.0)
    _plant(rng, crowns, 120, (2, 2, 214, 214), (3.0, 9.0))
    crowns[dsm > dem] = 0.0
    return Surface(dsm, dem, crowns, 1.0, LAT, LON)


def avenue() -> Surface:
    """A street 24 m wide between houses of 18 to 30 m, running north-north-east, with two rows of trees; 1 m cells."""
    rng = np.random.default_rng(14)
    dem = np.full((220, 220), 24.0, dtype=np.float32)
    height, crowns = np.zeros_like(dem), np.zeros_like(dem)
    rows, columns = np.mgrid[0:220, 0:220].astype(np.float32)
    along = (rows - 110.0) * math.cos(0.35) + (columns - 110.0) * math.sin(0.35)
    across = -(rows - 110.0) * math.sin(0.35) + (columns - 110.0) * math.cos(0.35)
    for begin in range(-160, 160, 20):
        for side in (-1.0, 1.0):
            if rng.random() < 0.12:
                continue
            near = 12.0 + rng.uniform(0.0, 2.0)
            house = (along >= begin) & (along < begin + 19) & (side * across >= near) & (side * across < near + 22)
            height[house] = rng.uniform(18.0, 30.0)
    for begin in range(-150, 150, 9):
        for side in (-8.0, 8.0):
            if rng.random() < 0.15:
                continue
            radius = rng.uniform(2.0, 3.5)
            crown = (along - begin) ** 2 + (across - side) ** 2 <= radius**2
            crowns[crown] = rng.uniform(6.0, 10.0)
    crowns[height > 0.0] = 0.0
    return Surface(dem + height, dem, crowns, 1.0, LAT, LON)


def _plant(
    rng: np.random.Generator, crowns: Array, count: int, box: tuple[int, int, int, int], tall_m: tuple[float, float]
) -> None:
    """Round crowns of 2 to 4 cells radius within a box of rows and columns."""
    rows, columns = np.mgrid[0 : crowns.shape[0], 0 : crowns.shape[1]]
    for _ in range(count):
        row, column = rng.integers(box[0], box[2]), rng.integers(box[1], box[3])
        radius = rng.uniform(1.5, 4.0)
        crowns[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = rng.uniform(*tall_m)


CASES: dict[str, Callable[[], Surface]] = {
    "low-rise": lambda: low_rise(trees=True),
    "low-rise bare": lambda: low_rise(trees=False),
    "towers": towers,
    "slope": slope,
    "avenue": avenue,
}


def given_surface(path: Path) -> Surface:
    """The middle of a surface made by ``kumagaya heat import``."""
    from central.simulation.cityfile import load_surface

    whole = load_surface(path)
    rows, columns = whole.dsm.shape
    top, left = max(rows - CELLS_MAX, 0) // 2, max(columns - CELLS_MAX, 0) // 2
    part = np.s_[top : top + CELLS_MAX, left : left + CELLS_MAX]
    return Surface(whole.dsm[part], whole.dem[part], whole.cdsm[part], whole.pixel_size_m, whole.lat, whole.lon)


PEER_PROGRAM = """
import datetime, json, os, sys
import numpy as np, rasterio, solweig
folder, given, hours = sys.argv[1], np.load(sys.argv[2]), json.loads(sys.argv[3])
surface = solweig.SurfaceData.prepare(
    dsm=given["dsm"], dem=given["dem"], cdsm=given["cdsm"], pixel_size=float(given["pixel_size"]),
    working_dir=folder + "/work", smooth_quantized_dem=False,
)
place = solweig.Location(float(given["lat"]), float(given["lon"]), float(given["altitude"]), 9.0)
found = {"svf": surface.svf.svf, "svf_veg": surface.svf.svf_veg}
said = []
for number, (time, air, humidity, radiation, wind) in enumerate(hours):
    weather = solweig.Weather(
        datetime.datetime.fromisoformat(time), air, humidity, radiation, ws=wind, timestep_minutes=1e-6
    )
    weather.compute_derived(place)
    said.append([weather.sun_altitude, weather.sun_azimuth, weather.direct_rad, weather.diffuse_rad, weather.clearness_index])
    out = folder + f"/hour{number}"
    names = ["tmrt", "shadow", "utci", "kdown", "kup", "ldown", "lup"]
    solweig.calculate(surface, weather, place, output_dir=out, outputs=names, use_anisotropic_sky=True)
    for name in names:
        (path,) = [os.path.join(root, f) for root, _, files in os.walk(out) for f in files
                   if f.lower().startswith(name) and f.endswith(".tif") and "summary" not in root]
        with rasterio.open(path) as file:
            found[f"{name}_{number}"] = file.read(1)
np.savez(folder + "/found.npz", said=np.array(said), **found)
"""


def peer_python(folder: Path) -> Path:
    """An environment of the peer's own."""
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--pre", PEER], check=True, stderr=subprocess.DEVNULL)
    return python


def peer_result(python: Path, surface: Surface) -> dict[str, npt.NDArray[np.float64]]:
    """The peer's maps of all hours."""
    with tempfile.TemporaryDirectory(prefix="kumagaya-accuracy-") as temporary:
        folder = Path(temporary)
        np.savez(
            folder / "given.npz",
            dsm=surface.dsm,
            dem=surface.dem,
            cdsm=surface.cdsm,
            pixel_size=surface.pixel_size_m,
            lat=surface.lat,
            lon=surface.lon,
            altitude=ALTITUDE_M,
        )
        (folder / "run.py").write_text(PEER_PROGRAM)
        rows = [[h.time, h.air_degc, h.humidity_pct, h.global_wm2, h.wind_ms] for h in HOURS]
        result = subprocess.run(
            [python, folder / "run.py", folder, folder / "given.npz", json.dumps(rows)],
            env={**os.environ, "SOLWEIG_NO_GPU": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            sys.exit("the peer failed:\n" + "\n".join(result.stderr.strip().splitlines()[-8:]))
        with np.load(folder / "found.npz") as data:
            return {name: data[name].astype(np.float64) for name in data.files}


@dataclass(frozen=True)
class Score:
    """One case at one hour."""

    bias_k: float
    rmse_k: float
    p95_k: float
    utci_rmse_k: float
    same_sun_pct: float

    def failures(self) -> list[str]:
        measured = (abs(self.bias_k), self.rmse_k, self.p95_k, self.utci_rmse_k)
        failed = [name for name, value in zip(GATES, measured, strict=False) if not value <= GATES[name]]
        return failed + (["sun/shade %"] if not self.same_sun_pct >= GATES["sun/shade %"] else [])


def score(frame: Frame, peer: dict[str, npt.NDArray[np.float64]], number: int, ground: npt.NDArray[np.bool_]) -> Score:
    agrees = np.abs(frame.shadow - peer[f"shadow_{number}"]) < 0.01
    compared = ground & agrees
    error = (frame.tmrt_degc - peer[f"tmrt_{number}"])[compared]
    comfort = (frame.utci_degc - peer[f"utci_{number}"])[compared]
    return Score(
        float(error.mean()),
        float(np.sqrt(np.mean(error**2))),
        float(np.percentile(np.abs(error), 95)),
        float(np.sqrt(np.mean(comfort**2))),
        100.0 * float(agrees[ground].mean()),
    )


def sun_at(hour: Hour, geometry: Geometry) -> Sun:
    unix_ms = round(datetime.fromisoformat(hour.time + ":00+09:00").timestamp() * 1000)
    return sun_position(unix_ms, geometry.lat, geometry.lon)


def compare(name: str, surface: Surface, python: Path, *, save: Path | None) -> bool:
    """Print a case's scores; whether all gates hold."""
    peer = peer_result(python, surface)
    geometry = prepare(surface)
    ground = geometry.is_ground
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(save / f"{name.replace(' ', '-')}.npz", **peer)
    seen, with_trees = _sky_errors(geometry, peer, ground)
    good = with_trees <= GATES["sky with trees RMSE"] and (seen is None or seen <= GATES["sky RMSE"])
    said = "-" if seen is None else f"{seen:.4f}"
    print(f"\n{name}: sky RMSE {said} with trees {with_trees:.4f}{'' if good else '  FAILS'}", flush=True)
    for number, hour in enumerate(HOURS):
        _, _, direct, diffuse, _ = peer["said"][number]
        weather = Weather(
            hour.air_degc, hour.humidity_pct, hour.wind_ms, hour.global_wm2, float(direct), float(diffuse)
        )
        frame = step(geometry, weather, sun_at(hour, geometry), materials=Materials())
        found = score(frame, peer, number, ground)
        failed = found.failures()
        good = good and not failed
        print(
            f"{hour.name:12} bias {found.bias_k:+.2f}  RMSE {found.rmse_k:.2f}  p95 {found.p95_k:.1f}  "
            f"UTCI RMSE {found.utci_rmse_k:.2f}  sun/shade {found.same_sun_pct:.2f} %"
            + (f"  FAILS {', '.join(failed)}" if failed else ""),
            flush=True,
        )
    return good


def _sky_errors(
    geometry: Geometry, peer: dict[str, npt.NDArray[np.float64]], ground: npt.NDArray[np.bool_]
) -> tuple[float | None, float]:
    """RMSE of the sky view without crowns, where a case has none, and of the one that counts them in leaf."""
    with_trees = peer["svf"] - (1.0 - peer["svf_veg"]) * (1.0 - LEAF_TRANSMISSIVITY)
    error = float(np.sqrt(np.mean((geometry.sky_view - with_trees)[ground] ** 2)))
    return (None if (peer["svf_veg"] < 1.0).any() else error), error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this one; may be repeated")
    parser.add_argument("--surface", type=Path, action="append", default=[], help="a surface of one's own")
    parser.add_argument("--save", type=Path, help="folder to keep the peer's maps in")
    parser.add_argument("--python", type=Path, help="an environment that has the peer already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kumagaya-peer-") as temporary:
        python = arguments.python or peer_python(Path(temporary))
        names = arguments.case or list(CASES)
        results = [compare(name, CASES[name](), python, save=arguments.save) for name in names]
        results += [compare(path.stem, given_surface(path), python, save=arguments.save) for path in arguments.surface]
    if not all(results):
        sys.exit(1)


if __name__ == "__main__":
    main()
