"""A small city of our own, and the reference rasters where this machine has them."""

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest

from central.heat.geometry import Geometry, prepare
from central.heat.step import Weather
from central.heat.sun import Sun, sun_position
from central.heat.surface import Surface
from tests.shared import shared_path

KUMAGAYA = (36.139, 139.389)


def unix_ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def sun_over_kumagaya(iso: str) -> Sun:
    return sun_position(unix_ms(iso), *KUMAGAYA)


@pytest.fixture(scope="session")
def small_surface() -> Surface:
    """70 x 150 cells of 2 m on a slope: blocks of houses, bushes and single trees, a tree over a roof's edge."""
    rng = np.random.default_rng(20180723)
    rows, columns = 70, 150
    dem = np.linspace(20.0, 26.0, columns, dtype=np.float32)[np.newaxis, :].repeat(rows, axis=0)
    dsm, cdsm = dem.copy(), np.zeros_like(dem)
    for _ in range(25):
        row, column = rng.integers(0, rows - 14), rng.integers(0, columns - 14)
        height, width = rng.integers(4, 14, size=2)
        dsm[row : row + height, column : column + width] = 26.0 + rng.uniform(4.0, 30.0)
    for _ in range(40):
        row, column = rng.integers(0, rows - 4), rng.integers(0, columns - 4)
        cdsm[row : row + 4, column : column + 4] = rng.uniform(2.0, 12.0)
    return Surface(dsm, dem, cdsm, 2.0, *KUMAGAYA)


@pytest.fixture(scope="session")
def small_city(small_surface: Surface) -> Geometry:
    return prepare(small_surface)


@dataclass(frozen=True)
class ReferenceHour:
    """One snapshot of the trusted simulation."""

    hour: int
    sun: Sun
    weather: Weather
    tmrt_degc: np.ndarray
    utci_degc: np.ndarray
    shadow: np.ndarray


@dataclass(frozen=True)
class Reference:
    """Gothenburg under the sun of Kumagaya."""

    geometry: Geometry
    svf: np.ndarray
    svf_with_trees: np.ndarray
    hours: list[ReferenceHour]


@pytest.fixture(scope="session")
def reference() -> Reference:
    with np.load(shared_path("reference/heat/gothenburg_at_kumagaya.npz")) as data:
        surface = Surface(data["in_dsm"], data["in_dem"], data["in_cdsm"], float(data["pixel_size"]), *KUMAGAYA)
        hours = []
        for given in json.loads(str(data["meta"]))["steps"]:
            hour = given["hour"]
            weather = Weather(
                given["ta"],
                given["rh"],
                given["ws"],
                given["ghi"],
                given["direct_rad_normal"],
                given["diffuse_rad"],
            )
            hours.append(
                ReferenceHour(
                    hour,
                    sun_over_kumagaya(f"2018-07-23T{hour}:00+09:00"),
                    weather,
                    data[f"tmrt_{hour}_aniso"],
                    data[f"utci_{hour}_aniso"],
                    data[f"shadow_{hour}"],
                )
            )
        svf = data["svf"]
        svf_with_trees = svf - (1.0 - data["svf_veg"]) * (1.0 - 0.03)
    return Reference(prepare(surface), svf, svf_with_trees, hours)
