"""Compares what the counting stations served with what central holds, after everything has come to rest. Pure.

Every answer of a counting station is a number of its own, so that each stored reading names the answer it was made of. Six rules:

1. Each stored reading is an answer (or, where a block was asked in parts, the parts of it) of that station, unchanged: else it is *wrong*.
2. No answer is stored twice, no identity twice: else it is *duplicated*.
3. It is dated by the edge's clock of that moment, or, where that clock was known to be wrong, by what it said once it was right; and
   a station's readings are numbered in the order they were served.
4. The numbers of each epoch are without a hole: what the outbox committed is stored, or shed and said to be shed. Nothing else is allowed.
5. A sound answer that is not stored was never committed. It may be missing only
   - *in flight*: the agent was killed within the commit interval after it was served, and nothing that the station served between the
     two is stored: commits are made in order, so that only the end can be missing;
   - *in trouble*: the line was not readable then, because station, simulator or agent stood still or a fault was on that line;
   - *in memory*: the disk refused writes, and the agent ended before it took them;
   - *shed*: a tombstone covers its time.
   Everything else is *lost*.
6. An event that the outbox said it had taken is stored once, whatever was killed and however full the disk; none is stored that was not
   handed in; those of an epoch are numbered in the order in which they were handed in.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Values = Mapping[str, float | None]
Dated = int
"""How central came by a reading's time: 0 not known for sure, 1 by the gateway's clock, 2 by the offset that the gateway told later."""

_NOT_SURE, _BY_OWN_CLOCK = 0, 1
_EARLY_MS = 200
_ASKED_BEFORE_MS = 100
"""An answer to a killed agent's last question is served a little after the kill."""


@dataclass(frozen=True)
class Served:
    """One answer. `at_ms`: true time."""

    station: str
    at_ms: int
    values: Values
    sound: bool


@dataclass(frozen=True)
class Stored:
    station: str
    stream_key: int
    seq: int
    at_ms: int
    values: Values
    dated: Dated = 1


@dataclass(frozen=True)
class Stream:
    """A row of central's progress. `rows`: readings or events stored, up to `highest_seq`."""

    name: str
    epoch: str
    up_to_seq: int
    shed: int
    missing: int
    highest_seq: int
    rows: int


@dataclass(frozen=True)
class Span:
    """A stretch of true time [Unix ms]; `lines`: whom it concerns, empty for all.

    `still`: agent or simulator stood still, so that what was answered before is read, and dated, after it.
    """

    from_ms: int
    to_ms: int
    lines: frozenset[str] = frozenset()
    still: bool = False

    def holds(self, at_ms: int, line: str) -> bool:
        return self.from_ms <= at_ms <= self.to_ms and (not self.lines or line in self.lines)


@dataclass(frozen=True)
class ClockChange:
    """From `at_ms` (true time) on, the edge's clock was `offset_ms` ahead, and believed so or not."""

    at_ms: int
    offset_ms: int
    synchronised: bool = True


@dataclass
class Evidence:
    """What excuses a missing answer, and what a stored one must agree with."""

    lines: Mapping[str, str]
    edge_kills_ms: Sequence[int] = ()
    trouble: Sequence[Span] = ()
    refused: Sequence[Span] = ()
    """From when the disk took nothing until the agent ended."""
    shed: Sequence[Span] = ()
    """In the edge's own time."""
    clock: Sequence[ClockChange] = ()
    in_flight_ms: int = 1500
    """The commit interval, and the time in which a sweep is read and handed over."""
    late_ms: int = 500
    """How much later than served a reading may be dated: the bytes on the wire, and a busy machine. Less than a late reply is late."""


@dataclass
class Account:
    """What became of one station's answers."""

    station: str
    served: int = 0
    stored: int = 0
    spoiled: int = 0
    """Not sound, and not stored: nobody could have read them."""
    in_flight: int = 0
    trouble: int = 0
    in_memory: int = 0
    shed: int = 0
    parts: int = 0
    """Answers that are one of several parts of a stored reading, beyond the first."""
    undated: int = 0
    """Stored without a date to be sure of: not compared."""
    lost: list[int] = field(default_factory=list)
    duplicated: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    misdated: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)


def settle(served: Iterable[Served], stored: Iterable[Stored], evidence: Evidence) -> list[Account]:
    """One account a station, in the order of their names."""
    by_station: dict[str, list[Served]] = defaultdict(list)
    for answer in served:
        by_station[answer.station].append(answer)
    rows: dict[str, list[Stored]] = defaultdict(list)
    for row in stored:
        rows[row.station].append(row)
    return [
        _Settling(station, sorted(by_station[station], key=lambda one: one.at_ms), rows[station], evidence).account()
        for station in sorted(by_station.keys() | rows.keys())
    ]


class _Settling:
    def __init__(self, station: str, served: list[Served], stored: list[Stored], evidence: Evidence) -> None:
        self._served = served
        self._stored = stored
        self._evidence = evidence
        self._line = evidence.lines.get(station, "")
        self._account = Account(station, served=len(served), stored=len(stored))
        self._index: dict[tuple[str, float | None], list[int]] = defaultdict(list)
        for number, answer in enumerate(served):
            for quantity, value in answer.values.items():
                self._index[quantity, value].append(number)
        self._used: dict[int, Stored] = {}
        self._stored_at_ms: list[int] = []
        self._proofs_at_ms: list[int] = []

    def account(self) -> Account:
        account = self._account
        newest: dict[int, int] = {}
        dated: list[tuple[Stored, Served]] = []
        for row in self._stored:
            parts = self._parts(row)
            if parts is None:
                account.wrong.append(f"{row.station} epoch {row.stream_key} seq {row.seq}: {dict(row.values)}")
                continue
            account.parts += len(parts) - 1
            for number in parts:
                if number in self._used:
                    account.duplicated.append(row.seq)
                self._used[number] = row
            last = max(parts)
            if last < newest.get(row.stream_key, -1):
                account.disordered.append(f"{row.station} seq {row.seq}")
            newest[row.stream_key] = last
            dated.append((row, self._served[last]))
        self._proofs_at_ms = sorted(answer.at_ms for row, answer in dated if row.dated == _BY_OWN_CLOCK)
        for row, answer in dated:
            self._check_date(row, answer)
        self._stored_at_ms = sorted(self._served[number].at_ms for number in self._used)
        for number, answer in enumerate(self._served):
            if number not in self._used:
                self._explain(answer)
        return account

    def _parts(self, row: Stored) -> list[int] | None:
        """The answers that make up the reading; None when there are none."""
        wanted = {name: value for name, value in row.values.items() if value is not None}
        parts: list[int] = []
        while wanted:
            name, value = next(iter(wanted.items()))
            best: tuple[int, int] | None = None
            for number in self._index.get((name, value), ()):
                answer = self._served[number]
                covered = sum(1 for quantity in answer.values if quantity in wanted)
                agreed = sum(
                    1 for quantity, at in answer.values.items() if quantity in wanted and wanted[quantity] == at
                )
                if agreed == covered and (best is None or (agreed, number) > best):
                    best = (agreed, number)
            if best is None:
                return None
            parts.append(best[1])
            for quantity in self._served[best[1]].values:
                wanted.pop(quantity, None)
        return parts or None

    def _check_date(self, row: Stored, answer: Served) -> None:
        if row.dated == _NOT_SURE:
            self._account.undated += 1
            return
        stood_still_ms = max(
            (
                span.to_ms - answer.at_ms
                for span in self._evidence.trouble
                if span.still and span.holds(answer.at_ms, self._line)
            ),
            default=0,
        )
        late_ms = self._evidence.late_ms + stood_still_ms
        offsets = self._offsets(answer.at_ms, late_ms, by_own_clock=row.dated == _BY_OWN_CLOCK)
        off = [row.at_ms - answer.at_ms - offset for offset in offsets]
        if not any(-_EARLY_MS <= one <= late_ms for one in off):
            self._account.misdated.append(f"{row.station} seq {row.seq} at {row.at_ms}: {off} ms off, mark {row.dated}")

    def _offsets(self, at_ms: int, late_ms: int, *, by_own_clock: bool) -> list[int]:
        """What the edge's clock may have been ahead when it dated an answer of true time `at_ms`.

        A clock that was known to be wrong dates nothing: the word of a synchronised one does, the next after it that central knew when
        the reading came, or the last before it. A synchronised state of which no reading of this station tells may have been without a
        proof: then also the one beyond it.
        """
        changes = self._evidence.clock
        index = bisect_left(changes, at_ms, key=lambda change: change.at_ms)
        now = changes[index - 1] if index else ClockChange(0, 0)
        near = [now, *(change for change in changes[index:] if change.at_ms <= at_ms + late_ms)]
        if at_ms - now.at_ms < _ASKED_BEFORE_MS:
            near.append(changes[index - 2] if index > 1 else ClockChange(0, 0))
        found = [change.offset_ms for change in near if change.synchronised]
        if not by_own_clock:
            found += self._told(range(index - 1, -2, -1)) + self._told(range(index, len(changes)))
        return found

    def _told(self, order: range) -> list[int]:
        """Offsets of the clock's synchronised states in that order, up to the first that a stored reading tells of; -1: the true time."""
        changes = self._evidence.clock
        found: list[int] = []
        for index in order:
            change = changes[index] if index >= 0 else ClockChange(0, 0)
            if not change.synchronised:
                continue
            found.append(change.offset_ms)
            end_ms = changes[index + 1].at_ms if index + 1 < len(changes) else 2**62
            # As much later as a reading may be dated in the state after.
            if self._proof_between(change.at_ms + self._evidence.late_ms, end_ms - self._evidence.late_ms):
                break
        return found

    def _proof_between(self, from_ms: int, to_ms: int) -> bool:
        return from_ms < to_ms and bisect_left(self._proofs_at_ms, from_ms) < bisect_right(self._proofs_at_ms, to_ms)

    def _was_in_flight(self, at_ms: int, killed_ms: int) -> bool:
        if not -_ASKED_BEFORE_MS <= killed_ms - at_ms <= self._evidence.in_flight_ms:
            return False
        return self._nothing_stored(at_ms, killed_ms)

    def _nothing_stored(self, after_ms: int, until_ms: int) -> bool:
        return bisect_right(self._stored_at_ms, until_ms) == bisect_right(self._stored_at_ms, after_ms)

    def _explain(self, answer: Served) -> None:
        account, evidence, at_ms = self._account, self._evidence, answer.at_ms
        if not answer.sound:
            account.spoiled += 1
        elif any(self._was_in_flight(at_ms, killed_ms) for killed_ms in evidence.edge_kills_ms):
            account.in_flight += 1
        elif any(span.holds(at_ms, self._line) for span in evidence.trouble):
            account.trouble += 1
        elif any(
            span.holds(at_ms, self._line) and self._nothing_stored(at_ms, span.to_ms) for span in evidence.refused
        ):
            account.in_memory += 1
        elif any(
            # It was dated a little after it was served.
            span.from_ms - evidence.late_ms <= at_ms + offset <= span.to_ms
            for offset in self._offsets(at_ms, evidence.late_ms, by_own_clock=False)
            for span in evidence.shed
        ):
            account.shed += 1
        else:
            account.lost.append(at_ms)


@dataclass(frozen=True)
class EventAccount:
    """Numbers of events: stored though never handed in, taken and not stored, stored twice, out of order."""

    offered: int
    taken: int
    stored: int
    foreign: tuple[int, ...]
    lost: tuple[int, ...]
    duplicated: tuple[int, ...]
    disordered: tuple[int, ...]


def settle_events(offered: Sequence[int], taken: Sequence[int], stored: Sequence[tuple[int, int, int]]) -> EventAccount:
    """`stored`: (stream key, seq, number of the event)."""
    times = Counter(number for _, _, number in stored)
    newest: dict[int, int] = {}
    disordered = []
    for key, _, number in sorted(stored):
        if number <= newest.get(key, 0):
            disordered.append(number)
        newest[key] = number
    return EventAccount(
        len(offered),
        len(taken),
        len(stored),
        foreign=tuple(sorted(times.keys() - set(offered))),
        lost=tuple(sorted(set(taken) - times.keys())),
        duplicated=tuple(number for number, count in times.items() if count > 1),
        disordered=tuple(disordered),
    )
