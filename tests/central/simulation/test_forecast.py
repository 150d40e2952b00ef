"""The forecast of the hours to come begins where the live map stands."""

from types import SimpleNamespace

import numpy as np
import pytest

from central.simulation.service import SimulationService
from central.store.sqlite import open_store
from tests.central.simulation.small_city import HOT_DAY, JST_14_MS, Feed, HandClock, SmallEngine, add_stations

HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4
HEADER = "valid_at,air_temperature_degc,relative_humidity_pct,wind_speed_ms,global_radiation_wm2,cloud_cover_pct,air_pressure_hpa"


@pytest.fixture
def city_after(tmp_path):
    """A city that saw this radiation from 11 to 13:45 and a dull sky at 14:00, with the weather of the coming hours supplied."""
    stores = []

    def city_after(name, radiation_wm2):
        folder = tmp_path / name
        folder.mkdir()
        clock = HandClock(JST_14_MS - 3 * HOUR_MS)
        store = open_store(folder / "central.db", clock)
        stores.append(store)
        add_stations(store)
        service = SimulationService(store=store, clock=clock, data_dir=folder, engine=SmallEngine(folder))
        assert service.prepare()
        # Told, so that only what the ground remembers can differ.
        rows = [f"2018-07-23T{hour}:00+09:00,37,38,2,200,,1003" for hour in range(15, 19)]
        service.outlook.supplied_path.write_text("\n".join([HEADER, *rows]))
        town = SimpleNamespace(service=service, clock=clock, feed=Feed(store))
        for quarter in range(-12, 1):
            see(town, quarter, radiation_wm2 if quarter < 0 else 200.0)
        return town

    yield city_after
    for store in stores:
        store.close()


def see(town, quarter, radiation_wm2):
    """A live frame at 14:00 and so many quarters of an hour."""
    town.clock.ms = JST_14_MS + quarter * QUARTER_MS
    town.clock.s += QUARTER_MS / 1000
    town.feed.all_say(town.clock.ms, {**HOT_DAY, "global_radiation_wm2": radiation_wm2})
    assert town.service.look()


def tmrt_of_hours(town):
    shelf = town.service.outlook.shelf
    return [np.nanmedian(shelf.layer(hour, "tmrt").values()) for hour in shelf.current().hours[:4]]


def test_the_first_hours_still_feel_the_sun_that_was(city_after):
    sunny, dull = city_after("sunny", 880.0), city_after("dull", 200.0)
    assert sunny.service.outlook.work()
    assert dull.service.outlook.work()
    more_k = np.subtract(tmrt_of_hours(sunny), tmrt_of_hours(dull))
    assert more_k[0] > 0.5
    # It fades within hours.
    assert (np.diff(more_k) <= 0.0).all()
    assert abs(more_k[3]) < 0.3


def test_a_forecast_leaves_the_live_map_its_memory(city_after):
    told, untold = city_after("told", 880.0), city_after("untold", 880.0)
    assert told.service.outlook.work()
    for town in (told, untold):
        see(town, 1, 500.0)
    shown = [town.service.library.layer(town.service.library.latest(), "tmrt").level for town in (told, untold)]
    assert np.array_equal(*shown)
