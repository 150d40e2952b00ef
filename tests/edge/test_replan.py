"""A line that gets other stations or another interval while it runs: between sweeps, at once, and never a wrong value."""

import itertools
import time

import pytest

from edge.config import BusConfig, StationConfig
from edge.fieldbus.device import Device
from edge.fieldbus.frames import Fault
from tests.edge.slave import BASE, QUANTITIES, Slave, answer, bench_profile, count_of
from tests.edge.test_bus import INTERVAL_S, RESPONSE_S, polling

PROFILE = bench_profile(response_s=RESPONSE_S)


def serve(number, request):
    return [(0.002, answer(request, [7] * count_of(request)))]


def plan(port, *units, interval_s=INTERVAL_S, profile=PROFILE):
    config = BusConfig("line", port, baud=115_200, interval_s=interval_s)
    return config, [Device(StationConfig(f"s{unit}", profile.name, unit), profile, config) for unit in units]


def wait(condition, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_no_sweep_is_missed_and_stations_come_and_go():
    with Slave(serve) as slave, polling(slave.port, [1, 2]) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 3)
        number = bus.replan(*plan(slave.port, 2, 3))
        wait(lambda: bus.since_plan.number == number and bus.since_plan.sweeps >= 3)
    slots = [int((at_s - 0.001) // INTERVAL_S) for at_s, _ in sink.sweeps[1:]]
    assert all(after - before == 1 for before, after in itertools.pairwise(slots)), slots
    stations = [tuple(sample.station for sample in samples) for _, samples in sink.sweeps]
    assert set(stations) == {("s1", "s2"), ("s2", "s3")}
    assert bus.since_plan.answered == {"s2", "s3"}
    assert bus.answering() == {"s2", "s3"}
    health = {device.station: device for device in bus.health()}
    assert health["s2"].polls > health["s3"].polls, "a station that stays keeps its counters"


def test_a_line_that_waits_for_an_hour_takes_its_plan_at_once():
    with Slave(serve) as slave, polling(slave.port, [1], interval_s=3600.0) as (bus, sink):
        number = bus.replan(*plan(slave.port, 1, interval_s=0.1))
        sink.wait(lambda sweeps: len(sweeps) >= 5, timeout_s=3.0)
        assert bus.since_plan.number == number
        assert bus.interval_s == 0.1


def test_of_several_plans_the_newest_is_taken_and_a_stop_still_stops():
    with Slave(serve) as slave, polling(slave.port, [1], interval_s=3600.0) as (bus, _sink):
        numbers = [bus.replan(*plan(slave.port, unit, interval_s=0.1)) for unit in range(1, 20)]
        wait(lambda: bus.since_plan.number == numbers[-1] and bus.since_plan.sweeps > 0)
        assert bus.since_plan.answered == {"s19"}
        began_s = time.monotonic()
        bus.stop()
        assert time.monotonic() - began_s < 1.0


def test_a_late_answer_to_the_old_plan_is_no_value_of_the_new_one():
    """Unit 1 is asked and stays silent; asked by another profile of the same lengths, its old answer comes just ahead of the new one."""
    other = bench_profile("other", response_s=RESPONSE_S)
    unanswered = []

    def script(number, request):
        if not unanswered:
            unanswered.append(request)
            return []
        new = (0.02, answer(request, [5] * count_of(request)))
        late = (0.005, answer(unanswered[0], [1000] * count_of(unanswered[0])))
        return [late, new] if number == 1 else [new]

    with Slave(script) as slave, polling(slave.port, [1]) as (bus, sink):
        wait(lambda: unanswered)
        bus.replan(*plan(slave.port, 1, profile=other))
        sink.wait(lambda sweeps: any(samples for _, samples in sweeps))
    assert bus.since_plan.number == 1
    assert {sample.values[QUANTITIES[0]] for sample in sink.samples("s1")} == {5}


@pytest.mark.parametrize(("profile", "kept"), [(PROFILE, True), (bench_profile("other"), False)])
def test_a_record_is_succeeded_by_the_same_device_whole_and_by_another_in_its_debts(profile, kept):
    _, (before,) = plan("/dev/x", 1)
    before.begin_poll()
    before.note_good(1, 0.01)
    before.note_fault(Fault.TIMEOUT, 12, 100.0)
    _, (after,) = plan("/dev/x", 1, profile=profile)
    after.succeed(before)
    assert list(after.unanswered(101.0)) == [12], "a late answer is awaited from the address, whatever is there now"
    assert (after.suspect, after.health().polls) == ((True, 1) if kept else (False, 0))
    assert before.profile.readable[0].first == BASE
