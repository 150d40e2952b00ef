"""Which device is this? Pure: a unit's answers in, candidates with their reasons out.

A profile fits when its identification registers say so, when every block it would be read by is answered, and when what is
read there could be weather. Registers carry no names, so that two profiles may fit; then both are told, and a person decides.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from contract.profiles import Block, Profile, plan_blocks
from contract.quantities import QUANTITIES, Flag, check_range
from edge.check.asking import Answer, Kind
from edge.fieldbus.device import decode

MISSING_SHARE_MAX: Final = 0.7
"""With more of its values marked invalid a profile is believed less."""
ALIKE: Final = 0.15
"""Candidates whose scores lie closer than this cannot be told apart."""

Ask = Callable[[int, int, int], Answer]
"""(function, address, count) -> what the unit answers."""


class Value(msgspec.Struct, frozen=True):
    """One measured value. `plausible` is None where nothing was measured."""

    quantity: str
    value: float | None
    unit: str
    plausible: bool | None
    why: str = ""


class Candidate(msgspec.Struct, frozen=True):
    """A profile that fits: how well (0..2, above 1 with identification), why, and what is read by it."""

    profile: str
    score: float
    why: tuple[str, ...]
    values: tuple[Value, ...]


class Excluded(msgspec.Struct, frozen=True):
    """A profile that does not fit, and why not."""

    profile: str
    why: str


class Recognition(msgspec.Struct, frozen=True):
    """`best`: candidates that cannot be told apart, one if it is clear, none if nothing fits; the rest are `excluded`."""

    best: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


def recognise(profiles: Mapping[str, Profile], ask: Ask) -> Recognition:
    """Tries every profile on one unit."""
    heard: dict[tuple[int, int, int], Answer] = {}

    def once(function: int, address: int, count: int) -> Answer:
        key = (function, address, count)
        if key not in heard:
            heard[key] = ask(*key)
        return heard[key]

    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    for profile in profiles.values():
        verdict = fit(profile, once)
        if isinstance(verdict, Candidate):
            candidates.append(verdict)
        else:
            excluded.append(verdict)
    candidates.sort(key=lambda candidate: (-candidate.score, candidate.profile))
    best = [each for each in candidates if candidates[0].score - each.score < ALIKE]
    excluded += [
        Excluded(each.profile, f"fits less well than {best[0].profile}: {'; '.join(each.why)}")
        for each in candidates[len(best) :]
    ]
    return Recognition(tuple(best), tuple(excluded))


def fit(profile: Profile, ask: Ask) -> Candidate | Excluded:
    """One profile against one unit: identification first, then its blocks, then its values, then what it should refuse."""
    why: list[str] = []
    score = 0.0
    for mark in profile.identification:
        answer = ask(profile.function_of(mark), mark.address, 1)
        if answer.kind is not Kind.WORDS:
            return Excluded(profile.name, f"no identification in register {mark.address:#06x}: {_said(answer)}")
        found = answer.words[0] & mark.mask
        if found not in mark.values:
            return Excluded(profile.name, f"identification register {mark.address:#06x} holds {found:#06x}")
        why.append(f"identification register {mark.address:#06x} holds {found:#06x}")
        score += 1.0 / len(profile.identification)
    answers: dict[Block, tuple[int, ...] | None] = {}
    for block in plan_blocks(profile):
        answer = ask(block.function, block.address, block.count)
        if answer.kind is not Kind.WORDS:
            return Excluded(
                profile.name,
                f"registers {block.address:#06x} to {block.address + block.count - 1:#06x}: {_said(answer)}",
            )
        answers[block] = answer.words
    values = judged(profile, answers)
    wrong = [value for value in values if value.plausible is False]
    if wrong:
        first = wrong[0]
        return Excluded(profile.name, f"{first.quantity} would be {first.value:g} {first.unit}: {first.why}")
    measured = sum(value.plausible is True for value in values)
    if not measured:
        return Excluded(profile.name, "every value would be missing")
    why.append(f"{measured} of {len(values)} values are plausible")
    score += 0.7 * min(1.0, measured / len(values) / (1 - MISSING_SHARE_MAX)) if measured < len(values) else 0.7
    if all(value.value == 0 for value in values if value.value is not None):
        why.append("but all are 0")
        score -= 0.3
    beyond = _first_unreadable(profile)
    if beyond is not None:
        answer = ask(*beyond, 1)
        if answer.kind is Kind.EXCEPTION:
            why.append(f"register {beyond[1]:#06x} is refused, as its manual says")
            score += 0.3
        elif answer.kind is Kind.WORDS:
            why.append(f"but register {beyond[1]:#06x} is answered, beyond what its manual names")
    return Candidate(profile.name, round(score, 3), tuple(why), values)


def judged(profile: Profile, answers: Mapping[Block, tuple[int, ...] | None]) -> tuple[Value, ...]:
    """Values with a verdict each: in the quantity's range, and not against one another."""
    values, flags = decode(profile, answers)
    gust, speed = values.get("wind_gust_ms"), values.get("wind_speed_ms")
    dew, air = values.get("dew_point_degc"), values.get("air_temperature_degc")
    result = []
    for name, value in values.items():
        unit = QUANTITIES[name].unit
        if value is None:
            reason = "the device marks it invalid" if flags.get(name) is Flag.MISSING else "the device reports an error"
            result.append(Value(name, None, unit, None, reason))
        elif check_range(name, value) is not Flag.OK:
            limits = QUANTITIES[name]
            result.append(
                Value(name, value, unit, plausible=False, why=f"outside {limits.minimum:g} to {limits.maximum:g}")
            )
        elif name == "wind_gust_ms" and speed is not None and gust is not None and gust < speed - 1.0:
            result.append(Value(name, value, unit, plausible=False, why=f"below the wind speed {speed:g}"))
        elif name == "dew_point_degc" and air is not None and dew is not None and dew > air + 1.0:
            result.append(Value(name, value, unit, plausible=False, why=f"above the air temperature {air:g}"))
        else:
            result.append(Value(name, value, unit, plausible=True))
    return tuple(result)


def _first_unreadable(profile: Profile) -> tuple[int, int] | None:
    """(function, address) just behind the profile's first readable range, if no other range of that function holds it."""
    span = profile.readable[0]
    function, address = profile.function_of(span), span.last + 1
    covered = any(
        profile.function_of(other) == function and other.first <= address <= other.last for other in profile.readable
    )
    return None if covered or address > 0xFFFF else (function, address)


def _said(answer: Answer) -> str:
    return f"exception {answer.exception}" if answer.kind is Kind.EXCEPTION else f"{answer.fault}"
