"""The service units: what systemd itself says of them, and the times that have to fit together."""

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from edge.config import MqttConfig
from edge.uplink import DISCONNECT_S
from edge.watchdog import Feeder, Progress, Systemd

UNITS = Path(__file__).resolve().parents[2] / "systemd"
NAMES = ("kumagaya-edge.service", "kumagaya-central.service", "kumagaya-fleet.service")
EXPOSURE_MAX = 2.0


def settings(name):
    """Key -> values of a unit's [Service] and [Unit] lines."""
    found = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def analyze(*words):
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    return subprocess.run([command, *words], capture_output=True, text=True, check=False, timeout=60.0)


@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_little_to_object_to(name):
    done = analyze("security", "--offline=true", str(UNITS / name))
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze is too old to look at a unit offline")
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert exposure is not None, done.stdout + done.stderr
    assert float(exposure[1]) <= EXPOSURE_MAX, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_systemd_understands_every_line(tmp_path, name):
    text = (UNITS / name).read_text(encoding="utf-8")
    # Only the program is not installed here.
    (tmp_path / name).write_text(text.replace("/opt/kumagaya/bin/kumagaya", "/bin/true"), encoding="utf-8")
    done = analyze("verify", str(tmp_path / name))
    complaints = [line for line in done.stderr.splitlines() if name in line or "Unknown" in line]
    assert complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_a_service_comes_back_and_stays_in_its_bounds(name):
    unit = settings(name)
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"], "it never gives up"
    assert int(unit["RestartSec"][0]) >= 5
    assert unit["MemoryMax"]
    assert unit["StateDirectory"]
    assert unit["UMask"] == ["0077"]
    assert unit["LimitCORE"] == ["0"]


def test_the_agent_may_use_serial_ports_and_nothing_else():
    unit = settings("kumagaya-edge.service")
    assert unit["DevicePolicy"] == ["closed"]
    assert all(re.fullmatch(r"char-tty(USB|ACM|AMA|S) rw", value) for value in unit["DeviceAllow"])
    assert unit["SupplementaryGroups"] == ["dialout"]


def test_a_stop_of_the_agent_fits_into_systemds_patience():
    unit = settings("kumagaya-edge.service")
    stop_flush_s_max = msgspec.json.schema(MqttConfig)["$defs"]["MqttConfig"]["properties"]["stop_flush_s"]["maximum"]
    end_of_a_sweep_s = last_commit_s = 5.0
    assert int(unit["TimeoutStopSec"][0]) > stop_flush_s_max + end_of_a_sweep_s + last_commit_s + DISCONNECT_S


def test_the_watchdog_is_fed_at_least_twice_in_its_time():
    unit = settings("kumagaya-edge.service")
    assert unit["Type"] == ["notify"]
    watchdog_s = float(unit["WatchdogSec"][0])
    environment = {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": str(int(watchdog_s * 1e6))}
    assert Feeder(Progress({}), Systemd(environment)).interval_s * 2 < watchdog_s


def test_a_stop_of_central_fits_into_systemds_patience():
    from central.main import STOP_S

    assert int(settings("kumagaya-central.service")["TimeoutStopSec"][0]) > STOP_S
