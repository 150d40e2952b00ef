"""What the agent says of itself, and of the clock it lives by."""

import re
from pathlib import Path

from contract.clock import ClockConfig, SimulatedClock
from contract.messages import Health, decode, encode
from edge import clock, health


def test_the_report_is_a_message_that_central_accepts(tmp_path):
    city = SimulatedClock(1_532_304_000_000, 0.0, 1.0)
    report = health.report(
        city, boot_id=clock.boot_id(), started_s=city.monotonic_s() - 5.0, devices=[], outbox=[], data_dir=tmp_path
    )
    assert decode(Health, encode(report)) == report
    assert 5.0 <= report.uptime_s < 6.0
    assert 10_000_000 < report.resident_memory_bytes < 2_000_000_000
    assert report.cpu_s > 0
    assert report.disk_free_bytes > 0


def test_a_folder_that_is_gone_is_no_reason_to_be_silent():
    assert health.disk_free_bytes(Path("/nonexistent")) is None


def test_the_boot_id_is_the_kernels_and_fits_a_message():
    assert clock.boot_id() == clock.boot_id()
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", clock.boot_id())


def test_the_machines_clock_says_whether_it_is_disciplined_and_the_simulated_one_is(monkeypatch):
    answers = [False, True]
    monkeypatch.setattr(clock, "kernel_synchronised", lambda: answers.pop(0))
    machine = clock.build(ClockConfig())
    now_s = [100.0]
    monkeypatch.setattr(machine, "monotonic_s", lambda: now_s[0])
    monkeypatch.setattr(machine, "unix_ms", lambda: 1_800_000_000_000 + round(now_s[0] * 1000))
    assert not machine.synchronised()
    now_s[0] += 9.0
    assert not machine.synchronised(), "asked again too soon"
    now_s[0] += 2.0
    assert machine.synchronised()
    assert clock.build(ClockConfig(60.0, 0, 0.0)).synchronised()


def test_the_kernel_can_be_asked():
    assert clock.kernel_synchronised() in {True, False}
