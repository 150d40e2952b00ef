"""One writer, many callers: what they may rely on when the store is busy, full, locked or closed."""

import sqlite3
import threading

import pytest

from central.store.door import StoreUnavailable
from central.store.sqlite import open_store
from central.store.sqlite.connection import connect
from central.store.sqlite.inserting import RowInsert
from central.store.sqlite.writer import Writer
from contract.errors import UserError
from contract.topics import Stream
from tests.central.store.making import FixedClock, batch, reading, readings


def test_many_threads_write_and_every_future_tells_its_own_result(store):
    results = {}

    def gateway(name):
        results[name] = [
            store.ingest_batch(name, Stream.TELEMETRY, batch(reading(seq))).result(20) for seq in range(1, 31)
        ]

    threads = [threading.Thread(target=gateway, args=(f"gw-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {tuple(one.up_to_seq for one in done) for done in results.values()} == {tuple(range(1, 31))}
    assert sum(stream.stored for gateway in store.gateways() for stream in gateway.streams) == 240


def test_a_store_locked_by_another_process_fails_the_write_and_works_again_afterwards(tmp_path):
    store = open_store(tmp_path / "central.db", FixedClock(0))
    intruder = sqlite3.connect(tmp_path / "central.db", isolation_level=None)
    try:
        store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(1, 3))).result(5)
        intruder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(4, 5))).result(10)
        assert "locked" in store.health().problem
        intruder.execute("ROLLBACK")
        again = store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(4, 5))).result(5)
        assert (again.stored, again.up_to_seq) == (2, 5)
        assert store.health().problem is None
    finally:
        intruder.close()
        store.close()


def test_a_full_disk_fails_the_write_keeps_what_was_there_and_heals(tmp_path):
    connection = connect(tmp_path / "full.db")
    connection.execute("CREATE TABLE kept (line TEXT)")
    forgotten = []
    writer = Writer(connection, lambda: forgotten.append(True))
    try:
        writer.submit(lambda c: c.execute("INSERT INTO kept VALUES ('first')")).result(5)
        pages = writer.submit(lambda c: c.execute("PRAGMA page_count").fetchone()[0]).result(5)
        writer.submit(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone()).result(5)
        full = writer.submit(lambda c: c.execute("INSERT INTO kept VALUES (?)", ("x" * 100_000,)))
        with pytest.raises(StoreUnavailable, match="full"):
            full.result(5)
        assert "full" in writer.problem
        assert forgotten
        writer.submit(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone()).result(5)
        writer.submit(lambda c: c.execute("INSERT INTO kept VALUES (?)", ("x" * 100_000,))).result(5)
        assert writer.submit(lambda c: c.execute("SELECT count(*) FROM kept").fetchone()[0]).result(5) == 2
        assert writer.problem is None
    finally:
        writer.close()


# fmt: off
FAULTS = [
    # what a job meets                                            whose fault it is
    (sqlite3.IntegrityError("UNIQUE constraint failed"),          "its own"),
    (sqlite3.ProgrammingError("incorrect number of bindings"),    "its own"),
    (OverflowError("int too large"),                              "its own"),
    (KeyError("station"),                                         "its own"),
    (sqlite3.OperationalError("disk I/O error"),                  "the store's"),
    (sqlite3.DatabaseError("database disk image is malformed"),   "the store's"),
]
# fmt: on


@pytest.mark.parametrize(("fault", "whose"), FAULTS, ids=[str(row[0]) for row in FAULTS])
def test_a_fault_is_told_to_whom_it_concerns(tmp_path, fault, whose):
    connection = connect(tmp_path / "a.db")
    connection.execute("CREATE TABLE kept (line TEXT)")
    writer = Writer(connection, lambda: None)
    held = threading.Event()

    def insert(line, failure=None):
        def job(opened):
            opened.execute("INSERT INTO kept VALUES (?)", (line,))
            if failure is not None:
                raise failure

        return job

    try:
        writer.submit(lambda _: held.wait(5))  # so that the next three share one commit
        before, bad, after = (writer.submit(insert(*each)) for each in (("before",), ("bad", fault), ("after",)))
        held.set()
        if whose == "its own":
            assert bad.exception(5) is fault
            assert before.exception(5) is after.exception(5) is None
            kept = [("before",), ("after",)]
        else:
            assert all(isinstance(each.exception(5), StoreUnavailable) for each in (before, bad, after))
            kept = []
        assert writer.submit(lambda opened: opened.execute("SELECT line FROM kept").fetchall()).result(5) == kept
    finally:
        writer.close()


def test_closing_writes_what_waits_and_refuses_what_comes_after(open_again):
    store = open_again()
    waiting = [store.ingest_batch("gw", Stream.TELEMETRY, batch(reading(seq))) for seq in range(1, 101)]
    store.close()
    store.close()
    assert [future.result(0).up_to_seq for future in waiting] == list(range(1, 101))
    with pytest.raises(StoreUnavailable, match="closed"):
        store.ingest_batch("gw", Stream.TELEMETRY, batch(reading(101))).result(0)
    again = open_again()
    assert again.gateways()[0].streams[0].up_to_seq == 100
    again.close()


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 255, 256, 257, 600])
def test_rows_go_in_completely_and_in_order(count):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b)")
    RowInsert("INSERT INTO t (a, b)", 2).run(connection, [(number, str(number)) for number in range(count)])
    assert connection.execute("SELECT a, b FROM t ORDER BY rowid").fetchall() == [(n, str(n)) for n in range(count)]
    connection.close()


@pytest.mark.parametrize("content", [b"not a database, just words " * 50, b"SQLite format 3\0" + b"\1" * 4000])
def test_a_file_that_is_no_store_is_told_by_name(tmp_path, content):
    path = tmp_path / "central.db"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"central\.db"):
        open_store(path, FixedClock(0))
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"central\.db"):
        open_store(tmp_path / "file" / "central.db", FixedClock(0))
