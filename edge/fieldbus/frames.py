"""Finds the one true reply in whatever bytes a line delivers. Pure: bytes in, a verdict out.

Modbus over Serial Line V1.02, 2.5.1 (RTU frame: unit, function, data, CRC low byte first) and Modbus Application Protocol V1.1b3,
6.3, 6.4 (read holding/input registers) and 7 (exception responses).
"""

from enum import StrEnum
from typing import Final, NamedTuple

REQUEST_BYTES: Final = 8
EXCEPTION_BYTES: Final = 5
_EXCEPTION_BIT: Final = 0x80
_READ_FUNCTIONS: Final = (3, 4)


class Fault(StrEnum):
    """Why no reply could be used, as it stands in health messages and logs."""

    TIMEOUT = "timeout"
    """Not one byte came."""
    CHECKSUM = "checksum"
    TRUNCATED = "truncated"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_BYTE_COUNT = "wrong_byte_count"
    """A reply of this unit to some other request: most likely a late one."""
    NOISE = "noise"
    """Bytes that are no frame at all."""


class Search(NamedTuple):
    """What a look at the bytes so far found.

    Attributes:
        reply: the whole reply frame of the asked unit (data or exception), or None.
        missing: how many more bytes are needed at the least.
        explained: every byte so far belongs to the echo or to whole frames of others: the true reply may still begin.
    """

    reply: bytes | None
    missing: int
    explained: bool


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def crc16(data: bytes) -> bytes:
    """The CRC of an RTU frame, as the two bytes that end it (Modbus over Serial Line V1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def whole(frame: bytes) -> bool:
    """Whether the frame's CRC is right."""
    return len(frame) >= EXCEPTION_BYTES and crc16(frame[:-2]) == frame[-2:]


def reply_bytes(request: bytes) -> int:
    """Length of the reply with data that a read request asks for."""
    return 5 + 2 * int.from_bytes(request[4:6], "big")


def without_echo(request: bytes, received: bytes) -> bytes:
    """What is left when an adapter plays our own request back to us."""
    return received.removeprefix(request)


def search(request: bytes, received: bytes, *, final: bool = False) -> Search:
    """Looks for the reply to `request` (a whole read request of 8 bytes) in `received`.

    Leading noise, an echo and whole frames of other units are stepped over. `final`: no more bytes will come, so
    that what could have become an echo is looked at as a reply.
    """
    if not final and 0 < len(received) < REQUEST_BYTES and request.startswith(received):
        return Search(None, REQUEST_BYTES - len(received), explained=True)
    rest = without_echo(request, received)
    unit, function, length = request[0], request[1], reply_bytes(request)
    missing = None
    for start in range(len(rest)):
        if rest[start] != unit:
            continue
        head = rest[start : start + 3]
        if len(head) > 1 and head[1] == function | _EXCEPTION_BIT:
            size = EXCEPTION_BYTES
        elif (len(head) > 1 and head[1] != function) or (len(head) > 2 and head[2] != length - 5):
            continue
        else:
            size = length
        frame = rest[start : start + size]
        if len(frame) < size:
            missing = min(missing or size, size - len(frame))
        elif whole(frame):
            return Search(frame, 0, explained=True)
    return Search(None, missing or EXCEPTION_BYTES, explained=_frames_of_others(rest))


def _frames_of_others(received: bytes) -> bool:
    """Whether the bytes are a row of whole reply frames and nothing else."""
    while received:
        if len(received) < EXCEPTION_BYTES:
            return False
        size = 5 + received[2] if received[1] in _READ_FUNCTIONS else EXCEPTION_BYTES
        if not whole(received[:size]):
            return False
        received = received[size:]
    return True


def diagnose(request: bytes, received: bytes) -> Fault:
    """The name of what went wrong when the bytes hold no reply to the request."""
    if not received:
        return Fault.TIMEOUT
    rest = without_echo(request, received)
    if not rest:
        return Fault.TIMEOUT
    if rest[0] != request[0]:
        return Fault.WRONG_UNIT if len(rest) >= EXCEPTION_BYTES and _frames_of_others(rest) else Fault.NOISE
    if len(rest) < 3:
        return Fault.TRUNCATED
    if rest[1] == request[1] | _EXCEPTION_BIT:
        return Fault.CHECKSUM if len(rest) >= EXCEPTION_BYTES else Fault.TRUNCATED
    if rest[1] != request[1]:
        return Fault.WRONG_FUNCTION if _frames_of_others(rest) else Fault.CHECKSUM
    if rest[2] != reply_bytes(request) - 5:
        return Fault.WRONG_BYTE_COUNT if _frames_of_others(rest) else Fault.CHECKSUM
    return Fault.CHECKSUM if len(rest) >= reply_bytes(request) else Fault.TRUNCATED


def garbled(request: bytes, received: bytes) -> bool:
    """Whether the bytes are the whole answer to the request but for a wrong CRC: the device has spoken, no more is to come."""
    rest = without_echo(request, received)
    length = reply_bytes(request)
    return len(rest) >= length and rest[:3] == bytes((*request[:2], length - 5)) and not whole(rest[:length])
