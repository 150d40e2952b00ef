"""The office with its doors: what is decided there is limited, logged and counted here, and made true at the broker."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from central.fleet import authority as authorities
from central.fleet import broker_files
from central.fleet.broker_door import BrokerDoor
from central.fleet.config import FleetConfig
from central.fleet.files import private_folder
from central.fleet.limits import RefusalLimit
from central.fleet.office import Office
from central.fleet.registry import Gateway, Registry
from central.fleet.requests import refused
from contract.errors import UserError
from contract.provisioning import (
    Answer,
    ClaimRequest,
    Issued,
    RefusalReason,
    Refused,
    RenewalRequest,
    check_url,
    decode,
)
from contract.topics import GATEWAY_ID

log = structlog.get_logger("central.fleet")

OTHER: Final = ""
"""Refusals under a name that no gateway of ours has are counted together: a stranger must not fill the registry."""


class Service:
    """Claims and renewals as they come in from outside. Safe to call from many threads.

    Args:
        office: decides.
        door: to the broker.
        monotonic_s: for the limits.

    """

    def __init__(self, office: Office, door: BrokerDoor, monotonic_s: Callable[[], float]) -> None:
        self.office = office
        self.door = door
        self._monotonic_s = monotonic_s
        self._limit = RefusalLimit()
        self._lock = threading.Lock()
        self._uncounted: Counter[tuple[str, str]] = Counter()
        self._apply_again = False
        self.refusals: Counter[str] = Counter()

    def claim(self, payload: bytes, source: str) -> Answer:
        """`payload` is a ClaimRequest; `source` is what attempts are limited by."""
        wait = self._must_wait(source)
        if wait is not None:
            return wait
        request = decode(ClaimRequest, payload)
        if isinstance(request, Refused):
            return self._note("claim", OTHER, source, request)
        return self._note("claim", request.gateway, source, self._decided(lambda: self.office.claim(request)))

    def renew(self, payload: bytes, source: str, gateway: str | None = None) -> Answer:
        """`payload` is a RenewalRequest; `gateway` is given when the way it came already tells whose it is."""
        wait = self._must_wait(source)
        if wait is not None:
            return wait
        request = decode(RenewalRequest, payload)
        if isinstance(request, Refused):
            return self._note("renewal", gateway or OTHER, source, request)
        if gateway is not None and request.gateway != gateway:
            mixed = refused(RefusalReason.CERTIFICATE_UNKNOWN, f"the request is for {request.gateway!r}")
            return self._note("renewal", gateway, source, mixed)
        return self._note("renewal", request.gateway, source, self._decided(lambda: self.office.renew(request)))

    def revoke(self, gateway: str, reason: str) -> tuple[Gateway, str | None] | Refused:
        """Out at once: registry, lists, live connection. The second value is what could not be done at the broker, in words."""
        out = self.office.revoke(gateway, reason)
        if isinstance(out, Refused):
            return out
        problem = self.apply()
        dropped = self.door.drop(gateway, self.office.now_ms()) if problem is None else None
        log.warning("gateway revoked", gateway=gateway, reason=reason, problem=problem or dropped)
        return out, problem or dropped

    def admitted(self, gateway: str) -> str | None:
        """After a certificate for a new device: the broker knows it, and the device whose place it took is out."""
        problem = self.apply()
        with self.office.registry.view() as view:
            replaced = any(one.revoked_ms is not None for one in view.certificates(gateway))
        if problem is None and replaced:
            problem = self.door.drop(gateway, self.office.now_ms())
        return problem

    def apply(self) -> str | None:
        """Makes the broker know what the registry knows; tried again by `tend` when it could not be done."""
        try:
            problem = self.door.apply(self.office.now_ms())
        except UserError as error:
            problem = str(error)
        self._apply_again = problem is not None
        if problem is not None:
            log.error("the broker does not know of the change yet", problem=problem)
        return problem

    def tend(self) -> None:
        """Every minute: writes refusals down, tries again what failed at the broker."""
        with self._lock:
            counts, self._uncounted = self._uncounted, Counter()
        if counts:
            with self.office.registry.change() as change:
                known = {gateway.id for gateway in change.gateways()}
                now_ms = self.office.now_ms()
                for (gateway, reason), count in counts.items():
                    change.count_refusals(gateway if gateway in known else OTHER, reason, count, now_ms)
        if self._apply_again:
            self.apply()

    def _decided(self, decide: Callable[[], Answer]) -> Answer:
        try:
            return decide()
        except UserError as error:
            log.error("no certificate can be made", problem=str(error))
            return refused(RefusalReason.AUTHORITY_UNAVAILABLE, "central cannot sign at the moment", 300)

    def _must_wait(self, source: str) -> Refused | None:
        with self._lock:
            wait_s = self._limit.wait_s(source, self._monotonic_s())
            if wait_s <= 0.0:
                return None
            self.refusals[RefusalReason.TOO_MANY_ATTEMPTS] += 1
            self._uncounted[OTHER, RefusalReason.TOO_MANY_ATTEMPTS] += 1
        return refused(RefusalReason.TOO_MANY_ATTEMPTS, "too many attempts from here", int(wait_s) + 1)

    def _note(self, what: str, gateway: str, source: str, answer: Answer) -> Answer:
        if isinstance(answer, Issued):
            log.info("granted", what=what, gateway=answer.gateway, source=source, not_after_ms=answer.not_after_ms)
            if what == "claim":
                # Before the device comes: the broker has to know it, and to have forgotten the one before it.
                self.admitted(answer.gateway)
            return answer
        name = gateway if GATEWAY_ID.fullmatch(gateway) else OTHER
        with self._lock:
            self._limit.refused(source, self._monotonic_s())
            self.refusals[answer.reason] += 1
            self._uncounted[name, answer.reason] += 1
        log.warning("refused", what=what, gateway=name, source=source, reason=answer.reason.value, detail=answer.detail)
        return answer


def folders(fleet: Path, config: FleetConfig) -> tuple[Path, Path, Path]:
    """Of the authority, of the broker's files, of central's own certificates."""
    broker = fleet / "broker" if config.broker_dir is None else Path(config.broker_dir)
    return fleet / "authority", broker, fleet / "roles"


def open_service(
    fleet: Path, config: FleetConfig, now_ms: Callable[[], int], monotonic_s: Callable[[], float]
) -> Service:
    """Everything wired, from the files of a fleet that was set up by `init`. Raises UserError."""
    check_url(config.claim_url, "fleet.claim_url")
    authority_folder, broker_folder, _ = folders(fleet, config)
    authority = authorities.load(authority_folder)
    registry = Registry(fleet / "fleet.db")
    office = Office(config, authority, registry, now_ms)
    return Service(office, BrokerDoor(config, broker_folder, authority, registry), monotonic_s)


def init(fleet: Path, config: FleetConfig, now_ms: int) -> authorities.Authority:
    """A new fleet: authority, registry, central's own certificates. Raises UserError when there is one already."""
    check_url(config.claim_url, "fleet.claim_url")
    private_folder(fleet)
    authority_folder, _, role_folder = folders(fleet, config)
    authority = authorities.create(authority_folder, now_ms)
    Registry(fleet / "fleet.db")
    for role in (broker_files.INGEST, broker_files.FLEET):
        broker_files.role_identity(role_folder, role, authority, now_ms)
    return authority
