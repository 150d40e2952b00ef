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
