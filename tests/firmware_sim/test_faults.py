"""Each fault as a master sees it on the line."""

import pytest

from firmware_sim.faults import FaultKind, FaultPlan
from firmware_sim.frames import crc_matches
from tests.firmware_sim.builders import ask, bus, converse, station, words_in

REQUEST = ask(1, 3, 500, 6)
WEATHER = {"wind_speed_ms": 1.2, "air_temperature_degc": 41.1}


def heard_with(kind, served=None, **options):
    return converse(bus(station(faults=(FaultPlan(kind, **options),), **WEATHER), served=served), REQUEST)


@pytest.fixture
def good():
    [(moment, frame)] = converse(bus(station(**WEATHER)), REQUEST)
    return moment, frame


def test_silence_is_silent():
    assert heard_with(FaultKind.SILENCE) == []


def test_a_wrong_checksum_keeps_the_values_and_spoils_the_end(good):
    [(_, frame)] = heard_with(FaultKind.CRC)
    assert frame[:-2] == good[1][:-2]
    assert not crc_matches(frame)


def test_a_late_answer_is_right_and_late(good):
    [(moment, frame)] = heard_with(FaultKind.LATE, late_s=1.5)
    assert frame == good[1]
    assert moment - good[0] == pytest.approx(1.5)


def test_a_late_answer_falls_into_the_next_request_of_the_master():
    late = FaultPlan(FaultKind.LATE, lasts_s=0.5, late_s=1.0)
    line = bus(
        station(unit=1, station_id="a", faults=(late,), wind_speed_ms=1.0),
        station(unit=2, station_id="b", wind_speed_ms=2.0),
    )
    assert converse(line, ask(1, 3, 500, 1), now_s=0.0, until_s=0.9) == []
    heard = converse(line, ask(2, 3, 500, 1), now_s=1.03, until_s=2.0)
    assert [(frame[0], words_in(frame)) for _, frame in heard] == [(1, [10]), (2, [20])]


def test_an_exception_comes_instead_of_values():
    [(_, frame)] = heard_with(FaultKind.EXCEPTION, exception_code=6)
    assert frame[:3] == b"\x01\x83\x06"
    assert crc_matches(frame)


def test_an_echo_comes_first(good):
    (first, echo), (second, frame) = heard_with(FaultKind.ECHO)
    assert echo == REQUEST
    assert frame == good[1]
    assert first < second


def test_a_stuck_station_repeats_the_moment_the_fault_began():
    stuck = FaultPlan(FaultKind.STUCK, starts_after_s=10.0, lasts_s=10.0)
    line = bus(station(faults=(stuck,), count=True))
    rains = []
    for second in (0.0, 11.0, 14.0, 18.0, 21.0):
        [(_, frame)] = converse(line, ask(1, 3, 513, 1), now_s=second, until_s=second + 1.0)
        rains += words_in(frame)
    assert rains == [1, 2, 2, 2, 3]


def test_noise_before_and_after_leaves_the_answer_whole_in_between(good):
    [(_, before)] = heard_with(FaultKind.NOISE_BEFORE)
    [(_, after)] = heard_with(FaultKind.NOISE_AFTER)
    assert before.endswith(good[1])
    assert len(before) > len(good[1])
    assert after.startswith(good[1])
    assert len(after) > len(good[1])


def test_a_truncated_answer_breaks_off(good):
    [(_, frame)] = heard_with(FaultKind.TRUNCATED)
    assert 0 < len(frame) < len(good[1])
    assert good[1].startswith(frame)


def test_a_wrong_unit_is_a_sound_frame_of_somebody_else(good):
    [(_, frame)] = heard_with(FaultKind.WRONG_UNIT)
    assert crc_matches(frame)
    assert frame[0] == 2
    assert frame[1:-2] == good[1][1:-2]


@pytest.mark.parametrize("kind", FaultKind)
def test_what_is_logged_as_served_says_which_fault_lay_on_it(kind):
    served = []
    heard_with(kind, served=served)
    whole = {FaultKind.LATE, FaultKind.ECHO, FaultKind.STUCK, FaultKind.NOISE_BEFORE, FaultKind.NOISE_AFTER}
    assert [one.faults for one in served] == ([(kind.value,)] if kind in whole else [])


def test_several_faults_strike_from_the_inside_out(good):
    faults = (FaultPlan(FaultKind.NOISE_BEFORE), FaultPlan(FaultKind.WRONG_UNIT), FaultPlan(FaultKind.LATE, late_s=2.0))
    [(moment, frame)] = converse(bus(station(faults=faults, **WEATHER)), REQUEST)
    inner = frame[-len(good[1]) :]
    assert crc_matches(inner)
    assert inner[0] == 2
    assert moment > 2.0


def test_a_schedule_comes_again_with_its_period():
    plan = FaultPlan(FaultKind.SILENCE, starts_after_s=5.0, lasts_s=2.0, every_s=10.0)
    active = [second for second in range(30) if plan.active(second)]
    assert active == [5, 6, 15, 16, 25, 26]


def test_chance_is_fixed_by_the_seed():
    def silent_answers():
        line = bus(station(faults=(FaultPlan(FaultKind.SILENCE, probability=0.3),)))
        return [not converse(line, REQUEST, now_s=float(at), until_s=at + 0.9) for at in range(400)]

    first = silent_answers()
    assert first == silent_answers()
    assert 80 < sum(first) < 160


def test_a_fault_switched_on_at_run_time_ends_by_itself_or_when_cleared():
    device = station()
    device.inject(FaultPlan(FaultKind.SILENCE), until_s=30.0)
    device.inject(FaultPlan(FaultKind.CRC), until_s=None)
    assert [fault.kind for fault in device.faults_at(29.0)] == [FaultKind.SILENCE, FaultKind.CRC]
    assert [fault.kind for fault in device.faults_at(30.0)] == [FaultKind.CRC]
    assert device.clear_faults() == 1
    assert device.faults_at(31.0) == ()
