"""A line with stations, polled by a thread: alignment, lies, dead devices, a vanished port; and no wrong value, ever."""

import contextlib
import itertools
import random
import threading
import time

import pytest

from contract.clock import SystemClock
from contract.quantities import Flag
from edge.config import BusConfig, StationConfig
from edge.fieldbus.bus import Bus, next_slot
from edge.fieldbus.device import Device
from tests.edge.slave import BASE, QUANTITIES, Slave, answer, bench_profile, count_of, exception

INTERVAL_S = 0.2
RESPONSE_S = 0.03


class Sink:
    """Keeps the sweeps of a bus with the moment each ended."""

    def __init__(self):
        self.sweeps = []
        self._changed = threading.Condition()

    def __call__(self, bus, samples):
        with self._changed:
            self.sweeps.append((time.time(), list(samples)))
            self._changed.notify_all()

    def wait(self, condition, timeout_s=10.0):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.sweeps), timeout_s), self.sweeps

    def samples(self, station):
        return [sample for _, samples in self.sweeps for sample in samples if sample.station == station]


@contextlib.contextmanager
def polling(port, units, *, interval_s=INTERVAL_S, response_s=RESPONSE_S, profile=None, baud=115_200):
    profile = profile or bench_profile(response_s=response_s)
    config = BusConfig("line", port, baud=baud, interval_s=interval_s)
    devices = [Device(StationConfig(f"s{unit}", profile.name, unit), profile, config) for unit in units]
    sink = Sink()
    bus = Bus(config, devices, SystemClock(), sink)
    bus.start()
    try:
        yield bus, sink
    finally:
        bus.stop()


def words_of(number, request):
    """The first register of the device serves the number of the request, so that an old answer shows; the others their index."""
    start = int.from_bytes(request[2:4], "big") - BASE
    return [number if index == 0 else index for index in range(start, start + count_of(request))]


def healthy(number, request):
    return [(0.005, answer(request, words_of(number, request)))]


def served_number(sample):
    return sample.values[QUANTITIES[0]]


def test_values_come_in_one_block_read_a_sweep():
    with Slave(healthy) as slave, polling(slave.port, [1, 2]) as (_, sink):
        sink.wait(lambda sweeps: sum(len(samples) for _, samples in sweeps) >= 4)
    assert {count_of(request) for _, request in slave.requests} == {12}
    sample = sink.samples("s2")[0]
    assert sample.values[QUANTITIES[3]] == 3.0
    assert set(sample.values) == set(QUANTITIES)
    assert sample.flags == {}
    assert abs(sample.at_ms - time.time() * 1000) < 10_000


def test_sweeps_begin_at_whole_intervals_of_the_real_clock():
    began = []

    def script(number, request):
        if request[0] == 1:
            began.append(time.time())
        return healthy(number, request)

    with Slave(script) as slave, polling(slave.port, [1, 2]) as (_, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 5)
    phases = [moment % INTERVAL_S for moment in began[1:]]
    assert max(phases) < 0.06, phases
    steps = [later - earlier for earlier, later in itertools.pairwise(began[1:])]
    assert all(abs(step - INTERVAL_S) < 0.06 for step in steps), steps


@pytest.mark.parametrize(
    ("case", "now_s", "slot", "expected"),
    [
        ("at the start", 100.3, None, (0.7, 101)),
        ("after a sweep in time", 100.9, 100, (0.1, 101)),
        ("exactly at the interval", 101.0, 100, (0.0, 101)),
        ("a little late: at once", 101.2, 100, (0.0, 101)),
        ("more than half late: skipped", 101.6, 100, (0.4, 102)),
        ("several late: skipped, not made up for", 103.2, 100, (0.0, 103)),
        ("the clock was set forward", 5000.6, 100, (0.4, 5001)),
        ("the clock was set back", 40.4, 100, (0.6, 41)),
    ],
)
def test_which_interval_is_next(case, now_s, slot, expected):
    wait_s, following = next_slot(now_s, 1.0, slot)
    assert (pytest.approx(wait_s), following) == expected, case


def test_a_sweep_that_overruns_skips_and_does_not_pile_up():
    def slow(number, request):
        return [(0.08, answer(request, words_of(number, request)))]

    with Slave(slow) as slave, polling(slave.port, [1, 2, 3, 4], response_s=0.3) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 3)
        starts = slave.asked(1)
    assert bus.overruns >= 2
    # Four answers of 0.08 s take 0.32 s: the next sweep begins at the second interval, 0.4 s later.
    assert all(step == pytest.approx(2 * INTERVAL_S, abs=0.08) for step in map(float.__sub__, starts[2:], starts[1:]))


def test_an_exception_gives_device_errors_and_harms_nobody():
    def script(number, request):
        return [(0.005, exception(request, 2))] if request[0] == 1 else healthy(number, request)

    with Slave(script) as slave, polling(slave.port, [1, 2]) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 3)
    assert sink.samples("s1") == []
    assert len(sink.samples("s2")) >= 3
    health = bus.health()[0]
    assert (health.exceptions, health.last_error, health.backoff_s) == (health.polls, "exception_2", 0.0)


def test_a_refused_block_leaves_the_others():
    profile = bench_profile()
    far = type(profile.register[0])("supply_voltage_v", 500)
    profile = type(profile)(
        **{
            **{name: getattr(profile, name) for name in profile.__struct_fields__},
            "register": (*profile.register, far),
            "readable": (*profile.readable, type(profile.readable[0])(500, 500)),
        }
    )

    def script(number, request):
        return healthy(number, request) if request[2:4] == BASE.to_bytes(2, "big") else [(0.005, exception(request, 2))]

    with Slave(script) as slave, polling(slave.port, [1], profile=profile) as (_, sink):
        sink.wait(lambda sweeps: any(samples for _, samples in sweeps))
    sample = sink.samples("s1")[0]
    assert (sample.values["supply_voltage_v"], sample.flags) == (None, {"supply_voltage_v": Flag.DEVICE_ERROR})
    assert sample.values[QUANTITIES[3]] == 3.0


def test_a_dead_station_costs_the_living_nothing_and_is_asked_ever_more_rarely():
    def script(number, request):
        return [] if request[0] == 2 else healthy(number, request)

    with Slave(script) as slave, polling(slave.port, [1, 2, 3]) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 14)
        asked_dead, asked_living = slave.asked(2), slave.asked(1)
    # The sweep in which it died may overrun; afterwards nobody waits for it.
    assert len(sink.samples("s1")) >= 13
    assert len(sink.samples("s3")) >= 13
    assert len(asked_living) >= 13
    assert len(asked_dead) <= 7, "polled like a living one"
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked_dead)]
    assert max(pauses) > 3 * INTERVAL_S
    health = bus.health()[1]
    assert health.backoff_s >= 4 * INTERVAL_S
    assert health.last_error == "timeout"
    assert health.last_good_at_ms is None


def test_a_station_that_comes_back_is_read_again():
    alive = threading.Event()

    def script(number, request):
        return healthy(number, request) if request[0] == 1 or alive.is_set() else []

    with Slave(script) as slave, polling(slave.port, [1, 2]) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 3)
        assert sink.samples("s2") == []
        alive.set()
        sink.wait(lambda sweeps: sum(sample.station == "s2" for _, samples in sweeps for sample in samples) >= 2)
    assert bus.health()[1].backoff_s == 0.0


@pytest.mark.parametrize("late_s", [0.07, 0.2, INTERVAL_S - 0.03, INTERVAL_S + 0.02, 2.5 * INTERVAL_S])
def test_late_replies_never_become_values(late_s):
    """A third of unit 2's answers come late: some in the quiet, some right into the next poll of the same unit."""

    def script(number, request):
        if request[0] == 2 and number % 3 == 0:
            return [(late_s, answer(request, words_of(number, request)))]
        return healthy(number, request)

    with Slave(script) as slave, polling(slave.port, [1, 2]) as (_, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 6)
    assert_every_value_answers_its_own_request(slave, sink)
    assert len(sink.samples("s1")) >= 5


def garble(reply):
    return reply[:-1] + bytes([reply[-1] ^ 0x40])


@pytest.mark.parametrize("late_s", [0.07, 0.2, INTERVAL_S + 0.02, 2.5 * INTERVAL_S])
def test_a_garbled_answer_that_was_not_the_answer_never_lets_a_wrong_value_in(late_s):
    """The whole frame with a wrong CRC comes at once, and the true one all the same, late: nobody may take it for a later one."""

    def script(number, request):
        good = answer(request, words_of(number, request))
        if request[0] == 2 and number % 3 == 0:
            return [(0.005, garble(good)), (late_s, good)]
        return healthy(number, request)

    with Slave(script) as slave, polling(slave.port, [1, 2]) as (_, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 8)
    assert_every_value_answers_its_own_request(slave, sink)


def test_a_garbled_answer_costs_the_line_a_moment_and_not_the_response_time():
    def script(number, request):
        good = answer(request, words_of(number, request))
        return [(0.005, garble(good) if request[0] == 1 and number % 2 == 0 else good)]

    with Slave(script) as slave, polling(slave.port, [1, 2], response_s=0.5, interval_s=1.0) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 3)
    assert bus.health()[0].checksum_errors >= 1
    (asked_s, first), (next_s, second) = slave.requests[:2]
    assert (first[0], second[0]) == (1, 2)
    assert next_s - asked_s < 0.3, "the response time alone is 0.5 s"


def test_a_station_that_always_answers_late_never_gives_the_previous_values():
    """The classic: each answer is there just in time for the next question."""
    late_s = INTERVAL_S + 0.02

    def script(number, request):
        return [(late_s, answer(request, words_of(number, request)))]

    with Slave(script) as slave, polling(slave.port, [2]) as (_, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 8)
    assert sink.samples("s2") == []


def test_no_wrong_value_on_a_line_where_everything_happens():
    choose = random.Random(20180723)

    def script(number, request):
        good = answer(request, words_of(number, request))
        lie = choose.random()
        if lie < 0.06:
            return []
        if lie < 0.12:
            return [(choose.uniform(RESPONSE_S, 2 * INTERVAL_S), good)]
        if lie < 0.18:
            return [(0.005, good[:-1] + bytes([good[-1] ^ 0x40]))]
        if lie < 0.22:
            return [(0.005, choose.randbytes(20))]
        if lie < 0.26:
            return [(0.005, exception(request, 6))]
        if lie < 0.30:
            return [(0.0, request), (0.01, good)]
        if lie < 0.34:
            return [(0.005, answer(bytes([request[0] ^ 3]) + request[1:], [9] * count_of(request)))]
        if lie < 0.38:
            return [(0.005, good[: len(good) // 2])]
        return [(0.005, good)]

    with Slave(script) as slave, polling(slave.port, [1, 2, 3]) as (bus, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 14, timeout_s=30.0)
    assert_every_value_answers_its_own_request(slave, sink)
    assert sum(len(samples) for _, samples in sink.sweeps) >= 10
    for health in bus.health():
        counted = health.good + health.timeouts + health.checksum_errors + health.other_errors
        assert counted <= health.polls <= counted + health.exceptions + 1


def assert_every_value_answers_its_own_request(slave, sink):
    """The served number is that of a request to this very unit which was sent just before the sample was made."""
    samples = [sample for _, sweep in sink.sweeps for sample in sweep]
    assert samples
    for sample in samples:
        at_s, request = slave.requests[int(served_number(sample))]
        assert request[0] == int(sample.station[1:])
        assert request[2:4] == BASE.to_bytes(2, "big")
        age_s = sample.monotonic_ms / 1000 - at_s
        assert -0.001 <= age_s < INTERVAL_S - 0.03, f"{sample.station} serves an answer {age_s:.3f} s old"
        assert [sample.values[name] for name in QUANTITIES[1:]] == list(range(1, 12))


def test_a_missing_port_is_retried_with_pauses_while_sweeps_go_on(tmp_path):
    link = tmp_path / "ttyUSB0"
    with polling(str(link), [1]) as (_, sink):
        sink.wait(lambda sweeps: len(sweeps) >= 2)
        assert sink.samples("s1") == []
        with Slave(healthy) as slave:
            link.symlink_to(slave.port)
            sink.wait(lambda sweeps: any(samples for _, samples in sweeps))


def test_a_pulled_adapter_is_opened_again(tmp_path):
    link = tmp_path / "ttyUSB0"
    first = Slave(healthy)
    with first:
        link.symlink_to(first.port)
        with polling(str(link), [1]) as (_, sink):
            sink.wait(lambda sweeps: any(samples for _, samples in sweeps))
            first.unplug()
            link.unlink()
            sweeps_before = len(sink.sweeps)
            sink.wait(lambda sweeps: len(sweeps) >= sweeps_before + 2)
            samples_before = len(sink.samples("s1"))
            with Slave(healthy) as second:
                link.symlink_to(second.port)
                sink.wait(lambda sweeps: sum(len(samples) for _, samples in sweeps) > samples_before)


def test_stopping_is_prompt_also_under_a_long_wait():
    with Slave(lambda *_: []) as slave, polling(slave.port, [1], response_s=0.3) as (bus, _):
        time.sleep(INTERVAL_S + 0.05)
        began_s = time.monotonic()
        bus.stop()
        assert time.monotonic() - began_s < 1.5
        assert not any(thread.name == "bus-line" for thread in threading.enumerate())
