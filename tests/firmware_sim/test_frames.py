"""The Modbus RTU codec against published frames."""

import pytest

from firmware_sim.frames import (
    ExceptionCode,
    ReadRequest,
    RefusedRequest,
    WriteRequest,
    crc16,
    crc_matches,
    exception_response,
    parse_request,
    read_response,
    split_requests,
    with_crc,
    write_response,
)

PUBLISHED_FRAMES = [
    # MODBUS over Serial Line V1.02, 6.2.2: the worked example 02 07 gives 41 12.
    "02 07 41 12",
    # Requests that stand in many vendors' manuals.
    "01 03 00 00 00 0A C5 CD",
    "01 04 00 00 00 01 31 CA",
    "11 03 00 6B 00 03 76 87",
    # A vendor's worked request and answer (Elsner P03/3-Modbus p. 5; a rain gauge's page), and Lambrecht's request of register 40050.
    "01 04 00 00 00 11 30 06",
    "01 03 02 02 18 B9 2E",
    "05 03 9C 72 00 08 CB C3",
]


@pytest.mark.parametrize("text", PUBLISHED_FRAMES)
def test_the_checksum_of_published_frames(text):
    frame = bytes.fromhex(text)
    assert with_crc(frame[:-2]) == frame
    assert crc_matches(frame)


def test_the_check_value_of_the_polynomial():
    assert crc16(b"123456789") == 0x4B37


def test_any_single_wrong_bit_is_noticed():
    frame = bytes.fromhex("11 03 00 6B 00 03 76 87")
    for bit in range(8 * len(frame)):
        wrong = bytearray(frame)
        wrong[bit // 8] ^= 1 << bit % 8
        assert not crc_matches(bytes(wrong))


# MODBUS Application Protocol V1.1b3, 6.3, 6.4, 6.6, 6.12: the specification's own examples, with unit 17 before and the CRC behind.
SPECIFICATION_EXAMPLES = [
    ("03 006B 0003", ReadRequest(17, 3, 0x6B, 3), "03 06 022B 0000 0064"),
    ("04 0008 0001", ReadRequest(17, 4, 0x08, 1), "04 02 000A"),
    ("06 0001 0003", WriteRequest(17, 6, 1, (3,)), "06 0001 0003"),
    ("10 0001 0002 04 000A 0102", WriteRequest(17, 16, 1, (0x000A, 0x0102)), "10 0001 0002"),
]
WORDS = {3: (0x022B, 0, 0x64), 4: (0x000A,)}


@pytest.mark.parametrize(("request_body", "request_", "response_body"), SPECIFICATION_EXAMPLES)
def test_the_examples_of_the_specification(request_body, request_, response_body):
    assert parse_request(with_crc(bytes.fromhex("11" + request_body))) == request_
    is_read = isinstance(request_, ReadRequest)
    response = read_response(request_, WORDS[request_.function]) if is_read else write_response(request_)
    assert response == with_crc(bytes.fromhex("11" + response_body))


def test_an_exception_sets_the_high_bit_of_the_function():
    assert exception_response(17, 1, 2) == with_crc(bytes.fromhex("11 81 02"))


BAD_REQUESTS = [
    ("no register at all", "11 03 0000 0000", ExceptionCode.ILLEGAL_DATA_VALUE),
    ("126 registers", "11 04 0000 007E", ExceptionCode.ILLEGAL_DATA_VALUE),
    ("a read that is too long", "11 03 0000 0001 00", ExceptionCode.ILLEGAL_DATA_VALUE),
    ("a write whose byte count lies", "11 10 0001 0002 03 000A 0102", ExceptionCode.ILLEGAL_DATA_VALUE),
    ("a write of nothing", "11 10 0001 0000 00", ExceptionCode.ILLEGAL_DATA_VALUE),
    ("a single write that is too short", "11 06 0001 00", ExceptionCode.ILLEGAL_DATA_VALUE),
    ("coils", "11 01 0000 0001", ExceptionCode.ILLEGAL_FUNCTION),
    ("a function nobody knows", "11 64", ExceptionCode.ILLEGAL_FUNCTION),
]


@pytest.mark.parametrize(("what", "body", "code"), BAD_REQUESTS)
def test_a_sound_frame_that_asks_the_impossible_is_refused_by_name(what, body, code):
    frame = with_crc(bytes.fromhex(body))
    assert parse_request(frame) == RefusedRequest(0x11, frame[1], code), what


@pytest.mark.parametrize(
    "data", [b"", b"\x11", b"\x11\x03\x00", bytes(8), bytes(300), b"\x11\x03\x00\x6b\x00\x03\x76\x88"]
)
def test_what_is_no_frame_gets_no_answer(data):
    assert parse_request(data) is None


def test_two_requests_heard_at_once_are_told_apart():
    one, two = bytes.fromhex("11 03 00 6B 00 03 76 87"), bytes.fromhex("01 04 00 00 00 01 31 CA")
    write = with_crc(bytes.fromhex("11 10 0001 0002 04 000A 0102"))
    assert split_requests(one + write + two) == (one, write, two)


def test_rubbish_is_left_whole():
    assert split_requests(b"\x00\xff\x13" * 5) == (b"\x00\xff\x13" * 5,)
    assert split_requests(b"") == ()
