"""Every adapter is held to the same tests: a new one is a line in ADAPTERS."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central.store.door import Store
from central.store.sqlite import open_store
from tests.central.store.making import CITY_NOW_MS, UNIX_NOW_S, FixedClock

Opener = Callable[[Path], Store]


def _sqlite(folder: Path) -> Store:
    return open_store(folder / "central.db", FixedClock(CITY_NOW_MS), lambda: UNIX_NOW_S)


ADAPTERS: dict[str, Opener] = {"sqlite": _sqlite}


@pytest.fixture(params=sorted(ADAPTERS))
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the test's own store; again after a close, with what was written."""
    return lambda: ADAPTERS[request.param](tmp_path)


@pytest.fixture
def store(open_again: Callable[[], Store]) -> Iterator[Store]:
    opened = open_again()
    yield opened
    opened.close()
