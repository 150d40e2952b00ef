"""What a technician can get wrong in edge.toml, and the one line each mistake gives."""

import tomllib
from pathlib import Path

import pytest

from contract.errors import UserError
from edge import config

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
gateway = "ekimae"
data_dir = "data"
profiles_dir = "PROFILES"
[mqtt]
host = "127.0.0.1"
[[bus]]
name = "line-a"
port = "/dev/ttyUSB0"
[[bus.station]]
id = "s1"
profile = "renke_rs_fsxcs"
unit_address = 1
[[bus.station]]
id = "s2"
profile = "renke_rs_fsxcs"
unit_address = 2
[[bus]]
name = "line-b"
port = "/dev/ttyUSB1"
[[bus.station]]
id = "s3"
profile = "seeed_orch_s4"
unit_address = 1
"""


def write(folder, text):
    path = folder / "edge.toml"
    path.write_text(text.replace("PROFILES", str(ROOT / "config" / "devices")))
    return path


def test_a_good_file_gives_typed_values_and_paths_beside_it(tmp_path):
    setup = config.load(write(tmp_path, GOOD))
    assert setup.data_dir == tmp_path / "data"
    assert setup.config.bus[0].interval_s == 1.0
    assert setup.config.bus[1].station[0].unit_address == 1
    assert setup.profiles["renke_rs_fsxcs"].function == 3
    assert setup.beside("ca.pem") == tmp_path / "ca.pem"


def test_the_shipped_file_is_good():
    setup = config.load(ROOT / "config" / "edge.toml")
    assert sum(len(bus.station) for bus in setup.config.bus) == 8


def test_the_manual_lists_every_key():
    manual = (ROOT / "docs" / "edge.md").read_text(encoding="utf-8")
    sections = (
        config.EdgeConfig,
        config.MqttConfig,
        config.TlsConfig,
        config.BusConfig,
        config.StationConfig,
        config.OutboxConfig,
        config.HealthConfig,
    )
    missing = [key for section in sections for key in section.__struct_fields__ if f"`{key}`" not in manual]
    assert missing == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('gateway = "ekimae"', 'gateway = "Eki Mae"', "gateway: 'Eki Mae' is no gateway id"),
        ('gateway = "ekimae"', "", "missing key `gateway`"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nhots = 1', "mqtt: unknown key `hots`"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nport = 99999', "mqtt.port"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nkeepalive_s = "long"', "mqtt.keepalive_s"),
        ('[mqtt]\nhost = "127.0.0.1"', "", "missing key `mqtt`"),
        (
            'host = "127.0.0.1"',
            'host = "127.0.0.1"\n[mqtt.tls]\nca = "ca.pem"\nkey = "k.pem"',
            "mqtt.tls: certificate and key belong together",
        ),
        (
            'id = "s2"\nprofile = "renke_rs_fsxcs"\nunit_address = 2',
            'id = "s2"\nprofile = "renke_rs_fsxcs"\nunit_address = 1',
            "bus[0].station[1].unit_address: 1 is used twice on line-a (also at bus[0].station[0].unit_address)",
        ),
        ('id = "s3"', 'id = "s1"', "bus[1].station[0].id: 's1' is used twice (also at bus[0].station[0].id)"),
        ('name = "line-b"', 'name = "line-a"', "bus[1].name: 'line-a' is used twice"),
        ('"/dev/ttyUSB1"', '"/dev/ttyUSB0"', "bus[1].port: '/dev/ttyUSB0' is used twice"),
        (
            'profile = "seeed_orch_s4"',
            'profile = "seed"',
            "bus[1].station[0].profile: unknown profile 'seed' (known: ",
        ),
        (
            'profile = "seeed_orch_s4"',
            'profile = "seeed_orch_s4"\nquantities = ["noise_level_db"]',
            "bus[1].station[0].quantities: 'noise_level_db' is not served by seeed_orch_s4 (served: ",
        ),
        ('profile = "seeed_orch_s4"', 'profile = "seeed_orch_s4"\nquantities = []', "an empty list reads nothing"),
        ("unit_address = 2", "unit_address = 248", "bus[0].station[1].unit_address"),
        ('port = "/dev/ttyUSB1"', 'port = "/dev/ttyUSB1"\nparity = "X"', "bus[1].parity"),
        ('port = "/dev/ttyUSB1"', 'port = "/dev/ttyUSB1"\ninterval_s = 0', "bus[1].interval_s"),
        ('gateway = "ekimae"', 'gateway = "ekimae"\n[clock]\nspeed = 60.0\n[x]', "unknown key `x`"),
        ("[mqtt]", "[clock]\nspeed = 60.0\n[mqtt]", "clock: clock.speed needs"),
        ("[mqtt]", "[mqtt", "not TOML"),
        ('"PROFILES"', '"nowhere"', "no device profile (*.toml) here"),
    ],
)
def test_a_mistake_gives_one_line_that_names_it(tmp_path, old, new, message):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        config.load(path)
    line = str(caught.value)
    assert message in line
    assert str(tmp_path) in line
    assert "\n" not in line


def test_no_station_at_all(tmp_path):
    text = GOOD.split("[[bus]]", maxsplit=1)[0].replace(
        'profiles_dir = "PROFILES"', 'profiles_dir = "PROFILES"\nbus = []'
    )
    with pytest.raises(UserError, match="no station on any bus"):
        config.load(write(tmp_path, text))


def test_a_missing_file():
    with pytest.raises(UserError, match="no such file"):
        config.load(Path("/nonexistent/edge.toml"))


def test_the_shipped_file_stays_short():
    text = (ROOT / "config" / "edge.toml").read_text()
    assert set(tomllib.loads(text)) == {"gateway", "data_dir", "mqtt", "bus"}
