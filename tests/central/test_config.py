"""The configuration: what a file may say, and the one line a wrong one gets."""

from pathlib import Path

import pytest

from central.config import CentralConfig, load_config
from contract.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]


def load(folder, text):
    (folder / "central.toml").write_text(text, encoding="utf-8")
    return load_config(folder / "central.toml")


def test_an_empty_file_is_a_complete_configuration(tmp_path):
    config = load(tmp_path, "")
    assert (config.mqtt.host, config.mqtt.port, config.web.port) == ("127.0.0.1", 1883, 8080)
    assert config.roles.ingest
    assert config.roles.simulate
    assert config.roles.web
    assert config.store_path == tmp_path / "data" / "central.db"
    assert config.city_path is None
    assert config.walking_path is None


def test_relative_paths_start_at_the_files_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here" / "tile.gml").write_text("")
    (tmp_path / "here" / "walk.json").write_text("{}")
    (tmp_path / "here" / "word").write_text("secret")
    monkeypatch.chdir(tmp_path / "elsewhere")
    text = 'data_dir = "../d"\n[simulation]\ncity = "tile.gml"\nwalking = "walk.json"\n[mqtt]\nusername = "u"\npassword_file = "word"\n'
    config = load(tmp_path / "here", text)
    assert config.store_path.resolve() == tmp_path / "d" / "central.db"
    assert config.city_path == tmp_path / "here" / "tile.gml"
    assert config.walking_path == tmp_path / "here" / "walk.json"
    assert config.mqtt.password_file == str(tmp_path / "here" / "word")


# fmt: off
WRONG = [
    ("an unknown key", "[web]\nprot = 1",                                              "web: unknown key `prot`"),
    ("an unknown section", "[wbe]\nport = 1",                                          "unknown key `wbe`"),
    ("no TOML", "[web",                                                                "not TOML"),
    ("text for a number", '[mqtt]\nport = "1883"',                                     "mqtt.port"),
    ("a port out of range", "[web]\nport = 70000",                                     "web.port"),
    ("no time between frames", "[simulation]\ntick_interval_s = 0",                    "simulation.tick_interval_s"),
    ("a speed without a start", "[clock]\nspeed = 60.0",                               "clock.speed needs"),
    ("half a clock", "[clock]\nstarts_at_ms = 5",                                      "belong together"),
    ("a station without a place", '[[station]]\nid = "a"\nname_ja = "a"\nname_en = "a"', "missing key `lat`"),
    ("a station in space", '[[station]]\nid = "a"\nname_ja = "a"\nname_en = "a"\nlat = 91.0\nlon = 0.0', "station[0].lat"),
    ("an impossible id", '[[station]]\nid = "KMG 1"\nname_ja = "a"\nname_en = "a"\nlat = 1.0\nlon = 0.0', "'KMG 1'"),
    ("one id twice", '[[station]]\nid = "a"\nname_ja = "a"\nname_en = "a"\nlat = 1.0\nlon = 0.0\n' * 2, "station[1].id"),
    ("a city that is not there", '[simulation]\ncity = "nowhere.gml"',                 "nowhere.gml"),
    ("streets that are not there", '[simulation]\nwalking = "walk.json"',              "simulation.walking: no such file"),
    ("a folder for streets", '[simulation]\nwalking = "."',                            "simulation.walking: no such file"),
    ("streets that are no name", "[simulation]\nwalking = 7",                          "simulation.walking"),
    ("a certificate that is not there", '[mqtt]\nca_file = "ca.crt"',                  "mqtt.ca_file"),
    ("a certificate without a key", '[mqtt]\ncert_file = "c"',                         "belong together"),
]
# fmt: on


@pytest.mark.parametrize(("text", "word"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_file_gets_one_line_that_names_file_and_field(tmp_path, text, word):
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)
    line = str(caught.value)
    assert "central.toml" in line
    assert word in line
    assert "\n" not in line


def test_a_missing_file_is_told_by_name(tmp_path):
    with pytest.raises(UserError, match=r"absent\.toml"):
        load_config(tmp_path / "absent.toml")


def test_the_example_that_is_shipped_loads_and_shows_every_key_with_its_default():
    config = load_config(REPOSITORY / "config" / "central.toml")
    plain = CentralConfig()
    for section in ("mqtt", "store", "web", "simulation", "clock", "roles"):
        assert getattr(config, section) == getattr(plain, section), section
        text = (REPOSITORY / "config" / "central.toml").read_text(encoding="utf-8")
        for field in getattr(plain, section).__struct_fields__:
            assert f"{field} =" in text, f"{section}.{field} is not shown"
