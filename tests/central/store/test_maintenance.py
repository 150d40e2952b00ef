"""Backup beside a running store; restore only where nobody is."""

import sqlite3

import pytest

from central.store.sqlite import maintenance, open_store
from contract.errors import UserError
from contract.topics import Stream
from tests.central.store.making import FixedClock, batch, reading, readings


def stored(path):
    store = open_store(path, FixedClock(0))
    try:
        return sum(stream.stored for gateway in store.gateways() for stream in gateway.streams)
    finally:
        store.close()


@pytest.fixture
def running(tmp_path):
    store = open_store(tmp_path / "central.db", FixedClock(0))
    store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(1, 100))).result(5)
    yield store
    store.close()


def test_a_backup_of_a_running_store_is_whole_and_alone(running, tmp_path):
    waiting = [running.ingest_batch("gw", Stream.TELEMETRY, batch(reading(seq))) for seq in range(101, 200)]
    target = tmp_path / "backups" / "one.db"
    maintenance.backup(tmp_path / "central.db", target)
    waiting[-1].result(5)
    assert [path.name for path in target.parent.iterdir()] == ["one.db"]
    assert 100 <= stored(target) <= 199


def test_there_and_back_again(running, tmp_path):
    maintenance.backup(tmp_path / "central.db", tmp_path / "one.db")
    running.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(101, 150))).result(5)
    running.close()
    aside = maintenance.restore(tmp_path / "one.db", tmp_path / "central.db", replace=True)
    assert stored(tmp_path / "central.db") == 100
    assert stored(aside) == 150


def test_a_store_in_use_is_never_restored_over(running, tmp_path):
    maintenance.backup(tmp_path / "central.db", tmp_path / "one.db")
    with pytest.raises(UserError, match="in use"):
        maintenance.restore(tmp_path / "one.db", tmp_path / "central.db", replace=True)
    assert running.ingest_batch("gw", Stream.TELEMETRY, batch(reading(101))).result(5).up_to_seq == 101


def test_an_idle_store_is_only_replaced_when_told_to(running, tmp_path):
    maintenance.backup(tmp_path / "central.db", tmp_path / "one.db")
    running.close()
    with pytest.raises(UserError, match="--replace"):
        maintenance.restore(tmp_path / "one.db", tmp_path / "central.db")
    assert stored(tmp_path / "central.db") == 100


def _foreign(path):
    opened = sqlite3.connect(path)
    opened.execute("CREATE TABLE recipes (title)")
    opened.commit()
    opened.close()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda path: None, "no such backup"),
        (lambda path: path.write_bytes(b"words " * 1000), "not a database"),
        (_foreign, "not a backup"),
    ],
)
def test_what_is_no_backup_is_refused_and_changes_nothing(tmp_path, make, word):
    make(tmp_path / "one.db")
    with pytest.raises(UserError, match=word):
        maintenance.restore(tmp_path / "one.db", tmp_path / "central.db")
    assert not (tmp_path / "central.db").exists()


def test_a_truncated_backup_is_refused(running, tmp_path):
    maintenance.backup(tmp_path / "central.db", tmp_path / "one.db")
    whole = (tmp_path / "one.db").read_bytes()
    (tmp_path / "half.db").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"damaged|malformed"):
        maintenance.restore(tmp_path / "half.db", tmp_path / "new.db")


def test_a_backup_overwrites_nothing(running, tmp_path):
    (tmp_path / "one.db").write_text("precious")
    with pytest.raises(UserError, match="already"):
        maintenance.backup(tmp_path / "central.db", tmp_path / "one.db")
    assert (tmp_path / "one.db").read_text() == "precious"
