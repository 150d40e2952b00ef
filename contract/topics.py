"""The MQTT topics, written in one place.

`kumagaya/v1/{gateway}/up/{telemetry|events|health|hello|reported}`  edge -> central
`kumagaya/v1/{gateway}/down/{receipt|desired|command}`      central -> edge
`kumagaya/v1/{gateway}/presence`                            retained, with a will
"""

import re
from enum import StrEnum
from typing import Final

ROOT: Final = "kumagaya/v1"
GATEWAY_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""A gateway's name: lower case, digits, hyphens; safe in a topic, a file name and a certificate."""


class Stream(StrEnum):
    """The numbered streams of a gateway: each item has a contiguous seq and is kept until its receipt."""

    TELEMETRY = "telemetry"
    EVENTS = "events"


class Up(StrEnum):
    TELEMETRY = "telemetry"
    EVENTS = "events"
    HEALTH = "health"
    HELLO = "hello"
    REPORTED = "reported"
    """Retained: what the gateway runs by, and what became of the newest desired document (`contract.twin`)."""


class Down(StrEnum):
    RECEIPT = "receipt"
    DESIRED = "desired"
    COMMAND = "command"


def up(gateway: str, channel: Up | Stream) -> str:
    return f"{ROOT}/{gateway}/up/{channel}"


def down(gateway: str, channel: Down) -> str:
    return f"{ROOT}/{gateway}/down/{channel}"


def presence(gateway: str) -> str:
    return f"{ROOT}/{gateway}/presence"


ALL_UP: Final = f"{ROOT}/+/up/+"
ALL_PRESENCE: Final = f"{ROOT}/+/presence"


def parse(topic: str) -> tuple[str, str] | None:
    """The gateway and the rest of a topic of ours (`up/telemetry`, `presence`), or None for a foreign one."""
    prefix = ROOT + "/"
    if not topic.startswith(prefix):
        return None
    gateway, _, rest = topic[len(prefix) :].partition("/")
    if not rest or not GATEWAY_ID.fullmatch(gateway):
        return None
    return gateway, rest
