"""/v1/heat/forecast, /v1/heat/exceedance, and `at` in the questions about areas and places."""

import json

import numpy as np
import pytest
import shapely
from rasterio.io import MemoryFile

from central.simulation.png import decode_gray
from central.web import schemas, schemas_forecast
from tests.central.simulation.small_city import HOT_DAY, JST_14_MS, LAT, LON

HOUR_MS = 3_600_000
OPEN_GROUND = {"lat": LAT - 30.0 / 110_950.0, "lon": LON}


def get(town, path, **query):
    reply = town.client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    return reply


@pytest.fixture
def forecast_town(hot_town):
    """14:00 with one frame, and the hours 15:00 to 24:00 forecast."""
    assert hot_town.simulation.outlook.work()
    return hot_town


def next_frame(town, seconds, **changes):
    town.clock.advance(seconds)
    town.feed.all_say(town.clock.ms, {**HOT_DAY, **changes})
    assert town.simulation.look()


class TestForecast:
    def test_the_hours_until_midnight(self, forecast_town):
        body = get(forecast_town, "/v1/heat/forecast").json()
        schemas_forecast.Forecast.model_validate(body)
        assert body["issued_at"] == "2018-07-23T05:00:00.000Z"
        assert [hour["at"][11:13] for hour in body["hours"]] == [
            "06",
            "07",
            "08",
            "09",
            "10",
            "11",
            "12",
            "13",
            "14",
            "15",
        ]
        assert [hour["lead_h"] for hour in body["hours"]] == list(range(1, 11))
        assert {hour["source"] for hour in body["hours"]} == {"blended"}
        assert body["supplied"] is None
        evening = body["hours"][-1]["weather"]
        assert evening["global_radiation_wm2"] == 0.0
        assert evening["air_temperature_degc"] < 34.0
        first = body["hours"][0]["weather"]
        assert 600.0 < first["global_radiation_wm2"] < 850.0

    def test_its_pictures_are_read_like_a_frames(self, forecast_town):
        hour = get(forecast_town, "/v1/heat/forecast").json()["hours"][0]
        about = hour["layers"]["wbgt"]
        png, tif = get(forecast_town, about["png"]), get(forecast_town, about["tif"])
        assert "immutable" in png.headers["cache-control"]
        gray = decode_gray(png.content)
        with MemoryFile(tif.content) as memory, memory.open() as raster:
            values = raster.read(1)
        assert np.allclose(about["offset"] + about["step"] * gray[gray > 0], values[gray > 0], atol=1e-4)
        assert np.isnan(values[gray == 0]).all()
        again = forecast_town.client.get(about["png"], headers={"If-None-Match": png.headers["etag"]})
        assert again.status_code == 304

    def test_is_stale_after_two_hours(self, forecast_town):
        forecast_town.clock.advance(2 * 3600 + 1)
        assert get(forecast_town, "/v1/heat/forecast").json()["stale"] is True

    @pytest.mark.parametrize("path", ["/v1/heat/forecast", "/v1/heat/exceedance"])
    def test_before_the_first_frame_there_is_nothing_to_tell(self, town, path):
        body = get(town, path).json()
        schema = schemas_forecast.Forecast if path.endswith("forecast") else schemas_forecast.Exceedance
        schema.model_validate(body)
        assert body.get("hours", body.get("layers")) == []
        assert body.get("issued_at", body.get("counted_until")) is None

    def test_none_yet(self, hot_town):
        assert get(hot_town, "/v1/heat/forecast").json()["hours"] == []
        reply = hot_town.client.get("/v1/heat/forecast/20180723T060000000Z_20180723T050000000Z/wbgt.png")
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/unknown-frame")

    def test_a_supplied_file_is_used_and_its_bad_rows_are_told(self, hot_town, tmp_path):
        (tmp_path / "forecast.csv").write_text(
            "valid_at,air_temperature_degc,relative_humidity_pct\n"
            "2018-07-23T15:00+09:00,39.5,30\n2018-07-23T16:00+09:00,40,130\n"
        )
        assert hot_town.simulation.outlook.work()
        body = get(hot_town, "/v1/heat/forecast").json()
        schemas_forecast.Forecast.model_validate(body)
        assert [hour["source"] for hour in body["hours"]][:2] == ["supplied", "blended"]
        assert body["hours"][0]["weather"]["air_temperature_degc"] == 39.5
        assert body["hours"][0]["weather"]["relative_humidity_pct"] == pytest.approx(30.0, abs=0.2)
        assert (body["supplied"]["rows"], body["supplied"]["usable"]) == (2, 1)
        assert body["supplied"]["problems"] == ["line 3: relative_humidity_pct: 130 must lie in 1 .. 100"]

    def test_skill_is_counted_when_the_hour_has_come(self, forecast_town):
        assert get(forecast_town, "/v1/heat/forecast/skill").json() == {"since": None, "leads": []}
        said = get(forecast_town, "/v1/heat/forecast").json()["hours"][0]["weather"]["air_temperature_degc"]
        next_frame(forecast_town, 3600, air_temperature_degc=36.0)
        forecast_town.simulation.outlook.work()
        body = get(forecast_town, "/v1/heat/forecast/skill").json()
        schemas_forecast.ForecastSkill.model_validate(body)
        assert body["since"] == "2018-07-23T06:00:00.000Z"
        (lead,) = body["leads"]
        assert lead["lead_h"] == 1
        errors = lead["quantities"]["air_temperature_degc"]
        assert errors == {"count": 1, "forecast_mae": pytest.approx(abs(said - 36.0), abs=1e-3), "persistence_mae": 2.0}


class TestAnotherMoment:
    def test_an_hour_of_the_forecast(self, forecast_town):
        hours = get(forecast_town, "/v1/heat/forecast").json()["hours"]
        body = get(forecast_town, "/v1/heat/at", at="2018-07-23T15:20:00+09:00", **OPEN_GROUND).json()
        schemas.PointHeat.model_validate(body)
        assert (body["forecast"], body["frame"], body["at"]) == (True, hours[0]["id"], hours[0]["at"])
        areas = get(forecast_town, "/v1/heat/areas", at="2018-07-23T15:20:00+09:00").json()
        schemas.Areas.model_validate(areas)
        assert areas["frame"] == hours[0]["id"]

    def test_a_kept_frame(self, hot_town):
        next_frame(hot_town, 600, air_temperature_degc=20.0, global_radiation_wm2=100.0)
        now = get(hot_town, "/v1/heat/areas").json()
        before = get(hot_town, "/v1/heat/areas", at="2018-07-23T14:01:00+09:00").json()
        assert now["features"] == []
        assert before["frame"] == "20180723T050000000Z"
        assert before["features"]
        assert all(shapely.geometry.shape(feature["geometry"]).is_valid for feature in before["features"])

    def test_a_moment_hardly_ahead_is_the_newest_frame(self, forecast_town):
        assert (
            get(forecast_town, "/v1/heat/at", at="2018-07-23T14:05:00+09:00", **OPEN_GROUND).json()["forecast"] is False
        )

    @pytest.mark.parametrize("at", ["2018-07-23T02:00:00Z", "2018-07-24T05:00:00Z", "2018-07-22T05:00:00Z"])
    def test_what_nobody_knows_is_refused(self, forecast_town, at):
        reply = forecast_town.client.get("/v1/heat/areas", params={"at": at})
        assert (reply.status_code, reply.json()["type"], reply.json()["field"]) == (
            404,
            "/problems/unknown-frame",
            "at",
        )

    @pytest.mark.parametrize("at", ["noon", "2018-07-23T14:00", ""])
    def test_what_is_no_moment_is_refused(self, forecast_town, at):
        reply = forecast_town.client.get("/v1/heat/at", params={"at": at, **OPEN_GROUND})
        assert (reply.status_code, reply.json()["field"]) == (422, "at")


class TestExceedance:
    def test_hours_so_far_and_of_the_day(self, forecast_town):
        for _ in range(6):
            next_frame(forecast_town, 300)
        body = get(forecast_town, "/v1/heat/exceedance").json()
        schemas_forecast.Exceedance.model_validate(body)
        assert (body["begins_at"], body["ends_at"]) == ("2018-07-22T15:00:00.000Z", "2018-07-23T15:00:00.000Z")
        assert body["watched_h"] == pytest.approx(0.5)
        by_name = {(layer["part"], layer["min_wbgt_degc"]): layer for layer in body["layers"]}
        assert set(by_name) == {(part, limit) for part in ("so_far", "day") for limit in (28.0, 31.0)}
        assert by_name["so_far", 28.0]["max"] == pytest.approx(0.5)
        assert by_name["day", 28.0]["max"] > by_name["day", 31.0]["max"] >= 0.5
        for about in by_name.values():
            gray = decode_gray(get(forecast_town, about["png"]).content)
            values = about["offset"] + about["step"] * gray[gray > 0]
            assert values.max() == pytest.approx(about["max"], abs=about["step"])

    def test_at_a_place(self, forecast_town):
        for _ in range(6):
            next_frame(forecast_town, 300)
        body = get(forecast_town, "/v1/heat/at", **OPEN_GROUND).json()
        schemas.PointHeat.model_validate(body)
        by_limit = {hours["min_wbgt_degc"]: hours for hours in body["hours_above"]}
        assert by_limit[28.0]["so_far_h"] == pytest.approx(0.5, abs=0.06)
        assert by_limit[28.0]["day_h"] > by_limit[28.0]["so_far_h"]

    def test_without_a_forecast_there_is_no_day(self, hot_town):
        parts = {layer["part"] for layer in get(hot_town, "/v1/heat/exceedance").json()["layers"]}
        assert parts == {"so_far"}
        reply = hot_town.client.get("/v1/heat/exceedance/day/28.png")
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/unknown-layer")

    def test_the_raster_has_its_place(self, hot_town):
        reply = get(hot_town, "/v1/heat/exceedance/so_far/31.tif")
        with MemoryFile(reply.content) as memory, memory.open() as raster:
            assert raster.crs is not None
            assert raster.tags()["LAYER"] == "hours_above_31"

    @pytest.mark.parametrize("path", ["/so_far/30.png", "/never/28.png", "/so_far/%00.tif"])
    def test_unknown_layers(self, hot_town, path):
        reply = hot_town.client.get(f"/v1/heat/exceedance{path}")
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/unknown-layer")


def test_a_damaged_description_is_made_again(forecast_town, tmp_path):
    (tmp_path / "forecast" / "current.json").write_text(json.dumps({"issued_ms": "noon"}))
    assert get(forecast_town, "/v1/heat/forecast").json()["hours"] == []
    next_frame(forecast_town, 3600)
    assert forecast_town.clock.ms == JST_14_MS + HOUR_MS
    assert forecast_town.simulation.outlook.work()
    assert len(get(forecast_town, "/v1/heat/forecast").json()["hours"]) == 9
