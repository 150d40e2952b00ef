"""What is asked of the outbox's thread."""

from collections.abc import Sequence
from concurrent.futures import Future
from enum import StrEnum

import msgspec

from contract.messages import Event, Reading
from contract.topics import Stream
from edge.outbox_file import Item
from edge.outbox_older import OlderBatch


class EventRefused(StrEnum):
    """Why an event was not taken. Whoever has a person waiting (a passenger with a ticket) says no then: nothing of it is kept."""

    QUOTA_FULL = "quota_full"
    """As many events wait for their receipt as the quota allows: none of them is given up for a new one."""
    BODY_TOO_LARGE = "body_too_large"
    BODY_NOT_JSON = "body_not_json"
    DISK_REFUSES = "disk_refuses"
    """It could not be made durable."""
    STOPPED = "stopped"


class Append(msgspec.Struct, frozen=True):
    readings: Sequence[Reading]
    flush: bool


class Record(msgspec.Struct, frozen=True):
    event: Event
    answer: Future[int | EventRefused]


class Receipted(msgspec.Struct, frozen=True):
    stream: Stream
    epoch: str
    up_to_seq: int
    stored_at_ms: int


class Read(msgspec.Struct, frozen=True):
    stream: Stream
    epoch: str | None
    from_seq: int
    until_seq: int
    items_max: int
    bytes_max: int
    answer: Future[list[Item]]


class ReadOlder(msgspec.Struct, frozen=True):
    items_max: int
    bytes_max: int
    answer: Future[OlderBatch | None]


class Flush(msgspec.Struct, frozen=True):
    answer: Future[None]


class Stop(msgspec.Struct, frozen=True):
    pass


Command = Append | Record | Receipted | Read | ReadOlder | Flush | Stop
