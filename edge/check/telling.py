"""The report as a person reads it, and as a program does. Pure."""

from typing import Any

import msgspec

from edge.check.recognising import Candidate, Value
from edge.check.run import PortResult, Report
from edge.check.survey import Unit


def as_document(report: Report) -> dict[str, Any]:
    """For `--json`: everything, with the verdicts that are computed."""
    ports = []
    for port in report.ports:
        units = [] if port.result is None else [_unit_document(unit) for unit in port.result.units]
        line = None if port.result is None else msgspec.to_builtins(port.result.line)
        asked = [] if port.result is None else list(port.result.asked)
        ports.append(
            {
                "port": port.port,
                "line": line,
                "asked": asked,
                "units": units,
                "findings": msgspec.to_builtins(port.findings),
            }
        )
    return {"passed": not report.problems, "problems": list(report.problems), "ports": ports}


def _unit_document(unit: Unit) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(unit)
    document["signal"] |= {"good_share": round(unit.signal.good_share, 4), "verdict": unit.signal.verdict.value}
    return document


def as_text(report: Report) -> str:
    lines: list[str] = []
    for port in report.ports:
        lines += [*_port_lines(port), ""]
    if report.problems:
        lines.append(f"FAILED: {', '.join(report.problems)}")
    else:
        lines.append("passed: everything answers as it should")
    return "\n".join(lines)


def _port_lines(port: PortResult) -> list[str]:
    lines = [port.port if port.result is None else str(port.result.line)]
    for unit in () if port.result is None else port.result.units:
        lines += _unit_lines(unit)
    for finding in port.findings:
        mark = "PROBLEM" if finding.problem else "note"
        place = "" if finding.where.startswith(lines[0]) and finding.where == lines[0] else f" [{finding.where}]"
        lines += [f"  {mark} {finding.name}{place}: {finding.what}", f"      -> {finding.advice}"]
    return lines


def _unit_lines(unit: Unit) -> list[str]:
    best = unit.recognition.best
    names = " or ".join(candidate.profile for candidate in best) or "unknown device"
    signal = unit.signal
    median = "" if signal.response_ms_median is None else f", {signal.response_ms_median:.0f} ms"
    lines = [
        f"  unit {unit.unit}: {names}; signal {signal.verdict}, {signal.good} of {signal.tries} good{median}"
        + (f", {signal.timeouts} timeouts" if signal.timeouts else "")
        + (f", {signal.checksum_errors} checksum errors" if signal.checksum_errors else "")
        + (", echo" if signal.echoes else "")
    ]
    lines += [f"      {candidate.profile}: {', '.join(candidate.why)}" for candidate in best]
    if not best:
        lines += [f"      not {excluded.profile}: {excluded.why}" for excluded in unit.recognition.excluded]
    shown = unit.configured if isinstance(unit.configured, Candidate) else next(iter(best), None)
    return lines + [f"      {_value(value)}" for value in (() if shown is None else shown.values)]


def _value(value: Value) -> str:
    if value.value is None:
        return f"{value.quantity:<24} {'-':>10} {value.unit:<5} {value.why}"
    verdict = "plausible" if value.plausible else f"IMPLAUSIBLE: {value.why}"
    return f"{value.quantity:<24} {value.value:>10g} {value.unit:<5} {verdict}"
