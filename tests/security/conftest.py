"""One broker, one central for each module of tests; gateways and links for each test."""

import random

import pytest

from tests.processes import MOSQUITTO
from tests.security.wiring import Central, Fleet, Gateway, Link, eventually


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    made = Fleet(tmp_path_factory.mktemp("fleet"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def central(fleet, tmp_path_factory):
    wired = Central(fleet, tmp_path_factory.mktemp("central"))
    eventually(lambda: wired.ingest.state.connected)
    yield wired
    wired.stop()


@pytest.fixture
def links():
    """Links made by a test, closed after it."""
    made = []
    yield lambda *args, **more: made.append(Link(*args, **more)) or made[-1]
    for link in made:
        link.close()


@pytest.fixture
def gateway(fleet, central):
    """A gateway in good standing, whose batches have to go through whatever others do."""
    one = Gateway(fleet, f"good-{random.randrange(10**9)}")
    yield one
    one.close()
