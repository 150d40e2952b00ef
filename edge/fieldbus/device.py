"""One station's record on the bus: what is read, how it fares, when it may be asked again. Pure: times are handed in."""

import statistics
from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

from contract.conversion import physical, raw_of
from contract.messages import DeviceHealth, StationInfo
from contract.profiles import Block, Profile, plan_blocks
from contract.quantities import Flag
from edge.config import BusConfig, StationConfig
from edge.fieldbus.frames import Fault

BACKOFF_S_MAX: Final = 60.0
LATE_REPLY_S_MAX: Final = 30.0
"""After so long nobody answers a request any more."""
PROBE_REGISTERS_MAX: Final = 16
_POLL_TIMES_KEPT: Final = 63


class Sample(msgspec.Struct, frozen=True):
    """What one poll gave: values in the quantities' units, None where there is none; flags only for what is not good."""

    station: str
    at_ms: int
    monotonic_ms: int
    values: dict[str, float | None]
    flags: dict[str, Flag]


class Device:
    """A station as its bus knows it.

    After any lost or broken reply the device is *suspect*: an answer to the old request may still come, and would look
    like the answer to the next one. So a suspect is first probed with a request for another number of registers than any that is still
    unanswered: the reply's byte count then tells to which request it belongs. A slave answers in order, so a true answer to
    the probe proves that nothing older is to come.
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
        self._probe_counts = _probe_counts(profile, self.blocks[0])
        self._unanswered: dict[int, float] = {}
        self._good = self._polls = self._timeouts = self._checksums = self._exceptions = self._others = 0
        self._last_good_at_ms: int | None = None
        self._last_error: str | None = None
        self._poll_ms: deque[float] = deque(maxlen=_POLL_TIMES_KEPT)

    @property
    def backoff_s(self) -> float:
        """The pause before the next probe: none after the first failure, then doubling from one interval to a minute."""
        if self.failures < 2:
            return 0.0
        return min(BACKOFF_S_MAX, self._interval_s * 2.0 ** min(self.failures - 2, 16))

    def probe_count(self, now_s: float) -> int | None:
        """How many registers a probe may ask for so that no late reply fits it; None: wait until an old request is forgotten."""
        for count, asked_at_s in list(self._unanswered.items()):
            if now_s - asked_at_s > LATE_REPLY_S_MAX:
                del self._unanswered[count]
        return next((count for count in self._probe_counts if count not in self._unanswered), None)

    def begin_poll(self) -> None:
        self._polls += 1

    def in_step(self) -> None:
        """A probe was answered: nothing older can come any more."""
        self.suspect = False
        self._unanswered.clear()

    def note_good(self, at_ms: int, took_s: float) -> None:
        self.failures = 0
        self._good += 1
        self._last_good_at_ms = at_ms
        self._poll_ms.append(took_s * 1000)

    def note_fault(self, fault: Fault, asked_count: int, now_s: float) -> None:
        self.suspect = True
        self.failures += 1
        self._unanswered[asked_count] = now_s
        self.not_before_s = now_s + self.backoff_s
        self._last_error = str(fault)
        if fault is Fault.TIMEOUT:
            self._timeouts += 1
        elif fault is Fault.CHECKSUM:
            self._checksums += 1
        else:
            self._others += 1

    def note_exception(self, code: int) -> None:
        """An exception reply: the device is well and in step, it only does not serve what was asked."""
        self._exceptions += 1
        self._last_error = f"exception_{code}"

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


def _probe_counts(profile: Profile, block: Block) -> tuple[int, ...]:
    """The lengths a probe of the block may have: from its first register as far as the device lets read in one go."""
    last = max(
        span.last
        for span in profile.readable
        if profile.function_of(span) == block.function and span.first <= block.address <= span.last
    )
    return tuple(range(1, min(PROBE_REGISTERS_MAX, last - block.address + 1) + 1))


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
