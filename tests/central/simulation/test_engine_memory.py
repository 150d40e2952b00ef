"""The live map's engine: it remembers between frames, begins in balance, and goes on in air that UTCI does not know."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from central.simulation.engine import REMEMBERS_FOR_MS, HeatEngine
from central.simulation.forcing import Forcing, RadiationSource
from tests.central.simulation.small_city import JST_14_MS, SmallEngine, small_city

MINUTE_MS = 60_000


def weather(radiation_wm2=880.0, air_degc=38.0, humidity_pct=35.0):
    return Forcing(air_degc, humidity_pct, 2.0, None, radiation_wm2, 1003.0, RadiationSource.MEASURED, ())


@pytest.fixture
def engine(tmp_path):
    engine = SmallEngine(tmp_path)
    engine.load(lambda *_: None)
    engine.prepare(lambda *_: None)
    engine.warm_up()
    return engine


def tmrt(engine, at_ms, **changed):
    return engine.step(weather(**changed), at_ms).fields["tmrt"].copy()


def test_after_a_cloud_the_ground_is_still_warm(engine):
    sun = np.isclose(engine.step(weather(), JST_14_MS).fields["shadow"], 1.0)
    just_clouded = tmrt(engine, JST_14_MS + MINUTE_MS, radiation_wm2=150.0)
    engine.step(weather(), JST_14_MS - 12 * 60 * MINUTE_MS)  # the clock goes back: all is forgotten
    always_clouded = tmrt(engine, JST_14_MS + MINUTE_MS, radiation_wm2=150.0)
    assert just_clouded[sun].mean() > always_clouded[sun].mean() + 2.0


@pytest.mark.parametrize("gap_ms", [-MINUTE_MS, REMEMBERS_FOR_MS + 1])
def test_a_clock_that_jumps_begins_anew(engine, gap_ms):
    from_fresh = tmrt(engine, JST_14_MS)
    engine.step(weather(radiation_wm2=50.0), JST_14_MS - gap_ms)
    assert np.abs(tmrt(engine, JST_14_MS) - from_fresh).max() < 1e-3


def test_a_restart_begins_in_balance_with_the_weather(engine, tmp_path):
    started = tmrt(engine, JST_14_MS)
    again = SmallEngine(tmp_path)
    again.load(lambda *_: None)
    again.prepare(lambda *_: None)
    again.warm_up()
    assert (tmrt(again, JST_14_MS) == started).all()


def test_in_air_too_wet_for_utci_the_other_maps_go_on(engine):
    with capture_logs() as logs:
        result = engine.step(weather(air_degc=43.0, humidity_pct=80.0), JST_14_MS)
        engine.step(weather(air_degc=43.0, humidity_pct=80.0), JST_14_MS + MINUTE_MS)
    assert not result.has_utci
    assert np.isnan(result.fields["utci"]).all()
    assert np.isfinite(result.fields["tmrt"]).all()
    assert np.isfinite(result.fields["wbgt"]).all()
    assert len([entry for entry in logs if "UTCI is not defined" in entry["event"]]) == 1
    assert engine.step(weather(), JST_14_MS + 2 * MINUTE_MS).has_utci


def test_the_land_cover_of_the_city_is_used(tmp_path, monkeypatch):
    """Read from the city that was loaded, here the small one."""
    city, surface = small_city()
    monkeypatch.setattr("central.simulation.engine.load_city", lambda _path: (city, surface))
    engine = HeatEngine(None, tmp_path)
    engine.load(lambda *_: None)
    assert engine._land_cover is not None
    assert (engine._land_cover.codes == city.land_cover).all()


def test_what_other_cities_left_in_the_folder_is_cleared_away(tmp_path):
    folder = tmp_path / "prepared"
    folder.mkdir()
    for name in ("0123.city", ".0123.city.part", ".0123.city.journal"):
        (folder / name).write_bytes(b"former")
    engine = SmallEngine(tmp_path)
    engine.load(lambda *_: None)
    engine.prepare(lambda *_: None)
    (left,) = folder.iterdir()
    assert left.suffix == ".city"
    assert "0123" not in left.name
