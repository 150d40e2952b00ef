"""`kumagaya central fleet`: gateways, their certificates, and the broker that checks them."""

import argparse
import datetime as dt
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError
from kumagaya.commands.central_desired import add_desired

if TYPE_CHECKING:
    from central.config import CentralConfig
    from central.fleet.service import Service


def add_fleet(verbs: Any) -> None:
    """Hooks the verb into `kumagaya central`."""
    parser = verbs.add_parser("fleet", help="gateways, their certificates, the broker's lists")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add(actions, "init", "make the city's certificate authority and the registry", _init)
    invite = _add(actions, "invite", "make a place for a gateway and print its ticket", _invite)
    invite.add_argument("gateway", metavar="GATEWAY", help="its id: a-z, 0-9, hyphens")
    invite.add_argument("--site", metavar="TEXT", help="where it stands")
    invite.add_argument("--replace", action="store_true", help="for a device that takes an active one's place")
    invite.add_argument("--text", action="store_true", help="the ticket's line alone, without the QR code")
    listing = _add(actions, "list", "gateways, what was refused, the root's pin", _list)
    listing.add_argument("--json", action="store_true", help="for programs")
    revoke = _add(actions, "revoke", "put a gateway out, its live connection too", _revoke)
    revoke.add_argument("gateway", metavar="GATEWAY")
    revoke.add_argument("--reason", default="", metavar="TEXT", help="kept in the registry")
    sign = _add(actions, "sign-request", "sign a request that came on a stick", _sign_request)
    sign.add_argument("request", type=Path, metavar="FILE", help="GATEWAY.csr; the answer is written beside it")
    sign.add_argument("--replace", action="store_true", help="for a device that takes an active one's place")
    _add(actions, "acl", "print the broker's access list of this moment", _acl)
    broker = _add(actions, "broker-config", "write mosquitto.conf, certificates and lists", _broker_config)
    broker.add_argument("--out", type=Path, metavar="DIR", help="default: fleet.broker_dir, where `apply` writes too")
    broker.add_argument("--bind", default="0.0.0.0", metavar="ADDRESS", help="default: %(default)s")  # noqa: S104
    broker.add_argument("--data", type=Path, metavar="DIR", help="where mosquitto keeps sessions; default: DIR/data")
    broker.add_argument("--log", default="stderr", metavar="WHERE", help="mosquitto's log_dest; default: %(default)s")
    broker.add_argument("--max-connections", type=int, default=1000, metavar="N", help="default: %(default)s")
    broker.add_argument(
        "--log-denied",
        action="store_true",
        help="log every packet, denied ones among them: pipe it into `kumagaya central fleet watch-log`",
    )
    _add(
        actions, "watch-log", "read mosquitto's log on standard input: pass on what matters, count refusals", _watch_log
    )
    _add(actions, "apply", "write the broker's lists anew and make it read them", _apply)
    issuer = _add(
        actions, "renew-issuer", "new dates for the issuer's certificate; needs the root's key", _renew_issuer
    )
    issuer.add_argument("--root-key", type=Path, required=True, metavar="FILE", help="from where it is kept")
    _add(actions, "serve", "claims and renewals, until stopped", _serve)
    add_desired(actions)


def _add(actions: Any, name: str, summary: str, run: Any) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=summary)
    action.add_argument("--config", type=Path, required=True, metavar="FILE", help="for instance config/central.toml")
    action.set_defaults(run=run)
    return action


def _config(arguments: argparse.Namespace) -> "CentralConfig":
    from central.config import load_config

    return load_config(arguments.config)


def _service(arguments: argparse.Namespace) -> "Service":
    from central.fleet.service import open_service

    config = _config(arguments)
    return open_service(config.fleet_path, config.fleet, _now_ms, time.monotonic)


def _init(arguments: argparse.Namespace) -> int:
    from central.fleet.service import folders, init

    config = _config(arguments)
    authority = init(config.fleet_path, config.fleet, _now_ms())
    keys, _, roles = folders(config.fleet_path, config.fleet)
    print(f"made the authority in {keys}; the root's pin is {authority.pin}")
    print(f"take {keys / 'root.key'} offline now: it is needed again only for renew-issuer, every few years")
    print(f"central's own certificates are in {roles}; next: kumagaya central fleet broker-config")
    return 0


def _invite(arguments: argparse.Namespace) -> int:
    from central.fleet.qr import drawn
    from contract.provisioning import Refused

    service = _service(arguments)
    ticket = service.office.invite(arguments.gateway, arguments.site, replace=arguments.replace)
    if isinstance(ticket, Refused):
        raise UserError(f"{ticket.reason}: {ticket.detail}", where=f"gateway {arguments.gateway}")
    print(ticket.text() if arguments.text else drawn(ticket, coloured=sys.stdout.isatty()))
    if not arguments.text:
        hours = service.office.config.code_hours
        print(f'on the device, once, within {hours:g} h: kumagaya edge provision --config FILE --claim "..."')
    return 0


def _list(arguments: argparse.Namespace) -> int:
    import msgspec

    service = _service(arguments)
    with service.office.registry.view() as view:
        gateways, refusals = view.gateways(), view.refusals()
        newest = {gateway.id: next(reversed(view.certificates(gateway.id)), None) for gateway in gateways}
    if arguments.json:
        rows = [
            {**msgspec.to_builtins(gateway), "not_after_ms": None if one is None else one.not_after_ms}
            for gateway, one in ((gateway, newest[gateway.id]) for gateway in gateways)
        ]
        document = {"pin": service.office.authority.pin, "gateways": rows, "refusals": refusals}
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("gateway", "site", "status", "certificate until", "refused", box=None)
    for gateway in gateways:
        certificate = newest[gateway.id]
        until = "" if certificate is None else _day(certificate.not_after_ms)
        refused = ", ".join(f"{one.reason} {one.count}" for one in refusals if one.gateway == gateway.id)
        table.add_row(gateway.id, gateway.site, gateway.status.value, until, refused)
    console = Console()
    console.print(table)
    strangers = ", ".join(f"{one.reason} {one.count}" for one in refusals if not one.gateway)
    console.print(f"refused to strangers: {strangers or 'nothing'}\nroot's pin: {service.office.authority.pin}")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    from contract.provisioning import Refused

    began_s = time.monotonic()
    out = _service(arguments).revoke(arguments.gateway, arguments.reason)
    if isinstance(out, Refused):
        raise UserError(f"{out.reason}: {out.detail}", where="revoke")
    _, problem = out
    print(f"{arguments.gateway} is revoked")
    if problem is not None:
        print(f"the broker does not know yet: {problem}")
        return 1
    print(f"the broker knows, its live connection is ended ({1000 * (time.monotonic() - began_s):.0f} ms)")
    return 0


def _sign_request(arguments: argparse.Namespace) -> int:
    from cryptography import x509

    from central.fleet.files import read, write_atomically
    from contract.provisioning import Refused, encode

    service = _service(arguments)
    request = read(arguments.request).decode("utf-8", "replace")
    answer = service.office.sign_request(request, replace=arguments.replace)
    if isinstance(answer, Refused):
        raise UserError(f"{answer.reason}: {answer.detail}", where=str(arguments.request))
    path = arguments.request.with_name(f"{answer.gateway}.issued.json")
    write_atomically(path, encode(answer))
    problem = service.admitted(answer.gateway)
    certificate = x509.load_pem_x509_certificate(answer.certificate_pem.encode())
    print(f"wrote {path}, valid until {_day(answer.not_after_ms)}")
    print(f"key fingerprint {_fingerprint(certificate)} - compare it with the device's")
    print(f"root's pin {service.office.authority.pin}")
    if problem is not None:
        print(f"the broker does not know yet: {problem}")
    return 0


def _acl(arguments: argparse.Namespace) -> int:
    from central.fleet.broker_files import acl

    with _service(arguments).office.registry.view() as view:
        print(acl(view.gateways()), end="")
    return 0


def _broker_config(arguments: argparse.Namespace) -> int:
    from central.fleet import broker_files
    from central.fleet.service import folders
    from kumagaya.resources import config_dir

    config, service = _config(arguments), _service(arguments)
    fleet, authority = config.fleet, service.office.authority
    out = broker_files.shared_folder(
        (arguments.out or folders(config.fleet_path, config.fleet)[1]).absolute(), fleet.broker_group
    )
    template_path = config_dir() / "mosquitto" / "mosquitto.conf"
    data = broker_files.shared_folder((arguments.data or out / "data").absolute(), fleet.broker_group, 0o770)
    values = {
        "port": fleet.broker_port,
        "bind_address": arguments.bind,
        "max_connections": arguments.max_connections,
        "data_folder": data,
        "pid_file": fleet.broker_pid_file or out / "mosquitto.pid",
        "log_destination": arguments.log,
        "more_logs": "log_type debug" if arguments.log_denied else "",
    }
    broker_files.renew_server(out, authority, [fleet.broker_host], _now_ms(), fleet.broker_group)
    broker_files.write_lists(out, authority, service.office.registry, _now_ms(), fleet.broker_group)
    path = broker_files.write_configuration(
        out, template_path.read_text(encoding="utf-8"), values, authority, fleet.broker_group
    )
    print(f"wrote {path}; start it with: mosquitto -c {path}")
    return 0


def _watch_log(arguments: argparse.Namespace) -> int:
    from central.fleet.broker_log import watch
    from central.main import configure_logs

    configure_logs()
    watch(sys.stdin, _service(arguments).office.registry, _now_ms, lambda line: print(line, flush=True))
    return 0


def _apply(arguments: argparse.Namespace) -> int:
    problem = _service(arguments).apply()
    print("the broker knows" if problem is None else f"the broker does not know yet: {problem}")
    return 0 if problem is None else 1


def _renew_issuer(arguments: argparse.Namespace) -> int:
    from central.fleet.authority import renew_issuer
    from central.fleet.service import folders

    config = _config(arguments)
    authority = renew_issuer(folders(config.fleet_path, config.fleet)[0], arguments.root_key, _now_ms())
    print(f"the issuer is good until {authority.issuer.not_valid_after_utc:%Y-%m-%d}; next: broker-config, then apply")
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from central.fleet.server import serve
    from central.main import configure_logs

    configure_logs()
    config = _config(arguments)
    return serve(config.fleet_path, config.fleet)


def _fingerprint(certificate: Any) -> str:
    from central.fleet.authority import key_fingerprint

    text = key_fingerprint(certificate.public_key())
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _day(unix_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(unix_ms / 1000, tz=dt.UTC):%Y-%m-%d %H:%M} UTC"


def _now_ms() -> int:
    """Real time: certificates know no simulated one."""
    return time.time_ns() // 1_000_000
