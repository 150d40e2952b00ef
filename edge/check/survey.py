"""Walks over one line: who answers, what it is, how well it is heard. Talks to the port, decides nothing about the configuration."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from contract.profiles import Profile, plan_blocks
from edge.check.asking import Answer, Asker, Kind, Line
from edge.check.recognising import Candidate, Recognition, fit, recognise
from edge.check.signal import Signal, conflicting, summarise

PRESENCE_S: Final = 0.25
"""How long an unknown unit may take to begin its answer; those that the configuration names get their profile's time."""
LINGER_S: Final = 0.02
_ABSENT: Final = frozenset({4, 10, 11})
"""Exceptions by which a gateway says that nobody is there: device failure, path unavailable, target did not respond."""

Say = Callable[[str], object]


class Unit(msgspec.Struct, frozen=True):
    """One address that answers.

    Attributes:
        configured: verdict on the profile that the configuration names for it; None where it names none.
        conflict: why two devices seem to share the address.
        absent: a gateway answers in the place of a device that is not there.
    """

    unit: int
    recognition: Recognition
    signal: Signal
    configured: Candidate | str | None = None
    conflict: str | None = None
    absent: bool = False


class LineResult(msgspec.Struct, frozen=True):
    """What a line told under one setting. `garbled`: requests that brought bytes but no reply."""

    line: Line
    asked: tuple[int, ...]
    units: tuple[Unit, ...]
    garbled: int = 0


def survey(  # noqa: PLR0917 - one question with its parts
    line: Line,
    units: Iterable[int],
    profiles: Mapping[str, Profile],
    expected: Mapping[int, Profile],
    tries: int,
    say: Say = lambda _: None,
) -> LineResult:
    """Asks every unit, then looks closely at those that answer. Raises PortLostError.

    Args:
        line: port and settings.
        units: addresses to ask, besides the expected ones.
        profiles: all that may be recognised.
        expected: unit -> profile by the configuration.
        tries: requests for the signal's quality, each unit.
        say: told what is being done, for a person who waits.

    """
    addresses = tuple(sorted({*units, *expected}))
    asker = Asker(line)
    try:
        present: dict[int, tuple[int, int, int]] = {}
        garbled = 0
        for unit in addresses:
            say(f"{line}: asking unit {unit}")
            request, garbage = _presence(asker, unit, expected.get(unit))
            garbled += garbage
            if request is not None:
                present[unit] = request
        found = []
        for unit, request in present.items():
            say(f"{line}: unit {unit} answers, looking closer")
            found.append(_closer(asker, unit, request, profiles, expected.get(unit), tries))
    finally:
        asker.close()
    return LineResult(line, addresses, _with_conflicts(found), garbled)


def _presence(asker: Asker, unit: int, profile: Profile | None) -> tuple[tuple[int, int, int] | None, int]:
    """The request that a unit answers, with data or an exception, and how many brought bytes but no reply."""
    requests = [(3, 0, 1), (4, 0, 1)]
    wait_s = PRESENCE_S
    if profile is not None:
        block = plan_blocks(profile)[0]
        # Twice: one lost reply is no missing station.
        requests = [(block.function, block.address, block.count)] * 2 + requests
        wait_s = profile.response_time_max_s
    garbled = 0
    for request in requests:
        answer = asker.ask(unit, *request, wait_s)
        if answer.kind is not Kind.FAULT:
            return request, garbled
        garbled += answer.stray_bytes > 0
    # Bytes that never make a reply: two devices at one address, or a torn line. Worth a closer look where a station is expected.
    return (requests[0], garbled) if profile is not None and garbled == len(requests) else (None, garbled)


def _closer(  # noqa: PLR0917
    asker: Asker,
    unit: int,
    request: tuple[int, int, int],
    profiles: Mapping[str, Profile],
    expected: Profile | None,
    tries: int,
) -> Unit:
    heard: list[Answer] = []

    def ask(function: int, address: int, count: int) -> Answer:
        for _ in range(3):
            answer = asker.ask(unit, function, address, count, wait_s)
            if answer.kind is not Kind.FAULT:
                break
        heard.append(answer)
        return answer

    wait_s = max(profile.response_time_max_s for profile in profiles.values())
    recognition = recognise(profiles, ask)
    configured: Candidate | str | None = None
    if expected is not None:
        verdict = fit(expected, ask)
        configured = verdict if isinstance(verdict, Candidate) else verdict.why
        request = _first_block(expected)
    elif recognition.best:
        request = _first_block(profiles[recognition.best[0].profile])
    signal = summarise([asker.ask(unit, *request, wait_s, linger_s=LINGER_S) for _ in range(tries)])
    exceptions = [answer.exception for answer in heard if answer.kind is Kind.EXCEPTION]
    absent = bool(exceptions) and len(exceptions) == len(heard) and set(exceptions) <= _ABSENT
    return Unit(unit, recognition, signal, configured, absent=absent)


def _first_block(profile: Profile) -> tuple[int, int, int]:
    block = plan_blocks(profile)[0]
    return block.function, block.address, block.count


def _with_conflicts(units: Sequence[Unit]) -> tuple[Unit, ...]:
    return tuple(
        msgspec.structs.replace(
            unit, conflict=conflicting(unit.signal, [other.signal for other in units if other is not unit])
        )
        for unit in units
    )
