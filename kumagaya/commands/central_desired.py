"""`kumagaya central fleet desired GATEWAY [FILE]`: what a gateway shall run by, and what it says it runs by."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError

if TYPE_CHECKING:
    from central.store.door import Store
    from contract.twin import Desired, Reported

EXIT_NOT_IN_FORCE = 1


def add_desired(actions: Any) -> None:
    """Hooks the action into `kumagaya central fleet`."""
    desired = actions.add_parser("desired", help="what a gateway shall run by; without FILE: what it runs by")
    desired.add_argument("gateway", metavar="GATEWAY")
    desired.add_argument("file", type=Path, nargs="?", metavar="FILE", help="TOML: stations, intervals, quotas")
    desired.add_argument("--config", type=Path, required=True, metavar="FILE", help="for instance config/central.toml")
    desired.add_argument("--profiles", type=Path, metavar="DIR", help="device profiles; default: the shipped ones")
    desired.add_argument("--wait", type=float, default=0.0, metavar="S", help="wait so long for the gateway's answer")
    desired.set_defaults(run=_desired)


def _desired(arguments: argparse.Namespace) -> int:
    from central.config import load_config
    from central.store.sqlite import open_store
    from contract.clock import SystemClock

    config = load_config(arguments.config)
    store = open_store(config.store_path, SystemClock())
    try:
        if arguments.file is None:
            return _show(store, arguments.gateway)
        return _put(store, arguments)
    finally:
        store.close()


def _put(store: "Store", arguments: argparse.Namespace) -> int:
    from central.fleet.desired import put_desired, read_wish
    from contract.profiles import load_profiles
    from contract.twin import Refused
    from kumagaya.resources import config_dir

    profiles = load_profiles(arguments.profiles or config_dir() / "devices")
    now_ms = time.time_ns() // 1_000_000
    out = put_desired(store, arguments.gateway, read_wish(arguments.file), profiles, now_ms)
    if isinstance(out, Refused):
        raise UserError(f"{out.reason}: {out.detail}", where=str(arguments.file))
    print(f"stored version {out.version} for {arguments.gateway}; the running central publishes it")
    return _wait(store, out, arguments.wait) if arguments.wait > 0 else 0


def _wait(store: "Store", desired: "Desired", wait_s: float) -> int:
    from contract.twin import TwinState

    until_s = time.monotonic() + wait_s
    while time.monotonic() < until_s:
        reported = store.reported(desired.gateway)
        if reported is not None and reported.seen_version == desired.version and reported.state != TwinState.TRYING:
            return _tell(reported)
        time.sleep(0.2)
    print(f"{desired.gateway} has not answered within {wait_s:g} s; it takes the document when it is connected")
    return EXIT_NOT_IN_FORCE


def _show(store: "Store", gateway: str) -> int:
    desired, reported = store.desired(gateway), store.reported(gateway)
    print(f"wished: {'nothing' if desired is None else f'version {desired.version}'}")
    if reported is None:
        print(f"{gateway} has never reported what it runs by")
        return EXIT_NOT_IN_FORCE
    code = _tell(reported)
    return code if desired is None or reported.applied_version == desired.version else EXIT_NOT_IN_FORCE


def _tell(reported: "Reported") -> int:
    from contract.twin import TwinState

    source = f"version {reported.applied_version}" if reported.applied_version else "its own file"
    print(f"{reported.state}: runs by {source}")
    if reported.reason is not None:
        print(f"  {reported.reason}: {reported.detail}")
    for bus in reported.bus:
        stations = ", ".join(f"{each.id} (unit {each.unit_address}, {each.profile})" for each in bus.station)
        print(f"  {bus.name} every {bus.interval_s:g} s: {stations or 'no station'}")
    if reported.silent:
        print(f"  no answer yet from {', '.join(reported.silent)}")
    if not reported.on_disk:
        print("  its disk refuses to keep the document: a restart without a network would forget it")
    return 0 if reported.state in {TwinState.APPLIED, TwinState.LOCAL} else EXIT_NOT_IN_FORCE
