"""/v1/stations"""

import pytest

from central.web import schemas
from contract.quantities import Flag
from tests.central.simulation.small_city import HOT_DAY, JST_14_MS, STATIONS


def readings(town, station="kmg-01", **query):
    reply = town.client.get(f"/v1/stations/{station}/readings", params=query)
    assert reply.status_code == 200, reply.text
    schemas.Readings.model_validate(reply.json())
    return reply.json()


class TestLast:
    def test_before_any_reading(self, town):
        body = town.client.get("/v1/stations").json()
        schemas.Stations.model_validate(body)
        assert [station["id"] for station in body["stations"]] == list(STATIONS)
        assert all(station["last"] is None for station in body["stations"])
        assert body["now"] == "2018-07-23T05:00:00.000Z"
        assert body["stale_after_s"] == 30.0

    def test_values_flags_age_and_wbgt(self, town):
        town.feed.say("kmg-01", JST_14_MS, {**HOT_DAY, "wind_gust_ms": None}, {"wind_gust_ms": Flag.MISSING})
        town.clock.advance(1.2)
        body = town.client.get("/v1/stations").json()
        schemas.Stations.model_validate(body)
        station = body["stations"][0]
        assert station["name_ja"] == "観測局1"
        assert station["gateway"] == "gw-1"
        assert station["surface"] == "asphalt"
        assert station["last"]["at"] == "2018-07-23T05:00:00.000Z"
        assert station["last"]["age_s"] == 1.2
        assert station["last"]["stale"] is False
        assert station["last"]["values"]["air_temperature_degc"] == {"value": 38.0, "flag": "ok"}
        assert station["last"]["values"]["wind_gust_ms"] == {"value": None, "flag": "missing"}
        assert station["wbgt_band"] == "danger"

    def test_a_silent_station_is_stale(self, town):
        town.feed.say("kmg-01", JST_14_MS)
        town.clock.advance(31.0)
        assert town.client.get("/v1/stations").json()["stations"][0]["last"]["stale"] is True

    def test_a_station_without_a_place_is_shown(self, town):
        town.feed.say("stray", JST_14_MS)
        body = town.client.get("/v1/stations").json()
        schemas.Stations.model_validate(body)
        assert body["stations"][-1]["lat"] is None


class TestReadings:
    @pytest.fixture
    def told(self, town):
        """One reading every 20 s for 5 minutes up to now, the temperature rising."""
        for step in range(15):
            at_ms = JST_14_MS - 300_000 + step * 20_000
            town.feed.say("kmg-01", at_ms, {"air_temperature_degc": 30.0 + step, "relative_humidity_pct": 40.0})
        return town

    def test_raw(self, told):
        body = readings(told, resolution="raw")
        assert [item["air_temperature_degc"] for item in body["items"]] == [30.0 + step for step in range(15)]
        assert body["items"][0]["at"] == "2018-07-23T04:55:00.000Z"
        assert body["quantities"] == {
            "air_temperature_degc": {"unit": "degC"},
            "relative_humidity_pct": {"unit": "%"},
        }
        assert body["next_cursor"] is None

    def test_minutes_are_the_default_and_hold_mean_min_and_max(self, told):
        body = readings(told)
        assert body["resolution"] == "minute"
        assert len(body["items"]) == 5
        first = body["items"][0]
        assert (
            first["air_temperature_degc"],
            first["air_temperature_degc_min"],
            first["air_temperature_degc_max"],
        ) == (
            31.0,
            30.0,
            32.0,
        )
        assert first["readings"] == 3

    def test_a_day_is_the_default_span(self, told):
        body = readings(told)
        assert body["from"] == "2018-07-22T05:00:00.001Z"
        assert body["to"] == "2018-07-23T05:00:00.001Z"

    def test_pages_join_without_gap_or_double(self, told):
        got, cursor, pages = [], None, 0
        while True:
            query = {"resolution": "raw", "limit": 4} | ({"cursor": cursor} if cursor else {})
            body = readings(told, **query)
            got += [item["air_temperature_degc"] for item in body["items"]]
            pages += 1
            cursor = body["next_cursor"]
            if cursor is None:
                break
        assert got == [30.0 + step for step in range(15)]
        assert pages == 4

    def test_a_span_with_any_offset(self, told):
        body = readings(told, **{"from": "2018-07-23T13:56:00+09:00", "to": "2018-07-23T13:57:00+09:00"})
        assert [item["at"] for item in body["items"]] == ["2018-07-23T04:56:00.000Z"]

    def test_a_plus_sign_that_nobody_encoded(self, told):
        reply = told.client.get("/v1/stations/kmg-01/readings?from=2018-07-23T13:56:00+09:00")
        assert reply.status_code == 200
        assert reply.json()["from"] == "2018-07-23T04:56:00.000Z"

    def test_flags_come_with_raw_readings(self, town):
        town.feed.say("kmg-01", JST_14_MS, {"air_temperature_degc": 55.0}, {"air_temperature_degc": Flag.JUMP})
        (item,) = readings(town, resolution="raw")["items"]
        assert item["flags"] == {"air_temperature_degc": "jump"}

    def test_a_station_that_said_nothing_has_no_items(self, town):
        assert readings(town, "kmg-08")["items"] == []


class TestWbgtOverTime:
    """The station's own WBGT, minute by minute."""

    MOMENT = JST_14_MS - 120_000

    def test_a_minute_says_what_the_station_said_at_that_minute(self, town):
        town.feed.say("kmg-01", self.MOMENT)
        town.feed.say("kmg-01", JST_14_MS - 60_000, {**HOT_DAY, "air_temperature_degc": 30.0})
        body = readings(town)
        assert body["quantities"]["wbgt_degc"] == {"unit": "degC"}
        hot, mild = (item["wbgt_degc"] for item in body["items"])
        now = town.client.get("/v1/stations").json()["stations"][0]["wbgt_degc"]
        # The same words at nearly the same minute: what the station's card says now.
        assert mild == pytest.approx(now, abs=0.05)
        assert 31.0 < hot < 35.0

    def test_the_sun_of_a_kept_frame_completes_a_station_without_one(self, hot_town):
        hot_town.feed.say("stray", JST_14_MS, {"air_temperature_degc": 38.0, "relative_humidity_pct": 35.0})
        hot_town.feed.say("stray", JST_14_MS - 3_600_000, {"air_temperature_degc": 38.0, "relative_humidity_pct": 35.0})
        before, at_the_frame = readings(hot_town, "stray")["items"]
        assert "wbgt_degc" not in before or before["wbgt_degc"] is None
        (own,) = readings(hot_town, "kmg-01")["items"]
        assert at_the_frame["wbgt_degc"] == pytest.approx(own["wbgt_degc"], abs=0.1)

    @pytest.mark.parametrize("resolution", ["raw", "hour", "day"])
    def test_other_resolutions_have_none(self, hot_town, resolution):
        body = readings(hot_town, resolution=resolution)
        assert "wbgt_degc" not in body["quantities"]

    def test_a_station_without_humidity_has_none(self, town):
        town.feed.say("kmg-01", self.MOMENT, {"air_temperature_degc": 38.0})
        body = readings(town)
        assert "wbgt_degc" not in body["quantities"]
        assert "wbgt_degc" not in body["items"][0]

    def test_pages_agree_with_the_whole(self, town):
        for step in range(6):
            town.feed.say(
                "kmg-01", JST_14_MS - 360_000 + step * 60_000, {**HOT_DAY, "air_temperature_degc": 30.0 + step}
            )
        whole = [item["wbgt_degc"] for item in readings(town)["items"]]
        first = readings(town, limit=4)
        rest = readings(town, limit=4, cursor=first["next_cursor"])
        assert [item["wbgt_degc"] for item in (*first["items"], *rest["items"])] == whole
