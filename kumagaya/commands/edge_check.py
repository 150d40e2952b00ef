"""`kumagaya edge check`: what answers on the lines, what it is, how well it is heard, and what to do about it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contract.profiles import Profile
    from edge.check.run import Task

EXIT_FAILED = 1


def add_check(actions: Any) -> None:
    """Hooks the action into `kumagaya edge`."""
    check = actions.add_parser(
        "check",
        help="look at the lines: who answers, what it is, how well",
        epilog="exit code: 0 passed, 1 failed (the last line names why), 2 mistake",
    )
    check.add_argument("--config", type=Path, metavar="FILE", help="compare with the agent's file, its lines only")
    check.add_argument("--port", metavar="DEV", help="this port instead; without it and --config: every adapter found")
    check.add_argument("--baud", metavar="LIST", help="for instance 9600,19200; default: what devices are made with")
    check.add_argument("--parity", default="N", choices=["N", "E", "O"], help="with --baud; default: %(default)s")
    check.add_argument("--stop-bits", type=int, default=1, choices=[1, 2], help="with --baud; default: %(default)s")
    check.add_argument("--units", metavar="LIST", help="for instance 1-16,32; default: 1-16")
    check.add_argument("--all", action="store_true", help="all units from 1 to 247: minutes")
    check.add_argument(
        "--tries", type=int, default=20, metavar="N", help="requests for the signal; default: %(default)s"
    )
    check.add_argument("--profiles", type=Path, metavar="DIR", help="device profiles; default: the shipped ones")
    check.add_argument("--json", action="store_true", help="for programs")
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    import msgspec

    from edge.check import run, telling

    if not 1 <= arguments.tries <= 10_000:
        raise UserError(f"{arguments.tries} is not in 1..10000", where="--tries")
    units = list(run.UNITS_ALL) if arguments.all else numbers(arguments.units or "1-16", "--units", 1, 247)
    tasks, profiles = _tasks(arguments)
    say = _progress() if sys.stderr.isatty() and not arguments.json else lambda _: None
    report = run.check(tasks, profiles, units=units, tries=arguments.tries, say=say)
    say("")
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(telling.as_document(report)), indent=2).decode())
    else:
        print(telling.as_text(report))
    return EXIT_FAILED if report.problems else 0


def _tasks(arguments: argparse.Namespace) -> "tuple[list[Task], Mapping[str, Profile]]":
    from contract.profiles import load_profiles
    from edge.check.asking import Line
    from edge.check.ports import serial_ports
    from edge.check.run import Task, tasks_of
    from kumagaya.resources import config_dir

    if arguments.config is not None:
        if arguments.port or arguments.baud:
            raise UserError("--config says port and baud rate", where="--port", hint="leave one of them out")
        from edge import config, status
        from edge.check.ports import Holder
        from edge.twin.keeper import recalled
        from edge.twin.merging import local_plan

        setup = config.load(arguments.config)
        plan = recalled(local_plan(setup.config, setup.profiles), setup.data_dir)
        carried = {name: each for known in plan.profiles.values() for name, each in known.items()}
        running = status.ask(setup.data_dir) if setup.data_dir.is_dir() else None
        pid = running.pid if isinstance(running, status.Status) else 0
        agent = None if running is None else Holder(pid, f"kumagaya edge run of gateway {setup.config.gateway}")
        return tasks_of(plan, agent), {**setup.profiles, **carried}
    profiles = load_profiles(arguments.profiles or config_dir() / "devices")
    ports = [arguments.port] if arguments.port else serial_ports()
    if not ports:
        raise UserError("no serial adapter found", where="--port", hint="plug one in, or name it: --port /dev/ttyUSB0")
    if arguments.baud:
        bauds = numbers(arguments.baud, "--baud", 300, 921_600)
        settings = [(baud, arguments.parity, arguments.stop_bits) for baud in bauds]
    else:
        made_with = {(each.baud, each.parity, each.stop_bits) for each in profiles.values()}
        settings = [(9600, "N", 1), *sorted(made_with - {(9600, "N", 1)})]
    return [Task(port, tuple(Line(port, *setting) for setting in settings)) for port in ports], profiles


def numbers(text: str, where: str, least: int, most: int) -> list[int]:
    """`1-16,32` as numbers, each once. Raises UserError."""
    found: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = int(first), int(last) if dash else int(first)
        except ValueError:
            raise UserError(f"{part.strip()!r} is no number", where=where, hint="for instance 1-16,32") from None
        if not least <= low <= high <= most:
            raise UserError(f"{part.strip()!r} is not in {least}..{most}", where=where)
        found.update(dict.fromkeys(range(low, high + 1)))
    return list(found)


def _progress() -> Any:
    def say(text: str) -> None:
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    return say
