"""`kumagaya central`: the city's service, and the care of its store."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kumagaya.commands.central_fleet import add_fleet

if TYPE_CHECKING:
    from central.config import CentralConfig


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("central", help="the city's service: ingest, simulation, web")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, summary, run in (
        ("serve", "ingest, simulation and web in one process, until stopped", _serve),
        ("ingest", "ingest alone, until stopped", _ingest),
        ("simulate", "the simulation alone, until stopped", _simulate),
        ("migrate", "bring the store's schema up to date", _migrate),
    ):
        _add(verbs, name, summary, run)
    backup = _add(verbs, "backup", "copy the store to a file; central may go on running", _backup)
    backup.add_argument("target", type=Path, metavar="FILE", help="the copy to write; must not exist")
    restore = _add(verbs, "restore", "put a backup in the place of the store", _restore)
    restore.add_argument("source", type=Path, metavar="FILE", help="a file that backup wrote")
    restore.add_argument("--replace", action="store_true", help="set aside the store that is there")
    add_fleet(verbs)


def _add(verbs: Any, name: str, summary: str, run: Any) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=summary)
    verb.add_argument("--config", type=Path, required=True, metavar="FILE", help="for instance config/central.toml")
    verb.set_defaults(run=run)
    return verb


def _config(arguments: argparse.Namespace) -> "CentralConfig":
    from central.config import load_config

    return load_config(arguments.config)


def _serve(arguments: argparse.Namespace) -> int:
    from central import main

    return main.serve(_config(arguments))


def _ingest(arguments: argparse.Namespace) -> int:
    from central import main

    return main.ingest(_config(arguments))


def _simulate(arguments: argparse.Namespace) -> int:
    from central import main

    return main.simulate(_config(arguments))


def _migrate(arguments: argparse.Namespace) -> int:
    from central import main

    config = _config(arguments)
    for name in main.migrate(config):
        print(f"ran {name}")
    print(f"{config.store_path} is up to date")
    return 0


def _backup(arguments: argparse.Namespace) -> int:
    from central import main

    main.backup(_config(arguments), arguments.target)
    print(f"wrote {arguments.target} ({arguments.target.stat().st_size:,} bytes)")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from central import main

    config = _config(arguments)
    aside = main.restore(config, arguments.source, replace=arguments.replace)
    print(f"restored {config.store_path}" + (f"; the store that was there is {aside}" if aside else ""))
    return 0
