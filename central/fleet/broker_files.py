"""The files mosquitto works by: its configuration from the template, who may do what, who is out. Made from the registry alone."""

import grp
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Final

import msgspec
from cryptography import x509

from central.fleet.authority import DAY_MS, Authority, key_pem, load_key, new_key, unix_ms
from central.fleet.files import PRIVATE, private_folder, read, write_atomically
from central.fleet.registry import Gateway, Registry, Status
from contract.errors import UserError
from contract.provisioning import RENEW_FRACTION
from contract.topics import ROOT

INGEST: Final = "central.ingest"
FLEET: Final = "central.fleet"
WARDEN: Final = "central.warden"
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    INGEST: (f"read {ROOT}/+/up/#", f"read {ROOT}/+/presence", f"write {ROOT}/+/down/#"),
    FLEET: (f"read {ROOT}/+/up/fleet/#", f"write {ROOT}/+/down/fleet/#"),
    WARDEN: (f"write {ROOT}/+/presence",),
}
"""What the parts of central may do at the broker. Their names hold a dot, so that no gateway can have one."""
ROLE_DAYS: Final = 365
"""Long enough that a process which reads its certificate at its start meets a restart before the end."""
SERVER_DAYS: Final = 90
GROUP_READABLE: Final = 0o640
SHARED_FOLDER: Final = 0o750


class Identity(msgspec.Struct, frozen=True):
    """Where a part of central finds its certificate and key, and the root it knows the broker by."""

    authority: Path
    certificate: Path
    key: Path


def acl(gateways: Iterable[Gateway]) -> str:
    """Mosquitto's acl_file. Whoever is not named in it may do nothing."""
    lines = ["# Made by kumagaya central fleet from the registry: do not edit.", ""]
    for role, rules in ROLES.items():
        lines += [f"user {role}", *(f"topic {rule}" for rule in rules), ""]
    for gateway in gateways:
        if gateway.status is Status.ACTIVE:
            own = f"{ROOT}/{gateway.id}"
            lines += [
                f"user {gateway.id}",
                f"topic write {own}/up/#",
                f"topic write {own}/presence",
                f"topic read {own}/down/#",
                "",
            ]
    return "\n".join(lines)


def write_lists(folder: Path, authority: Authority, registry: Registry, now_ms: int, group: str | None) -> None:
    """The acl and the revocation list of this moment. Raises UserError."""
    group_id = _group_id(group)
    with registry.change() as change:
        number = change.next_number("revocation_list")
        gateways, revoked = change.gateways(), change.revoked()
        # Inside the transaction: two processes that write lists at once do it one after the other, the newer last.
        write_atomically(folder / "acl", acl(gateways).encode(), GROUP_READABLE, group_id)
        write_atomically(
            folder / "revoked.pem", authority.revocation_list(revoked, number, now_ms), GROUP_READABLE, group_id
        )


def write_configuration(
    folder: Path, template: str, values: Mapping[str, object], authority: Authority, group: str | None
) -> Path:
    """mosquitto.conf and the authority's certificates in `folder`. Raises UserError."""
    try:
        text = Template(template).substitute({"folder": folder, **values})
    except (KeyError, ValueError) as error:
        raise UserError(f"the template cannot be filled in: {error}", where="mosquitto.conf") from None
    write_atomically(folder / "authority.pem", authority.trust_pem.encode())
    path = folder / "mosquitto.conf"
    write_atomically(path, text.encode(), GROUP_READABLE, _group_id(group))
    return path


def renew_server(folder: Path, authority: Authority, hosts: list[str], now_ms: int, group: str | None = None) -> bool:
    """server.pem and server.key, made when missing, when two thirds of their life are over, or when the hosts changed.

    Returns whether they are new: a reload makes mosquitto take them.
    """
    certificate_path, key_path = folder / "server.pem", folder / "server.key"
    if not _due(certificate_path, now_ms, authority) and _hosts(certificate_path) == set(hosts):
        return False
    key = new_key()
    made = authority.server_certificate(hosts, key.public_key(), now_ms, SERVER_DAYS * DAY_MS)
    mode, group_id = (PRIVATE, None) if group is None else (GROUP_READABLE, _group_id(group))
    write_atomically(key_path, key_pem(key), mode, group_id)
    write_atomically(certificate_path, authority.chain_pem(made).encode())
    return True


def role_identity(folder: Path, role: str, authority: Authority, now_ms: int) -> Identity:
    """The certificate of a part of central, made when missing and made anew after two thirds of its life. Raises UserError."""
    private_folder(folder)
    identity = Identity(folder / "authority.pem", folder / f"{role}.pem", folder / f"{role}.key")
    if _due(identity.certificate, now_ms, authority):
        key = load_key(identity.key) if identity.key.exists() else new_key()
        made = authority.role_certificate(role, key.public_key(), now_ms, ROLE_DAYS * DAY_MS)
        write_atomically(identity.key, key_pem(key), PRIVATE)
        write_atomically(identity.certificate, authority.chain_pem(made).encode())
    write_atomically(identity.authority, authority.root_pem.encode())
    return identity


def shared_folder(path: Path, group: str | None, mode: int = SHARED_FOLDER) -> Path:
    """A folder that the broker may look into, or with another mode write to. Raises UserError."""
    private_folder(path)
    if group is not None:
        group_id = _group_id(group)
        assert group_id is not None
        try:
            os.chown(path, -1, group_id)
            path.chmod(mode)
        except OSError as error:
            raise UserError(f"cannot be given to group {group}: {error.strerror}", where=str(path)) from None
    return path


def _due(path: Path, now_ms: int, authority: Authority) -> bool:
    if not path.exists():
        return True
    try:
        certificate = x509.load_pem_x509_certificate(read(path))
    except ValueError:
        return True
    begin_ms, end_ms = unix_ms(certificate.not_valid_before_utc), unix_ms(certificate.not_valid_after_utc)
    return not authority.signed(certificate) or now_ms >= begin_ms + (end_ms - begin_ms) * RENEW_FRACTION


def _hosts(path: Path) -> set[str]:
    names = x509.load_pem_x509_certificate(read(path)).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in names.value}


def _group_id(group: str | None) -> int | None:
    if group is None:
        return None
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise UserError(f"no group {group!r} on this machine", where="fleet.broker_group") from None
