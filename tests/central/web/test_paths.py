"""GET /v1/paths/cool."""

import threading
from dataclasses import replace

import pytest

from central.city.projection import LocalFrame
from central.city.walking import WalkingLines
from central.simulation.paths.cool import CoolPaths
from central.simulation.paths.geojson import paths_geojson
from central.web import schemas_paths
from central.web.first_walk import FirstWalk
from tests.central.simulation.small_city import JST_14_MS, LAT, LON

M_LAT = 1.0 / 110_950.0
M_LON = 1.0 / 90_100.0


def place(x_m, y_m):
    """Local metres as LAT,LON."""
    return f"{LAT + y_m * M_LAT:.7f},{LON + x_m * M_LON:.7f}"


def ask(town, origin, goal, **more):
    return town.client.get("/v1/paths/cool", params={"from": origin, "to": goal, **more})


def test_the_walks_and_their_numbers(hot_town):
    # The straight line lies in the sun south of the tall house; its shade is to the north-east at 14:00.
    answer = ask(hot_town, place(-50, 20), place(50, 20))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    schemas_paths.Paths.model_validate(body)
    assert body["features"][0]["properties"]["kinds"][0] == "shortest"
    assert any("coolest" in feature["properties"]["kinds"] for feature in body["features"])
    for feature in body["features"]:
        numbers = feature["properties"]
        # Round the house there are 100 m and a bit.
        assert 100.0 < numbers["length_m"] < 1.3 * 115.0
        assert numbers["duration_s"] == pytest.approx(numbers["length_m"] / 1.1, abs=1.0)
        assert sum(numbers["utci_minutes"].values()) == pytest.approx(numbers["duration_s"] / 60.0, abs=0.03)
        assert sum(numbers["wbgt_minutes"].values()) == pytest.approx(numbers["duration_s"] / 60.0, abs=0.03)
        assert numbers["mean_utci_degc"] <= numbers["max_utci_degc"]
        assert feature["geometry"]["coordinates"][0] == [body["from"]["lon"], body["from"]["lat"]]
        assert feature["geometry"]["coordinates"][-1] == [body["to"]["lon"], body["to"]["lat"]]
    lengths = [feature["properties"]["length_m"] for feature in body["features"]]
    doses = [feature["properties"]["utci_dose_degc_min"] for feature in body["features"]]
    assert lengths == sorted(lengths)
    assert doses == sorted(doses, reverse=True)
    assert lengths[-1] <= 1.3 * lengths[0] + 0.2


def test_no_walk_goes_through_the_house(hot_town):
    body = ask(hot_town, place(0, 5), place(0, 40)).json()
    for feature in body["features"]:
        for lon, lat in feature["geometry"]["coordinates"]:
            x, y = (lon - LON) / M_LON, (lat - LAT) / M_LAT
            assert not (-19 < x < 19 and 11 < y < 29)


def test_without_a_detour_there_is_only_the_shortest(hot_town):
    (only,) = ask(hot_town, place(-50, 20), place(50, 20), max_detour=1).json()["features"]
    assert only["properties"]["kinds"] == ["shortest", "coolest"]


def test_the_dose_may_be_made_of_wbgt_and_of_an_older_frame(hot_town):
    name = hot_town.client.get("/v1/heat/frames/latest").json()["id"]
    body = ask(hot_town, place(-50, 20), place(50, 20), index="wbgt", frame=name).json()
    assert (body["frame"], body["index"], body["dose_from_degc"]) == (name, "wbgt", 25.0)


def test_from_inside_a_building_the_walk_begins_at_its_edge(hot_town):
    body = ask(hot_town, place(0, 20), place(50, -50)).json()
    assert 5.0 < body["from"]["snapped_m"] < 15.0
    assert body["to"]["snapped_m"] < 4.0


def test_a_walk_to_where_one_stands(hot_town):
    (only,) = ask(hot_town, place(0, -20), place(0, -20)).json()["features"]
    assert only["properties"]["length_m"] == 0.0
    assert len(only["geometry"]["coordinates"]) == 2


@pytest.mark.parametrize(
    ("origin", "goal", "more", "status", "kind", "field"),
    [
        ("here", place(0, 0), {}, 422, "invalid-input", "from"),
        ("1,2,3", place(0, 0), {}, 422, "invalid-input", "from"),
        (place(0, 0), "nan,nan", {}, 422, "invalid-input", "to"),
        (place(0, 0), "91,139", {}, 422, "invalid-input", "to"),
        (place(0, 0), "", {}, 422, "invalid-input", "to"),
        (place(0, 0), "9" * 80, {}, 422, "invalid-input", "to"),
        (place(0, 0), place(0, 9000), {}, 422, "outside-the-map", "to"),
        (place(-900, 0), place(0, 0), {}, 422, "outside-the-map", "from"),
        (place(0, 0), place(50, 50), {"max_detour": 0.5}, 422, "invalid-input", "max_detour"),
        (place(0, 0), place(50, 50), {"max_detour": "nan"}, 422, "invalid-input", "max_detour"),
        (place(0, 0), place(50, 50), {"index": "tmrt"}, 422, "invalid-input", "index"),
        (place(0, 0), place(50, 50), {"frame": "20180723T000000000Z"}, 404, "unknown-frame", "frame"),
        (place(0, 0), place(50, 50), {"frame": "../../etc"}, 404, "unknown-frame", "frame"),
    ],
)
def test_what_cannot_be_answered(hot_town, origin, goal, more, status, kind, field):  # noqa: PLR0917
    answer = ask(hot_town, origin, goal, **more)
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["field"]) == (status, f"/problems/{kind}", field)
    assert "\n" not in problem["detail"]
    assert hot_town.client.get(problem["type"]).status_code == 200


def test_who_writes_the_longitude_first_is_told(hot_town):
    answer = ask(hot_town, "139.389,36.139", place(0, 0))
    assert (answer.status_code, answer.json()["field"]) == (422, "from")
    assert "LAT first, LON second: is 36.139,139.389 meant?" in answer.json()["detail"]
    # Nowhere on Earth in any order: nothing to swap.
    assert "meant" not in ask(hot_town, "139.389,136.139", place(0, 0)).json()["detail"]


def test_on_a_map_where_both_orders_are_on_earth_the_swapped_one_is_told_when_it_is_on_the_map(hot_town):
    frame, layers = layers_of(hot_town)
    city = replace(hot_town.services.city(), frame=LocalFrame(10.0, 49.0))
    found = CoolPaths().find(city, frame.id, layers, (49.0, 10.0), (10.0, 49.0))
    assert found.detail == "49,10 lies outside the map (LAT first, LON second: is 10,49 meant?)"
    assert CoolPaths().find(city, frame.id, layers, (48.0, 9.0), (10.0, 49.0)).detail == "48,9 lies outside the map"


@pytest.mark.parametrize(
    ("lat", "lon", "said"),
    [
        ("139.389", "36.139", "(are they swapped? lat=36.139, lon=139.389 is a place)"),
        ("139.389", "136.139", "got '139.389'"),
        ("139.389", "x", "got '139.389'"),
        ("139.389", None, "got '139.389'"),
    ],
)
def test_the_heat_at_a_swapped_place_is_refused_with_a_hint(hot_town, lat, lon, said):
    query = {"lat": lat} | ({} if lon is None else {"lon": lon})
    problem = hot_town.client.get("/v1/heat/at", params=query).json()
    assert (problem["type"], problem["field"]) == ("/problems/invalid-input", "lat")
    assert problem["detail"].endswith(said)


def test_walks_thank_the_makers_of_the_lines_and_those_of_the_citys_model(hot_town):
    frame, layers = layers_of(hot_town)
    city = replace(hot_town.services.city(), attribution_en="surveyors")
    drawn = CoolPaths(lines([-50, 0, 50], [0, 5, 0], [0, 1], [1, 2]))
    ends = (LAT, LON - 50 * M_LON), (LAT, LON + 50 * M_LON)
    thanked = []
    for walks in (drawn, CoolPaths()):
        body = paths_geojson(walks.find(city, frame.id, layers, *ends), frame_id=frame.id, at="", max_detour=1.3)
        thanked.append((body["attribution"], body["city_attribution"]))
    assert thanked == [("map makers", "surveyors"), ("surveyors", "surveyors")]


def test_both_places_have_to_be_given(hot_town):
    answer = hot_town.client.get("/v1/paths/cool", params={"from": place(0, 0)})
    assert (answer.status_code, answer.json()["field"]) == (422, "to")


def test_before_the_first_frame_there_is_no_answer_yet(town):
    assert ask(town, place(0, 0), place(9, 9)).status_code == 503
    assert town.simulation.prepare()
    answer = ask(town, place(0, 0), place(9, 9))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-frame-yet")


def layers_of(town):
    frame = town.simulation.library.latest()
    return frame, {name: town.simulation.library.layer(frame, name) for name in ("utci", "wbgt", "shadow")}


def lines(x_m, y_m, begin, end):
    import numpy as np

    return WalkingLines(
        np.array(x_m, float),
        np.array(y_m, float),
        np.array(begin, np.int32),
        np.array(end, np.int32),
        "map makers",
        1,
        {},
    )


def test_a_drawn_network_is_walked_where_there_is_one(hot_town):
    frame, layers = layers_of(hot_town)
    drawn = CoolPaths(lines([-50, 0, 50, 0], [0, 5, 0, -30], [0, 1, 0, 3], [1, 2, 3, 2]))
    origin, goal = ((LAT, LON - 50 * M_LON), (LAT, LON + 50 * M_LON))
    found = drawn.find(hot_town.services.city(), frame.id, layers, origin, goal, max_detour=1.5)
    assert (found.network, found.attribution) == ("lines", "map makers")
    assert found.paths[0].exposure.length_m == pytest.approx(100.5, abs=0.2)


def test_places_that_no_walk_joins_or_that_are_far_from_any(hot_town):
    frame, layers = layers_of(hot_town)
    city = hot_town.services.city()
    cut = CoolPaths(lines([-55, -50, 50, 55], [0, 0, 0, 0], [0, 2], [1, 3]))
    found = cut.find(city, frame.id, layers, (LAT, LON - 50 * M_LON), (LAT, LON + 50 * M_LON))
    assert (found.obstacle, found.end) == ("unreachable", None)
    one_sided = CoolPaths(lines([-55, -50], [0, 0], [0], [1]))
    found = one_sided.find(city, frame.id, layers, (LAT, LON - 50 * M_LON), (LAT, LON + 50 * M_LON))
    assert (found.obstacle, found.end) == ("no-walk-near", "to")
    nowhere = CoolPaths(lines([900, 950], [0, 0], [0], [1]))
    found = nowhere.find(city, frame.id, layers, (LAT, LON), (LAT, LON))
    assert found.obstacle == "no-walk-near"


def test_where_utci_is_not_defined_wbgt_takes_its_place(hot_town):
    frame, layers = layers_of(hot_town)
    utci = layers["utci"]
    layers["utci"] = replace(utci, level=utci.level * 0, minimum=None, mean=None, maximum=None)
    city = hot_town.services.city()
    found = CoolPaths().find(city, frame.id, layers, (LAT, LON - 50 * M_LON), (LAT, LON + 50 * M_LON))
    body = paths_geojson(found, frame_id=frame.id, at="", max_detour=1.3)
    schemas_paths.Paths.model_validate(body)
    numbers = body["features"][0]["properties"]
    assert (body["index"], numbers["mean_utci_degc"], numbers["utci_minutes"]) == ("wbgt", None, None)
    assert numbers["mean_wbgt_degc"] > 28.0


def test_the_network_is_made_before_the_first_question(town):
    walks = CoolPaths()
    first = FirstWalk(town.services, walks)
    assert not first.look()
    assert town.simulation.prepare()
    assert not first.look()
    town.feed.all_say(JST_14_MS)
    assert town.simulation.look()
    assert first.look()
    assert walks._ways.city is town.services.city()
    assert len(walks._heat) == 1


def test_while_it_is_served_the_preparation_runs_and_ends(hot_town):
    with hot_town.client:
        assert ask(hot_town, place(-50, 20), place(50, 20)).status_code == 200
    for thread in threading.enumerate():
        if thread.name == "first-walk":
            thread.join(30)
            assert not thread.is_alive()
