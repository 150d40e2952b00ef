"""One run from the start to the verdict."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from edge.outbox_file import OutboxFile
from tests.torture import books, records
from tests.torture.books import Account, EventAccount, Evidence, Stream
from tests.torture.city import City, Settings, short
from tests.torture.plan import KILLS, Abilities, Target, plan
from tests.torture.processes import State
from tests.torture.storm import Record, Storm, now_ms

DRAIN_S_MAX = 150.0
"""From the end of the storm until everything that was committed is stored: the longest pause of either side, twice, and the backlog."""
EDGE_STOP_S = 20.0
WAL_BYTES_MAX = 5 * 1024 * 1024
FRESH_MS = 3000


@dataclass
class Verdict:
    """`violations` is empty when every rule held."""

    seed: int
    accounts: list[Account]
    streams: list[Stream]
    record: Record
    gaps: int
    rage_s: float
    drained_s: float | None
    stations: int
    events: EventAccount | None = None
    violations: list[str] = field(default_factory=list)

    def total(self, name: str) -> int:
        values = [getattr(account, name) for account in self.accounts]
        return sum(len(value) if isinstance(value, list) else value for value in values)


def torture(
    seed: int, kills: int, folder: Path, tell: Callable[[str], None], settings: Settings | None = None
) -> Verdict:
    """Builds a city in `folder`, lets the plan of the seed loose on it, waits until it has come to rest, compares the books."""
    city = City(folder, settings or Settings())
    with city:
        steps = plan(seed, kills, Abilities(disk=city.disk, stations=city.station_ids))
        if not city.disk:
            tell("no small file system can be mounted here (not root): the disk is not filled in this run")
        tell(f"seed {seed}: {len(steps)} disturbances, {sum(one.action in KILLS for one in steps)} kills")
        storm = Storm(city, tell)
        city.start()
        began_s = time.monotonic()
        storm.rage(steps)
        return come_to_rest(city, storm, seed, time.monotonic() - began_s)


def come_to_rest(city: City, storm: Storm, seed: int = 0, rage_s: float = 0.0) -> Verdict:
    """Waits until everything is stored, ends every process in good order, compares the books."""
    since_ms = now_ms()
    drained_s = storm.wait(lambda: _drained(city, since_ms), DRAIN_S_MAX)
    edge = city.processes[Target.EDGE]
    if edge.state is State.UP:
        code = edge.end(EDGE_STOP_S)
        if code != 0:
            storm.record.complaints[f"the edge ended with {code}: {short(edge.last_words())}"] += 1
    outbox = OutboxFile(city.outbox)
    tallies = dict(outbox.tally)
    outbox.close()
    older = [path.name for path in city.edge_data.glob("outbox.db.*-*[0-9]")]
    if older:
        storm.record.complaints[f"older epochs were not drained: {older}"] += 1
    for target in (Target.CENTRAL, Target.BROKER, Target.STATIONS):
        city.processes[target].end(10.0)
    stored, streams, shed, gaps = records.read_store(city.database)
    record = storm.record
    evidence = Evidence(
        lines=city.line_of,
        edge_kills_ms=record.edge_kills_ms,
        trouble=record.trouble,
        refused=record.refused,
        shed=shed,
        clock=record.clock,
        in_flight_ms=round(1000 * city.settings.commit_interval_s) + 500,
    )
    accounts = books.settle(records.read_served(city.served), stored, evidence)
    verdict = Verdict(seed, accounts, streams, record, gaps, rage_s, drained_s, len(city.station_ids))
    if not city.settings.true_clock:
        verdict.events = books.settle_events(
            records.read_numbers(city.run / "events.offered"),
            records.read_numbers(city.run / "events.taken"),
            records.read_events(city.database),
        )
    _judge(verdict, {tally.epoch: tally.next_seq for tally in tallies.values()}, city.settings)
    return verdict


def _drained(city: City, since_ms: int) -> bool:
    """Whether central holds a fresh reading of every station, received after `since_ms`, and waits for none before it."""
    try:
        with closing(sqlite3.connect(f"file:{city.database}?mode=ro", uri=True)) as connection:
            (behind,) = connection.execute(
                "SELECT count(*) FROM streams WHERE up_to_seq < (SELECT max(seq) FROM readings WHERE stream_key = key)"
                " AND key = (SELECT stream_key FROM readings ORDER BY received_at_ms DESC LIMIT 1)"
            ).fetchone()
            (fresh,) = connection.execute(
                "SELECT count(DISTINCT station_key) FROM readings WHERE received_at_ms > ?",
                (max(since_ms, now_ms() - FRESH_MS),),
            ).fetchone()
    except sqlite3.Error:
        return False
    older = any(city.edge_data.glob("outbox.db.older-*"))
    return bool(fresh == len(city.station_ids) and not behind and not older)


def _judge(verdict: Verdict, next_seqs: Mapping[str, int], settings: Settings) -> None:
    """`next_seqs`: of the outbox at the end, by epoch."""
    say = verdict.violations.append
    verdict.violations += [f"{text} ({times} times)" for text, times in verdict.record.complaints.items()]
    if verdict.drained_s is None:
        say(f"the backlog did not drain within {DRAIN_S_MAX:.0f} s")
    for name in ("lost", "duplicated", "wrong", "misdated", "disordered"):
        for account in verdict.accounts:
            found = getattr(account, name)
            if found:
                say(f"{account.station}: {len(found)} {name}: {short(found, 300)}")
        if verdict.events is not None and (numbers := getattr(verdict.events, name, ())):
            say(f"events: {len(numbers)} {name}: {short(numbers, 300)}")
    if verdict.events is not None and verdict.events.foreign:
        say(f"events that nobody handed in: {short(verdict.events.foreign)}")
    if verdict.gaps:
        say(f"central noted {verdict.gaps} gaps")
    for stream in verdict.streams:
        about = f"{stream.name} epoch {stream.epoch}"
        if stream.missing:
            say(f"{about}: {stream.missing} missing")
        if stream.epoch not in next_seqs and verdict.record.refused:
            # Numbered in memory while the disk was full, by an agent that was killed then.
            continue
        if stream.rows + stream.shed != stream.up_to_seq:
            say(f"{about}: {stream.rows} stored + {stream.shed} shed are not {stream.up_to_seq}")
        if stream.highest_seq > stream.up_to_seq:
            say(f"{about}: stored up to {stream.highest_seq}, receipted up to {stream.up_to_seq}")
    known = {stream.epoch: stream.up_to_seq for stream in verdict.streams}
    for epoch, next_seq in next_seqs.items():
        if known.get(epoch, 0) != next_seq - 1:
            say(f"epoch {epoch}: the outbox committed up to {next_seq - 1}, central knows {known.get(epoch, 0)}")
    shed = sum(stream.shed for stream in verdict.streams)
    if verdict.total("shed") > shed:
        say(f"{verdict.total('shed')} answers are missing where only {shed} were shed")
    allowed = verdict.stations * len(verdict.record.edge_kills_ms)
    if verdict.total("in_flight") > allowed:
        say(f"{verdict.total('in_flight')} in flight at {len(verdict.record.edge_kills_ms)} kills: more than {allowed}")
    limit = settings.bytes_max * 2 + WAL_BYTES_MAX
    if verdict.record.outbox_bytes_max > limit:
        say(f"the outbox took {verdict.record.outbox_bytes_max} bytes, at most {limit} are allowed")
    if verdict.total("stored") == 0:
        say("nothing was stored at all")
