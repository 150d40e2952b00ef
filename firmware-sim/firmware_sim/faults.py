"""What goes wrong on a real bus, on demand: which faults there are, when they strike, and what they do to an answer."""

import math
import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from firmware_sim.frames import ExceptionCode, crc16, exception_response, with_crc


class FaultKind(StrEnum):
    SILENCE = "silence"
    """No answer at all: cable cut, device without power."""
    CRC = "crc"
    """The answer's checksum is wrong: interference, reflections."""
    LATE = "late"
    """The right answer after the master has given up: it then lies in the way of the next one."""
    EXCEPTION = "exception"
    """A Modbus exception instead of values."""
    ECHO = "echo"
    """The line echoes the request before the answer: an RS-485 adapter whose receiver stays on."""
    STUCK = "stuck"
    """The values of the moment the fault began, again and again."""
    NOISE_BEFORE = "noise_before"
    """Stray bytes ahead of the answer: bias resistors missing."""
    NOISE_AFTER = "noise_after"
    TRUNCATED = "truncated"
    """The answer breaks off."""
    WRONG_UNIT = "wrong_unit"
    """A sound frame with another device's address: two devices with one address, or a device set wrongly."""


class FaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that strikes by schedule and chance; times are real seconds since the simulator started.

    Attributes:
        probability: of striking an answer while active, 0..1.
        starts_after_s, lasts_s: when it is active; `lasts_s` left out: to the end.
        every_s: if given, the active time comes again with this period.
        late_s: how late a late answer is, beyond the device's own response time.
        exception_code: of an exception answer.
    """

    kind: FaultKind
    probability: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    starts_after_s: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    lasts_s: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    every_s: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    late_s: Annotated[float, msgspec.Meta(gt=0.0)] = 1.5
    exception_code: Annotated[int, msgspec.Meta(ge=1, le=255)] = int(ExceptionCode.DEVICE_FAILURE)

    def active(self, elapsed_s: float) -> bool:
        since = elapsed_s - self.starts_after_s
        if since < 0:
            return False
        if self.every_s is not None:
            since = math.fmod(since, self.every_s)
        return self.lasts_s is None or since < self.lasts_s


@dataclass(frozen=True)
class Answer:
    """What a device puts on the line for one request.

    Attributes:
        frame: the bytes, noise included; empty: the device stays silent.
        delay_s: from the end of the request to the first byte.
        echo: the request, heard again ahead of everything else.
        whole: the right answer is in there, all of it; what spoils it may lie around it or make it come too late.
        late: it comes after the master has given up.

    """

    frame: bytes
    delay_s: float
    echo: bytes = b""
    whole: bool = True
    late: bool = False


STRIKING_ORDER: Final = (
    FaultKind.STUCK,
    FaultKind.SILENCE,
    FaultKind.EXCEPTION,
    FaultKind.WRONG_UNIT,
    FaultKind.CRC,
    FaultKind.TRUNCATED,
    FaultKind.NOISE_BEFORE,
    FaultKind.NOISE_AFTER,
    FaultKind.ECHO,
    FaultKind.LATE,
)
"""Several faults at once strike from the inside out: first what the device says, then its frame, then the line."""


def spoil(answer: Answer, fault: FaultPlan, request: bytes, chance: random.Random) -> Answer:
    """`answer` as it comes through with `fault`. STUCK concerns the values and changes nothing here."""
    frame = answer.frame
    match fault.kind:
        case FaultKind.SILENCE:
            return replace(answer, frame=b"", whole=False)
        case FaultKind.CRC:
            wrong = crc16(frame[:-2]) ^ chance.randrange(1, 0x10000)
            return replace(answer, frame=frame[:-2] + wrong.to_bytes(2, "little"), whole=False)
        case FaultKind.LATE:
            return replace(answer, delay_s=answer.delay_s + fault.late_s, late=True)
        case FaultKind.EXCEPTION:
            return replace(
                answer, frame=exception_response(frame[0], frame[1] & 0x7F, fault.exception_code), whole=False
            )
        case FaultKind.ECHO:
            return replace(answer, echo=request)
        case FaultKind.NOISE_BEFORE:
            return replace(answer, frame=chance.randbytes(chance.randint(1, 4)) + frame)
        case FaultKind.NOISE_AFTER:
            return replace(answer, frame=frame + chance.randbytes(chance.randint(1, 4)))
        case FaultKind.TRUNCATED:
            return replace(answer, frame=frame[: chance.randrange(1, len(frame))], whole=False)
        case FaultKind.WRONG_UNIT:
            return replace(answer, frame=with_crc(bytes((frame[0] % 247 + 1,)) + frame[1:-2]), whole=False)
        case FaultKind.STUCK:
            return answer
