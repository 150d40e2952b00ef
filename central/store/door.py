"""The one door to everything central remembers: rows, and the calls that write and read them.

Whoever implements `Store` keeps the promises in its docstrings; `tests/central/store` holds every adapter to them.

- Writes return a Future. It resolves only after the commit is on disk; until then nothing may be acknowledged to anybody.
  It fails with `StoreUnavailable` when the store cannot write at the moment (disk full, locked): try again later, nothing was written.
- Reads see everything whose Future has resolved. They may be called from any thread.
- Times are Unix milliseconds UTC of the city's clock, unless the name says `received_unix_ms`: that is the machine's own time.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from contract.messages import Batch, Health, Hello, Presence, RejectReason
from contract.quantities import Flag
from contract.topics import Stream
from contract.twin import Desired, Reported

READINGS_LIMIT_MAX: Final = 100_000
"""Most rows of one `readings` page."""
FRAMES_LIMIT_MAX: Final = 1_000
"""Most frames of one `frames` page."""


class StoreUnavailable(Exception):  # noqa: N818 - a state of the world, not a programming error
    """The store cannot write at the moment; nothing of the write was kept. The message says why."""


class BadCursor(ValueError):  # noqa: N818 - named as the API names it
    """The cursor was not made by this store for this resolution."""


class Resolution(StrEnum):
    """How finely readings are asked for. Roll-ups are labelled with the start of their interval."""

    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    """Days of Japan Standard Time, labelled with 00:00 JST."""


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A decoded batch and where it came from."""

    gateway: str
    stream: Stream
    batch: Batch


class Ingested(msgspec.Struct, frozen=True, gc=False):
    """What became of one batch.

    Attributes:
        up_to_seq: everything of the stream and epoch up to here is committed (or shed, or recorded as a gap): what a receipt may say.
        stored: readings that were new.
        duplicates: items that were known already and left as they were.
        shed: items that tombstones gave up and that were never stored; with stored and missing it adds up to what was numbered.
        missing: items the gateway no longer answers for and central never saw, noticed with this batch.
    """

    up_to_seq: int
    stored: int
    duplicates: int
    shed: int = 0
    missing: int = 0


class Station(msgspec.Struct, frozen=True):
    """One weather station.

    Attributes:
        surface: what it stands on: asphalt, grass, ...
        profile: device profile, None when not told.
        gateway: who last delivered for it, None before the first reading.
        configured: False for a station that only announced itself by a reading; its place is then unknown (None).
    """

    id: str
    name_ja: str
    name_en: str
    lat: float | None
    lon: float | None
    surface: str = ""
    profile: str | None = None
    gateway: str | None = None
    configured: bool = True


class LastReading(msgspec.Struct, frozen=True):
    """The newest reading of a station.

    Attributes:
        at_ms: when it was measured, city time.
        received_at_ms: when central committed it, city time.
        received_unix_ms: the same moment on the machine's own clock: for "how long ago in real seconds".
        values: quantity -> value; None or absent when not measured.
        flags: quantity -> flag, only for values that are not ok.
    """

    station: str
    gateway: str
    seq: int
    at_ms: int
    received_at_ms: int
    received_unix_ms: int
    values: dict[str, float | None]
    flags: dict[str, Flag]
    clock_synchronised: bool = True


class Series(msgspec.Struct, frozen=True):
    """A page of readings or roll-ups, oldest first.

    Attributes:
        columns: names of the row's fields. First `at_ms`. Raw: the quantities, `dating` (how `at_ms` is known: None by the gateway's
            synchronised clock, `by_boot` by what was learned of that boot's clock later, `by_receipt` no better than that it was
            received), last `flags` (JSON object text or None).
            Roll-ups: for each quantity `q` the mean over values without a flag, then `q_min`, `q_max` (no min and max for a direction,
            whose mean is that of unit vectors), last `readings`, how many readings fell into the interval.
        rows: one tuple per row, in the order of `columns`; None where nothing valid was measured.
        next_cursor: hand it back as `after` for the next page; None on the last.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    next_cursor: str | None


class Frame(msgspec.Struct, frozen=True):
    """One heat frame as the simulation describes it; the rasters lie beside the store under the same id."""

    id: str
    at_ms: int
    computed_at_ms: int
    meta: dict[str, Any]


class FramePage(msgspec.Struct, frozen=True):
    """Newest first; `next_cursor` is None on the last page."""

    frames: list[Frame]
    next_cursor: str | None


class StreamProgress(msgspec.Struct, frozen=True):
    """How far one epoch of a gateway's stream has come; counts since its first item."""

    stream: Stream
    epoch: str
    up_to_seq: int
    stored: int
    duplicates: int
    shed: int
    missing: int
    last_at_ms: int


class GatewayState(msgspec.Struct, frozen=True):
    """All that is known of a gateway; None where it never said so."""

    gateway: str
    online: bool | None
    presence_at_ms: int | None
    hello: Hello | None
    hello_at_ms: int | None
    health: Health | None
    health_at_ms: int | None
    streams: list[StreamProgress]


class Gap(msgspec.Struct, frozen=True):
    """Items central never saw and the gateway no longer answers for: lost, with a place and a time.

    `first_contact` tells a gap at the head of a stream that this store had never heard of: then the items may lie in an older store.
    """

    gateway: str
    stream: Stream
    epoch: str
    first_seq: int
    last_seq: int
    count: int
    noticed_at_ms: int
    first_contact: bool


class ShedRange(msgspec.Struct, frozen=True):
    """A tombstone of the gateway: `count` items of the range were given up because its disk quota was full."""

    gateway: str
    stream: Stream
    epoch: str
    first_seq: int
    last_seq: int
    count: int
    first_at_ms: int
    last_at_ms: int
    reason: str


class StoredEvent(msgspec.Struct, frozen=True):
    """An event of a gateway. `number` grows with every event stored; `dated` is False while only its receipt says when it was."""

    number: int
    gateway: str
    epoch: str
    seq: int
    name: str
    at_ms: int
    received_at_ms: int
    body: dict[str, Any]
    dated: bool


class Reject(msgspec.Struct, frozen=True):
    """A payload that was refused. `payload_head` holds its first bytes, `gateway` is empty when the topic is not ours."""

    gateway: str
    topic: str
    reason: RejectReason
    detail: str
    payload_head: bytes
    at_ms: int


class StoreHealth(msgspec.Struct, frozen=True):
    """Whether the store can be written. `problem` is None while it can, else one line; `waiting` counts writes in the queue."""

    problem: str | None
    waiting: int
    size_bytes: int
    last_commit_unix_ms: int | None


class Store(Protocol):
    """See the module's docstring for what holds for all calls."""

    def ingest(self, batches: Sequence[Incoming]) -> Future[list[Ingested]]:
        """Stores the new items of all batches in one transaction, in the order given, one result a batch.

        An item is known by (gateway, stream, epoch, seq): one that was stored before changes nothing. Two items of the same
        station and moment with different identities are both kept. Roll-ups, last readings and stream progress are part of the same commit.
        Stations that are not known are registered with `configured = False`.

        What a gateway measured before it knew the time is dated by its boot: provisionally by the moment of receipt, and again,
        with roll-ups and last readings in the same commit, as soon as a synchronised message of that boot comes.
        """
        ...

    def ingest_batch(self, gateway: str, stream: Stream, batch: Batch) -> Future[Ingested]:
        """`ingest` for a single batch."""
        ...

    def set_presence(self, gateway: str, presence: Presence) -> Future[None]:
        """The newest presence counts."""
        ...

    def set_hello(self, gateway: str, hello: Hello) -> Future[None]:
        """The newest hello counts; it also dates what its boot measured before, as `ingest` says."""
        ...

    def set_health(self, gateway: str, health: Health) -> Future[None]:
        """The newest health counts; it also dates what its boot measured before, as `ingest` says."""
        ...

    def set_reported(self, gateway: str, reported: Reported) -> Future[None]:
        """The newest report of what the gateway runs by counts."""
        ...

    def add_desired(self, desired: Desired) -> Future[bool]:
        """Adds a document; False, and nothing is changed, unless its version is above every one of its gateway."""
        ...

    def add_reject(self, reject: Reject) -> Future[None]:
        """Keeps the newest thousand rejects, and counts them all by gateway and reason."""
        ...

    def station_upsert(self, station: Station) -> Future[None]:
        """Makes the station known, or changes what is known of it; `gateway` is left as it is."""
        ...

    def add_frame(self, frame: Frame) -> Future[None]:
        """Adds a frame; one with the same id is replaced."""
        ...

    def delete_frames(self, frame_ids: Sequence[str]) -> Future[None]:
        """Forgets these frames; ids that are not known do not matter."""
        ...

    def stations(self) -> list[Station]:
        """All stations by id, those that only announced themselves too."""
        ...

    def last_readings(self) -> list[LastReading]:
        """The newest reading of every station that has one, by station id.

        Newest is the latest `at_ms`; only a reading dated more than a minute after central's clock (whose station's clock was
        wrong) gives way to whatever comes next.
        """
        ...

    def readings(  # noqa: PLR0917 - a question with its page
        self,
        station: str,
        from_ms: int,
        to_ms: int,
        resolution: Resolution = Resolution.MINUTE,
        limit: int = 10_000,
        after: str | None = None,
        quantities: Sequence[str] | None = None,
    ) -> Series:
        """What a station measured in [from_ms, to_ms): for roll-ups the intervals that begin in it. An unknown station has no rows.

        Args:
            station: its id.
            from_ms: begin of the span, inclusive.
            to_ms: end of the span, exclusive.
            resolution: single readings or roll-ups.
            limit: rows of this page, 1 .. READINGS_LIMIT_MAX.
            after: `next_cursor` of the page before.
            quantities: which columns; None for all.

        Raises:
            BadCursor: `after` is foreign.
            ValueError: limit or a quantity is not allowed.

        """
        ...

    def latest_frame(self) -> Frame | None:
        """The frame added last."""
        ...

    def frame(self, frame_id: str) -> Frame | None:
        """The frame with this id."""
        ...

    def frames(self, limit: int = 100, after: str | None = None) -> FramePage:
        """Frames, the one added last first. Raises BadCursor, ValueError for a limit outside 1 .. FRAMES_LIMIT_MAX."""
        ...

    def gateways(self) -> list[GatewayState]:
        """Every gateway that ever spoke, by id."""
        ...

    def desired(self, gateway: str) -> Desired | None:
        """The newest document for the gateway."""
        ...

    def desired_versions(self) -> dict[str, int]:
        """Gateway -> version of its newest document. Cheap: to be asked every second."""
        ...

    def reported(self, gateway: str) -> Reported | None:
        """What the gateway last reported to run by."""
        ...

    def gaps(self) -> list[Gap]:
        """All gaps, newest first."""
        ...

    def shed_ranges(self) -> list[ShedRange]:
        """All tombstones, newest first."""
        ...

    def events(self, after: int = 0, limit: int = 1_000, name: str | None = None) -> list[StoredEvent]:
        """Events with a number above `after`, ascending; only those of this name when one is given."""
        ...

    def rejects(self, limit: int = 100) -> list[Reject]:
        """The newest rejects, newest first."""
        ...

    def reject_counts(self) -> dict[tuple[str, RejectReason], int]:
        """(gateway, reason) -> how many were ever refused."""
        ...

    def change_token(self) -> int:
        """A number that differs after anything was committed, by whatever process. Cheap: to be asked ten times a second.

        Only compare tokens of one open store with each other.
        """
        ...

    def health(self) -> StoreHealth:
        """Whether writing works."""
        ...

    def backup(self, target: Path) -> None:
        """Writes a consistent copy to `target` while others go on writing. Raises UserError when it cannot be written."""
        ...

    def close(self) -> None:
        """Finishes the writes that wait, then closes. Later writes fail with StoreUnavailable. May be called twice."""
        ...
