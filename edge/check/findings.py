"""What is not as it should be, with an exact name and what to do about it, in the words of somebody on a ladder. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from edge.check.asking import Line
from edge.check.recognising import Candidate, Value
from edge.check.signal import Verdict
from edge.check.survey import LineResult, Unit


class Finding(msgspec.Struct, frozen=True):
    """`problem`: the check fails by it; else it is only worth knowing."""

    name: str
    where: str
    what: str
    advice: str
    problem: bool = True


class Station(msgspec.Struct, frozen=True):
    """What the configuration says of one unit."""

    id: str
    unit: int
    profile: str


NOISY_SHARE_MAX: Final = 0.05
_WIRING: Final = "is the station powered? are A and B swapped? is the line ended with 120 ohm at both ends, its shield connected at one?"


def judge(result: LineResult, stations: Sequence[Station] | None, configured_line: Line | None) -> list[Finding]:
    """All findings on one line. `stations`: what the configuration has on it; None where there is no configuration."""
    where = str(result.line)
    if not result.units:
        garbled = f"; {result.garbled} requests brought bytes that are no reply: wrong baud rate or parity, or a disturbed line"
        return [
            Finding(
                "nothing_answers",
                where,
                f"no unit of {_span(result.asked)} answers{garbled if result.garbled else ''}",
                _WIRING + " Try --baud and --all.",
            )
        ]
    found: list[Finding] = []
    if configured_line is not None and configured_line != result.line:
        found.append(
            Finding(
                "wrong_line_settings",
                str(configured_line),
                f"silent there, but answers at {result.line.baud} 8{result.line.parity}{result.line.stop_bits}",
                "set baud, parity and stop_bits of the bus to this, or set the stations",
            )
        )
    if any(unit.signal.echoes for unit in result.units):
        found.append(
            Finding(
                "echo",
                where,
                "the adapter plays our own requests back",
                "harmless: the agent steps over it; an adapter with echo off saves time",
                problem=False,
            )
        )
    expected = {station.unit: station for station in stations or ()}
    for unit in result.units:
        found += _of_unit(unit, f"{where}, unit {unit.unit}", expected.get(unit.unit), known=stations is not None)
    heard = {unit.unit for unit in result.units if not unit.absent}
    found += [
        Finding(
            "station_missing",
            f"{where}, unit {station.unit}",
            f"{station.id} ({station.profile}) does not answer",
            _missing_advice(result, expected, station),
        )
        for station in expected.values()
        if station.unit not in heard
    ]
    return found


def _of_unit(unit: Unit, where: str, station: Station | None, *, known: bool) -> list[Finding]:
    if unit.absent:
        if station is not None:
            return []  # told as missing
        text = "an exception comes in the place of a device: a gateway stands before the line, and nobody is behind it here"
        return [Finding("nobody_behind_gateway", where, text, "nothing to do", problem=False)]
    found = _of_signal(unit, where)
    best = unit.recognition.best
    names = " or ".join(candidate.profile for candidate in best)
    if station is None:
        if known:
            found.append(
                Finding(
                    "unexpected_unit",
                    where,
                    f"answers ({names or 'unknown device'}) and is not in the configuration",
                    "add it to the bus, or take it off the line",
                )
            )
        if not best:
            found.append(
                Finding(
                    "unknown_device",
                    where,
                    "answers, but fits no device profile",
                    "see the reasons above; write a profile: docs/devices.md",
                    problem=known is False,
                )
            )
    elif isinstance(unit.configured, str) and unit.conflict is None:
        found.append(_misfit(unit, where, station, names))
    if len(best) > 1 and not (station is not None and any(each.profile == station.profile for each in best)):
        reasons = "; ".join(f"{each.profile}: {', '.join(each.why)}" for each in best)
        found.append(
            Finding(
                "ambiguous_profile",
                where,
                f"could be {names} ({reasons})",
                "read the type plate; compare the values with what you see and feel",
                problem=False,
            )
        )
    values = _values(unit)
    missing = [value.quantity for value in values if value.value is None]
    if missing:
        found.append(
            Finding(
                "values_missing",
                where,
                f"no measurement of {', '.join(missing)}",
                "a sensor is not fitted, is warming up, or has failed",
                problem=False,
            )
        )
    return found


def _misfit(unit: Unit, where: str, station: Station, names: str) -> Finding:
    if names:
        return Finding(
            "wrong_profile",
            where,
            f"{station.id} is configured as {station.profile}, which does not fit ({unit.configured}); it looks like {names}",
            "correct the profile of the station, or its unit_address if two were mixed up",
        )
    if "would be" in str(unit.configured):
        return Finding(
            "implausible_value",
            where,
            f"{station.id}: {unit.configured}",
            "a broken sensor, or the wrong profile: read the type plate",
        )
    return Finding(
        "wrong_profile",
        where,
        f"{station.id} is configured as {station.profile}, which does not fit: {unit.configured}",
        "no profile we know fits: read the type plate, see docs/devices.md",
    )


def _of_signal(unit: Unit, where: str) -> list[Finding]:
    signal = unit.signal
    if unit.conflict is not None:
        return [
            Finding(
                "address_conflict",
                where,
                f"two devices seem to share this address: {unit.conflict}",
                "unplug one station after the other; give each its own address",
            )
        ]
    noise = Finding(
        "noise",
        where,
        f"stray bytes around {signal.noisy} of {signal.tries} replies",
        "the line floats when nobody talks: bias resistors and a common ground are missing; the agent steps over it",
        problem=False,
    )
    found = [noise] if signal.noisy > NOISY_SHARE_MAX * signal.tries else []
    if signal.verdict is Verdict.GOOD:
        return found
    text = (
        f"{signal.good} of {signal.tries} requests were answered well"
        f" ({signal.timeouts} timeouts, {signal.checksum_errors} checksum errors, {signal.broken} broken replies)"
    )
    advice = (
        _WIRING if signal.timeouts >= signal.broken else "disturbance: " + _WIRING + " Keep the line away from mains."
    )
    return [*found, Finding("poor_signal", where, text, advice)]


def _missing_advice(result: LineResult, expected: Mapping[int, Station], station: Station) -> str:
    """A device that answers where none is expected, and looks like the missing one, was probably left at its factory address."""
    for unit in result.units:
        if unit.unit in expected or unit.absent:
            continue
        if any(candidate.profile == station.profile for candidate in unit.recognition.best):
            return f"unit {unit.unit} looks like it: set that device to address {station.unit}, or correct unit_address"
    return _WIRING + " Is its address set?"


def _values(unit: Unit) -> Sequence[Value]:
    if isinstance(unit.configured, Candidate):
        return unit.configured.values
    return unit.recognition.best[0].values if len(unit.recognition.best) == 1 else ()


def _span(units: Sequence[int]) -> str:
    if len(units) > 3 and units[-1] - units[0] == len(units) - 1:
        return f"{units[0]} to {units[-1]}"
    return ", ".join(map(str, units))
