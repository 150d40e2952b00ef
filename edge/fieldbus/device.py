"""One station's record on the bus: what is read, how it fares, when it may be asked again. Pure: times are handed in."""

import statistics
from collections import deque
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from contract.conversion import physical, raw_of
from contract.messages import DeviceHealth, StationInfo
from contract.profiles import Block, Profile, plan_blocks
from contract.quantities import Flag
from edge.config import BusConfig, StationConfig
from edge.fieldbus.frames import Fault
from edge.fieldbus.reads import Read, readable_range, reads_of

BACKOFF_S_MAX: Final = 60.0
LATE_REPLY_S_MAX: Final = 30.0
"""After so long nobody answers a request any more."""
GARBLED_S_MAX: Final = 2.0
"""The same after an answer that came whole with a wrong CRC: it was most likely the one."""
_POLL_TIMES_KEPT: Final = 63
_PAST: Final = (
    "suspect",
    "failures",
    "not_before_s",
    "_polls",
    "_good",
    "_timeouts",
    "_checksums",
    "_exceptions",
    "_others",
    "_last_good_at_ms",
    "_last_error",
    "_poll_ms",
)
"""What a station has behind it, apart from how it is asked."""


class Sample(msgspec.Struct, frozen=True):
    """What one poll gave: values in the quantities' units, None where there is none; flags only for what is not good.

    `clock_synchronised`: whether `at_ms` could be trusted when it was taken; a clock may be set in the middle of a sweep.
    """

    station: str
    at_ms: int
    monotonic_ms: int
    values: dict[str, float | None]
    flags: dict[str, Flag]
    clock_synchronised: bool


class Device:
    """A station as its bus knows it.

    After any lost or broken reply the device is *suspect*, and an answer to the old request may still come. For half a minute nothing
    is asked in a length that is still unanswered (`reads.reads_of`), so that a late answer is never taken for a new one.
    """

    def __init__(self, config: StationConfig, profile: Profile, bus: BusConfig) -> None:
        self.station = config.id
        self.unit_address = config.unit_address
        self.profile = profile
        self.response_s = profile.response_time_max_s
        self.blocks: tuple[Block, ...] = plan_blocks(profile, config.quantities)
        self.info = StationInfo(config.id, bus.name, config.unit_address, profile.name, bus.interval_s)
        self.suspect = False
        self.failures = 0
        self.not_before_s = 0.0
        self._interval_s = bus.interval_s
        self._ranges = tuple(readable_range(profile, block) for block in self.blocks)
        self._unanswered: dict[int, float] = {}
        self._good = self._polls = self._timeouts = self._checksums = self._exceptions = self._others = 0
        self._last_good_at_ms: int | None = None
        self._last_error: str | None = None
        self._poll_ms: deque[float] = deque(maxlen=_POLL_TIMES_KEPT)

    def succeed(self, before: "Device") -> None:
        """Takes over from the record of this address: its unanswered requests may still be answered. Of the same device, all of it."""
        same = (before.station, before.profile) == (self.station, self.profile)
        for name in ("_unanswered", *(_PAST if same else ())):
            setattr(self, name, getattr(before, name))

    @property
    def answering(self) -> bool:
        """Whether the last poll was answered."""
        return self._good > 0 and not self.suspect

    @property
    def backoff_s(self) -> float:
        """The pause before the next probe: none after the first failure, then doubling from one interval to a minute."""
        if self.failures < 2:
            return 0.0
        return min(BACKOFF_S_MAX, self._interval_s * 2.0 ** min(self.failures - 2, 16))

    def plan(self, now_s: float) -> list[tuple[Block, tuple[Read, ...]]] | None:
        """The requests for a poll; None: no safe length is left for some block until an old request is forgotten."""
        unanswered = self.unanswered(now_s)
        plan = []
        for block, (first, last) in zip(self.blocks, self._ranges, strict=True):
            reads = reads_of(block, first, last, unanswered)
            if reads is None:
                return None
            plan.append((block, reads))
        return plan

    def unanswered(self, now_s: float) -> Collection[int]:
        """The lengths of requests to which an answer may still come."""
        for count, until_s in list(self._unanswered.items()):
            if now_s > until_s:
                del self._unanswered[count]
        return self._unanswered

    def begin_poll(self) -> None:
        self._polls += 1

    def note_good(self, at_ms: int, took_s: float) -> None:
        self.suspect = False
        self.failures = 0
        self._good += 1
        self._last_good_at_ms = at_ms
        self._poll_ms.append(took_s * 1000)

    def note_fault(self, fault: Fault, asked_count: int, now_s: float, *, garbled: bool = False) -> None:
        """`garbled`: the answer came whole, with a wrong CRC."""
        self.suspect = True
        self.failures += 1
        self._note_unanswered(asked_count, now_s + (GARBLED_S_MAX if garbled else LATE_REPLY_S_MAX))
        self.not_before_s = now_s + self.backoff_s
        self._last_error = str(fault)
        if fault is Fault.TIMEOUT:
            self._timeouts += 1
        elif fault is Fault.CHECKSUM:
            self._checksums += 1
        else:
            self._others += 1

    def note_exception(self, code: int, asked_count: int, now_s: float) -> None:
        """An exception reply: the device is well, it only does not serve what was asked.

        While older requests are unanswered it may be a late answer to one of them, and the true one be still to come.
        """
        self.suspect = False
        self.failures = 0
        self._exceptions += 1
        self._last_error = f"exception_{code}"
        if self.unanswered(now_s):
            self._note_unanswered(asked_count, now_s + LATE_REPLY_S_MAX)

    def _note_unanswered(self, count: int, until_s: float) -> None:
        self._unanswered[count] = max(until_s, self._unanswered.get(count, 0.0))

    def health(self) -> DeviceHealth:
        return DeviceHealth(
            station=self.station,
            polls=self._polls,
            good=self._good,
            timeouts=self._timeouts,
            checksum_errors=self._checksums,
            exceptions=self._exceptions,
            other_errors=self._others,
            backoff_s=self.backoff_s,
            last_good_at_ms=self._last_good_at_ms,
            last_error=self._last_error,
            poll_ms_median=round(statistics.median(self._poll_ms), 1) if self._poll_ms else None,
        )


def decode(
    profile: Profile, answers: Mapping[Block, tuple[int, ...] | None]
) -> tuple[dict[str, float | None], dict[str, Flag]]:
    """Values and flags from the words of each block; a block that the device refused (None) gives device errors."""
    values: dict[str, float | None] = {}
    flags: dict[str, Flag] = {}
    for block, words in answers.items():
        for register in block.registers:
            value, flag = None, Flag.DEVICE_ERROR
            if words is not None:
                start = register.address - block.address
                raw = raw_of(register, profile.word_order_of(register), words[start : start + register.registers])
                value, flag = physical(register, raw)
            values[register.quantity] = value
            if flag is not Flag.OK:
                flags[register.quantity] = flag
    return values, flags
