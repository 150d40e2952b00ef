"""Finds in mosquitto's log what it refused, and whom. It tells only at its debug level, so the rest of that level is left out.

mosquitto answers a forbidden PUBLISH of MQTT 3.1.1 like an allowed one and grants a forbidden subscription without ever delivering
anything to it; this log is the only place where either is seen.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

import msgspec
import structlog

from central.fleet.broker_files import ROLES
from central.fleet.registry import Registry
from contract.topics import GATEWAY_ID, ROOT

WRITE_EVERY_MS: Final = 10_000

log = structlog.get_logger("central.fleet")


class BrokerRefusal(StrEnum):
    """What the broker refused, as it is counted."""

    TOPIC_DENIED = "topic_denied"
    SUBSCRIPTION_DENIED = "subscription_denied"
    TLS_REFUSED = "tls_refused"
    PACKET_REFUSED = "packet_refused"


class Seen(msgspec.Struct, frozen=True):
    """`name` is the user's, empty before there is one."""

    refusal: BrokerRefusal
    name: str
    detail: str


_DENIED: Final = re.compile(r"Denied PUBLISH from (\S+) \(.*?'(.*)', ")
_SUBSCRIBED: Final = re.compile(r"^(?:\S+: )?(\S+) [012] (\S+)$")
_TLS: Final = re.compile(r"(?:OpenSSL Error\[0\]|Client connection from \S+ failed): (?!.*unexpected eof)(.*)")
"""In the one form or the other, by the step of the handshake. An unexpected end is a visitor that left: a port scan, a health check."""
_PACKET: Final = re.compile(
    r"Client (\S+) disconnected(?: due to|:) (oversize packet|protocol error|malformed packet)", re.IGNORECASE
)
_DEBUG: Final = re.compile(
    r"(?:Received|Sending) [A-Z]+ (?:from|to) |^(?:\S+: )?\t|No will message specified|Denied PUBLISH"
)


def seen(line: str) -> Seen | None:
    """What a line of the log says was refused. Pure."""
    match = _DENIED.search(line)
    if match:
        return Seen(BrokerRefusal.TOPIC_DENIED, match[1], match[2])
    match = _TLS.search(line)
    if match:
        return Seen(BrokerRefusal.TLS_REFUSED, "", match[1])
    match = _PACKET.search(line)
    if match:
        return Seen(BrokerRefusal.PACKET_REFUSED, "" if match[1] == "<unknown>" else match[1], match[2])
    match = _SUBSCRIBED.match(line)
    if match and match[1] not in ROLES and not match[2].startswith(f"{ROOT}/{match[1]}/down/"):
        return Seen(BrokerRefusal.SUBSCRIPTION_DENIED, match[1], match[2])
    return None


def noise(line: str) -> bool:
    """Whether a line is one of the debug level, of which there are several for each message."""
    return _DEBUG.search(line) is not None


def watch(lines: Iterable[str], registry: Registry, now_ms: Callable[[], int], pass_on: Callable[[str], None]) -> None:
    """Until the log ends: passes on the lines that matter, says once a while who was refused what, counts it in the registry."""
    counts: Counter[tuple[str, str]] = Counter()
    written_ms = 0
    for raw in lines:
        line = raw.rstrip("\n")
        what = seen(line)
        if what is not None:
            name = what.name if GATEWAY_ID.fullmatch(what.name) else ""
            counts[name, what.refusal] += 1
            if counts[name, what.refusal] == 1:
                log.warning("refused by the broker", gateway=name, reason=what.refusal.value, detail=what.detail[:200])
        if not noise(line):
            pass_on(line)
        if counts and now_ms() - written_ms > WRITE_EVERY_MS:
            written_ms = now_ms()
            write(counts, registry, written_ms)
            counts.clear()
    write(counts, registry, now_ms())


def write(counts: Counter[tuple[str, str]], registry: Registry, now_ms: int) -> None:
    """Adds to the registry; names it does not know are counted as strangers."""
    if not counts:
        return
    with registry.change() as change:
        known = {gateway.id for gateway in change.gateways()}
        for (name, reason), count in counts.items():
            change.count_refusals(name if name in known else "", reason, count, now_ms)
