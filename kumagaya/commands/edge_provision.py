"""`kumagaya edge provision`: the device's identity, by a ticket over the network or by a stick."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import Setup
    from edge.provision.identity import Identity, IdentityFolder
    from edge.provision.provisioning import Done


def add_provision(actions: Any) -> None:
    """Hooks the action into `kumagaya edge`."""
    parser = actions.add_parser(
        "provision",
        help="make this device's key and claim its place",
        description="Makes a P-256 key that never leaves this device and gets a certificate for it: with the ticket that "
        "`kumagaya central fleet invite` prints, or with a stick where there is no network. Without a choice it shows the identity.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="for instance config/edge.toml")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--claim", metavar="TICKET", help="what the QR code says, KMG1/...")
    way.add_argument("--claim-file", type=Path, metavar="FILE", help="the same in a file, - for standard input")
    way.add_argument("--offline", action="store_true", help="write a signing request to a stick (with --out)")
    way.add_argument("--install", type=Path, metavar="DIR", help="take the certificate from a stick")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the stick, for --offline")
    parser.add_argument("--pin", metavar="PIN", help="with --install: the root's pin, as `fleet list` shows it")
    parser.add_argument("--replace", action="store_true", help="exchange an identity that is there")
    parser.add_argument("--key", metavar="KEY", help="where the key is to lie; left out: a file in data_dir, mode 0600")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from contract.provisioning import Refused
    from edge import config
    from edge.provision.identity import IdentityFolder

    setup = config.load(arguments.config)
    _check_key(arguments.key)
    if arguments.offline != (arguments.out is not None):
        raise UserError("--offline and --out DIR belong together", where="edge provision")
    folder = IdentityFolder(setup.data_dir / "identity")
    if arguments.offline:
        return _write_request(setup, folder, arguments)
    if arguments.claim is None and arguments.claim_file is None and arguments.install is None:
        return _show(setup, folder)
    outcome = _claim(setup, folder, arguments) if arguments.install is None else _install(setup, folder, arguments)
    if isinstance(outcome, Refused):
        again = f" (try again in {outcome.retry_after_s} s)" if outcome.retry_after_s else ""
        raise UserError(f"refused: {outcome.reason}: {outcome.detail}{again}", where=setup.config.gateway)
    print("already provisioned by this ticket" if outcome.already else "provisioned")
    _print(setup, outcome.identity)
    return 0


def _check_key(key: str | None) -> None:
    if key is None:
        return
    from edge.provision import keys

    if key.startswith(keys.PKCS11_PREFIX):
        raise keys.refuse_token_key(keys.parse_pkcs11(key, "--key"), "--key")
    raise UserError(
        f"{key!r} is no pkcs11: address", where="--key", hint="leave it out: the key is made in a file in data_dir"
    )


def _claim(setup: "Setup", folder: "IdentityFolder", arguments: argparse.Namespace) -> Any:
    from contract.provisioning import parse_ticket
    from edge.provision import provisioning
    from edge.provision.https import PinnedCentral

    now_ms = _clock(setup)
    ticket = parse_ticket(arguments.claim if arguments.claim is not None else _text(arguments.claim_file))
    return provisioning.claim(
        folder,
        setup.config.gateway,
        ticket,
        PinnedCentral(ticket.url, ticket.pin, now_ms),
        now_ms(),
        replace=arguments.replace,
    )


def _install(setup: "Setup", folder: "IdentityFolder", arguments: argparse.Namespace) -> "Any | Done":
    from edge.provision import provisioning

    return provisioning.install_from(folder, setup.config.gateway, arguments.install, arguments.pin, _clock(setup)())


def _write_request(setup: "Setup", folder: "IdentityFolder", arguments: argparse.Namespace) -> int:
    from edge.provision import keys, provisioning

    path, pending = provisioning.write_request(folder, setup.config.gateway, arguments.out, replace=arguments.replace)
    print(f"wrote {path}; the key stays here")
    print(f"key fingerprint {_grouped(keys.fingerprint(pending.key.public_key()))}")
    print(f"at central: kumagaya central fleet sign-request {path.name} --config FILE, and compare the fingerprint")
    return 0


def _show(setup: "Setup", folder: "IdentityFolder") -> int:
    identity = folder.current()
    if identity is None:
        print(f"no identity in {folder.path}; give --claim TICKET, or --offline --out DIR")
        return 1
    _print(setup, identity)
    return 0


def _print(setup: "Setup", identity: "Identity") -> None:
    from edge.provision import renewal

    issued = identity.issued
    state = "EXPIRED" if renewal.expired(identity, _clock(setup)()) else "valid"
    print(
        f"gateway {issued.gateway}, {state} until {_day(issued.not_after_ms)}, renews itself from {_day(issued.renew_after_ms)}"
    )
    mqtt = setup.config.mqtt
    if mqtt.tls is not None and mqtt.tls.key is not None and setup.beside(mqtt.tls.key).absolute() == identity.key:
        return
    print(f"in {setup.path}:\n")
    print(f'[mqtt]\nhost = "{issued.broker_host}"\nport = {issued.broker_port}\n\n[mqtt.tls]')
    for name, path in (("ca", identity.authority), ("certificate", identity.certificate), ("key", identity.key)):
        print(f'{name} = "{path}"')


def _text(path: Path) -> str:
    import sys

    if str(path) == "-":
        return sys.stdin.read(4096)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=str(path)) from None


def _day(unix_ms: int) -> str:
    import datetime as dt

    return f"{dt.datetime.fromtimestamp(unix_ms / 1000, tz=dt.UTC):%Y-%m-%d %H:%M} UTC"


def _grouped(fingerprint: str) -> str:
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def _clock(setup: "Setup") -> "Callable[[], int]":
    """Real time, never before what this device once knew: certificates know no simulated time, and a Pi wakes up in the past."""
    from edge.clock import TimeFloor

    return TimeFloor(setup.data_dir / "time-floor").now_ms
