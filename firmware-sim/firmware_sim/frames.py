"""Modbus RTU frames as a slave sees them: bytes in, requests out; answers in, bytes out. No port, no clock.

Sources: MODBUS Application Protocol Specification V1.1b3 (functions 3, 4, 6, 16 and exceptions: 6.3, 6.4, 6.6, 6.12, 7) and
MODBUS over Serial Line V1.02 (RTU framing 2.5.1, CRC 6.2.2).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

READ_REGISTERS_MAX: Final = 125
WRITE_REGISTERS_MAX: Final = 123
FRAME_BYTES_MAX: Final = 256
BROADCAST_UNIT: Final = 0


class Function(IntEnum):
    READ_HOLDING_REGISTERS = 3
    READ_INPUT_REGISTERS = 4
    WRITE_SINGLE_REGISTER = 6
    WRITE_MULTIPLE_REGISTERS = 16


class ExceptionCode(IntEnum):
    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2
    ILLEGAL_DATA_VALUE = 3
    DEVICE_FAILURE = 4
    DEVICE_BUSY = 6


@dataclass(frozen=True)
class ReadRequest:
    unit: int
    function: int
    address: int
    count: int


@dataclass(frozen=True)
class WriteRequest:
    unit: int
    function: int
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class RefusedRequest:
    """A whole frame with a right checksum that no slave of this kind can serve, and the exception it deserves."""

    unit: int
    function: int
    code: ExceptionCode


Request = ReadRequest | WriteRequest | RefusedRequest


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        register = byte
        for _ in range(8):
            register = register >> 1 ^ 0xA001 if register & 1 else register >> 1
        table.append(register)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def crc16(data: bytes) -> int:
    """The Modbus CRC of `data`, 0..65535; on the wire its low byte goes first."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ _CRC_TABLE[(register ^ byte) & 0xFF]
    return register


def with_crc(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def crc_matches(frame: bytes) -> bool:
    return len(frame) >= 4 and crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def parse_request(frame: bytes) -> Request | None:
    """The request in one whole frame; None where a slave stays silent: too short, too long, or a wrong checksum."""
    if len(frame) > FRAME_BYTES_MAX or not crc_matches(frame):
        return None
    unit, function, body = frame[0], frame[1], frame[2:-2]
    if function in {Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS}:
        if len(body) != 4:
            return RefusedRequest(unit, function, ExceptionCode.ILLEGAL_DATA_VALUE)
        address, count = struct.unpack(">HH", body)
        if not 1 <= count <= READ_REGISTERS_MAX:
            return RefusedRequest(unit, function, ExceptionCode.ILLEGAL_DATA_VALUE)
        return ReadRequest(unit, function, address, count)
    if function == Function.WRITE_SINGLE_REGISTER:
        if len(body) != 4:
            return RefusedRequest(unit, function, ExceptionCode.ILLEGAL_DATA_VALUE)
        address, word = struct.unpack(">HH", body)
        return WriteRequest(unit, function, address, (word,))
    if function == Function.WRITE_MULTIPLE_REGISTERS:
        if len(body) < 5:
            return RefusedRequest(unit, function, ExceptionCode.ILLEGAL_DATA_VALUE)
        address, count, size = struct.unpack(">HHB", body[:5])
        if not 1 <= count <= WRITE_REGISTERS_MAX or size != 2 * count or len(body) != 5 + size:
            return RefusedRequest(unit, function, ExceptionCode.ILLEGAL_DATA_VALUE)
        return WriteRequest(unit, function, address, struct.unpack(f">{count}H", body[5:]))
    return RefusedRequest(unit, function, ExceptionCode.ILLEGAL_FUNCTION)


def read_response(request: ReadRequest, words: Sequence[int]) -> bytes:
    body = struct.pack(f">BBB{len(words)}H", request.unit, request.function, 2 * len(words), *words)
    return with_crc(body)


def write_response(request: WriteRequest) -> bytes:
    """Function 6 repeats the value, function 16 the number of registers."""
    last = request.words[0] if request.function == Function.WRITE_SINGLE_REGISTER else len(request.words)
    return with_crc(struct.pack(">BBHH", request.unit, request.function, request.address, last))


def exception_response(unit: int, function: int, code: int) -> bytes:
    return with_crc(bytes((unit, function | 0x80, code)))


def split_requests(data: bytes) -> tuple[bytes, ...]:
    """The request frames in what was heard between two silences.

    On a real line that is one frame. A pseudo terminal has no bit timing: when this process wakes late, two requests of an
    impatient master can lie in one read. They are told apart by the length their function implies; what has no known length, or
    does not check, is left whole for `parse_request` to turn down.
    """
    frames: list[bytes] = []
    rest = data
    while rest:
        length = _implied_length(rest)
        if length is None or length >= len(rest) or not crc_matches(rest[:length]):
            frames.append(rest)
            break
        frames.append(rest[:length])
        rest = rest[length:]
    return tuple(frames)


def _implied_length(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    if data[1] in {1, 2, 3, 4, 5, 6}:
        return 8
    if data[1] in {15, 16} and len(data) >= 7:
        return 9 + data[6]
    return None
