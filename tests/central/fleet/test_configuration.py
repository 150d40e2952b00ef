"""The `[fleet]` section."""

from pathlib import Path

import pytest

from central.config import load_config
from central.fleet.config import FleetConfig
from contract.errors import UserError

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "central.toml"


def test_the_example_that_is_shipped_shows_every_key_with_its_default():
    assert load_config(SHIPPED).fleet == FleetConfig()
    text = SHIPPED.read_text(encoding="utf-8")
    for field in FleetConfig.__struct_fields__:
        assert f"{field} =" in text, f"fleet.{field} is not shown"


@pytest.mark.parametrize(
    "line",
    [
        "certificate_days = 0",
        "certificate_days = 400",
        "code_hours = -1",
        "listen_port = 0",
        "colour = 1",
        'reload_command = "x"',
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(tmp_path, line):
    path = tmp_path / "central.toml"
    path.write_text(f"[fleet]\n{line}\n")
    with pytest.raises(UserError) as caught:
        load_config(path)
    assert line.split(" ", maxsplit=1)[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_start_at_the_files_folder(tmp_path):
    path = tmp_path / "central.toml"
    path.write_text('[fleet]\nbroker_pid_file = "mq.pid"\nbroker_dir = "mq"\n')
    config = load_config(path)
    assert config.fleet_path == tmp_path / "data" / "fleet"
    assert (config.fleet.broker_pid_file, config.fleet.broker_dir) == (str(tmp_path / "mq.pid"), str(tmp_path / "mq"))
