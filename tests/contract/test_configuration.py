import msgspec
import pytest

from contract.clock import ClockConfig, SimulatedClock, SystemClock
from contract.configuration import load_toml
from contract.errors import UserError


class Bus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    port: str
    baud: int = 9600


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bus: list[Bus]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[bus]]\nport = "/dev/ttyUSB0"\nbuad = 1', ("bus[0]", "unknown key", "buad")),
        ("[[bus]]\nbaud = 1", ("bus[0]", "missing key", "port")),
        ("[[bus]]\nport = 5", ("bus[0].port", "int")),
        ("bus = ", ("TOML",)),
        ("", ("missing key", "bus")),
    ],
)
def test_a_wrong_key_is_told_in_one_line_with_its_place(tmp_path, text, words):
    path = tmp_path / "edge.toml"
    path.write_text(text)
    with pytest.raises(UserError) as refusal:
        load_toml(path, Config)
    line = str(refusal.value)
    assert "edge.toml" in line
    assert all(word in line for word in words), line


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_toml(tmp_path / "absent.toml", Config)


def test_the_clock_is_the_machines_own_unless_both_anchors_are_given():
    assert isinstance(ClockConfig().build(), SystemClock)
    assert isinstance(ClockConfig(60.0, 0, 0.0).build(), SimulatedClock)
    with pytest.raises(ValueError, match="belong together"):
        ClockConfig(60.0, starts_at_ms=0).build()
    with pytest.raises(ValueError, match="speed"):
        ClockConfig(2.0).build()


def test_a_simulated_clock_runs_from_its_anchor_at_its_speed(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1010.0)
    assert SimulatedClock(5_000, 1000.0, 60.0).unix_ms() == 5_000 + 600_000
    with pytest.raises(ValueError, match="above 0"):
        SimulatedClock(0, 0.0, 0.0)
