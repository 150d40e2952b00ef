"""A station's record: back-off, probes that no late reply can fit, decoding."""

import pytest

from contract.profiles import Profile, Readable, Register, WordOrder
from contract.quantities import Flag
from edge.config import BusConfig, StationConfig
from edge.fieldbus.device import BACKOFF_S_MAX, LATE_REPLY_S_MAX, Device, decode
from edge.fieldbus.frames import Fault
from edge.fieldbus.reads import Read
from tests.edge.slave import bench_profile


def device(registers=12, interval_s=1.0, profile=None):
    profile = profile or bench_profile(registers=registers)
    return Device(StationConfig("s1", profile.name, 1), profile, BusConfig("line", "/dev/null", interval_s=interval_s))


def test_backoff_doubles_from_one_interval_to_a_minute():
    record = device()
    pauses = []
    for _ in range(12):
        record.note_fault(Fault.TIMEOUT, 12, now_s=0.0)
        pauses.append(record.backoff_s)
    assert pauses == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    record.note_good(0, 0.05)
    assert record.backoff_s == 0.0


def test_after_a_lost_reply_nothing_is_asked_in_a_length_that_is_unanswered():
    record = device()
    record.note_fault(Fault.TIMEOUT, 12, now_s=100.0)
    asked = [12]
    for second in range(4):
        ((_, reads),) = record.plan(101.0 + second)
        assert {read.count for read in reads}.isdisjoint(asked)
        assert sorted(at for read in reads for at in range(read.address, read.address + read.count)) == list(
            range(100, 112)
        )
        asked.append(reads[0].count)
        record.note_fault(Fault.TIMEOUT, reads[0].count, 101.0 + second)


def test_with_no_safe_length_left_it_waits_until_the_old_request_is_forgotten():
    record = device(registers=1)
    record.note_fault(Fault.TIMEOUT, 1, now_s=0.0)
    assert record.plan(LATE_REPLY_S_MAX - 0.1) is None
    ((_, reads),) = record.plan(LATE_REPLY_S_MAX + 0.1)
    assert reads == (Read(100, 1),)


def test_an_answer_does_not_clear_what_may_still_come():
    record = device()
    record.note_fault(Fault.TIMEOUT, 12, now_s=0.0)
    record.note_good(0, 0.05)
    assert not record.suspect
    ((_, reads),) = record.plan(1.0)
    assert 12 not in {read.count for read in reads}


def test_an_exception_counts_as_an_answer_only_while_none_is_due():
    record = device()
    record.note_exception(2, 12, 0.0)
    assert not record.unanswered(0.0)
    record.note_fault(Fault.TIMEOUT, 12, 1.0)
    record.note_exception(2, 11, 2.0)
    assert set(record.unanswered(2.0)) == {12, 11}


def test_faults_are_counted_by_kind():
    record = device()
    for fault in (Fault.TIMEOUT, Fault.CHECKSUM, Fault.NOISE, Fault.TRUNCATED):
        record.begin_poll()
        record.note_fault(fault, 12, 0.0)
    record.begin_poll()
    record.note_exception(2, 12, 0.0)
    record.begin_poll()
    record.note_good(1_000, 0.030)
    health = record.health()
    assert (health.polls, health.good, health.timeouts, health.checksum_errors) == (6, 1, 1, 1)
    assert (health.exceptions, health.other_errors) == (1, 2)
    assert (health.last_error, health.last_good_at_ms, health.poll_ms_median) == ("exception_2", 1_000, 30.0)
    assert BACKOFF_S_MAX == 60.0


def profile_of(*registers, word_order=WordOrder.HIGH_FIRST):
    return Profile(
        name="p",
        title="",
        source=(),
        function=4,
        register=registers,
        readable=(Readable(0, 99),),
        word_order=word_order,
    )


@pytest.mark.parametrize(
    ("register", "order", "words", "value", "flag"),
    [
        (Register("air_temperature_degc", 0, "s16", 0.1), "high_first", (0xFF9C,), -10.0, None),
        (Register("air_temperature_degc", 0, "s32", 0.1), "high_first", (0xFFFF, 0xFF9C), -10.0, None),
        (Register("air_temperature_degc", 0, "s32", 0.001), "low_first", (0x7A44, 0x0000), 31.3, None),
        (Register("air_temperature_degc", 0, "f32"), "high_first", (0x41A4, 0x0000), 20.5, None),
        (Register("air_temperature_degc", 0, "s16", 0.1, invalid=(32767,)), "high_first", (0x7FFF,), None, "missing"),
        (Register("air_temperature_degc", 0, "s16", 0.1, raw_max=600), "high_first", (601,), None, "device_error"),
    ],
)
def test_registers_become_values(register, order, words, value, flag):
    profile = profile_of(register, word_order=WordOrder(order))
    record = device(profile=profile)
    values, flags = decode(profile, {record.blocks[0]: words})
    assert values == {"air_temperature_degc": value}
    assert flags == ({} if flag is None else {"air_temperature_degc": Flag(flag)})


def test_a_refused_block_gives_device_errors():
    profile = profile_of(Register("wind_speed_ms", 0), Register("wind_gust_ms", 90))
    first, second = device(profile=profile).blocks
    values, flags = decode(profile, {first: (3,), second: None})
    assert values == {"wind_speed_ms": 3.0, "wind_gust_ms": None}
    assert flags == {"wind_gust_ms": Flag.DEVICE_ERROR}
