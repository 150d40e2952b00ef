"""The messages themselves, with their versions; encoding, and decoding that rejects what is malformed with a reason.

JSON, one object a message, `v` first. Times are integers in Unix milliseconds UTC. A receiver accepts every version it
knows and rejects others by name, so that an old central meets a new edge with a clear word. Unknown fields are ignored within
a version: a newer sender may say more.

What comes by the ten thousand (`gc=False`) is not looked through by the cycle collector, which took half of the time to decode: it
holds numbers and text, never itself.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec

from contract.quantities import QUANTITIES, Flag
from contract.topics import Stream

VERSION: Final = 1
BATCH_BYTES_MAX: Final = 262_144
BATCH_ITEMS_MAX: Final = 2_000
EVENT_BODY_BYTES_MAX: Final = 4_096

Identifier = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
UnixMs = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
"""Up to the year 2100; a clock that stands at 1970 is allowed: `clock_synchronised` says whether to believe it."""


class Reading(msgspec.Struct, frozen=True, tag="reading", tag_field="kind", omit_defaults=True, gc=False):
    """What one station said at one moment.

    Attributes:
        seq: place in the gateway's telemetry stream.
        station: which station.
        at_ms: the edge's wall time at the end of the poll.
        monotonic_ms: the edge's monotonic time at the same moment, to re-date a reading once the clock is known.
        boot_id: which boot `monotonic_ms` counts in.
        values: quantity -> value, None where nothing valid was measured.
        flags: quantity -> flag, only for values that are not ok.
        clock_synchronised: whether `at_ms` could be trusted when it was written.
    """

    seq: Seq
    station: Identifier
    at_ms: UnixMs
    monotonic_ms: Annotated[int, msgspec.Meta(ge=0)]
    boot_id: Identifier
    values: dict[str, float | None]
    flags: dict[str, Flag] = {}
    clock_synchronised: bool = True


class Event(msgspec.Struct, frozen=True, tag="event", tag_field="kind", omit_defaults=True):
    """Something that happened once and must not be lost: a ticket taken, a door opened.

    Attributes:
        seq: place in the gateway's events stream.
        name: what happened, as the receiving service knows it: `ticket.ride`.
        at_ms, monotonic_ms, boot_id, clock_synchronised: as for a reading.
        body: what there is to say of it; at most EVENT_BODY_BYTES_MAX bytes of JSON.
    """

    seq: Seq
    name: Identifier
    at_ms: UnixMs
    monotonic_ms: Annotated[int, msgspec.Meta(ge=0)]
    boot_id: Identifier
    body: dict[str, Any]
    clock_synchronised: bool = True


class Shed(msgspec.Struct, frozen=True, tag="shed", tag_field="kind", gc=False):
    """A tombstone: these items were given up by the gateway because its disk quota was full. Shed is not lost.

    `seq` is the last of the range, so that a tombstone sorts where the range ends.
    """

    seq: Seq
    first_seq: Seq
    count: Annotated[int, msgspec.Meta(ge=1)]
    first_at_ms: UnixMs
    last_at_ms: UnixMs
    reason: str


Item = Reading | Event | Shed


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Items of one stream, ascending by seq, not necessarily contiguous (what was receipted or thinned is missing).

    `oldest_seq` is the first seq the outbox still answers for: everything below was receipted or shed-and-receipted before.
    """

    v: int
    epoch: Identifier
    oldest_seq: Seq
    items: list[Item]


class Receipt(msgspec.Struct, frozen=True):
    """Central's word that everything of the stream and epoch up to `up_to_seq` is committed. Only this deletes from an outbox."""

    v: int
    stream: Stream
    epoch: Identifier
    up_to_seq: Annotated[int, msgspec.Meta(ge=0)]
    stored_at_ms: UnixMs


class StreamState(msgspec.Struct, frozen=True):
    """Where an outbox stands: rows `oldest_seq` .. `next_seq` - 1 wait for their receipt (none when equal)."""

    epoch: Identifier
    oldest_seq: Seq
    next_seq: Seq


class StationInfo(msgspec.Struct, frozen=True):
    station: Identifier
    bus: str
    unit_address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    profile: Identifier
    interval_s: float


class Hello(msgspec.Struct, frozen=True):
    """Sent after every connect: who speaks, since when, with which stations, and what waits.

    With `monotonic_ms` (at the moment of `at_ms`) it also dates what this boot measured before its clock was set.
    """

    v: int
    software: str
    boot_id: Identifier
    at_ms: UnixMs
    streams: dict[Stream, StreamState]
    stations: list[StationInfo]
    monotonic_ms: int | None = None
    clock_synchronised: bool = False


class DeviceHealth(msgspec.Struct, frozen=True):
    """One device since the start of the agent; `last_error` is a name such as timeout, checksum, exception_2."""

    station: Identifier
    polls: int
    good: int
    timeouts: int
    checksum_errors: int
    exceptions: int
    other_errors: int
    backoff_s: float
    last_good_at_ms: int | None = None
    last_error: str | None = None
    poll_ms_median: float | None = None


class OutboxHealth(msgspec.Struct, frozen=True):
    stream: Stream
    rows: int
    size_bytes: int
    shed_total: int
    oldest_at_ms: int | None = None
    last_receipt_at_ms: int | None = None
    in_memory: bool = False
    """The disk refuses: what waits would not survive a loss of power."""
    problem: str | None = None
    """Why the disk refuses, in one line."""
    older_epochs_rows: int = 0
    """Items of older epochs that wait for their receipt: saved from a damaged file, or from memory."""


class Health(msgspec.Struct, frozen=True):
    """The agent's own state, every minute; not numbered, not kept: the newest counts."""

    v: int
    at_ms: UnixMs
    boot_id: Identifier
    uptime_s: float
    clock_synchronised: bool
    devices: list[DeviceHealth]
    outbox: list[OutboxHealth]
    resident_memory_bytes: int | None = None
    cpu_s: float | None = None
    disk_free_bytes: int | None = None
    monotonic_ms: int | None = None
    """The monotonic time at the moment of `at_ms`."""


class Presence(msgspec.Struct, frozen=True):
    """Retained. `online = false` is the will, published by the broker when the link dies."""

    v: int
    online: bool
    boot_id: Identifier
    at_ms: int = 0


class RejectReason(StrEnum):
    """Why a payload was refused, in the order the checks are made."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    UNSUPPORTED_VERSION = "unsupported_version"
    MALFORMED = "malformed"
    TOO_MANY_ITEMS = "too_many_items"
    SEQ_NOT_ASCENDING = "seq_not_ascending"
    SEQ_BELOW_OLDEST = "seq_below_oldest"
    BAD_RANGE = "bad_range"
    UNKNOWN_QUANTITY = "unknown_quantity"
    WRONG_STREAM = "wrong_stream"
    """Readings go with the telemetry, events with the events."""


class Rejected(msgspec.Struct, frozen=True):
    """A payload that was refused: why, and where in it."""

    reason: RejectReason
    detail: str


class _Versioned(msgspec.Struct):
    v: int


Message = TypeVar("Message", Batch, Receipt, Hello, Health, Presence)

_encoder = msgspec.json.Encoder()
_version = msgspec.json.Decoder(_Versioned)
_decoders: Final = {kind: msgspec.json.Decoder(kind) for kind in (Batch, Receipt, Hello, Health, Presence)}


def encode(message: Batch | Receipt | Hello | Health | Presence) -> bytes:
    return _encoder.encode(message)


def encode_item(item: Item) -> bytes:
    """One item as it lies in an outbox; `join_batch` makes a batch of such bytes without decoding them."""
    return _encoder.encode(item)


def join_batch(epoch: str, oldest_seq: int, items: list[bytes]) -> bytes:
    """The bytes of a `Batch` from items already encoded."""
    head = b'{"v":%d,"epoch":%s,"oldest_seq":%d,"items":[' % (VERSION, _encoder.encode(epoch), oldest_seq)
    return head + b",".join(items) + b"]}"


def decode(kind: type[Message], payload: bytes | bytearray | memoryview) -> Message | Rejected:
    """The message, or why it is none. Never raises for any input."""
    if len(payload) > BATCH_BYTES_MAX:
        return Rejected(RejectReason.TOO_LARGE, f"{len(payload)} bytes, at most {BATCH_BYTES_MAX}")
    try:
        message = cast("Message", _decoders[kind].decode(payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _why(payload, str(error))
    if message.v != VERSION:
        return _other_version(message.v)
    if isinstance(message, Batch):
        refused = _check_batch(message)
        if refused is not None:
            return refused
    return message


def _why(payload: bytes | bytearray | memoryview, problem: str) -> Rejected:
    """The reason that counts for what could not be decoded: another version may look different and be right."""
    try:
        version = _version.decode(payload).v
    except msgspec.ValidationError as error:
        return Rejected(RejectReason.MALFORMED, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejected(RejectReason.NOT_JSON, str(error))
    return _other_version(version) if version != VERSION else Rejected(RejectReason.MALFORMED, problem)


def _other_version(version: int) -> Rejected:
    return Rejected(RejectReason.UNSUPPORTED_VERSION, f"version {version}, known: {VERSION}")


def _check_batch(batch: Batch) -> Rejected | None:
    items = batch.items
    if len(items) > BATCH_ITEMS_MAX:
        return Rejected(RejectReason.TOO_MANY_ITEMS, f"{len(items)} items, at most {BATCH_ITEMS_MAX}")
    previous, known = batch.oldest_seq - 1, _QUANTITY_NAMES
    for index, item in enumerate(items):
        if type(item) is Reading:
            if item.seq <= previous:
                return _misplaced(batch, index, item.seq, previous)
            previous = item.seq
            # Whole sets at once: this runs for every reading of the city.
            if not item.values.keys() <= known:
                return _unknown(index, "values", item.values.keys() - known)
            if item.flags and not item.flags.keys() <= known:
                return _unknown(index, "flags", item.flags.keys() - known)
            continue
        first = item.first_seq if isinstance(item, Shed) else item.seq
        if first <= previous:
            return _misplaced(batch, index, first, previous)
        previous = item.seq
        if isinstance(item, Shed):
            if item.first_seq > item.seq or item.count > item.seq - item.first_seq + 1:
                return Rejected(
                    RejectReason.BAD_RANGE, f"$.items[{index}] shed {item.first_seq}..{item.seq}, count {item.count}"
                )
        elif isinstance(item, Event) and (size := body_bytes(item.body)) > EVENT_BODY_BYTES_MAX:
            return Rejected(
                RejectReason.TOO_LARGE, f"$.items[{index}].body of {size} bytes, at most {EVENT_BODY_BYTES_MAX}"
            )
    return None


_QUANTITY_NAMES: Final = frozenset(QUANTITIES)


def body_bytes(body: dict[str, Any]) -> int:
    """What the body of an event takes as JSON. Raises TypeError, ValueError, OverflowError, RecursionError when it is no JSON."""
    return len(_encoder.encode(body))


def _misplaced(batch: Batch, index: int, first: int, previous: int) -> Rejected:
    if index == 0:
        detail = f"$.items[0].seq {first} below oldest_seq {batch.oldest_seq}"
        return Rejected(RejectReason.SEQ_BELOW_OLDEST, detail)
    return Rejected(RejectReason.SEQ_NOT_ASCENDING, f"$.items[{index}].seq {first} after {previous}")


def _unknown(index: int, field: str, names: set[str]) -> Rejected:
    return Rejected(RejectReason.UNKNOWN_QUANTITY, f"$.items[{index}].{field}.{min(names)}")
