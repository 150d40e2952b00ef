"""/v1/heat: frames, layers, areas, the point query."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from rasterio.io import MemoryFile

from central.city.projection import LocalFrame
from central.web import schemas
from tests.central.simulation.small_city import HOT_DAY, LAT, LON

FRAME = "20180723T050000000Z"
LAYERS = ("wbgt", "utci", "tmrt", "shadow")


def get(town, path, **query):
    reply = town.client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return reply


def place(x_m, y_m):
    """Degrees of a place in metres east and north of the city's middle."""
    return {"lat": LAT + y_m / 110_950.0, "lon": LON + x_m / 90_000.0}


class TestFrame:
    def test_the_latest(self, hot_town):
        body = get(hot_town, "/v1/heat/frames/latest").json()
        schemas.Frame.model_validate(body)
        assert body["id"] == FRAME
        assert body["at"] == "2018-07-23T05:00:00.000Z"
        assert body["stale"] is False
        assert (body["width"], body["height"], body["pixel_size_m"]) == (60, 60, 2.0)
        assert body["layers"]["wbgt"]["png"] == f"/v1/heat/frames/{FRAME}/wbgt.png"
        assert body["layers"]["wbgt"]["min"] <= body["layers"]["wbgt"]["mean"] <= body["layers"]["wbgt"]["max"]

    def test_by_its_id(self, hot_town):
        assert get(hot_town, f"/v1/heat/frames/{FRAME}").json()["id"] == FRAME

    def test_grows_stale(self, hot_town):
        hot_town.clock.advance(31.0)
        assert get(hot_town, "/v1/heat/frames/latest").json()["stale"] is True

    def test_the_list_page_by_page(self, hot_town):
        for number in range(4):
            hot_town.clock.advance(1.0)
            hot_town.feed.all_say(hot_town.clock.ms, {**HOT_DAY, "air_temperature_degc": 30.0 + number})
            assert hot_town.simulation.look()
        ids, cursor = [], None
        while True:
            body = get(hot_town, "/v1/heat/frames", limit=2, **({"cursor": cursor} if cursor else {})).json()
            schemas.Frames.model_validate(body)
            ids += [item["id"] for item in body["items"]]
            cursor = body["next_cursor"]
            if cursor is None:
                break
        assert len(ids) == 5
        assert ids == sorted(ids, reverse=True)


class TestAnotherCity:
    """The folder was used with another city before: its last frame must not be laid over this one."""

    @pytest.fixture
    def moved_town(self, hot_town):
        place = hot_town.simulation.place
        place.set_city(replace(place.city, frame=LocalFrame(34.69, 135.50)))
        return hot_town

    @pytest.mark.parametrize("path", ["/v1/heat/frames/latest", "/v1/heat/areas", "/v1/heat/at?lat=34.69&lon=135.5"])
    def test_is_no_frame_yet(self, moved_town, path):
        reply = moved_town.client.get(path)
        assert reply.json()["type"] == "/problems/no-frame-yet"

    def test_nor_is_it_found_by_name(self, moved_town):
        assert moved_town.client.get(f"/v1/heat/frames/{FRAME}").status_code == 404
        assert moved_town.client.get(f"/v1/heat/frames/{FRAME}/wbgt.tif").status_code == 404


class TestLayers:
    @pytest.mark.parametrize("layer", LAYERS)
    def test_png_and_tif_say_the_same(self, hot_town, layer):
        about = get(hot_town, "/v1/heat/frames/latest").json()["layers"][layer]
        png, tif = get(hot_town, about["png"]), get(hot_town, about["tif"])
        assert png.headers["content-type"] == "image/png"
        assert png.headers["cache-control"] == "public, max-age=31536000, immutable"
        with MemoryFile(png.content) as memory, memory.open(driver="PNG") as picture:
            gray = picture.read(1)
        with MemoryFile(tif.content) as memory, memory.open() as raster:
            values = raster.read(1)
        assert gray.shape == (60, 60)
        shown = gray > 0
        assert np.array_equal(shown, ~np.isnan(values))
        assert not shown[15:25, 20:40].any()
        assert np.allclose(about["offset"] + about["step"] * gray[shown], values[shown], atol=1e-4)
        assert values[shown].min() == pytest.approx(about["min"], abs=about["step"])
        assert values[shown].max() == pytest.approx(about["max"], abs=about["step"])

    def test_who_holds_a_picture_gets_nothing_new(self, hot_town):
        path = f"/v1/heat/frames/{FRAME}/wbgt.png"
        etag = get(hot_town, path).headers["etag"]
        assert hot_town.client.get(path, headers={"If-None-Match": etag}).status_code == 304


class TestAt:
    def test_open_ground_in_the_sun(self, hot_town):
        body = get(hot_town, "/v1/heat/at", **place(0.0, -30.0)).json()
        schemas.PointHeat.model_validate(body)
        assert body["surface"] == "ground"
        assert body["values"]["shadow"] == 1.0
        assert 58.0 < body["values"]["tmrt_degc"] < 76.0
        assert body["band"] == "danger"
        assert body["inside_heat_area"] is True
        assert body["heat_area_min_wbgt_degc"] == 28.0

    def test_in_the_shade_of_the_house(self, hot_town):
        body = get(hot_town, "/v1/heat/at", **place(5.0, 33.0)).json()
        assert body["values"]["shadow"] == 0.0
        assert body["values"]["tmrt_degc"] < 52.0

    def test_a_building_has_no_values_but_lies_in_what_surrounds_it(self, hot_town):
        body = get(hot_town, "/v1/heat/at", **place(0.0, 20.0)).json()
        schemas.PointHeat.model_validate(body)
        assert (body["surface"], body["values"], body["band"]) == ("building", None, None)
        assert body["inside_heat_area"] is True

    def test_outside_the_map(self, hot_town):
        body = get(hot_town, "/v1/heat/at", lat=35.0, lon=135.0).json()
        schemas.PointHeat.model_validate(body)
        assert (body["surface"], body["values"], body["inside_heat_area"]) == ("outside", None, False)

    def test_a_cool_day_is_no_heat_area(self, hot_town):
        hot_town.clock.advance(5.0)
        cool = {**HOT_DAY, "air_temperature_degc": 18.0, "global_radiation_wm2": 100.0}
        hot_town.feed.all_say(hot_town.clock.ms, cool)
        assert hot_town.simulation.look()
        body = get(hot_town, "/v1/heat/at", **place(0.0, -30.0)).json()
        assert (body["band"], body["inside_heat_area"]) == ("caution", False)
        house = get(hot_town, "/v1/heat/at", **place(0.0, 20.0)).json()
        assert house["inside_heat_area"] is False


class TestAreas:
    def test_agree_with_the_point_query(self, hot_town):
        body = get(hot_town, "/v1/heat/areas", min=31).json()
        schemas.Areas.model_validate(body)
        hot = [shapely.geometry.shape(feature["geometry"]) for feature in body["features"]]
        assert all(feature["properties"]["band"] == "danger" for feature in body["features"])
        where = place(0.0, -30.0)
        assert any(area.contains(shapely.Point(where["lon"], where["lat"])) for area in hot)

    def test_another_layer_has_its_own_bands(self, hot_town):
        body = get(hot_town, "/v1/heat/areas", layer="utci").json()
        schemas.Areas.model_validate(body)
        assert {feature["properties"]["band"] for feature in body["features"]} <= {
            "strong_heat_stress",
            "very_strong_heat_stress",
            "extreme_heat_stress",
        }
        assert body["features"]

    def test_a_limit_above_all_gives_an_empty_collection(self, hot_town):
        body = get(hot_town, "/v1/heat/areas", min=60).json()
        schemas.Areas.model_validate(body)
        assert body["features"] == []

    def test_it_bears_the_credit_of_the_city(self, hot_town):
        assert get(hot_town, "/v1/heat/areas").json()["attribution"] == ""
        line = "PLATEAU 2020, MLIT, CC BY 4.0"
        held = hot_town.simulation.place
        held.set_city(replace(held.city, attribution_en=line))
        body = get(hot_town, "/v1/heat/areas", min=29).json()
        schemas.Areas.model_validate(body)
        assert body["attribution"] == line

    def test_a_coarser_drawing_for_the_asking(self, hot_town):
        fine, coarse = (get(hot_town, "/v1/heat/areas", min=31, least_area_m2=least).json() for least in (0, 5000))
        for body, least in ((fine, 0.0), (coarse, 5000.0)):
            schemas.Areas.model_validate(body)
            assert body["least_area_m2"] == least
        rings = [sum(len(one["geometry"]["coordinates"]) for one in body["features"]) for body in (fine, coarse)]
        assert rings[0] > rings[1] == 1
        unasked = get(hot_town, "/v1/heat/areas", min=31).json()
        assert 4.0 <= unasked["least_area_m2"] <= 100.0

    def test_it_is_geojson_and_may_be_held(self, hot_town):
        reply = get(hot_town, "/v1/heat/areas")
        assert reply.headers["content-type"] == "application/geo+json"
        again = hot_town.client.get("/v1/heat/areas", headers={"If-None-Match": reply.headers["etag"]})
        assert again.status_code == 304
