"""What a message is: topic and payload in, one decoded thing or a refusal out. Pure; never raises for any input."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from central.ingest.quality import checked
from central.store.door import Incoming
from contract import topics
from contract.messages import Batch, Event, Health, Hello, Presence, Reading, Rejected, RejectReason, decode
from contract.topics import Stream, Up
from contract.twin import Refused as TwinRefused
from contract.twin import Reported, decode_reported


def _reported(payload: bytes) -> Reported | Rejected:
    reported = decode_reported(payload)
    if isinstance(reported, TwinRefused):
        # The checks of a reported state are the first four of a desired one, and bear the same names.
        return Rejected(RejectReason(reported.reason.value), reported.detail)
    return reported


Saying = Hello | Health | Presence | Reported
_SAYINGS: Final[dict[str, Callable[[bytes], Saying | Rejected]]] = {
    f"up/{Up.HELLO}": lambda payload: decode(Hello, payload),
    f"up/{Up.HEALTH}": lambda payload: decode(Health, payload),
    f"up/{Up.REPORTED}": _reported,
    "presence": lambda payload: decode(Presence, payload),
}
_STREAMS: Final = {f"up/{stream}": stream for stream in Stream}


_parse: Final = lru_cache(maxsize=4096)(topics.parse)
"""A city has few topics, and each is said again and again."""


class Said(msgspec.Struct, frozen=True):
    """What a gateway says of itself: not numbered, the newest counts."""

    gateway: str
    message: Saying


class Refused(msgspec.Struct, frozen=True):
    """A message that is none of ours or malformed; `gateway` is empty when the topic names none."""

    gateway: str
    reason: RejectReason
    detail: str


def sort(topic: str, payload: bytes) -> Incoming | Said | Refused:
    """Decodes by topic; batches come back quality-checked."""
    parsed = _parse(topic)
    if parsed is None:
        return Refused("", RejectReason.MALFORMED, "the topic names no gateway")
    gateway, rest = parsed
    stream = _STREAMS.get(rest)
    if stream is not None:
        batch = decode(Batch, payload)
        if isinstance(batch, Rejected):
            return Refused(gateway, batch.reason, batch.detail)
        stranger = Reading if stream is Stream.EVENTS else Event
        for item in batch.items:
            if type(item) is stranger:
                detail = f"item {item.seq} is no item of the stream {stream}"
                return Refused(gateway, RejectReason.WRONG_STREAM, detail)
        return Incoming(gateway, stream, checked(batch))
    decode_saying = _SAYINGS.get(rest)
    if decode_saying is None:
        return Refused(gateway, RejectReason.MALFORMED, f"nothing is expected on {rest[:60]!r}")
    message = decode_saying(payload)
    if isinstance(message, Rejected):
        return Refused(gateway, message.reason, message.detail)
    return Said(gateway, message)
