"""`kumagaya heat import` from outside."""

import argparse
import json

import numpy as np
import pytest

from contract.errors import UserError
from kumagaya.commands.heat_import import add_import_parser
from tests.central.city import gml

HERE = f"{gml.LAT},{gml.LON}"


def command(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_import_parser(parser.add_subparsers())
    arguments = parser.parse_args(["import", *map(str, words)])
    return arguments.run(arguments)


@pytest.fixture
def tile(tmp_path):
    return gml.write(tmp_path, gml.document(gml.house("a", tall=8), gml.house("b", 30, tall=None)))


def test_the_rasters_are_written_and_the_counts_told(tmp_path, tile, capsys):
    assert command(tile, "--out", tmp_path / "s.npz", "--cell", 1, "--buildings", tmp_path / "b.geojson") == 0
    told = capsys.readouterr().out
    assert "1 measured, 0 from solids, 0 from storeys, 1 from neighbours" in told
    assert "国土交通省 PLATEAU" in told
    assert "MB of memory at most" in told
    with np.load(tmp_path / "s.npz") as surface:
        assert {"dsm", "dem", "cdsm", "pixel_size", "lat", "lon"} <= set(surface.files)
        assert surface["dsm"].dtype == np.float32
        assert surface["dsm"].shape == surface["dem"].shape == surface["cdsm"].shape
        assert surface["dsm"].max() == 8.0
        assert float(surface["pixel_size"]) == 1.0
        assert float(surface["lat"]) == pytest.approx(gml.LAT, abs=1e-3)
        assert "国土交通省 PLATEAU" in str(surface["attribution"])
        assert float(surface["lon"]) == pytest.approx(gml.LON, abs=1e-3)
    outlines = json.loads((tmp_path / "b.geojson").read_text())
    assert len(outlines["features"]) == 2
    assert "国土交通省 PLATEAU" in outlines["attribution"]


def test_trees_and_geotiffs_are_asked_for_by_name(tmp_path, tile, capsys):
    trees = tmp_path / "oaks.csv"
    trees.write_text(
        f"lon,lat,height_m,crown_diameter_m\n{gml.LON + 20 * gml.M_LON},{gml.LAT + 5 * gml.M_LAT},9,6\n1,2,3\n"
    )
    assert command(tile, "--out", tmp_path / "s.npz", "--trees", trees, "--tif", tmp_path / "tif") == 0
    told = capsys.readouterr().out
    assert "1 trees (0 with height or crown estimated)" in told
    assert "oaks.csv, line 3: lon is not within" in told
    assert len(list((tmp_path / "tif").glob("*.tif"))) == 4
    with np.load(tmp_path / "s.npz") as surface:
        assert 8.0 < surface["cdsm"].max() <= 9.0


def test_a_municipality_may_be_larger_than_what_is_simulated_live(tmp_path):
    """4 km x 9 km at 2 m are 9 million cells; the live city stops at 4 million."""
    far = gml.write(tmp_path, gml.document(gml.house("a"), gml.house("b", 4000, 9000)))
    assert command(far, "--out", tmp_path / "s.npz") == 0
    with np.load(tmp_path / "s.npz") as surface:
        assert surface["dsm"].size > 9_000_000
    further = gml.write(tmp_path, gml.document(gml.house("a"), gml.house("b", 0, 15_000), gml.house("c", 15_000, 0)))
    with pytest.raises(UserError, match=r"^--cell: .* more than the limit of 100,000,000 cells"):
        command(further, "--out", tmp_path / "t.npz", "--cell", 1)


def test_the_downtown_can_be_written_too(tmp_path):
    assert command("synthetic", "--out", tmp_path / "s.npz", "--cell", 4) == 0
    with np.load(tmp_path / "s.npz") as surface:
        assert surface["dsm"].shape == (500, 500)
        assert surface["cdsm"].max() > 5.0


def test_a_square_can_be_cut(tmp_path, tile):
    center = f"{gml.LAT},{gml.LON}"
    assert command(tile, "--out", tmp_path / "s.npz", "--center", center, "--size", 200) == 0
    with np.load(tmp_path / "s.npz") as surface:
        assert surface["dsm"].shape == (100, 100)


@pytest.mark.parametrize("in_folder", [False, True])
def test_tiles_that_the_square_misses_are_told(tmp_path, capsys, in_folder):
    """One mesh is Kumagaya's, the others lie on the coast of Kanagawa and are not even opened."""
    folder = tmp_path / "udx"
    folder.mkdir()
    town = gml.document(gml.house("a", tall=8))
    near = gml.write(folder, town, "543913_bldg_6697_op.gml")
    far = [gml.write(folder, gml.document(), f"5239650{number}_dem_6697.gml") for number in range(5)]
    shown = [f"5239650{number}_dem_6697.gml" for number in range(4)]
    given = [folder] if in_folder else [near, *far]
    assert command(*given, "--out", tmp_path / "s.npz", "--center", HERE, "--size", 200) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "tiles        1: 543913_bldg_6697_op.gml",
        f"not opened   5 tiles that by the mesh code in the name miss the square: {', '.join(shown)} ...",
    ]
    assert command(near, far[0], "--out", tmp_path / "s.npz", "--center", HERE, "--size", 200) == 0
    assert "not opened   1 tile that by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--center", "36.1"], "'36.1' is no place"),
        (["--center", "x,y"], "'x,y' is no place"),
        (["--size", "500"], "--size needs --center"),
        (["--cell", "3"], "--cell: pixel size 3 m is not possible (use one of 1, 2, 4 m)"),
        (["--cell", "nan"], "--cell: pixel size nan m"),
        (["--center", "10,10"], "--center: centre 10,10 is not in Japan"),
        (["--center", "nan,139"], "--center: centre nan,139 is not in Japan"),
        (["--center", HERE, "--size", "50"], "--size: side 50 m is not within 100 .. 40000 m"),
        (["--center", HERE, "--size", "nan"], "--size: side nan m is not within"),
        (["--center", HERE, "--size", "40000", "--cell", "1"], "--size: 40000 x 40000 cells of 1 m are more than"),
        (["--trees", "/nowhere/oaks.csv"], "/nowhere/oaks.csv: no such file"),
        (["--tif", "/nowhere/deep/tif"], "--tif /nowhere/deep/tif: the folder to write to does not exist"),
        (["--tif", "/dev/null"], "--tif /dev/null: this is a file"),
    ],
)
def test_wrong_options_are_named_and_nothing_is_written(tmp_path, tile, words, expected):
    with pytest.raises(UserError) as caught:
        command(tile, "--out", tmp_path / "s.npz", *words)
    assert expected in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == [tile.name]


def test_an_output_that_cannot_be_written_is_named(tmp_path, tile):
    with pytest.raises(UserError, match="the folder to write to does not exist"):
        command(tile, "--out", tmp_path / "nowhere" / "s.npz")
    with pytest.raises(UserError, match="this is a folder"):
        command(tile, "--out", tmp_path)
