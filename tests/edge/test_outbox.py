"""The outbox's thread: when it commits, what a receipt deletes, what a refusing disk and a damaged file do."""

import sqlite3
import time

import pytest

from contract.messages import Batch, Reading, Shed, decode, join_batch
from contract.topics import Stream
from edge import outbox as outbox_module
from edge.config import OutboxConfig
from edge.outbox import Outbox

TELEMETRY = Stream.TELEMETRY


def readings(count, at_ms=1_000):
    return [Reading(1, f"s{i}", at_ms, at_ms, "boot", {"wind_speed_ms": 1.5}) for i in range(count)]


@pytest.fixture
def opened(tmp_path):
    boxes = []

    def open_outbox(**settings):
        box = Outbox(tmp_path / "outbox.db", OutboxConfig(**{"commit_interval_s": 0.1, **settings}))
        box.start()
        boxes.append(box)
        return box

    yield open_outbox
    for box in boxes:
        box.stop()


def items(box, from_seq=1):
    return box.read(TELEMETRY, from_seq, 10**9, 10**6, 10**9).result(5.0)


def wait_for(condition, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_complete_sweep_is_committed_at_once_with_numbers(opened):
    box = opened(commit_interval_s=60.0)
    commits = []
    box.on_commit = lambda: commits.append(box.state(TELEMETRY).next_seq)
    box.append(readings(8), flush=True)
    wait_for(lambda: commits)
    batch = decode(Batch, join_batch("e", 1, [item.payload for item in items(box)]))
    assert isinstance(batch, Batch)
    assert [item.seq for item in batch.items] == list(range(1, 9))
    assert commits == [9]


def test_an_incomplete_sweep_waits_for_the_commit_interval_and_no_longer(opened):
    box = opened(commit_interval_s=0.2)
    box.append(readings(2), flush=False)
    assert items(box) == []
    began_s = time.monotonic()
    wait_for(lambda: box.state(TELEMETRY).next_seq == 3)
    assert time.monotonic() - began_s < 1.0
    assert box.commits == 1


def test_a_receipt_deletes_with_the_next_commit_and_moves_the_oldest_at_once(opened):
    box = opened()
    for _ in range(3):
        box.append(readings(8), flush=True)
    box.flush().result(5.0)
    box.receipt(TELEMETRY, box.state(TELEMETRY).epoch, 16, 5_000)
    wait_for(lambda: box.state(TELEMETRY).oldest_seq == 17)
    assert len(items(box)) == 24
    box.append(readings(8), flush=True)
    box.flush().result(5.0)
    assert [item.seq for item in items(box)] == list(range(17, 33))
    telemetry = next(row for row in box.health() if row.stream is TELEMETRY)
    assert (telemetry.rows, telemetry.last_receipt_at_ms) == (16, 5_000)


@pytest.mark.parametrize(("epoch", "up_to_seq"), [("another", 8), (None, 9), (None, 10**6)])
def test_a_receipt_of_another_epoch_or_beyond_the_end_deletes_nothing(opened, epoch, up_to_seq):
    box = opened()
    box.append(readings(8), flush=True)
    box.flush().result(5.0)
    box.receipt(TELEMETRY, epoch or box.state(TELEMETRY).epoch, up_to_seq, 0)
    box.append(readings(1), flush=True)
    box.flush().result(5.0)
    assert box.foreign_receipts == 1
    assert len(items(box)) == 9


def test_numbers_go_on_after_a_restart_also_from_an_empty_outbox(opened):
    box = opened()
    box.append(readings(8), flush=True)
    box.flush().result(5.0)
    box.receipt(TELEMETRY, box.state(TELEMETRY).epoch, 8, 0)
    box.append(readings(8), flush=True)
    box.flush().result(5.0)
    box.receipt(TELEMETRY, box.state(TELEMETRY).epoch, 16, 0)
    box.stop()
    box = opened()
    assert box.state(TELEMETRY).next_seq == 17
    assert [item.seq for item in items(box)] == list(range(9, 17)), "sent again: the receipt was not on disk yet"


def test_the_quota_is_held_by_thinning_and_dropping_with_tombstones(opened):
    box = opened(bytes_max=65_536, thin_keep_every=10)
    for second in range(600):
        box.append(readings(8, second * 1000), flush=True)
    box.flush().result(30.0)
    telemetry = next(row for row in box.health() if row.stream is TELEMETRY)
    assert telemetry.size_bytes <= 65_536 + 2_000
    assert telemetry.shed_total > 0
    known = 0
    for item in items(box):
        assert item.first_seq == known + 1, "a number is neither kept nor under a tombstone"
        known = item.seq
    assert known == 4800


class Refusing:
    """Stands before the file and refuses commits while `refuses` is set, as a full disk does."""

    def __init__(self, file):
        self.file = file
        self.refuses = True

    def __getattr__(self, name):
        return getattr(self.file, name)

    def commit(self):
        if self.refuses:
            raise sqlite3.OperationalError("database or disk is full")
        self.file.commit()


def test_a_full_disk_loses_nothing_that_fits_in_memory(opened, monkeypatch):
    monkeypatch.setattr(outbox_module, "RETRY_S", 0.05)
    box = opened()
    box.append(readings(8), flush=True)
    box.flush().result(5.0)
    disk = box._file = Refusing(box._file)
    for _ in range(5):
        box.append(readings(8), flush=True)
    box.flush().result(5.0)
    assert len(items(box)) == 8
    assert box.commit_failures > 0
    disk.refuses = False
    wait_for(lambda: box.state(TELEMETRY).next_seq == 49)
    assert [item.seq for item in items(box)] == list(range(1, 49))


def test_what_memory_cannot_hold_leaves_a_tombstone(opened, monkeypatch):
    monkeypatch.setattr(outbox_module, "RETRY_S", 0.05)
    monkeypatch.setattr(outbox_module, "PENDING_MAX", 20)
    box = opened()
    disk = box._file = Refusing(box._file)
    for second in range(10):
        box.append(readings(8, second * 1000), flush=True)
    box.flush().result(5.0)
    disk.refuses = False
    wait_for(lambda: box.state(TELEMETRY).next_seq == 81)
    first, *rest = items(box)
    grave = decode(Batch, join_batch("e", 1, [first.payload])).items[0]
    assert isinstance(grave, Shed)
    assert (grave.first_seq, grave.reason) == (1, "disk refused writes")
    assert [item.seq for item in rest] == list(range(grave.seq + 1, 81))
    assert grave.count == grave.seq


def test_a_file_damaged_under_way_is_replaced_and_polling_goes_on(opened, tmp_path):
    box = opened()
    for _ in range(200):
        box.append(readings(8), flush=True)
    box.flush().result(10.0)
    epoch = box.state(TELEMETRY).epoch
    box._file._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "outbox.db"
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    box._file._database.execute("PRAGMA cache_size = 0")
    for _ in range(3):
        box.append(readings(8), flush=True)
        items(box)
    box.flush().result(5.0)
    wait_for(lambda: box.state(TELEMETRY).epoch != epoch)
    box.append(readings(8), flush=True)
    box.flush().result(5.0)
    assert items(box)[-1].seq == box.state(TELEMETRY).next_seq - 1
    assert path.with_name("outbox.db.damaged-1").exists()
