"""A small place of our own against figures of SOLWEIG that were kept: what every machine can check without the peer."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.places import CASES
from central.heat.geometry import prepare
from central.heat.step import Weather, step
from central.heat.surface import Surface
from tests.central.heat.conftest import KUMAGAYA, sun_over_kumagaya

KEPT = Path(__file__).parent / "data" / "own_place.npz"


@pytest.fixture(scope="module")
def kept():
    with np.load(KEPT) as data:
        return {name: data[name] for name in data.files}


@pytest.fixture(scope="module")
def place(kept):
    heights = (kept[name].astype(np.float32) / np.float32(100.0) for name in ("dsm", "dem", "cdsm"))
    return prepare(Surface(*heights, 2.0, *KUMAGAYA))


def hours(kept):
    for given in json.loads(str(kept["weather"])):
        weather = Weather(
            given["air_degc"],
            given["humidity_pct"],
            given["wind_ms"],
            given["global_wm2"],
            given["direct_normal_wm2"],
            given["diffuse_wm2"],
        )
        maps = (kept[f"{name}_{given['number']}"] / 100.0 for name in ("tmrt", "utci", "shadow"))
        yield sun_over_kumagaya(given["time"]), weather, *maps


def test_the_kept_heights_are_those_of_the_place(kept):
    built = CASES["small"]()
    for name in ("dsm", "dem", "cdsm"):
        assert np.abs(getattr(built, name) - kept[name] / 100.0).max() < 0.006
    assert (built.cdsm > 0.0).sum() > 100
    assert (built.dsm - built.dem).max() > 30.0


def test_the_sky_is_seen_alike(kept, place):
    error = (place.sky_view - kept["sky_1e4"] / 1e4)[place.is_ground]
    assert np.sqrt(np.mean(error**2)) <= 0.01


def test_sun_and_shade_fall_on_the_same_cells(kept, place):
    for sun, weather, _, _, shadow in hours(kept):
        frame = step(place, weather, sun)
        assert np.mean(np.abs(frame.shadow - shadow)[place.is_ground] < 0.01) >= 0.999


def test_temperatures_keep_the_gates_in_sun_shade_and_under_crowns(kept, place):
    seen = set()
    for sun, weather, tmrt, utci, shadow in hours(kept):
        frame = step(place, weather, sun)
        same = place.is_ground & (np.abs(frame.shadow - shadow) < 0.01)
        error = (frame.tmrt_degc - tmrt)[same]
        assert abs(error.mean()) <= 0.8
        assert np.sqrt(np.mean(error**2)) <= 1.4
        assert np.percentile(np.abs(error), 95) <= 3.2
        assert np.sqrt(np.mean((frame.utci_degc - utci)[same] ** 2)) <= 0.4
        for kind, cells in (
            ("sun", shadow > 0.99),
            ("shade", shadow < 0.01),
            ("crown", (shadow > 0.01) & (shadow < 0.1)),
        ):
            here = same & cells
            if here.sum() > 20:
                seen.add(kind)
                assert abs((frame.tmrt_degc - tmrt)[here].mean()) <= 1.5
    assert seen == {"sun", "shade", "crown"}
