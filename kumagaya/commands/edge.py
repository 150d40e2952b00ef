"""`kumagaya edge`: the agent on a Raspberry Pi, and the technician's questions to it."""

import argparse
from pathlib import Path
from typing import Any

from kumagaya.commands.edge_check import add_check
from kumagaya.commands.edge_provision import add_provision
from kumagaya.commands.edge_status import add_status


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("edge", help="the agent on a Raspberry Pi")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    run = actions.add_parser("run", help="poll the stations and send their readings until stopped")
    run.add_argument("--config", type=Path, required=True, metavar="FILE", help="for instance config/edge.toml")
    run.add_argument(
        "--log", choices=["auto", "json", "console"], default="auto", help="form of the log on standard error"
    )
    run.set_defaults(run=_run)
    add_provision(actions)
    add_check(actions)
    add_status(actions)


def _run(arguments: argparse.Namespace) -> int:
    from edge import config, logs, main

    logs.configure(as_json={"auto": None, "json": True, "console": False}[arguments.log])
    return main.run(config.load(arguments.config))
