"""The file: numbers without gaps, rows that go only when receipted, damage that is set aside, a quota with tombstones."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import msgspec
import pytest

from contract.messages import Batch, Reading, Shed, decode, encode_item, join_batch
from contract.topics import Stream
from edge.outbox_file import OutboxFile

TELEMETRY = Stream.TELEMETRY


def add(file, count, at_ms=1_000):
    first = file.tally[TELEMETRY].next_seq
    items = [b'{"seq":%d,"pad":"%s"}' % (seq, b"x" * 40) for seq in range(first, first + count)]
    file.append(TELEMETRY, items, at_ms, at_ms + 9)
    file.commit()


def seqs(file, from_seq=1, until_seq=10**9, items_max=10_000, bytes_max=10**9):
    return [item.seq for item in file.read(TELEMETRY, from_seq, until_seq, items_max, bytes_max)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.db"


def test_numbers_are_contiguous_and_survive_reopening(path):
    file = OutboxFile(path)
    epoch = file.tally[TELEMETRY].epoch
    add(file, 8)
    add(file, 3)
    file.close()
    file = OutboxFile(path)
    add(file, 2)
    assert seqs(file) == list(range(1, 14))
    assert file.tally[TELEMETRY].epoch == epoch
    assert file.tally[TELEMETRY].items == 13


def test_reading_respects_range_count_and_bytes(path):
    file = OutboxFile(path)
    for _ in range(4):
        add(file, 8)
    assert seqs(file, from_seq=5, until_seq=12) == [5, 6, 7, 8, 9, 10, 11]
    assert seqs(file, items_max=3) == [1, 2, 3]
    assert len(seqs(file, bytes_max=200)) == 3
    assert seqs(file, bytes_max=1) == [1], "an item larger than a batch still goes, alone"
    assert seqs(file, from_seq=33) == []


def test_only_whole_rows_go_and_the_newest_stays_for_its_number(path):
    file = OutboxFile(path)
    add(file, 8)
    add(file, 8)
    file.delete(TELEMETRY, 12)
    file.commit()
    assert seqs(file) == list(range(9, 17))
    file.delete(TELEMETRY, 16)
    file.commit()
    file.close()
    file = OutboxFile(path)
    assert file.tally[TELEMETRY].next_seq == 17
    add(file, 8)
    file.delete(TELEMETRY, 16)
    file.commit()
    assert seqs(file) == list(range(17, 25))
    assert (file.tally[TELEMETRY].rows, file.tally[TELEMETRY].first_seq) == (1, 17)


def test_rollback_takes_everything_back(path):
    file = OutboxFile(path)
    add(file, 8)
    add(file, 8)
    before = msgspec.structs.replace(file.tally[TELEMETRY])
    file.delete(TELEMETRY, 8)
    file.append(TELEMETRY, [b"{}"], 0, 0)
    file.rollback()
    assert file.tally[TELEMETRY] == before
    assert seqs(file) == list(range(1, 17))


def test_streams_are_numbered_apart(path):
    file = OutboxFile(path)
    add(file, 8)
    file.append(Stream.EVENTS, [b"{}"], 0, 0)
    file.commit()
    assert file.tally[Stream.EVENTS].next_seq == 2
    assert file.tally[Stream.EVENTS].epoch != file.tally[TELEMETRY].epoch


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b"this is no database at all" * 400), id="another file"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000]), id="cut short"),
        pytest.param(lambda path: _overwrite(path, 4096, os.urandom(8192)), id="overwritten pages"),
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_epoch_begins(path, damage):
    file = OutboxFile(path)
    for _ in range(200):
        add(file, 8)
    epoch = file.tally[TELEMETRY].epoch
    file.close()
    damage(path)
    file = OutboxFile(path)
    assert file.set_aside is not None
    assert file.set_aside.exists()
    assert file.tally[TELEMETRY].epoch != epoch
    add(file, 8)
    assert seqs(file) == list(range(1, 9))


def _overwrite(path, offset, data):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_file_of_a_newer_program_is_set_aside_not_misread(path):
    file = OutboxFile(path)
    file.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    assert OutboxFile(path).set_aside is not None


def test_shedding_thins_then_drops_and_every_number_is_accounted_for(path):
    file = OutboxFile(path)
    for second in range(400):
        add(file, 8, at_ms=second * 1000)
    given_up = 0
    for _ in range(12):
        given_up += file.shed(TELEMETRY, 10, "disk quota")
        file.commit()
        known = accounted(file)
        assert known == set(range(1, 3201))
        assert seqs(file)[-1] == 3200
    assert file.tally[TELEMETRY].shed_total == given_up
    graves = [item for item in file.read(TELEMETRY, 1, 10**9, 10**6, 10**9) if item.first_seq != item.seq]
    assert sum(msgspec.json.decode(grave.payload, type=Shed).count for grave in graves) == given_up
    file.close()
    assert OutboxFile(path).tally[TELEMETRY].shed_total == given_up


def accounted(file):
    """Every number that is an item or lies under a tombstone; none is both."""
    known = set()
    for item in file.read(TELEMETRY, 1, 10**9, 10**6, 10**9):
        covers = set(range(item.first_seq, item.seq + 1))
        assert not covers & known
        known |= covers
    return known


def test_a_batch_with_tombstones_is_one_that_central_accepts(path):
    file = OutboxFile(path)
    for second in range(40):
        first = file.tally[TELEMETRY].next_seq
        readings = [
            encode_item(Reading(seq, f"s{seq % 8}", second * 1000, second * 1000, "boot", {"wind_speed_ms": 1.5}))
            for seq in range(first, first + 8)
        ]
        file.append(TELEMETRY, readings, second * 1000, second * 1000)
    file.shed(TELEMETRY, 4, "disk quota")
    file.commit()
    items = file.read(TELEMETRY, 1, 10**9, 10**6, 10**9)
    batch = decode(Batch, join_batch(file.tally[TELEMETRY].epoch, 1, [item.payload for item in items]))
    assert isinstance(batch, Batch)
    assert {type(item) for item in batch.items} == {Reading, Shed}
    assert [item.seq for item in batch.items] == [item.seq for item in items]


def test_unnumbered_items_that_were_given_up_get_their_numbers_with_the_tombstone(path):
    file = OutboxFile(path)
    add(file, 8)
    file.bury(TELEMETRY, Shed(1, 1, 5, 100, 200, "disk refused writes"))
    add(file, 2)
    assert accounted(file) == set(range(1, 16))
    assert seqs(file) == [*range(1, 9), 13, 14, 15]


APPENDER = """
import sys
from pathlib import Path
from contract.topics import Stream
from edge.outbox_file import OutboxFile
file = OutboxFile(Path(sys.argv[1]))
while True:
    first = file.tally[Stream.TELEMETRY].next_seq
    file.append(Stream.TELEMETRY, [b"%d" % seq for seq in range(first, first + 8)], first, first)
    file.delete(Stream.TELEMETRY, first - 80)
    file.commit()
    print(first + 7, flush=True)
"""


def test_killed_at_any_moment_it_keeps_what_was_committed_without_a_gap(path):
    for pause_s in (0.02, 0.05, 0.11):
        child = subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        time.sleep(pause_s)
        child.send_signal(signal.SIGKILL)
        promised = [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        child.wait()
        child.stdout.close()
        file = OutboxFile(path)
        assert file.set_aside is None
        kept = seqs(file)
        assert kept == list(range(kept[0], kept[-1] + 1))
        assert kept[-1] >= max(promised, default=0)
        assert all(int(item.payload) == item.seq for item in file.read(TELEMETRY, 1, 10**9, 10**6, 10**9))
        file.close()
