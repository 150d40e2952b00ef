"""/v1/city"""

import gzip

import pytest

from central.web import schemas
from tests.central.simulation.small_city import LAT, LON


def test_while_the_city_is_loaded_the_caller_is_told_to_wait(town):
    reply = town.client.get("/v1/city")
    assert reply.status_code == 503
    assert reply.json()["type"] == "/problems/city-preparing"
    assert int(reply.headers["retry-after"]) > 0


def test_the_city(hot_town):
    body = hot_town.client.get("/v1/city").json()
    schemas.City.model_validate(body)
    assert body["name_ja"] == "試験の町"
    assert body["center"] == {"lat": pytest.approx(LAT, abs=1e-6), "lon": pytest.approx(LON, abs=1e-6)}
    assert body["building_count"] == 2
    assert body["building_height_estimated_count"] == 1
    assert body["simulated_weather"] is True
    assert body["clock"] == {"now": "2018-07-23T05:00:00.000Z", "speed": 1.0}


class TestBuildings:
    def test_outlines_and_heights(self, hot_town):
        body = hot_town.client.get("/v1/city/buildings.geojson").json()
        schemas.Buildings.model_validate(body)
        assert {feature["properties"]["id"]: feature["properties"]["height_m"] for feature in body["features"]} == {
            "house-1": 20.0,
            "house-2": 6.0,
        }

    def test_who_holds_them_gets_nothing_new(self, hot_town):
        first = hot_town.client.get("/v1/city/buildings.geojson")
        for held in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
            again = hot_town.client.get("/v1/city/buildings.geojson", headers={"If-None-Match": held})
            assert again.status_code == 304
            assert again.content == b""
        assert hot_town.client.get("/v1/city/buildings.geojson", headers={"If-None-Match": '"old"'}).status_code == 200

    @pytest.mark.parametrize(
        ("accepted", "packed"),
        [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("", False)],
    )
    def test_packed_for_those_who_can_unpack(self, hot_town, accepted, packed):
        with hot_town.client.stream(
            "GET", "/v1/city/buildings.geojson", headers={"Accept-Encoding": accepted}
        ) as reply:
            raw = b"".join(reply.iter_raw())
        assert (reply.headers.get("content-encoding") == "gzip") is packed
        assert (gzip.decompress(raw) if packed else raw).startswith(b'{"type":"FeatureCollection"')
