"""`kumagaya heat` from the outside: files in, files out, one line for every mistake."""

import csv
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from central.simulation.cityfile import save_city, save_surface
from kumagaya.cli import main
from tests.shared import shared_path

NOON = ["--time", "2018-07-23T12:00+09:00", "--ta", "38", "--rh", "33", "--wind", "2", "--ghi", "930"]


@pytest.fixture
def city(tmp_path, small_city):
    path = tmp_path / "small.city"
    save_city(path, small_city)
    return str(path)


def test_prepare_then_step_writes_five_maps(tmp_path, small_surface, capsys):
    surface, city, frame = (tmp_path / name for name in ("surface.npz", "small.city", "frame.npz"))
    save_surface(surface, small_surface)
    assert main(["heat", "prepare", str(surface), "--out", str(city)]) == 0
    assert "70 x 150 cells of 2 m" in capsys.readouterr().out
    assert main(["heat", "step", str(city), *NOON, "--dni", "724.7", "--dhi", "234.2", "--out", str(frame)]) == 0
    with np.load(frame) as maps:
        assert sorted(maps.files) == ["shadow", "svf", "tmrt", "utci", "wbgt"]
        for name in maps.files:
            assert maps[name].shape == (70, 150)
            assert maps[name].dtype == np.float32
            assert np.isfinite(maps[name]).all()
        assert set(np.unique(maps["shadow"]).tolist()) == {0.0, float(np.float32(0.03)), 1.0}
        assert maps["tmrt"].max() > 60.0


def test_geometry_writes_sky_views_and_walls(tmp_path, city, capsys):
    assert main(["heat", "geometry", city, "--out", str(tmp_path / "maps.npz")]) == 0
    assert "sky view on the ground" in capsys.readouterr().out
    with np.load(tmp_path / "maps.npz") as maps:
        sides = {f"svf_{side}{of}" for side in ("north", "east", "south", "west") for of in ("", "_buildings")}
        assert set(maps.files) == {"svf", "svf_buildings", "wall_height_m", "wall_aspect_deg"} | sides
        assert all(maps[name].shape == (70, 150) and np.isfinite(maps[name]).all() for name in maps.files)
        assert maps["wall_height_m"].max() > 3.0
        assert (maps["svf"] <= maps["svf_buildings"]).all()


def test_bench_prints_what_scripts_read(city, capsys):
    assert main(["heat", "bench", city, "--repeat", "3"]) == 0
    printed = dict(line.split("=") for line in capsys.readouterr().out.split())
    assert set(printed) == {"step_ms_median", "step_ms_min", "threads"}
    assert 0.0 < float(printed["step_ms_min"]) <= float(printed["step_ms_median"])
    assert int(printed["threads"]) >= 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--time", "2018-07-23T12:00"], "--time: '2018-07-23T12:00' has no UTC offset"),
        (["--time", "noon"], "--time: 'noon' is not a time"),
        (["--time", "9999-12-31T23:59-12:00"], "--time: '9999-12-31T23:59-12:00' is too far off: the sun's place is"),
        (["--time", "0001-01-01T00:00+14:00"], "computed from 1900 to 2200"),
        (["--time", "1899-12-31T23:59+00:00"], "--time: '1899-12-31T23:59+00:00' is too far off"),
        (["--rh", "133"], "--rh: relative_humidity_pct is 133"),
        (["--ta", "nan"], "--ta: air_temperature_degc is nan"),
        (["--ta", "48", "--rh", "90"], "UTCI is defined up to 50 hPa"),
        (["--dni", "700"], "--dhi: diffuse_horizontal_wm2 is missing"),
        (["--wind", "-1"], "--wind: wind_speed_ms is -1"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(city, tmp_path, capsys, changed, message):
    assert main(["heat", "step", city, *NOON, "--out", str(tmp_path / "f.npz"), *changed]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "f.npz").exists()


MIDNIGHT = "2018-07-24T00:00+09:00"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            ["--ghi", "100", "--dni", "900", "--dhi", "300"],
            "--ghi 100 not used: direct and diffuse radiation are given, ",
        ),
        (["--time", MIDNIGHT, "--ghi", "500"], "--ghi 500 not used: the sun stands 33.8 deg below the horizon"),
        (
            ["--time", MIDNIGHT, "--dni", "500", "--dhi", "30"],
            "--ghi 930, --dni 500, --dhi 30 not used: the sun stands",
        ),
        (
            ["--time", "2018-07-23T19:05+09:00", "--ghi", "25", "--dni", "300", "--dhi", "20"],
            "--dni 300 not used: the sun",
        ),
    ],
)
def test_radiation_that_is_not_used_is_told_in_a_line(city, tmp_path, capsys, changed, line):
    assert main(["heat", "step", city, *NOON, "--out", str(tmp_path / "f.npz"), *changed]) == 0
    told = capsys.readouterr().err
    assert told.startswith(f"kumagaya heat: {line}")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "changed",
    [
        ["--dni", "724.7", "--dhi", "234.2"],
        ["--time", MIDNIGHT, "--ghi", "3"],
        ["--time", "2018-07-23T19:05+09:00", "--ghi", "25"],
    ],
)
def test_radiation_that_agrees_or_is_an_offset_is_not_talked_about(city, tmp_path, capsys, changed):
    assert main(["heat", "step", city, *NOON, "--out", str(tmp_path / "f.npz"), *changed]) == 0
    assert not capsys.readouterr().err


def test_a_progress_bar_that_nobody_watches_leaves_no_line(tmp_path, small_surface, capsys):
    save_surface(tmp_path / "surface.npz", small_surface)
    assert main(["heat", "prepare", str(tmp_path / "surface.npz"), "--out", str(tmp_path / "small.city")]) == 0
    assert not capsys.readouterr().err


def test_a_wrong_file_is_one_line_and_exit_code_2(city, tmp_path, capsys):
    for words in (
        ["heat", "prepare", str(tmp_path / "none.npz"), "--out", str(tmp_path / "x")],
        ["heat", "step", str(tmp_path / "none.city"), *NOON, "--out", str(tmp_path / "x")],
        ["heat", "step", city, *NOON, "--out", str(tmp_path / "none" / "x")],
        ["heat", "bench", city, "--repeat", "0"],
        ["heat", "geometry", str(tmp_path / "none.city"), "--out", str(tmp_path / "x")],
        ["heat", "geometry", city, "--out", str(tmp_path / "none" / "x")],
        ["heat", "comfort", str(tmp_path / "none.csv"), "--out", str(tmp_path / "x")],
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert error.startswith("kumagaya heat: ")


def comfort(tmp_path: Path, text: str) -> tuple[int, list[dict[str, str]]]:
    points, out = tmp_path / "points.csv", tmp_path / "out.csv"
    points.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    code = main(["heat", "comfort", str(points), "--out", str(out)])
    if code:
        return code, []
    with out.open(newline="") as file:
        return code, list(csv.DictReader(file))


def test_comfort_adds_the_index_whose_columns_are_there(tmp_path):
    code, rows = comfort(
        tmp_path,
        """
        name,ta_C,tmrt_C,va10_ms,rh_pct
        station,25.0,50.0,2.0,40.0
        park,25.0,65.0,1.0,40.0
        """,
    )
    assert code == 0
    assert list(rows[0]) == ["name", "ta_C", "tmrt_C", "va10_ms", "rh_pct", "utci_degc"]
    assert [float(row["utci_degc"]) for row in rows] == pytest.approx([29.9845, 34.994], abs=1e-4)


def test_comfort_adds_wbgt_and_its_parts(tmp_path):
    code, rows = comfort(
        tmp_path,
        """
        ta_C,rh_pct,wind2m_ms,pressure_hPa,solar_used_Wm2,direct_fraction_liljegren,cos_zenith
        23.1,50.0,3.83,1009.0,309.0,0.454,0.434385
        """,
    )
    assert code == 0
    assert float(rows[0]["wbgt_degc"]) == pytest.approx(20.03, abs=0.05)
    assert float(rows[0]["globe_degc"]) == pytest.approx(28.30, abs=0.1)
    assert float(rows[0]["natural_wet_bulb_degc"]) == pytest.approx(17.23, abs=0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ta_C,tmrt_C,va10_ms,rh_pct\n25,50,2,40\n25,hot,2,40\n", "line 3, tmrt_C: 'hot' is not a number"),
        ("ta_C,tmrt_C,va10_ms,rh_pct\n25,50,2\n", "line 2, rh_pct: '' is not a number"),
        ("ta_C,tmrt_C,va10_ms,rh_pct\n25,50,2,140\n", "line 2, rh_pct: 140 must lie in 0 .. 100"),
        ("ta_C,tmrt_C,va10_ms,rh_pct\n45,50,2,90\n", "line 2: relative_humidity_pct 90 at"),
        ("ta_C,tmrt_C,va10_ms,rh_pct\n25,50,2,40\n\n25,hot,2,40\n", "line 4, tmrt_C: 'hot' is not a number"),
        ('name,ta_C,tmrt_C,va10_ms,rh_pct\n"a\nb",25,50,2,40\nc,25,50,2,\n', "line 4, rh_pct: '' is not a number"),
        (
            "ta_C,tmrt_C,va10_ms,rh_pct\n25,50,2,40\n60,110,2,5\n",
            "line 3, ta_C: 60: UTCI is defined for air of -50 .. 50",
        ),
        (
            "ta_C,tmrt_C,va10_ms,rh_pct\n25,95.1,2,40\n",
            "line 2, tmrt_C: 95.1 at ta_C 25: UTCI is defined for tmrt_C - ta_C of -30 .. 70 K",
        ),
        ("ta_C,tmrt_C,va10_ms,rh_pct\n0,-31,2,40\n", "line 2, tmrt_C: -31 at ta_C 0"),
        ("ta_C,tmrt_C,va10_ms,rh_pct,ta_C\n25,50,2,40,26\n", "names the column 'ta_C' more than once"),
        ("ta_C,tmrt_C,va10_ms,rh_pct\n25,50,2,4,0\n", "line 2: the row has more values than the 4 columns"),
        ("ta_C,tmrt_C\n25,50\n", "has the columns ta_C, tmrt_C"),
        ("", "has the columns (none)"),
    ],
)
def test_comfort_names_file_line_and_column(tmp_path, capsys, text, message):
    code, _ = comfort(tmp_path, text)
    assert code == 2
    assert message in capsys.readouterr().err


def test_the_ends_of_what_utci_is_defined_for_have_values(tmp_path, capsys):
    code, rows = comfort(
        tmp_path,
        """
        ta_C,tmrt_C,va10_ms,rh_pct
        50,120,17,10
        -50,-80,0,10
        25.1,95.1,2,40
        """,
    )
    assert code == 0
    assert all(-273.0 < float(row["utci_degc"]) < 100.0 for row in rows)
    assert not capsys.readouterr().err


def test_a_storm_counts_as_the_strongest_wind_and_is_told(tmp_path, capsys):
    code, rows = comfort(
        tmp_path,
        """
        ta_C,tmrt_C,va10_ms,rh_pct
        25,50,17,40
        25,50,100,40
        25,50,18,40
        """,
    )
    assert code == 0
    assert len({row["utci_degc"] for row in rows}) == 1
    told = capsys.readouterr().err
    assert "wind above 17 m/s counts as 17 m/s in UTCI: 2 of 3 rows, the first in line 3" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("utci_reference.csv", 169, ["utci_degc"]),
        ("wbgt_liljegren_reference.csv", 140, ["wbgt_degc", "globe_degc", "natural_wet_bulb_degc"]),
    ],
)
def test_every_row_of_the_references_has_its_values(tmp_path, capsys, name, rows, columns):
    points = shared_path(f"reference/heat/{name}")
    assert main(["heat", "comfort", str(points), "--out", str(tmp_path / "out.csv")]) == 0
    assert not capsys.readouterr().err
    with (tmp_path / "out.csv").open(newline="") as file:
        made = list(csv.DictReader(file))
    assert len(made) == rows
    assert all(np.isfinite(float(row[column])) for row in made for column in columns)


def test_a_table_without_rows_stays_one(tmp_path):
    assert comfort(tmp_path, "ta_C,tmrt_C,va10_ms,rh_pct\n") == (0, [])


def fresh_interpreter(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def test_package_and_sun_load_neither_numba_nor_numpy():
    done = fresh_interpreter(
        """
        import sys
        import central.heat
        import central.heat.sun
        import central.heat.comfort.bands
        print([name for name in ("numba", "numpy", "pvlib") if name in sys.modules])
        """
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_heat_imports_nothing_of_ours():
    done = fresh_interpreter(
        """
        import sys
        import central.heat.step, central.heat.step_reference, central.heat.geometry.reference
        ours = ("contract", "edge", "kumagaya", "firmware_sim", "central.")
        print([name for name in sys.modules if name.startswith(ours) and not name.startswith("central.heat")])
        """
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_read_only_install_without_a_home_still_finds_a_place_for_compiled_code():
    done = fresh_interpreter(
        """
        import pathlib

        def refuse(path, *_, **__):
            raise PermissionError(path)

        pathlib.Path.mkdir = refuse
        import numba
        import central.heat.compiled
        print(numba.config.CACHE_DIR)
        """,
        XDG_CACHE_HOME="/nonexistent",
        NUMBA_CACHE_DIR="",
    )
    assert "kumagaya-numba-" in done.stdout, done.stderr
