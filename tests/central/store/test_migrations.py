"""Numbered, forward only, and never half."""

import sqlite3

import pytest

from central.store.migrations import runner
from central.store.sqlite import connection, open_store
from contract.errors import UserError
from tests.central.store.making import FixedClock


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """A folder of migrations of the test's own: give file name -> statements."""
    folder = tmp_path / "migrations" / "sqlite"
    folder.mkdir(parents=True)
    monkeypatch.setattr(runner, "FOLDER", folder.parent)

    def write(**files):
        for name, sql in files.items():
            (folder / f"{name.removeprefix('m')}.sql").write_text(sql)

    return write


def tables(path):
    opened = sqlite3.connect(path)
    names = {row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    opened.close()
    return names


def test_what_is_pending_runs_once_in_order(tmp_path, steps):
    path = tmp_path / "a.db"
    steps(m0001_one="CREATE TABLE one (a); -- a comment; with a semicolon\nINSERT INTO one VALUES (';');")
    assert [step.name for step in connection.migrate(path)] == ["one"]
    steps(m0002_two="CREATE TABLE two AS SELECT a FROM one;")
    assert [step.number for step in connection.pending(path)] == [2]
    assert [step.name for step in connection.migrate(path)] == ["two"]
    assert connection.migrate(path) == connection.pending(path) == []
    assert tables(path) == {"migrations", "one", "two"}


def test_asking_what_is_pending_writes_nothing(tmp_path, steps):
    path = tmp_path / "a.db"
    steps(m0001_one="CREATE TABLE one (a);")
    assert len(connection.pending(path)) == 1
    assert not path.exists()


def test_a_step_that_fails_leaves_nothing_behind_not_even_the_note(tmp_path, steps):
    path = tmp_path / "a.db"
    steps(m0001_one="CREATE TABLE one (a);", m0002_two="CREATE TABLE two (a);\nCREATE TABLE one (b);")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        connection.migrate(path)
    assert tables(path) == {"migrations", "one"}
    assert [step.number for step in connection.pending(path)] == [2]


@pytest.mark.parametrize("files", [{"m0002_two": ""}, {"m0001_a": "", "m0001_b": ""}, {"m1_short": ""}])
def test_numbers_without_gaps_are_asked_for(steps, files):
    steps(**files)
    with pytest.raises(ValueError, match=r"0001|numbers"):
        runner.migrations("sqlite")


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "central.db"
    open_store(path, FixedClock(0)).close()
    opened = sqlite3.connect(path)
    opened.execute("INSERT INTO migrations VALUES (999, 'from_the_future', 0)")
    opened.commit()
    opened.close()
    with pytest.raises(UserError, match="from_the_future"):
        open_store(path, FixedClock(0))


def test_an_unfinished_statement_is_no_migration():
    with pytest.raises(ValueError, match="does not end"):
        list(connection.statements("CREATE TABLE one (a);\nCREATE TABLE two (a)\n"))
