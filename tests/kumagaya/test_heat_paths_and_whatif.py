"""`kumagaya heat paths` and `kumagaya heat whatif` as people type them."""

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import rasterio

from central.city.load import load_city
from central.simulation.cityfile import save_city, save_surface
from central.simulation.whatif.city import building_outline
from central.simulation.whatif.edit import read_edit
from central.simulation.whatif.surface import apply_changes
from kumagaya.cli import main
from tests.central.simulation.small_city import LAT, LON, small_city

ROOT = Path(__file__).resolve().parents[2]
WEATHER = ["--ta", "37", "--rh", "40", "--wind", "2", "--ghi", "900"]
WEST, EAST = f"{LAT},{LON - 5e-4}", f"{LAT},{LON + 5e-4}"


@pytest.fixture
def files(tmp_path):
    _, surface = small_city()
    save_surface(tmp_path / "s.npz", surface)
    frame = {
        name: np.full(surface.shape, level, np.float32) for name, level in (("utci", 40), ("wbgt", 30), ("shadow", 1))
    }
    np.savez(tmp_path / "f.npz", **frame)
    ring = [[LON, LAT], [LON + 1e-4, LAT], [LON + 1e-4, LAT + 1e-4], [LON, LAT + 1e-4], [LON, LAT]]
    feature = {
        "type": "Feature",
        "properties": {"kind": "tree", "height_m": 8},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (tmp_path / "e.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return tmp_path


def run(*words):
    return main([str(word) for word in words])


def test_the_walks_are_printed_and_written(files, capsys):
    out = files / "p.geojson"
    assert (
        run("heat", "paths", files / "s.npz", "--frame", files / "f.npz", "--from", WEST, "--to", EAST, "--out", out)
        == 0
    )
    assert "shortest+coolest" in capsys.readouterr().out
    (walk,) = json.loads(out.read_text())["features"]
    assert walk["properties"]["length_m"] == pytest.approx(90.0, abs=6.0)
    assert walk["properties"]["mean_utci_degc"] == pytest.approx(40.0, abs=0.2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "here"], "--from: 'here' is no place"),
        (["--from", f"{LON},{LAT}"], f"is no place on Earth (LAT first, LON second: is {LAT},{LON} meant?)"),
        (["--to", "nan,139"], "--to: 'nan,139' is no place on Earth"),
        (["--from", "1,2"], "--from: 1,2 lies outside the map"),
        (["--max-detour", "0"], "--max-detour: is 0"),
        (["--max-detour", "nan"], "--max-detour: is nan"),
        (["--frame", "none.npz"], "none.npz: no such file"),
        (["--walking", "none.json"], "none.json: no such file"),
    ],
)
def test_what_cannot_be_walked_is_said_in_one_line(files, capsys, words, said):
    given = {"--frame": files / "f.npz", "--from": WEST, "--to": EAST} | {words[0]: words[1]}
    options = [word for pair in given.items() for word in pair]
    assert run("heat", "paths", files / "s.npz", *options) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


def test_streets_of_another_town_are_refused_with_their_file_and_the_bounds_to_ask_for(files, capsys):
    nodes = [{"type": "node", "id": n, "lat": 34.6, "lon": 135.5 + n * 1e-4} for n in range(3)]
    way = {"type": "way", "id": 1, "nodes": [0, 1, 2], "tags": {"highway": "footway"}}
    (files / "osaka.json").write_text(json.dumps({"elements": [*nodes, way]}))
    assert walk_on(files, "f.npz", "--walking", files / "osaka.json") == 2
    error = capsys.readouterr().err.strip()
    assert f"{files / 'osaka.json'}: no way of this file lies on the map" in error
    south, west, north, east = (float(degrees) for degrees in error.rstrip(")").split("bounds ")[1].split(","))
    assert (south + north) / 2 == pytest.approx(LAT, abs=1e-5)
    assert (west + east) / 2 == pytest.approx(LON, abs=1e-5)
    assert "\n" not in error


def with_arrays(files, **more):
    """The surface with these arrays besides, as s.npz."""
    with np.load(files / "s.npz") as surface:
        arrays = dict(surface)
    np.savez(files / "s.npz", **arrays, **more)


def test_walks_say_whom_to_thank_and_nothing_of_a_moment_that_nobody_knows(files):
    with_arrays(files, attribution=np.array("PLATEAU"))
    assert walk_on(files, "f.npz", "--out", files / "p.geojson") == 0
    body = json.loads((files / "p.geojson").read_text())
    assert (body["attribution"], body["city_attribution"], body["at"]) == ("PLATEAU", "PLATEAU", None)


def test_walks_keep_to_the_paving_of_the_land_cover(files):
    _, surface = small_city()
    cover = np.full(surface.shape, 5, np.uint8)
    # From the west along the south of the map to the east.
    cover[29:50, 5:8] = cover[48:51, 5:55] = cover[29:50, 52:55] = 1
    with_arrays(files, land_cover=cover)
    assert walk_on(files, "f.npz", "--out", files / "p.geojson") == 0
    body = json.loads((files / "p.geojson").read_text())
    assert body["network"] == "roads"
    assert body["features"][0]["properties"]["length_m"] > 150.0


@pytest.mark.parametrize("verb", ["paths", "whatif"])
def test_a_land_cover_that_is_none_is_refused_by_both_commands(files, capsys, verb):
    with_arrays(files, land_cover=np.full((60, 60), 9, np.uint8))
    more = {
        "paths": ["--frame", files / "f.npz", "--from", WEST, "--to", EAST],
        "whatif": ["--edit", files / "e.geojson", "--time", "2018-07-23T14:00+09:00", "--out", files / "w", *WEATHER],
    }
    assert run("heat", verb, files / "s.npz", *more[verb]) == 2
    error = capsys.readouterr().err.strip()
    assert f"{files / 's.npz'}: land_cover: is 9 at row 0, column 0" in error
    assert "\n" not in error


def test_a_frame_of_another_surface_is_refused(files, capsys):
    np.savez(files / "g.npz", **dict.fromkeys(("utci", "wbgt", "shadow"), np.zeros((3, 3), np.float32)))
    assert run("heat", "paths", files / "s.npz", "--frame", files / "g.npz", "--from", WEST, "--to", EAST) == 2
    assert "utci has shape (3, 3)" in capsys.readouterr().err


def maps(shape, **changed):
    even = {"utci": 40.0, "wbgt": 30.0, "shadow": 1.0}
    return {name: np.full(shape, degc, np.float32) for name, degc in even.items()} | changed


def walk_on(files, name, *more):
    return run("heat", "paths", files / "s.npz", "--frame", files / name, "--from", WEST, "--to", EAST, *more)


@pytest.mark.parametrize("layer", ["utci", "wbgt", "shadow"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_with_holes_in_its_ground_is_refused_not_taken_for_a_cool_place(files, capsys, layer, value):
    _, surface = small_city()
    holed = maps(surface.shape)
    holed[layer][30:32, 20:25] = value
    np.savez(files / "g.npz", **holed)
    assert walk_on(files, "g.npz") == 2
    error = capsys.readouterr().err.strip()
    ground = int((surface.dsm - surface.dem < 1.0).sum())
    assert f"{layer} has no finite value on 10 of the {ground} cells of open ground" in error
    assert "heat step" in error
    assert "\n" not in error


def test_roofs_need_no_value(files, capsys):
    _, surface = small_city()
    roofs = surface.dsm - surface.dem >= 1.0
    np.savez(
        files / "g.npz",
        **{name: np.where(roofs, np.float32(np.nan), field) for name, field in maps(surface.shape).items()},
    )
    assert walk_on(files, "g.npz") == 0
    assert "UTCI 40.0 (highest 40.0)" in capsys.readouterr().out


def test_where_utci_is_not_defined_the_walks_go_by_wbgt_and_say_so(files, capsys):
    _, surface = small_city()
    np.savez(files / "g.npz", **maps(surface.shape, utci=np.full(surface.shape, np.nan, np.float32)))
    assert walk_on(files, "g.npz", "--out", files / "p.geojson") == 0
    printed = capsys.readouterr().out
    assert "utci is not defined in this frame: walks are chosen by wbgt" in printed
    assert "UTCI - (highest -)  WBGT 30.0  wbgt dose 7 degC min" in printed
    assert "nan" not in printed
    body = json.loads((files / "p.geojson").read_text())
    assert (body["index"], body["features"][0]["properties"]["mean_utci_degc"]) == ("wbgt", None)


def test_a_file_that_is_no_npz_is_called_that(files, capsys):
    (files / "text.npz").write_text("time,utci\n")
    (files / "empty.npz").write_bytes(b"")
    np.save(files / "single.npy", np.zeros(3))
    whole = (files / "f.npz").read_bytes()
    (files / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (files / "spoilt.npz").write_bytes(whole[:200] + b"\x55" * 400 + whole[600:])
    np.savez(files / "objects.npz", **dict.fromkeys(("utci", "wbgt", "shadow"), np.array([None, {}])))
    (files / "folder.npz").mkdir()
    for name in ("text.npz", "empty.npz", "single.npy", "cut.npz", "spoilt.npz", "objects.npz", "folder.npz"):
        assert walk_on(files, name) == 2
        error = capsys.readouterr().err.strip()
        assert name in error
        assert "heat step" in error
        assert "pickle" not in error
        assert "\n" not in error


def test_maps_of_whole_numbers_are_refused_by_their_type(files, capsys):
    _, surface = small_city()
    np.savez(files / "g.npz", **maps(surface.shape, wbgt=np.full(surface.shape, 30)))
    assert walk_on(files, "g.npz") == 2
    assert "wbgt has type int64, must be float" in capsys.readouterr().err


def test_a_comparison_prints_a_table_and_writes_maps(files, capsys):
    times = ["--time", "2018-07-23T10:00+09:00", "--time", "2018-07-23T14:00+09:00"]
    assert (
        run("heat", "whatif", files / "s.npz", "--edit", files / "e.geojson", "--out", files / "w", *times, *WEATHER)
        == 0
    )
    told = capsys.readouterr()
    assert "walks_mean_tmrt" in told.out
    assert not told.err, "the bar of nobody's terminal left a line"
    with (files / "w" / "table.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 10
    for row in table:
        assert Decimal(row["after"]) - Decimal(row["before"]) == Decimal(row["difference"])
    cooler = [row for row in table if row["quantity"] == "walks_mean_utci"]
    assert all(float(row["difference"]) < 0.0 for row in cooler)
    scales = json.loads((files / "w" / "scales.json").read_text())
    assert len(scales) == 18
    with rasterio.open(files / "w" / "1_tmrt_difference.tif") as tif:
        assert np.nanmin(tif.read(1)) < -10.0


def test_maps_thank_whoever_made_the_citys_model(files, capsys):
    with np.load(files / "s.npz") as surface:
        np.savez(files / "credited.npz", **surface, attribution=np.array("PLATEAU"))
    options = ["--edit", files / "e.geojson", "--out", files / "w", "--time", "2018-07-23T10:00+09:00"]
    assert run("heat", "whatif", files / "credited.npz", *options, *WEATHER) == 0
    with rasterio.open(files / "w" / "0_tmrt_difference.tif") as tif:
        assert tif.tags()["CREDIT"] == "PLATEAU"
    scales = json.loads((files / "w" / "scales.json").read_text())
    assert {entry["attribution"] for entry in scales.values()} == {"PLATEAU"}
    assert "attribution: PLATEAU" in capsys.readouterr().out


def test_a_building_half_off_the_map_is_told(files, capsys):
    west, east = LON + 50 / 90_100.0, LON + 80 / 90_100.0
    ring = [[west, LAT], [east, LAT], [east, LAT + 1e-4], [west, LAT + 1e-4], [west, LAT]]
    feature = {
        "type": "Feature",
        "properties": {"kind": "building", "height_m": 9},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (files / "half.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    options = ["--edit", files / "half.geojson", "--out", files / "w", "--time", "2018-07-23T10:00+09:00"]
    assert run("heat", "whatif", files / "s.npz", *options, *WEATHER) == 0
    assert "cropped: features[0] reaches beyond the map" in capsys.readouterr().out


def test_the_example_of_the_documentation_runs_on_the_built_in_downtown():
    """As far as the rasters: comparing them takes longer than a test should."""
    example = re.search(r"```json\n(.*?)```", (ROOT / "docs" / "whatif.md").read_text(), re.DOTALL)[1]
    city, surface = load_city(None)
    changes = read_edit(example, city.grid, city.frame)
    edited = apply_changes(surface, city.grid, changes)
    assert [(change.action, change.kind) for change in changes] == [("add", "tree"), ("remove", "building")]
    assert (edited.untouched, edited.cropped) == ((), ())
    # What the text beside it says of the same building over HTTP.
    by_id = building_outline(city, "syn-04638")
    overlap_m2 = by_id.intersection(changes[1].outline).area
    assert overlap_m2 > 0.95 * max(by_id.area, changes[1].outline.area)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--edit", "none.geojson"], "none.geojson: no such file"),
        (["--time", "noon"], "--time: 'noon' is not a time"),
        (["--rh", "130"], "--rh: relative_humidity_pct is 130"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(files, capsys, words, said):
    given = dict(zip(WEATHER[::2], WEATHER[1::2], strict=True)) | {
        "--edit": files / "e.geojson",
        "--time": "2018-07-23T14:00+09:00",
        "--out": files / "w",
    }
    given |= dict(zip(words[::2], words[1::2], strict=True))
    assert run("heat", "whatif", files / "s.npz", *(word for pair in given.items() for word in pair)) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


def test_a_prepared_city_is_sent_back_to_its_surface(files, capsys):
    from central.heat.geometry import prepare

    save_city(files / "c.city", prepare(small_city()[1]))
    options = ["--edit", files / "e.geojson", "--time", "2018-07-23T14:00+09:00", "--out", files / "w", *WEATHER]
    assert run("heat", "whatif", files / "c.city", *options) == 2
    assert "give the SURFACE.npz" in capsys.readouterr().err
