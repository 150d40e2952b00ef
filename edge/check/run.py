"""The whole check: which lines, in which settings, and what came of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from contract.profiles import Profile
from edge.check.asking import Line
from edge.check.findings import Finding, Station, judge
from edge.check.ports import Holder, holder_of
from edge.check.survey import LineResult, survey
from edge.fieldbus.port import PortLostError
from edge.twin.merging import Plan

UNITS_QUICK: Final = range(1, 17)
UNITS_ALL: Final = range(1, 248)

Say = Callable[[str], object]


class Task(msgspec.Struct, frozen=True):
    """One port to look at.

    Attributes:
        lines: settings to try, in this order, until somebody answers; the configured one first.
        stations: what the configuration has there; None: nothing is configured.
        profiles: the configured stations' profiles by unit.
        configured: the configured setting.
        agent: the running agent that has this port in its file.
    """

    port: str
    lines: tuple[Line, ...]
    stations: tuple[Station, ...] | None = None
    profiles: Mapping[int, Profile] = {}
    configured: Line | None = None
    agent: Holder | None = None


class PortResult(msgspec.Struct, frozen=True):
    """What a port told. `result` is None when it could not be opened."""

    port: str
    result: LineResult | None
    findings: tuple[Finding, ...]


class Report(msgspec.Struct, frozen=True):
    """All ports. `problems`: names of the findings that the check fails by, without repetition."""

    ports: tuple[PortResult, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        names = [finding.name for port in self.ports for finding in port.findings if finding.problem]
        return tuple(dict.fromkeys(names))


def tasks_of(plan: Plan, agent: Holder | None) -> list[Task]:
    """One task a configured bus. `agent`: the one that runs by this plan, if any."""
    tasks = []
    for bus in plan.config.bus:
        line = Line(bus.port, bus.baud, bus.parity, bus.stop_bits)
        profiles = {station.unit_address: plan.profile(bus.name, station) for station in bus.station}
        stations = tuple(Station(each.id, each.unit_address, each.profile) for each in bus.station)
        others = other_settings(line, profiles.values())
        tasks.append(Task(line.port, (line, *others), stations, profiles, line, agent))
    return tasks


def other_settings(line: Line, profiles: Iterable[Profile]) -> tuple[Line, ...]:
    """The factory settings of devices, without the line's own: where a silent station may be found."""
    found = {Line(line.port, each.baud, each.parity, each.stop_bits) for each in profiles} - {line}
    return tuple(sorted(found, key=lambda each: (each.baud, each.parity, each.stop_bits)))


def check(
    tasks: Sequence[Task],
    profiles: Mapping[str, Profile],
    *,
    units: Iterable[int] = UNITS_QUICK,
    tries: int = 20,
    say: Say = lambda _: None,
    holder: Callable[[str], Holder | None] = holder_of,
) -> Report:
    """Looks at each port in turn. A port that does not open is a finding of its own."""
    asked = tuple(units)
    return Report(tuple(_check_port(task, profiles, asked, tries, say, holder) for task in tasks))


def _check_port(  # noqa: PLR0917 - one question with its parts
    task: Task,
    profiles: Mapping[str, Profile],
    units: tuple[int, ...],
    tries: int,
    say: Say,
    holder: Callable[[str], Holder | None],
) -> PortResult:
    if task.agent is not None:
        return PortResult(task.port, None, (_not_opened(task.port, "", task.agent),))
    first: LineResult | None = None
    try:
        for line in task.lines:
            result = survey(line, units, profiles, task.profiles, tries, say)
            first = first or result
            if any(not unit.absent for unit in result.units):
                return PortResult(task.port, result, tuple(judge(result, task.stations, task.configured)))
    except PortLostError as error:
        return PortResult(task.port, first, (_not_opened(task.port, str(error), holder(task.port)),))
    assert first is not None, "a task has at least one setting"
    findings = judge(first, task.stations, task.configured)
    if len(task.lines) > 1:
        tried = ", ".join(f"{line.baud} 8{line.parity}{line.stop_bits}" for line in task.lines[1:])
        findings = [
            msgspec.structs.replace(each, what=f"{each.what}; nor at {tried}")
            if each.name == "nothing_answers"
            else each
            for each in findings
        ]
    return PortResult(task.port, first, tuple(findings))


def _not_opened(port: str, reason: str, holder: Holder | None) -> Finding:
    if holder is not None and holder.is_agent:
        return Finding(
            "agent_running",
            port,
            f"the agent holds it: {holder}",
            "two masters on one line spoil each other: sudo systemctl stop kumagaya-edge, or ask it: kumagaya edge status",
        )
    if holder is not None:
        return Finding("port_in_use", port, f"{holder} holds it", "end that program")
    if "no such file" in reason:
        return Finding("port_missing", port, "there is no such port", "is the adapter plugged in? ls /dev/serial/by-id")
    if "denied" in reason or "not permitted" in reason:
        return Finding("port_refused", port, reason, "join the group dialout, or use sudo")
    if "unavailable" in reason or "busy" in reason:
        return Finding("port_in_use", port, "another program holds it", "end it; sudo shows which")
    return Finding("port_lost", port, reason, "is the adapter plugged in firmly?")
