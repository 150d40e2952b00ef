"""The forecast of the hours to come: begins where the live map stands, and follows the shadows between its hours."""

from types import SimpleNamespace

import numpy as np
import pytest
from structlog.testing import capture_logs

from central.simulation.forecast.outlook import BETWEEN_MIN, Outlook, hours_until_midnight, moments_until
from central.simulation.service import SimulationService, frame_meta
from central.store.sqlite import open_store
from tests.central.simulation.small_city import HOT_DAY, JST_14_MS, LAT, LON, Feed, HandClock, SmallEngine, add_stations

HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4
MINUTE_MS = 60_000
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
        engine = SmallEngine(folder)
        service = SimulationService(store=store, clock=clock, data_dir=folder, engine=engine)
        assert service.prepare()
        # Told, so that only what the ground remembers can differ.
        rows = [f"2018-07-23T{hour}:00+09:00,37,38,2,200,,1003" for hour in range(15, 19)]
        service.outlook.supplied_path.write_text("\n".join([HEADER, *rows]))
        town = SimpleNamespace(
            service=service, clock=clock, feed=Feed(store), engine=engine, store=store, folder=folder
        )
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


def tell(town, *rows):
    town.service.outlook.supplied_path.write_text("\n".join([HEADER, *(f"2018-07-23T{row}" for row in rows)]))


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


class TestBetweenTheHours:
    def test_only_what_is_to_come_and_only_by_day(self):
        now_ms = JST_14_MS + 20 * MINUTE_MS
        moments = moments_until(hours_until_midnight(now_ms), now_ms, (LAT, LON))
        assert moments == sorted(moments)
        minutes = [(at_ms - JST_14_MS) / MINUTE_MS for at_ms in moments]
        assert minutes[:7] == [28.0, 35.0, 41.0, 47.0, 52.0, 56.0, 60.0]
        # The sun sets at 18:52.
        assert minutes[-7:] == [296.0, 300.0, 360.0, 420.0, 480.0, 540.0, 600.0]
        assert len([one for one in minutes if 240.0 <= one < 300.0]) == 1 + len(BETWEEN_MIN)

    def test_a_live_frame_made_meanwhile_costs_the_forecast_no_memory(self, city_after):
        """A fast clock's next live step may lie behind the first moment to come after the present that the forecast is of."""
        sunny, dull = city_after("sunny", 880.0), city_after("dull", 200.0)
        for town in (sunny, dull):
            ahead_of_present = town.service.board.now((LAT, LON), 27.0, last_clearness=None).forcing
            town.engine.step(ahead_of_present, JST_14_MS + 12 * MINUTE_MS)
            assert town.service.outlook.work()
        assert np.subtract(tmrt_of_hours(sunny), tmrt_of_hours(dull))[0] > 0.5

    def test_hours_are_as_good_as_those_of_steps_of_two_minutes(self, city_after):
        """Behind the moving edges of shadows the worst cells of steps of an hour are off by kelvins."""
        town = city_after("edges", 880.0)
        tell(town, *(f"{hour}:00+09:00,37,38,2,,0," for hour in range(14, 20)))
        shown = {
            name: tmrt_maps(town, name, between_min)
            for name, between_min in {"fine": range(58, 0, -2), "ours": BETWEEN_MIN, "hours": ()}.items()
        }
        worst_k = {
            name: np.nanmax(np.abs(np.subtract(maps, shown["fine"])[:, shown_ground(maps)]))
            for name, maps in shown.items()
        }
        assert worst_k["hours"] > 4.0
        assert worst_k["ours"] < 1.5


def shown_ground(maps):
    return np.isfinite(maps[0])


def tmrt_maps(town, name, between_min):
    """(5, rows, columns) of the first hours, by a forecast that steps so between the hours."""
    outlook = Outlook(
        store=town.store,
        library=town.service.library,
        clock=town.clock,
        data_dir=town.folder / name,
        describe=frame_meta,
        between_min=tuple(between_min),
    )
    (town.folder / name).mkdir()
    outlook.supplied_path.write_text(town.service.outlook.supplied_path.read_text())
    outlook.begin(town.service.place.city, town.engine)
    now = town.service.board.now((LAT, LON), 27.0, last_clearness=None)
    wbgt = town.service.library.layer(town.service.library.latest(), "wbgt")
    outlook.observe(town.service.library.latest(), now.forcing, wbgt)
    assert outlook.work()
    return np.array([outlook.shelf.layer(hour, "tmrt").values() for hour in outlook.shelf.current().hours[:5]])


class TestASuppliedForecast:
    def test_air_above_50_hpa_leaves_utci_blank_and_the_rest_goes_on(self, city_after):
        town = city_after("wet", 880.0)
        tell(town, "15:00+09:00,38,90,2,,20,", "17:00+09:00,34,50,2,,20,")
        with capture_logs() as logs:
            assert town.service.outlook.work()
        wet, *_, dry = town.service.outlook.shelf.current().hours[:3]
        assert wet.meta.weather["relative_humidity_pct"] == 90.0
        assert wet.meta.layers["utci"].mean is None
        assert wet.meta.layers["wbgt"].mean > 35.0
        assert dry.meta.layers["utci"].mean > 30.0
        (line,) = [line for line in logs if "50 hPa" in line["event"]]
        assert line["hours"][0] == "20180723T060000000Z"

    def test_what_is_not_used_is_told_in_the_answer_and_field_by_field_in_the_log(self, city_after):
        town = city_after("bright", 880.0)
        tell(town, "15:00+09:00,38,50,2,1300,20,", "16:00+09:00,38,150,2,,20,")
        with capture_logs() as logs:
            assert town.service.outlook.work()
        current = town.service.outlook.shelf.current()
        assert [problem.split(":")[0] for problem in current.supplied.problems] == ["line 2", "line 3"]
        (line,) = [line for line in logs if "supplied" in line["event"]]
        assert (line["rows"], line["usable"]) == (2, 1)
        assert line["problems"] == current.supplied.problems
        # The cloud cover of the row counts instead.
        assert current.hours[0].source == "supplied"
        assert 600.0 < current.hours[0].meta.weather["global_radiation_wm2"] < 850.0
