"""Whether the heat simulation agrees with SOLWEIG on places that no test has seen.

    python bench/heat_accuracy.py [--case NAME ...] [--surface SURFACE.npz ...] [--terms] [--fixture OUT.npz]

The places of ``bench/places`` are built from seeds: dense low-rise blocks with and without their trees, towers round a plaza,
houses on a slope, a street with an avenue, a small corner of everything; besides them any surface of one's own
(``kumagaya heat import plateau ... --out SURFACE.npz``), of which the middle 250 x 250 cells are taken. The peer, solweig
0.1.0b96 (GPL, from PyPI into a throwaway environment, its GPU off), simulates the same rasters as snapshots, without the half
step by which it shifts the sun, and says which direct and diffuse radiation it used; ours is given the same.

Compared are the ground cells, for Tmrt and UTCI those with the same sun or shade, up to 25 m from a wall. Farther away the
peer takes part of the ground out of the view (its upward radiation over open sunlit ground falls by up to 40 W/m2); the
bias there is printed beside. ``--terms`` tells by four runs an hour how much of the difference is long-wave, beam and
diffuse. The status is 1 when a gate fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from bench.places import CASES
from bench.places.peer import peer_python
from central.heat.geometry import Geometry, prepare
from central.heat.step import Frame, Weather, step
from central.heat.sun import Sun, sun_position
from central.heat.surface import Surface
from contract.errors import UserError

ALTITUDE_M = 30.0
CELLS_MAX = 250
FAR_M = 25.0
LEAF_TRANSMISSIVITY = 0.03
WATTS_PER_K4 = 0.97 * 5.67e-8
"""What a person absorbs at a mean radiant temperature."""

Maps = dict[str, npt.NDArray[np.float64]]
Booleans = npt.NDArray[np.bool_]

GATES = {"bias K": 0.8, "RMSE K": 1.4, "p95 K": 3.2, "UTCI RMSE K": 0.4, "other sun/shade %": 0.4}
SKY_GATE, SKY_WITH_TREES_GATE = 0.002, 0.025


@dataclass(frozen=True)
class Hour:
    """Weather of one snapshot, at Kumagaya, Japanese time."""

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
FIXTURE_HOURS = (1, 3, 5, 7)

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
for number, (time, air, humidity, radiation, wind, direct, diffuse) in enumerate(hours):
    weather = solweig.Weather(
        datetime.datetime.fromisoformat(time), air, humidity, radiation, ws=wind, timestep_minutes=1e-6,
        measured_direct_rad=direct, measured_diffuse_rad=diffuse,
    )
    weather.compute_derived(place)
    said.append([weather.direct_rad, weather.diffuse_rad, weather.clearness_index])
    out = folder + f"/hour{number}"
    names = ["tmrt", "shadow", "utci"]
    solweig.calculate(surface, weather, place, output_dir=out, outputs=names, use_anisotropic_sky=True)
    for name in names:
        (path,) = [os.path.join(root, f) for root, _, files in os.walk(out) for f in files
                   if f.lower().startswith(name) and f.endswith(".tif") and "summary" not in root]
        with rasterio.open(path) as file:
            found[f"{name}_{number}"] = file.read(1)
np.savez(folder + "/found.npz", said=np.array(said), **found)
"""


def given_surface(path: Path) -> Surface:
    """The middle of a surface made by ``kumagaya heat import``."""
    from central.simulation.cityfile import load_surface

    try:
        whole = load_surface(path)
    except UserError as error:
        sys.exit(str(error))
    rows, columns = whole.dsm.shape
    top, left = max(rows - CELLS_MAX, 0) // 2, max(columns - CELLS_MAX, 0) // 2
    part = np.s_[top : top + CELLS_MAX, left : left + CELLS_MAX]
    return Surface(whole.dsm[part], whole.dem[part], whole.cdsm[part], whole.pixel_size_m, whole.lat, whole.lon)


def peer_maps(python: Path, surface: Surface, hours: list[tuple[Hour, float | None, float | None]]) -> Maps:
    """The peer's maps of some hours, each with direct and diffuse radiation [W/m2] or None for its own split."""
    with tempfile.TemporaryDirectory(prefix="kumagaya-accuracy-") as temporary:
        folder = Path(temporary)
        numbers = {"pixel_size": surface.pixel_size_m, "lat": surface.lat, "lon": surface.lon, "altitude": ALTITUDE_M}
        np.savez(folder / "given.npz", dsm=surface.dsm, dem=surface.dem, cdsm=surface.cdsm, **numbers)
        (folder / "run.py").write_text(PEER_PROGRAM)
        rows = [
            [h.time, h.air_degc, h.humidity_pct, h.global_wm2, h.wind_ms, direct, diffuse]
            for h, direct, diffuse in hours
        ]
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


def sun_at(hour: Hour, geometry: Geometry) -> Sun:
    unix_ms = round(datetime.fromisoformat(hour.time + ":00+09:00").timestamp() * 1000)
    return sun_position(unix_ms, geometry.lat, geometry.lon)


def weather_at(hour: Hour, direct: float, diffuse: float, clearness: float | None = None) -> Weather:
    return Weather(
        hour.air_degc, hour.humidity_pct, hour.wind_ms, hour.global_wm2, direct, diffuse, clearness=clearness
    )


@dataclass(frozen=True)
class Place:
    """A case made ready."""

    surface: Surface
    geometry: Geometry
    ground: Booleans
    near: Booleans
    """Ground up to 25 m from a wall."""

    @classmethod
    def of(cls, surface: Surface) -> "Place":
        geometry = prepare(surface)
        distance_m = distance_transform_edt(surface.dsm - surface.dem < 1.0) * surface.pixel_size_m
        return cls(surface, geometry, geometry.is_ground, geometry.is_ground & (distance_m <= FAR_M))


def scores(place: Place, frame: Frame, peer: Maps, number: int) -> tuple[dict[str, float], str]:
    """What the gates are about, and a word on the ground far from any wall."""
    agrees = np.abs(frame.shadow - peer[f"shadow_{number}"]) < 0.01
    error_k = frame.tmrt_degc - peer[f"tmrt_{number}"]
    comfort_k = frame.utci_degc - peer[f"utci_{number}"]
    near, far = place.near & agrees, place.ground & ~place.near & agrees
    found = {
        "bias K": float(error_k[near].mean()),
        "RMSE K": float(np.sqrt(np.mean(error_k[near] ** 2))),
        "p95 K": float(np.percentile(np.abs(error_k[near]), 95)),
        "UTCI RMSE K": float(np.sqrt(np.mean(comfort_k[near] ** 2))),
        "other sun/shade %": 100.0 * float(1.0 - agrees[place.ground].mean()),
    }
    share = 100.0 * far.sum() / place.ground.sum()
    return found, f"  beyond 25 m: {share:.0f} %, bias {error_k[far].mean():+.2f}" if share >= 1.0 else ""


def sky_errors(place: Place, peer: Maps) -> tuple[float | None, float]:
    """RMSE of the sky view, where a case has no trees; and of the one that counts crowns in leaf."""
    with_trees = peer["svf"] - (1.0 - peer["svf_veg"]) * (1.0 - LEAF_TRANSMISSIVITY)
    error = float(np.sqrt(np.mean((place.geometry.sky_view - with_trees)[place.ground] ** 2)))
    return (None if (place.surface.cdsm > 0.0).any() else error), error


def compare(name: str, place: Place, peer: Maps) -> list[str]:
    """Print a case's scores; what fails."""
    bare, with_trees = sky_errors(place, peer)
    failed = [f"{name}: sky"] if with_trees > (SKY_WITH_TREES_GATE if bare is None else SKY_GATE) else []
    print(f"\n{name}: sky RMSE {with_trees:.4f} {'with trees' if bare is None else 'of buildings'}", flush=True)
    for number, hour in enumerate(HOURS):
        direct, diffuse, _ = peer["said"][number]
        frame = step(place.geometry, weather_at(hour, float(direct), float(diffuse)), sun_at(hour, place.geometry))
        found, beyond = scores(place, frame, peer, number)
        fails = [gate for gate, allowed in GATES.items() if not abs(found[gate]) <= allowed]
        failed += [f"{name} {hour.name}: {gate} {found[gate]:.2f}" for gate in fails]
        words = "  ".join(f"{gate} {value:+.2f}" for gate, value in found.items())
        print(f"{hour.name:12} {words}{beyond}{'  FAILS' if fails else ''}", flush=True)
    return failed


def tell_terms(name: str, place: Place, python: Path, peer: Maps) -> None:
    """How much more a person absorbs in ours [W/m2], by where it comes from, in sun and in shade near walls."""
    print(f"\n{name}, ours - peer [W/m2], long-wave / beam / diffuse:")
    parts: list[tuple[Hour, float | None, float | None]] = []
    for number, hour in enumerate(HOURS):
        direct, diffuse, _ = (float(value) for value in peer["said"][number])
        parts += [(hour, 0.0, 0.001), (hour, direct, 0.001), (hour, 0.0, diffuse)]
    theirs = peer_maps(python, place.surface, parts)
    for number, hour in enumerate(HOURS):
        sun, clearness = sun_at(hour, place.geometry), min(float(peer["said"][number][2]), 1.0)
        more = []
        for part in range(3 * number, 3 * number + 3):
            _, direct, diffuse = parts[part]
            assert direct is not None
            assert diffuse is not None
            ours = step(place.geometry, weather_at(hour, direct, diffuse, clearness), sun).tmrt_degc.astype(float)
            more.append(WATTS_PER_K4 * ((ours + 273.15) ** 4 - (theirs[f"tmrt_{part}"] + 273.15) ** 4))
        shadow = peer[f"shadow_{number}"]
        words = []
        for label, where in (("sun", place.near & (shadow > 0.99)), ("shade", place.near & (shadow < 0.01))):
            if where.any():
                long, beam, sky = (
                    more[0][where].mean(),
                    (more[1] - more[0])[where].mean(),
                    (more[2] - more[0])[where].mean(),
                )
                words.append(f"{label} {long:+.1f} / {beam:+.1f} / {sky:+.1f}")
        print(f"{hour.name:12} {'   '.join(words)}", flush=True)


def write_fixture(path: Path, place: Place, peer: Maps) -> None:
    """The peer's figures of a few hours, to 0.01 K, with the place's heights to 0.01 m."""

    def hundredths(values: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
        return np.rint(100.0 * values).astype(np.int16)

    heights = {name: hundredths(getattr(place.surface, name)) for name in ("dsm", "dem", "cdsm")}
    maps = {
        f"{name}_{number}": hundredths(peer[f"{name}_{number}"])
        for number in FIXTURE_HOURS
        for name in ("tmrt", "utci", "shadow")
    }
    weather = [
        {
            "time": HOURS[number].time + ":00+09:00",
            "air_degc": HOURS[number].air_degc,
            "humidity_pct": HOURS[number].humidity_pct,
            "wind_ms": HOURS[number].wind_ms,
            "global_wm2": HOURS[number].global_wm2,
            "direct_normal_wm2": float(peer["said"][number][0]),
            "diffuse_wm2": float(peer["said"][number][1]),
            "number": number,
        }
        for number in FIXTURE_HOURS
    ]
    sky = hundredths(100.0 * (peer["svf"] - (1.0 - peer["svf_veg"]) * (1.0 - LEAF_TRANSMISSIVITY)))
    np.savez_compressed(path, weather=json.dumps(weather), sky_1e4=sky, **heights, **maps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this one; may be repeated")
    parser.add_argument("--surface", type=Path, action="append", default=[], help="a surface of one's own")
    parser.add_argument("--terms", action="store_true", help="tell long-wave, beam and diffuse apart")
    parser.add_argument("--fixture", type=Path, help="write the case's figures for the tests")
    parser.add_argument("--python", type=Path, help="an environment that has the peer already")
    arguments = parser.parse_args()
    names = arguments.case or ([] if arguments.surface else list(CASES))
    failed = []
    with tempfile.TemporaryDirectory(prefix="kumagaya-peer-") as temporary:
        python = arguments.python or peer_python(Path(temporary))
        surfaces = {name: CASES[name]() for name in names} | {
            path.stem: given_surface(path) for path in arguments.surface
        }
        for name, surface in surfaces.items():
            place = Place.of(surface)
            peer = peer_maps(python, surface, [(hour, None, None) for hour in HOURS])
            failed += compare(name, place, peer)
            if arguments.terms:
                tell_terms(name, place, python, peer)
            if arguments.fixture is not None:
                write_fixture(arguments.fixture, place, peer)
    if failed:
        sys.exit("\ngates failed:\n  " + "\n  ".join(failed))


if __name__ == "__main__":
    main()
