"""A line with its stations: who answers, when, and what a frame is. Time is handed in; nothing here waits."""

import random

import pytest

from firmware_sim.bus import HEARD_BYTES_MAX
from firmware_sim.frames import crc_matches, with_crc
from firmware_sim.timing import LineTiming
from tests.firmware_sim.builders import MIDDAY_MS, ask, bus, converse, station, words_in


def test_each_station_answers_its_own_unit_only():
    line = bus(station(unit=1, station_id="a", wind_speed_ms=1.0), station(unit=2, station_id="b", wind_speed_ms=2.0))
    assert words_in(converse(line, ask(1, 3, 500, 1))[0][1]) == [10]
    assert words_in(converse(line, ask(2, 3, 500, 1), now_s=20, until_s=30)[0][1]) == [20]
    assert converse(line, ask(3, 3, 500, 1), now_s=40, until_s=50) == []
    assert line.ignored_frames == 1


def test_a_broadcast_is_answered_by_nobody():
    line = bus(station())
    assert converse(line, with_crc(bytes.fromhex("00 06 6000 0001"))) == []


def test_a_wrong_checksum_is_met_with_silence():
    line = bus(station())
    assert converse(line, ask(1, 3, 500, 1)[:-1] + b"\x00") == []
    assert line.bad_frames == 1


TIMINGS = [
    # 9600 8N1: a byte is 10 bits. Request 8 bytes, answer 3 + 2 * 16 + 2 = 37 bytes.
    ({"baud": 9600}, 10),
    ({"baud": 9600, "parity": "E"}, 11),
    ({"baud": 19200, "stop_bits": 2}, 11),
    ({"baud": 9600, "parity": "O", "stop_bits": 2}, 12),
]


@pytest.mark.parametrize(("settings", "bits"), TIMINGS)
def test_the_answer_is_there_when_its_last_byte_would_have_arrived(settings, bits):
    line = bus(station(response_time_s=0.05), **settings)
    [(moment, frame)] = converse(line, ask(1, 3, 500, 16), now_s=100.0, until_s=200.0)
    assert len(frame) == 37
    expected = 100.0 + (8 + 37) * bits / settings["baud"] + line.timing.silence_s + 0.05
    assert moment == pytest.approx(expected, abs=1e-9)


def test_a_block_of_sixteen_registers_takes_about_a_tenth_of_a_second_at_9600_baud():
    [(moment, _)] = converse(bus(station(response_time_s=0.05)), ask(1, 3, 500, 16))
    assert 0.09 < moment < 0.11


def test_without_emulated_time_only_the_silence_remains():
    line = bus(station(response_time_s=5.0), emulated=False)
    [(moment, _)] = converse(line, ask(1, 3, 500, 16))
    assert moment == pytest.approx(line.timing.silence_s)


def test_the_silence_is_three_and_a_half_characters_and_fixed_above_19200_baud():
    assert LineTiming(9600).silence_s == pytest.approx(0.00401, abs=1e-5)
    assert LineTiming(115200).silence_s == 0.00175


def test_a_frame_in_two_pieces_without_a_silence_is_one_frame():
    line = bus(station(wind_speed_ms=1.0))
    request = ask(1, 3, 500, 1)
    line.receive(request[:3], 0.0)
    assert line.due(0.002) == []
    [(_, frame)] = converse(line, request[3:], now_s=0.003)
    assert words_in(frame) == [10]


def test_a_frame_torn_by_a_silence_is_dropped():
    line = bus(station())
    request = ask(1, 3, 500, 1)
    line.receive(request[:3], 0.0)
    assert converse(line, request[3:], now_s=0.1) == []
    assert line.bad_frames == 2


def test_noise_before_a_silence_does_not_spoil_the_next_request():
    line = bus(station(wind_speed_ms=1.0))
    line.receive(b"\xff\x00\xff", 0.0)
    [(_, frame)] = converse(line, ask(1, 3, 500, 1), now_s=0.1)
    assert words_in(frame) == [10]


def test_two_requests_in_one_read_are_both_answered_one_after_the_other():
    line = bus(station(unit=1, station_id="a"), station(unit=2, station_id="b"))
    heard = converse(line, ask(1, 3, 500, 16) + ask(2, 3, 500, 16))
    assert [frame[0] for _, frame in heard] == [1, 2]
    assert heard[1][0] - heard[0][0] >= line.timing.bytes_s(37) - 1e-9


def test_an_endless_stream_of_bytes_is_dropped_and_the_line_lives_on():
    line = bus(station())
    line.receive(bytes(HEARD_BYTES_MAX + 1), 0.0)
    assert line.next_s() is None
    assert len(converse(line, ask(1, 3, 500, 1), now_s=1.0)) == 1


def test_a_quiet_line_has_nothing_to_wait_for():
    assert bus(station()).next_s() is None


def test_what_was_served_is_told_with_its_meaning():
    served = []
    line = bus(station(wind_speed_ms=1.23, air_temperature_degc=41.1), served=served)
    converse(line, ask(1, 3, 500, 6))
    [one] = served
    assert (one.station, one.at_ms, one.function, one.address) == ("kmg-01", MIDDAY_MS, 3, 500)
    assert one.words == (12, 0, 0, 0, 0, 411)
    assert one.values["wind_speed_ms"] == 1.2
    assert one.values["air_temperature_degc"] == 41.1
    assert "noise_level_db" not in one.values
    assert one.faults == ()


def test_half_of_a_32_bit_value_is_served_but_has_no_meaning():
    served = []
    converse(bus(station(illuminance_lx=70_000.0), served=served), ask(1, 3, 510, 1))
    assert served[0].words == (1,)
    assert served[0].values == {}


def test_exceptions_are_not_told_as_served():
    served = []
    converse(bus(station(), served=served), ask(1, 3, 0, 1))
    assert served == []


def test_no_sequence_of_bytes_brings_the_line_down():
    chance = random.Random(20180723)
    line = bus(station("vaisala_wxt530", unit=1, station_id="a"), station(unit=2, station_id="b"))
    now_s = 0.0
    for _ in range(3000):
        body = bytes((chance.choice((0, 1, 2, 9)), chance.choice((1, 3, 4, 6, 16, 99)))) + chance.randbytes(
            chance.randrange(20)
        )
        data = chance.choice((with_crc(body), body, chance.randbytes(chance.randrange(1, 300))))
        now_s += chance.choice((0.0, 0.001, 0.01, 1.0))
        line.receive(data, now_s)
        now_s += chance.choice((0.0, 0.001, 0.01, 1.0))
        for frame in line.due(now_s):
            assert crc_matches(frame)
            assert frame[0] in {1, 2}
    assert words_in(converse(line, ask(1, 4, 0, 1), now_s + 100.0, now_s + 200.0)[-1][1])[0] >> 8 == 6
