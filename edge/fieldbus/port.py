"""A serial port that gives minimalmodbus one checked reply or a named fault, never somebody else's bytes.

minimalmodbus reads "as many bytes as expected, or until the timeout" and believes what it gets. On a line with late replies,
echoes, noise and exceptions this is wrong or slow, so that its serial port is replaced by this one, which
- keeps 3.5 character times of silence before a request (Modbus over Serial Line V1.02, 2.5.1.1), longer where bytes still arrive;
- knows the request it sent and returns only the frame that answers it (`frames.search`), an exception reply at once;
- ends the wait at the response time, or a short gap after bytes that cannot become a reply;
- sleeps while a frame is under way, instead of waking for each byte.
"""

import contextlib
import os
import select
import time
from typing import Final

import serial

from edge.fieldbus.frames import Fault, diagnose, garbled, reply_bytes, search

BITS_PER_CHARACTER: Final = 11
GAP_S: Final = 0.05
"""Bytes of one frame never lie further apart: USB adapters hand over every 16 ms, a busy machine wakes a little late."""
RECEIVED_BYTES_MAX: Final = 1024
DRAIN_S_MAX: Final = 2.0


class BusFaultError(Exception):
    """A request without a usable reply.

    Attributes:
        stray_bytes: how many bytes came instead.
        garbled: they were the whole answer but for its CRC.
        due_in_s: how much of the time that an answer may take is left.
    """

    def __init__(self, fault: Fault, stray_bytes: int = 0, *, garbled: bool = False, due_in_s: float = 0.0) -> None:
        self.fault = fault
        self.stray_bytes = stray_bytes
        self.garbled = garbled
        self.due_in_s = due_in_s
        super().__init__(f"{fault} ({stray_bytes} bytes)")


class PortLostError(Exception):
    """The port itself is gone or does not open: the adapter was pulled out, or there never was one."""


class GuardedPort:
    """What minimalmodbus takes for a `serial.Serial`.

    Attributes:
        response_s: how long the addressed device may take to begin its answer; set before each request.
        strays: bytes thrown away since the port was opened, because they came when nobody had asked.
        last_reply: the frame that `read` returned last.
        last_received: all bytes that `read` saw last, an echo and noise included.
    """

    def __init__(self, port: str, baud: int, parity: str, stop_bits: int) -> None:
        """Opens the port. Raises PortLostError with the system's reason."""
        self.port = port
        self.baudrate = baud
        self.timeout: float | None = None
        self.response_s = 0.5
        self.strays = 0
        self.last_reply = b""
        self.last_received = b""
        self.character_s = BITS_PER_CHARACTER / baud
        self.silence_s = max(3.5 * self.character_s, 0.00175)
        self._request = b""
        self._written_at_s = 0.0
        self._active_at_s = 0.0
        try:
            self._serial = serial.Serial(
                port, baudrate=baud, parity=parity, stopbits=stop_bits, timeout=0, write_timeout=2.0, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise PortLostError(_reason(error)) from None

    @property
    def is_open(self) -> bool:
        return bool(self._serial.is_open)

    def open(self) -> None:
        """Reopening is the bus's business: it makes a new port, and keeps a back-off between attempts."""
        raise PortLostError("the port is closed")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._serial.close()

    def flush(self) -> None:
        self._serial.flush()

    def reset_output_buffer(self) -> None:
        """Nothing of ours ever waits there: a request is one write of eight bytes."""

    def reset_input_buffer(self) -> None:
        """Called before each request: whatever lies there is nobody's, and its sender may still be talking."""
        if self._take(0.0):
            self.drain(GAP_S)

    def drain(self, quiet_s: float) -> bytes:
        """Listens until the line has been silent for `quiet_s`, at most DRAIN_S_MAX beyond it. Returns what nobody had asked for."""
        heard = bytearray()
        give_up_at_s = time.monotonic() + quiet_s + DRAIN_S_MAX
        quiet_at_s = time.monotonic() + quiet_s
        while (now_s := time.monotonic()) < min(quiet_at_s, give_up_at_s):
            stray = self._take(quiet_at_s - now_s)
            if stray:
                self.strays += len(stray)
                heard += stray
                # What came has been thrown away; only the end of its frame is waited for, not the whole silence again.
                quiet_at_s = max(quiet_at_s, time.monotonic() + GAP_S)
        return bytes(heard)

    def write(self, request: bytes) -> int:
        """Sends a request after the silence that separates frames."""
        wait_s = self._active_at_s + self.silence_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        self._request = bytes(request)
        try:
            written: int = self._serial.write(request)
        except OSError as error:
            raise PortLostError(_reason(error)) from None
        self._written_at_s = time.monotonic()
        return written

    def read(self, size: int) -> bytes:  # noqa: ARG002 - the request says it, and an exception is shorter
        """The frame that answers the request written last, with data or an exception; `size` is what minimalmodbus expects.

        Raises BusFaultError when none came in time, PortLostError when the port is gone.
        """
        request = self._request
        # Besides the device's own time: the request on the wire, perhaps its echo, and a reply that the adapter hands over whole.
        wire_s = (2 * len(request) + reply_bytes(request)) * self.character_s
        end_by_s = self._written_at_s + wire_s + self.response_s + GAP_S
        received = bytearray()
        heard_at_s = self._written_at_s
        while True:
            self.last_received = bytes(received)
            found = search(request, self.last_received)
            if found.reply is not None:
                return self._accept(found.reply)
            limit_s = end_by_s if found.explained else min(end_by_s, heard_at_s + GAP_S)
            now_s = time.monotonic()
            if now_s >= limit_s or len(received) > RECEIVED_BYTES_MAX:
                break
            if received and found.missing > 1:
                time.sleep(min(found.missing * self.character_s, limit_s - now_s))
            chunk = self._take(max(0.0, limit_s - time.monotonic()))
            if chunk:
                received += chunk
                heard_at_s = time.monotonic()
        found = search(request, bytes(received), final=True)
        if found.reply is not None:
            return self._accept(found.reply)
        raise BusFaultError(
            diagnose(request, bytes(received)),
            len(received),
            garbled=garbled(request, bytes(received)),
            due_in_s=max(0.0, end_by_s - time.monotonic()),
        )

    def _accept(self, reply: bytes) -> bytes:
        self.last_reply = reply
        return reply

    def _take(self, wait_s: float) -> bytes:
        """What has arrived, waiting up to `wait_s` for the first byte; empty when nothing did."""
        try:
            ready, _, _ = select.select([self._serial.fd], [], [], wait_s)
            if not ready:
                return b""
            chunk = os.read(self._serial.fd, RECEIVED_BYTES_MAX)
        except (OSError, TypeError, ValueError) as error:
            raise PortLostError(_reason(error)) from None
        if not chunk:
            raise PortLostError("the device was unplugged")
        self._active_at_s = time.monotonic()
        return chunk


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)
