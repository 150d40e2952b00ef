"""One broker, one central for each module of tests; gateways and links for each test."""

import random
import threading

import msgspec
import pytest

from central.fleet.server import FleetServer
from tests.processes import MOSQUITTO, free_port, wait_for_port
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


@pytest.fixture(scope="module")
def server(fleet):
    """The whole process of `kumagaya central fleet serve`, on a thread."""
    port = free_port()
    config = msgspec.structs.replace(fleet.config, claim_url=f"https://127.0.0.1:{port}", listen_port=port)
    running = FleetServer(fleet.folder, config)
    thread = threading.Thread(target=running.run, name="fleet-server")
    thread.start()
    wait_for_port(port)
    assert running.renewals.connected.wait(10.0)
    yield running
    running.stop()
    thread.join(15.0)
    assert not thread.is_alive()


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
