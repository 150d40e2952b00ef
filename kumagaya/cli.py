"""`kumagaya <command>`: finds the command's module and turns a user's mistake into one line and exit code 2."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from contract.errors import UserError

COMMANDS: Final = {
    "demo": "the whole city on this machine: stations, broker, edge, central, web page",
    "edge": "the agent on a Raspberry Pi",
    "central": "the city's service: ingest, simulation, web",
    "sim": "simulated hardware on pseudo terminals",
    "heat": "heat simulation on files: import, prepare, step, bench, comfort",
}


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser; with `only`, the other commands are listed but not loaded."""
    parser = argparse.ArgumentParser(
        prog="kumagaya", description="Weather stations, heat maps and tickets for a hot city."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if only in {None, name}:
            module = importlib.import_module(f"kumagaya.commands.{name}")
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = words[0] if words and words[0] in COMMANDS else None
    # Without a known command only the list is shown: nothing needs loading for it.
    parser = build_parser(named or "")
    parsed = parser.parse_args(words)
    try:
        code: int = parsed.run(parsed)
    except UserError as error:
        print(f"kumagaya {named}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _version() -> str:
    from importlib.metadata import version

    return version("kumagaya")
