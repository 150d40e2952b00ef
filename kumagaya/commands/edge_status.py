"""`kumagaya edge status`: how the running agent fares; without one, what waits in its outbox."""

import argparse
import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from contract.messages import OutboxHealth
    from edge.status import NotRunning, Problem, Status

EXIT_PROBLEMS = 1
EXIT_NOT_RUNNING = 3
EXIT_NO_ANSWER = 4


def add_status(actions: Any) -> None:
    """Hooks the action into `kumagaya edge`."""
    status = actions.add_parser(
        "status",
        help="how the running agent fares",
        epilog="exit code: 0 well, 1 problems (named), 2 mistake, 3 no agent runs, 4 it does not answer",
    )
    status.add_argument("--config", type=Path, required=True, metavar="FILE", help="the agent's own file")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)


def _status(arguments: argparse.Namespace) -> int:
    from edge import config
    from edge import status as room

    data_dir = config.load(arguments.config).data_dir
    found = room.ask(data_dir) if data_dir.is_dir() else None
    if isinstance(found, room.NoAnswer):
        _print(arguments, {"running": True, "no_answer": found.reason}, f"the agent does not answer: {found.reason}")
        return EXIT_NO_ANSWER
    if found is None:
        left = room.look(data_dir)
        document = {"running": False, **msgspec.to_builtins(left)}
        _print(arguments, document, _words_not_running(left, str(data_dir)))
        return EXIT_NOT_RUNNING
    problems = room.problems(found, time.time_ns() // 1_000_000)
    document = {"running": True, **msgspec.to_builtins(found), "problems": msgspec.to_builtins(problems)}
    _print(arguments, document, _words(found, problems))
    return EXIT_PROBLEMS if problems else 0


def _print(arguments: argparse.Namespace, document: dict[str, Any], words: str) -> None:
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() if arguments.json else words)


def _words_not_running(left: "NotRunning", data_dir: str) -> str:
    lines = [f"no agent runs on {data_dir}"]
    if left.problem is not None:
        return "\n".join([*lines, left.problem])
    now_ms = time.time_ns() // 1_000_000
    return "\n".join([*lines, "in the outbox on disk:", *(_outbox_line(stream, now_ms) for stream in left.outbox)])


def _words(status: "Status", problems: "list[Problem]") -> str:
    uplink, version = status.uplink, status.twin.applied_version
    lines = [
        f"{status.gateway}: {status.software}, pid {status.pid}, up {_span(status.uptime_s)}",
        (
            f"uplink    {'connected to' if uplink.connected else 'NOT connected to'} {uplink.broker},"
            f" {uplink.connects} connects, {uplink.receipts} receipts, {uplink.resends} resends"
        ),
        f"clock     {'synchronised' if status.clock_synchronised else 'NOT synchronised'}",
        (f"config    {f'document {version} from central' if version else 'its own file'} ({status.twin.state})"),
    ]
    if status.certificate_expires_at_ms is not None:
        until = dt.datetime.fromtimestamp(status.certificate_expires_at_ms / 1000, tz=dt.UTC)
        lines.append(f"identity  certificate until {until:%Y-%m-%d %H:%M} UTC")
    lines.append("outbox")
    lines += [_outbox_line(stream, status.at_ms) for stream in status.outbox]
    for line in status.lines:
        lines.append(
            f"{line.name} ({line.port}), every {line.interval_s:g} s, {line.sweeps} sweeps, {line.overruns} late"
        )
        for device in line.devices:
            share = f"{100 * device.good / device.polls:.1f} %" if device.polls else "-"
            last = "never" if device.last_good_at_ms is None else _age(status.at_ms - device.last_good_at_ms)
            median = "" if device.poll_ms_median is None else f", {device.poll_ms_median:.0f} ms"
            error = "" if device.last_error is None else f", last error {device.last_error}"
            pause = f", asked again in {device.backoff_s:.0f} s" if device.backoff_s else ""
            lines.append(f"  {device.station:<16} {share:>7} good of {device.polls}, last {last}{median}{error}{pause}")
    if not problems:
        return "\n".join([*lines, "all is well"])
    lines += [f"PROBLEM {problem.name}: {problem.what} -> {problem.advice}" for problem in problems]
    return "\n".join(lines)


def _outbox_line(stream: "OutboxHealth", now_ms: int) -> str:
    oldest = "" if stream.oldest_at_ms is None or not stream.rows else f", oldest {_age(now_ms - stream.oldest_at_ms)}"
    receipt = "" if stream.last_receipt_at_ms is None else f", last receipt {_age(now_ms - stream.last_receipt_at_ms)}"
    shed = f", {stream.shed_total} given up" if stream.shed_total else ""
    return f"  {stream.stream:<10} {stream.rows} items, {stream.size_bytes:,} bytes{oldest}{receipt}{shed}"


def _age(ms: int) -> str:
    return f"{_span(max(0, ms) / 1000)} ago"


def _span(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
