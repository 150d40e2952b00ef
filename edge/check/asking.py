"""Asks one line, by hand: single read requests with everything that came back, for counting and for judging."""

import time
from enum import StrEnum

import msgspec

from edge.fieldbus.frames import Fault, crc16, search
from edge.fieldbus.port import GAP_S, BusFaultError, GuardedPort


class Line(msgspec.Struct, frozen=True):
    """How a line is spoken to."""

    port: str
    baud: int
    parity: str = "N"
    stop_bits: int = 1

    def __str__(self) -> str:
        return f"{self.port} at {self.baud} {8}{self.parity}{self.stop_bits}"


class Kind(StrEnum):
    WORDS = "words"
    EXCEPTION = "exception"
    FAULT = "fault"


class Answer(msgspec.Struct, frozen=True):
    """What one request came to.

    Attributes:
        words: the registers, when there are any.
        exception: the code of an exception reply.
        fault: why there is no usable reply.
        took_s: from the request's last byte to the whole reply.
        echo: our own request was heard first.
        stray_bytes: bytes before or after the reply that belong to nobody.
        twice: a second whole reply of the same unit followed: two devices have one address.
    """

    kind: Kind
    took_s: float
    words: tuple[int, ...] = ()
    exception: int | None = None
    fault: Fault | None = None
    echo: bool = False
    stray_bytes: int = 0
    twice: bool = False


class Asker:
    """An open line. Raises PortLostError when the port does not open or goes away."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._port = GuardedPort(line.port, line.baud, line.parity, line.stop_bits)
        self._port.drain(0.05)

    def close(self) -> None:
        self._port.close()

    def ask(
        self, unit: int, function: int, address: int, count: int, response_s: float, *, linger_s: float = 0.0
    ) -> Answer:
        """One read request. After a fault the line is given `response_s` to fall silent, so that no late reply meets the next request.

        `linger_s`: how long to listen after a reply, for a second device that answers to the same address.
        """
        request = bytes((unit, function)) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
        request += crc16(request)
        port = self._port
        port.reset_input_buffer()
        port.response_s = response_s
        port.write(request)
        began_s = time.monotonic()
        try:
            reply = port.read(0)
        except BusFaultError as error:
            took_s = time.monotonic() - began_s
            echo = port.last_received.startswith(request)
            # A spoilt reply was the reply; after silence or half a frame the true one may still come.
            late = port.drain(GAP_S if error.fault is Fault.CHECKSUM else response_s)
            strays = error.stray_bytes - len(request) * echo + len(late)
            return Answer(Kind.FAULT, took_s, fault=error.fault, echo=echo, stray_bytes=strays)
        took_s = time.monotonic() - began_s
        echo = port.last_received.startswith(request) and request != reply
        heard = port.last_received[len(request) * echo :]
        begins = heard.index(reply)
        after = heard[begins + len(reply) :] + (port.drain(linger_s) if linger_s else b"")
        strays = begins + len(after)
        twice = search(request, after, final=True).reply is not None
        if reply[1] & 0x80:
            return Answer(Kind.EXCEPTION, took_s, exception=reply[2], echo=echo, stray_bytes=strays, twice=twice)
        data = reply[3:-2]
        words = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
        return Answer(Kind.WORDS, took_s, words=words, echo=echo, stray_bytes=strays, twice=twice)
