"""The clock of a machine that may be wrong, and the floor under it."""

import pytest

from contract.clock import ClockConfig, OffsetClock
from edge import clock as edge_clock
from edge.clock import RELEASED_MS, MachineClock, TimeFloor

NOW_MS = RELEASED_MS + 30 * 86_400_000


class Machine:
    def __init__(self):
        self.unix_ms = NOW_MS
        self.monotonic_s = 0.0

    def floor(self, file):
        return TimeFloor(file, lambda: self.unix_ms, lambda: self.monotonic_s)

    def live(self, seconds):
        self.unix_ms += round(seconds * 1000)
        self.monotonic_s += seconds


def test_after_a_restart_without_a_battery_it_is_no_earlier_than_it_ever_was(tmp_path):
    machine = Machine()
    floor = machine.floor(tmp_path / "floor")
    floor.note(synchronised=True)
    machine.unix_ms, machine.monotonic_s = 0, 5.0
    woken = machine.floor(tmp_path / "floor")
    assert woken.now_ms() == NOW_MS
    machine.live(60)
    assert woken.now_ms() == NOW_MS + 60_000, "and time goes on"
    machine.unix_ms = NOW_MS + 7_200_000
    assert woken.now_ms() == NOW_MS + 7_200_000


def test_a_clock_that_is_not_synchronised_raises_nothing(tmp_path):
    machine = Machine()
    floor = machine.floor(tmp_path / "floor")
    floor.note(synchronised=False)
    machine.unix_ms = 0
    assert floor.now_ms() == RELEASED_MS
    assert not (tmp_path / "floor").exists()


def test_the_file_is_written_every_ten_minutes_at_most_and_never_goes_back(tmp_path):
    machine, file = Machine(), tmp_path / "floor"
    floor = machine.floor(file)
    written = []
    for minute in range(31):
        floor.note(synchronised=True)
        if not written or file.read_text() != written[-1]:
            written.append(file.read_text())
        if minute == 15:
            machine.unix_ms -= 3_600_000
        machine.live(60)
    assert 2 <= len(written) <= 4
    assert written == sorted(written)
    assert floor.now_ms() >= NOW_MS + 15 * 60_000


@pytest.mark.parametrize("content", ["", "x", "-5", "9" * 30, "\xff"])
def test_a_file_without_a_moment_counts_for_nothing(tmp_path, content):
    (tmp_path / "floor").write_text(content, encoding="utf-8")
    machine = Machine()
    machine.unix_ms = 0
    assert machine.floor(tmp_path / "floor").now_ms() == RELEASED_MS


def test_a_disk_that_refuses_does_not_matter(tmp_path):
    machine = Machine()
    floor = machine.floor(tmp_path / "nowhere" / "floor")
    floor.note(synchronised=True)
    machine.unix_ms = 0
    assert floor.now_ms() == NOW_MS


def test_after_a_step_the_kernel_is_asked_at_once(monkeypatch):
    answers = iter([True, False])
    monkeypatch.setattr(edge_clock, "kernel_synchronised", lambda: next(answers))
    clock, ahead_ms = MachineClock(), [0]
    right = clock.unix_ms
    monkeypatch.setattr(clock, "unix_ms", lambda: right() + ahead_ms[0])
    assert [clock.synchronised() for _ in range(3)] == [True] * 3
    ahead_ms[0] = -60_000
    assert not clock.synchronised()


def test_a_test_sets_the_clock_through_a_file(tmp_path):
    file = tmp_path / "clock"
    clock = ClockConfig(offset_file=str(file)).build()
    assert isinstance(clock, OffsetClock)
    assert edge_clock.build(ClockConfig(offset_file=str(file))).synchronised()
    before_ms = clock.unix_ms()
    file.write_text("-3600000 0")
    assert -3_600_000 <= clock.unix_ms() - before_ms < -3_590_000
    assert not clock.synchronised()
    with pytest.raises(ValueError, match="offset_file"):
        ClockConfig(60.0, 1, 1.0, str(file)).build()


class Set:
    """A clock that is set right between the first question and the second."""

    def __init__(self):
        self.answers = iter((False, True))

    def unix_ms(self):
        return 5

    def monotonic_s(self):
        return 7.0

    def synchronised(self):
        return next(self.answers)


def test_a_date_of_a_clock_that_is_just_being_set_is_not_trusted():
    assert edge_clock.moment(Set()) == (5, 7_000, False)
