"""POST /v1/heat/scenarios and what follows."""

import io
import json
import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from fastapi.testclient import TestClient

from central.simulation.png import decode_gray
from central.simulation.service import SimulationService
from central.web import schemas_whatif
from central.web.app import create_app
from tests.central.simulation.small_city import JST_14_MS, LAT, LON, SmallEngine

PATH = "/v1/heat/scenarios"
HERE = "http://127.0.0.1:8080"
M_LAT, M_LON = 1.0 / 110_950.0, 1.0 / 90_100.0


def square(x, y, size):
    """A square of local metres with its south-western corner at (x, y)."""
    ring = [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]
    return {"type": "Polygon", "coordinates": [[[LON + x * M_LON, LAT + y * M_LAT] for x, y in ring]]}


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def edit(*features):
    return {"type": "FeatureCollection", "features": list(features)}


GROVE = edit(feature(square(-30, -30, 20), kind="tree", height_m=9))


@pytest.fixture(autouse=True)
def staff_at_the_machine(town):
    """Scenarios are for who sits at the machine."""
    town.client = TestClient(town.app, HERE, raise_server_exceptions=False, client=("127.0.0.1", 50000))


def finished(town, answer):
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    for _ in range(600):
        job = town.client.get(answer.headers["location"]).json()
        if job["state"] not in {"waiting", "running"}:
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def test_a_grove_makes_its_place_cooler(hot_town):
    job = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    schemas_whatif.Scenario.model_validate(job)
    assert (job["state"], job["share"], job["changes"]) == ("done", 1.0, 1)
    (moment,) = job["result"]["moments"]
    assert moment["walks"]["mean_tmrt_degc"]["difference"] < -1.0
    assert moment["walks"]["sunlit_pct"]["difference"] < -2.0
    assert moment["layers"]["tmrt_difference"]["min"] < -15.0
    assert job["result"]["without_effect"] == []

    shown = moment["layers"]["wbgt_difference"]
    gray = decode_gray(hot_town.client.get(shown["png"]).content)
    assert gray.shape == (job["result"]["window"]["height"], job["result"]["window"]["width"])
    values = np.where(gray == 0, np.nan, shown["offset"] + shown["step"] * gray)
    assert np.nanmin(values) == pytest.approx(shown["min"], abs=shown["step"])
    with rasterio.open(io.BytesIO(hot_town.client.get(shown["tif"]).content)) as tif:
        np.testing.assert_allclose(tif.read(1), values, atol=1e-4)
        assert tif.transform.a == 2.0


def test_before_is_what_the_live_map_shows(hot_town):
    job = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    live = hot_town.client.get("/v1/heat/frames/latest").json()["layers"]["wbgt"]
    shown = job["result"]["moments"][0]["layers"]["wbgt_before"]
    assert (shown["offset"], shown["step"]) == (live["offset"], live["step"])
    # The small city lies within the reach of any change: the window is all of it.
    np.testing.assert_array_equal(
        decode_gray(hot_town.client.get(shown["png"]).content), decode_gray(hot_town.client.get(live["png"]).content)
    )


def test_a_building_is_taken_away_by_its_id(hot_town):
    gone = edit(feature(None, action="remove", kind="building", building_id="house-1"))
    job = finished(hot_town, hot_town.client.post(PATH, json=gone))
    layers = job["result"]["moments"][0]["layers"]
    before, after = (
        decode_gray(hot_town.client.get(layers[f"utci_{when}"]["png"]).content) for when in ("before", "after")
    )
    assert (before == 0).sum() - (after == 0).sum() == 200


def test_hours_of_the_day_that_frames_are_kept_of(hot_town):
    for hours in (1, 2):
        hot_town.clock.advance(hours * 3600)
        hot_town.feed.all_say(JST_14_MS + sum(range(hours + 1)) * 3_600_000)
        assert hot_town.simulation.look()
    job = finished(hot_town, hot_town.client.post(f"{PATH}?hours=17,14", json=GROVE))
    assert [moment["at"][11:16] for moment in job["result"]["moments"]] == ["05:00", "08:00"]
    refused = hot_town.client.post(f"{PATH}?hours=14,9", json=GROVE)
    assert (refused.status_code, refused.json()["field"]) == (422, "hours")
    assert "9:00 JST" in refused.json()["detail"]


def test_what_changes_nothing_is_told(hot_town):
    nothing = edit(feature(square(-50, -50, 8), action="remove", kind="building"))
    job = finished(hot_town, hot_town.client.post(PATH, json=nothing))
    assert (job["state"], job["message"]) == ("done", "the changes change no cell")
    assert job["result"] == {
        "window": None,
        "without_effect": [0],
        "cropped": [],
        "attribution": "",
        "moments": [],
    }


def test_what_reaches_beyond_the_map_is_told_and_the_rest_is_compared(hot_town):
    half_off = edit(GROVE["features"][0], feature(square(50, -10, 20), kind="building", height_m=10))
    job = finished(hot_town, hot_town.client.post(PATH, json=half_off))
    schemas_whatif.Scenario.model_validate(job)
    assert (job["result"]["cropped"], job["result"]["without_effect"]) == ([1], [])


def test_whoever_made_the_citys_model_is_thanked(hot_town):
    place = hot_town.simulation.place
    place.set_city(replace(place.city, attribution_en="drawn by the surveyors"))
    job = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    assert job["result"]["attribution"] == "drawn by the surveyors"
    tif = hot_town.client.get(job["result"]["moments"][0]["layers"]["wbgt_after"]["tif"]).content
    with rasterio.open(io.BytesIO(tif)) as picture:
        assert picture.tags()["CREDIT"] == "drawn by the surveyors"


def test_the_table_has_no_zero_with_a_minus(hot_town):
    answer = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    assert "-0.0," not in json.dumps(answer)
    for moment in answer["result"]["moments"]:
        for numbers in (moment["wbgt_31_and_more_m2"], *moment["walks"].values()):
            assert numbers["difference"] == pytest.approx(numbers["after"] - numbers["before"], abs=1e-9)


def test_a_finished_scenario_can_be_forgotten(hot_town):
    job = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    png = job["result"]["moments"][0]["layers"]["tmrt_after"]["png"]
    assert hot_town.client.get(png).status_code == 200
    assert hot_town.client.delete(f"{PATH}/{job['id']}").json()["state"] == "cancelled"
    refused = hot_town.client.get(png)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/scenario-unfinished")


def test_a_finished_scenario_outlives_a_restart(hot_town, tmp_path):
    job = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    address = job["result"]["moments"][0]["layers"]["tmrt_difference"]["png"]
    simulation = SimulationService(
        store=hot_town.store, clock=hot_town.clock, data_dir=tmp_path, engine=SmallEngine(tmp_path), computes=False
    )
    again = TestClient(create_app(store=hot_town.store, simulation=simulation, clock=hot_town.clock), HERE)
    assert again.get(f"{PATH}/{job['id']}").json()["type"] == "/problems/city-preparing"
    assert simulation.prepare()
    assert again.get(f"{PATH}/{job['id']}").json() == job
    assert again.get(address).content == hot_town.client.get(address).content
    here = TestClient(again.app, HERE, client=("127.0.0.1", 50000)).get(PATH).json()
    schemas_whatif.Scenarios.model_validate(here)
    assert [one["id"] for one in here["items"]] == [job["id"]]


def test_the_list_is_newest_first_and_for_the_staff(hot_town):
    first = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    hot_town.clock.advance(1.0)
    second = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    items = hot_town.client.get(PATH).json()["items"]
    assert [one["id"] for one in items] == [second["id"], first["id"]]
    assert items[0] == {key: value for key, value in second.items() if key != "result"}
    away = TestClient(hot_town.app, HERE, client=("192.168.1.9", 50000))
    assert away.get(PATH).json()["type"] == "/problems/staff-only"


BAD = feature(square(0, 0, 10), kind="building")


@pytest.mark.parametrize(
    ("body", "status", "kind", "field"),
    [
        (b"", 422, "invalid-edit", None),
        (b"{", 422, "invalid-edit", None),
        (b"\xff", 422, "invalid-edit", None),
        (b" " * 1_000_001, 413, "too-large", None),
        (json.dumps(edit()).encode(), 422, "invalid-edit", "features"),
        (json.dumps(edit(GROVE["features"][0], BAD)).encode(), 422, "invalid-edit", "features[1].properties.height_m"),
        (json.dumps(BAD).encode(), 422, "invalid-edit", "type"),
    ],
)
def test_a_spoilt_edit_is_refused_by_feature_and_field(hot_town, body, status, kind, field):
    answer = hot_town.client.post(PATH, content=body)
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem.get("field")) == (status, f"/problems/{kind}", field)
    assert "\n" not in problem["detail"]
    assert hot_town.client.get(problem["type"]).status_code == 200


@pytest.mark.parametrize("hours", ["", "x", "24", "-1", "1.5", "9,", "1,2,3,4,5,6,7"])
def test_hours_that_are_none(hot_town, hours):
    answer = hot_town.client.post(PATH, params={"hours": hours}, json=GROVE)
    assert (answer.status_code, answer.json()["field"]) == (422, "hours")


def test_what_is_not_there(hot_town):
    assert hot_town.client.get(f"{PATH}/nobody").json()["type"] == "/problems/unknown-scenario"
    assert hot_town.client.delete(f"{PATH}/nobody").status_code == 404
    assert hot_town.client.get(f"{PATH}/nobody/0/wbgt_after.png").status_code == 404
    job = finished(hot_town, hot_town.client.post(PATH, json=GROVE))
    for wrong in ("1/wbgt_after.png", "-1/wbgt_after.png", "0/rain.png", "0/rain.tif"):
        assert hot_town.client.get(f"{PATH}/{job['id']}/{wrong}").json()["type"] == "/problems/unknown-layer"
    assert hot_town.client.get(f"{PATH}/{job['id']}/x/wbgt_after.png").status_code == 422


def test_before_the_first_frame_there_is_nothing_to_compare_with(town):
    assert town.client.post(PATH, json=GROVE).json()["type"] == "/problems/city-preparing"
    assert town.simulation.prepare()
    assert town.client.post(PATH, json=GROVE).json()["type"] == "/problems/no-frame-yet"
