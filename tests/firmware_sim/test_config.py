"""The simulator's configuration: what ships works, what is wrong is named."""

import pytest

from contract.errors import UserError
from contract.profiles import load_profiles
from firmware_sim.city import build_city
from firmware_sim.config import load_config
from tests.firmware_sim.builders import DEVICES

SHIPPED = DEVICES.parent / "sim-city.toml"


def test_the_shipped_city_has_eight_stations_on_two_lines():
    config = load_config(SHIPPED)
    stations = [station for line in config.line for station in line.station]
    assert [line.name for line in config.line] == ["line-a", "line-b"]
    assert [station.id for station in stations] == [f"kmg-{number:02}" for number in range(1, 9)]
    assert [len(line.station) for line in config.line] == [4, 4]


def test_most_stations_of_the_shipped_city_measure_temperature_humidity_and_wind():
    profiles = load_profiles(DEVICES)
    measured = [
        {register.quantity for register in profiles[station.profile].register}
        for line in load_config(SHIPPED).line
        for station in line.station
    ]
    assert all({"air_temperature_degc", "relative_humidity_pct"} <= quantities for quantities in measured)
    assert sum({"wind_speed_ms", "wind_direction_deg"} <= quantities for quantities in measured) >= 6
    assert sum("global_radiation_wm2" in quantities for quantities in measured) >= 2


def test_the_shipped_city_can_be_built():
    assert len(build_city(load_config(SHIPPED)).stations) == 8


MINIMAL = """
directory = "lines"
profiles = "PROFILES"
[[line]]
name = "line-a"
[[line.station]]
id = "a"
unit = 1
profile = "renke_rs_fsxcs"
"""

WRONG = [
    ("", "", None),
    ("unit = 1", "unit = 248", "line[0].station[0].unit"),
    ("unit = 1", 'unit = "one"', "line[0].station[0].unit"),
    ("unit = 1", "", "missing key"),
    ("unit = 1", "unit = 1\ncolour = 1", "colour"),
    ('name = "line-a"', 'name = "../a"', "line[0].name"),
    ('name = "line-a"', 'name = "sim.sock"', "control socket"),
    ('name = "line-a"', 'name = "line-a"\nbaud = 1', "line[0].baud"),
    ('profile = "renke_rs_fsxcs"', 'profile = "renke"', "no such device profile"),
    ("[[line]]", '[weather]\nsource = "replay"\n[[line]]', "weather.file"),
    ("[[line]]", '[weather]\nsource = "replay"\nfile = "x.csv"\n[[line]]', "x.csv: no such file"),
    ("[[line]]", "[clock]\nspeed = 60.0\n[[line]]", "clock"),
    ("unit = 1", 'unit = 1\nfault = [{ kind = "fire" }]', "line[0].station[0].fault[0].kind"),
    ("unit = 1", 'unit = 1\nfault = [{ kind = "crc", probability = 2.0 }]', "probability"),
    ("unit = 1", 'unit = 1\nsite = { surface = "lava" }', "surface"),
    ('directory = "lines"', "", "directory"),
]


@pytest.mark.parametrize(("old", "new", "words"), WRONG)
def test_a_wrong_value_is_named(tmp_path, old, new, words):
    path = tmp_path / "city.toml"
    path.write_text(MINIMAL.replace(old, new, 1).replace("PROFILES", str(DEVICES)))
    if words is None:
        assert len(build_city(load_config(path)).stations) == 1
        return
    with pytest.raises(UserError) as caught:
        build_city(load_config(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


TWICE = [
    ('[[line.station]]\nid = "a"\nunit = 2\nprofile = "renke_rs_fsxcs"\n', "two stations are named 'a'"),
    ('[[line.station]]\nid = "b"\nunit = 1\nprofile = "renke_rs_fsxcs"\n', "'a' and 'b' both have unit 1 on line-a"),
    (
        '[[line]]\nname = "line-a"\n[[line.station]]\nid = "c"\nunit = 1\nprofile = "x"\n',
        "two lines are named 'line-a'",
    ),
]


@pytest.mark.parametrize(("more", "words"), TWICE)
def test_what_must_be_unique_is_checked(tmp_path, more, words):
    path = tmp_path / "city.toml"
    path.write_text(MINIMAL + more)
    with pytest.raises(UserError, match=words):
        load_config(path)
