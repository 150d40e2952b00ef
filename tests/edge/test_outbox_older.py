"""What can be read of a damaged outbox goes to central under its own numbers: stored once, and what is lost is said."""

import random
import sqlite3

import pytest

from contract.messages import Batch, Event, Reading, Shed, decode, encode_item, join_batch
from contract.topics import Stream
from edge.config import OutboxConfig
from edge.outbox import Outbox
from edge.outbox_file import OutboxFile
from edge.outbox_older import OlderEpochs
from edge.window import OlderTurn

TELEMETRY = Stream.TELEMETRY


def fill(path, sweeps=400):
    """An outbox with eight readings a sweep, a tombstone and three events; the epochs of both streams."""
    file = OutboxFile(path)
    chance = random.Random(1)
    for second in range(sweeps):
        first = file.tally[TELEMETRY].next_seq
        readings = [
            Reading(seq, f"s{seq % 8}", second, second, "b", {"illuminance_lx": chance.random() * 1e5})
            for seq in range(first, first + 8)
        ]
        file.append(TELEMETRY, [encode_item(each) for each in readings], second, second)
        if second == 10:
            file.bury(TELEMETRY, Shed(1, 1, 8, 1, 2, "disk refused writes"))
    for seq in (1, 2, 3):
        file.append(Stream.EVENTS, [encode_item(Event(seq, "door.open", 1, 1, "b", {"n": seq}))], 1, 1)
    file.commit()
    epochs = {stream: file.tally[stream].epoch for stream in Stream}
    next_seq = file.tally[TELEMETRY].next_seq
    file.close()
    return epochs, next_seq


def all_of(epochs_left):
    """Everything the older epochs hand out, each batch receipted at once, as central would: (stream, epoch, item)."""
    found = []
    while (batch := epochs_left.read(50, 10_000)) is not None:
        decoded = decode(Batch, join_batch(batch.epoch, batch.oldest_seq, [item.payload for item in batch.items]))
        assert isinstance(decoded, Batch), decoded
        found += [(batch.stream, batch.epoch, item) for item in decoded.items]
        assert epochs_left.receipt(batch.stream, batch.epoch, batch.items[-1].seq)
    return found


def break_pages(path, pages):
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


def test_all_but_the_broken_pages_is_saved_under_the_old_numbers(tmp_path):
    path = tmp_path / "outbox.db"
    epochs, next_seq = fill(path)
    pages = path.stat().st_size // 4096
    break_pages(path, [pages // 2, pages // 2 + 7])
    box = Outbox(path, OutboxConfig())
    assert box.state(TELEMETRY).epoch != epochs[TELEMETRY]
    left = OlderEpochs(path)
    left.open()
    found = all_of(left)
    assert [item.body["n"] for stream, _, item in found if stream is Stream.EVENTS] == [1, 2, 3], "events come first"
    assert found[0][0] is Stream.EVENTS
    telemetry = [item for stream, _, item in found if stream is TELEMETRY]
    assert {epoch for stream, epoch, _ in found if stream is TELEMETRY} == {epochs[TELEMETRY]}
    assert any(isinstance(item, Shed) for item in telemetry)
    seqs = [item.seq for item in telemetry]
    assert seqs == sorted(set(seqs))
    assert next_seq * 0.5 < len(seqs) < next_seq - 1
    assert all(item.station == f"s{item.seq % 8}" for item in telemetry if isinstance(item, Reading))
    assert seqs[-1] > next_seq * 0.9, "also what lies behind the broken pages"
    box.stop() if box._thread.is_alive() else box._file.close()


def test_a_row_that_does_not_hold_what_it_says_is_not_saved(tmp_path):
    path = tmp_path / "outbox.db"
    fill(path, sweeps=20)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE telemetry SET first_seq = first_seq + 1, last_seq = last_seq + 1 WHERE last_seq = 168")
        database.execute("UPDATE telemetry SET payload = x'00' WHERE last_seq = 160")
        database.execute("PRAGMA user_version = 99")
    database.close()
    file = OutboxFile(path)
    left = OlderEpochs(path)
    assert file.set_aside is not None
    saved = left.save_from(file.set_aside)
    seqs = [item.seq for stream, _, item in all_of(left) if stream is TELEMETRY]
    assert seqs[-1] == 152
    assert saved == len(seqs) + 3


def test_saving_is_done_at_the_next_start_when_a_kill_came_between(tmp_path):
    path = tmp_path / "outbox.db"
    epochs, _ = fill(path, sweeps=20)
    path.rename(path.with_name("outbox.db.damaged-1"))
    left = OlderEpochs(path)
    left.open()
    assert left.rows() > 0
    left.close()
    again = OlderEpochs(path)
    again.open()
    assert again.read(1, 100).epoch == epochs[Stream.EVENTS]
    assert len(list(tmp_path.glob("*.older-*[0-9]"))) == 1, "saved once"
    all_of(again)
    assert not list(tmp_path.glob("*older*"))


def test_a_receipt_of_an_unknown_epoch_or_beyond_the_end_is_not_taken(tmp_path):
    path = tmp_path / "outbox.db"
    epochs, next_seq = fill(path, sweeps=3)
    path.rename(path.with_name("outbox.db.damaged-1"))
    left = OlderEpochs(path)
    left.open()
    before = left.rows()
    assert not left.receipt(TELEMETRY, "another", 5)
    assert not left.receipt(TELEMETRY, epochs[TELEMETRY], next_seq)
    assert left.rows() == before


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_holds_nothing_gives_nothing_and_no_error(tmp_path, content):
    damaged = tmp_path / "outbox.db.damaged-1"
    damaged.write_bytes(content)
    left = OlderEpochs(tmp_path / "outbox.db")
    left.open()
    assert left.rows() == 0
    assert left.read(10, 1000) is None


def test_one_batch_at_a_time_and_again_ever_more_patiently():
    turn = OlderTurn(receipt_timeout_s=10.0)
    assert turn.due_in_s(0.0) <= 0
    turn.sent("e", 1, 0.0)
    assert turn.due_in_s(0.0) == 10.0
    turn.sent("e", 1, 10.0)
    assert turn.due_in_s(10.0) == 20.0
    assert not turn.receipted("other", 5)
    assert turn.receipted("e", 0)
    assert turn.due_in_s(10.0) == 20.0, "a receipt that does not move on is no reason to hurry"
    assert turn.receipted("e", 1)
    assert turn.due_in_s(10.0) <= 0
    turn.sent("e", 2, 11.0)
    assert turn.due_in_s(11.0) == 10.0
