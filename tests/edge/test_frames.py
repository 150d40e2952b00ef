"""Which bytes are the answer to a request, and what the others are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fieldbus.frames import Fault, crc16, diagnose, garbled, search, whole
from tests.edge.slave import answer, exception, frame

REQUEST = frame(7, 3, 0x01, 0xF4, 0x00, 0x02)
REPLY = answer(REQUEST, (0x1234, 0xABCD))
OTHER_UNIT = answer(frame(9, 3, 0x01, 0xF4, 0x00, 0x02), (1, 2))
OTHER_COUNT = answer(REQUEST, (1, 2, 3))


def test_crc_is_that_of_the_specification():
    # Modbus over Serial Line V1.02, appendix B: the frame 02 07 has the CRC 12 41 with the low byte 41 first.
    assert crc16(bytes([0x02, 0x07])) == bytes([0x41, 0x12])


@pytest.mark.parametrize(
    ("received", "reply"),
    [
        (REPLY, REPLY),
        (exception(REQUEST, 2), exception(REQUEST, 2)),
        (REQUEST + REPLY, REPLY),
        (REQUEST + exception(REQUEST, 4), exception(REQUEST, 4)),
        (b"\x00" + REPLY, REPLY),
        (b"\xff\x07" + REPLY, REPLY),
        (OTHER_UNIT + REPLY, REPLY),
        (OTHER_COUNT + REPLY, REPLY),
        (REPLY + b"\x55\x55", REPLY),
        (REPLY[:-1], None),
        (REPLY[:-1] + b"\x00", None),
        (OTHER_UNIT, None),
        (OTHER_COUNT, None),
        (REQUEST, None),
        (b"", None),
    ],
)
def test_only_the_true_reply_is_found(received, reply):
    assert search(REQUEST, received).reply == reply


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        (b"", Fault.TIMEOUT),
        (REQUEST, Fault.TIMEOUT),
        (REPLY[:-1] + b"\x00", Fault.CHECKSUM),
        (REQUEST + REPLY[:-1] + b"\x00", Fault.CHECKSUM),
        (exception(REQUEST, 2)[:-1] + b"\x01", Fault.CHECKSUM),
        (REPLY[:4], Fault.TRUNCATED),
        (REPLY[:2], Fault.TRUNCATED),
        (exception(REQUEST, 2)[:3], Fault.TRUNCATED),
        (OTHER_UNIT, Fault.WRONG_UNIT),
        (answer(frame(7, 4, 0, 0, 0, 2), (1, 2)), Fault.WRONG_FUNCTION),
        (OTHER_COUNT, Fault.WRONG_BYTE_COUNT),
        (b"\xaa\x55\xaa\x55\xaa\x55", Fault.NOISE),
    ],
)
def test_what_is_no_reply_has_a_name(received, fault):
    assert search(REQUEST, received, final=True).reply is None
    assert diagnose(REQUEST, received) is fault


def test_a_reply_is_not_taken_for_the_beginning_of_an_echo_for_good():
    # One register: the reply is shorter than the request, and here it begins like it.
    request = frame(7, 3, 0x02, 0x00, 0x00, 0x01)
    reply = answer(request, (0x0000,))
    assert request.startswith(reply[:5])
    assert search(request, reply[:5]).explained
    assert search(request, reply).reply == reply
    assert search(request, reply, final=True).reply == reply


def test_foreign_frames_leave_hope_noise_does_not():
    assert search(REQUEST, OTHER_UNIT).explained
    assert search(REQUEST, REQUEST).explained
    assert not search(REQUEST, b"\xaa\x55\xaa\x55\xaa\x55").explained


@given(st.binary(max_size=64), st.integers(1, 20))
def test_no_bytes_are_believed_without_unit_function_count_and_checksum(received, registers):
    request = frame(7, 3, 0x01, 0xF4, 0x00, registers)
    found = search(request, received, final=True).reply
    assert found is None or (whole(found) and found[0] == 7 and (found[1] == 0x83 or found[2] == 2 * registers))
    assert diagnose(request, received) in Fault


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=20), st.integers(1, 247), st.binary(max_size=6))
def test_every_reply_is_found_behind_noise_that_is_not_its_own_beginning(words, unit, noise):
    request = frame(unit, 4, 0x10, 0x00, 0x00, len(words))
    reply = answer(request, words)
    assert search(request, noise + reply, final=True).reply == reply or unit in noise


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (REPLY, False),
        (REPLY[:-1] + b"\x00", True),
        (REQUEST + REPLY[:-1] + b"\x00", True),
        (REPLY[:4] + b"\xff" + REPLY[5:], True),
        (b"\x09" + REPLY[1:], False),
        (REPLY[:-1], False),
        (OTHER_COUNT, False),
        (b"", False),
    ],
)
def test_an_answer_that_is_whole_but_for_its_crc_is_told_from_anything_else(received, expected):
    assert garbled(REQUEST, received) is expected
