"""The real agent over TLS: what it reads while it is locked out waits in its outbox and comes when it is let in again."""

import contextlib
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from central.fleet.authority import DAY_MS
from contract.provisioning import ClaimRequest, Issued
from edge.provision.identity import IdentityFolder
from firmware_sim.city import running
from firmware_sim.config import LineConfig, SimConfig, StationConfig
from tests.security.wiring import eventually, now_ms

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "config" / "devices"


@pytest.fixture
def station(tmp_path):
    line = LineConfig("line-a", (StationConfig("s1", 1, "renke_rs_fsxcs"),), timing=False)
    config = SimConfig(str(tmp_path / "lines"), (line,), str(PROFILES), served_log=str(tmp_path / "served"))
    with running(config) as city:
        yield city


@pytest.fixture
def name():
    """The broker and central live on between tests: each has a gateway of its own."""
    return f"agent-{random.randrange(10**9)}"


@pytest.fixture
def agent(tmp_path, fleet, name):
    identity = tmp_path / "data" / "identity" / "current"
    config = tmp_path / "edge.toml"
    config.write_text(
        f'gateway = "{name}"\ndata_dir = "data"\nprofiles_dir = "{PROFILES}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {fleet.port}\nreceipt_timeout_s = 2.0\nbackoff_max_s = 0.5\n'
        f'[mqtt.tls]\nca = "{identity}/authority.pem"\ncertificate = "{identity}/certificate.pem"\nkey = "{identity}/key.pem"\n'
        f'[[bus]]\nname = "line-a"\nport = "{tmp_path}/lines/line-a"\ninterval_s = 0.2\n'
        '[[bus.station]]\nid = "s1"\nprofile = "renke_rs_fsxcs"\nunit_address = 1\n'
    )
    children = []

    def start():
        with (tmp_path / f"edge-{len(children)}.log").open("wb") as log:
            command = [sys.executable, "-m", "kumagaya", "edge", "run", "--config", str(config), "--log", "json"]
            children.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT))
        return children[-1]

    yield start
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.wait()


def provision(fleet, name, folder, *, days_ago=0):
    """As if it had been done so many days ago."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fleet.office, "now_ms", lambda: now_ms() - days_ago * DAY_MS)
        _provision(fleet, name, folder)
    assert fleet.service.apply() is None


def _provision(fleet, name, folder):
    ticket = fleet.office.invite(name, replace=True)
    pending = folder.ask(name, f"claim {ticket.code}")
    issued = fleet.office.claim(ClaimRequest(1, name, ticket.code, pending.csr_pem))
    assert isinstance(issued, Issued)
    folder.install(issued, pending, name, ticket.pin, now_ms())


@pytest.mark.system
def test_renews_its_certificate_by_itself_over_its_own_link(tmp_path, fleet, central, server, station, agent, name):  # noqa: PLR0917 - fixtures
    folder = IdentityFolder(tmp_path / "data" / "identity")
    provision(fleet, name, folder, days_ago=21)
    before = folder.current().issued
    assert before.renew_after_ms < now_ms() < before.not_after_ms
    child = agent()
    eventually(lambda: folder.current().issued.not_after_ms > before.not_after_ms, 40.0)
    eventually(lambda: '"certificate_renewed"' in (tmp_path / "edge-0.log").read_text())
    assert now_ms() < folder.current().issued.renew_after_ms
    child.send_signal(signal.SIGTERM)
    assert child.wait(15.0) == 0
    stored = central.stored(name)
    child = agent()
    eventually(lambda: central.stored(name) >= stored + 3, 40.0)
    assert "not_connected" not in (tmp_path / "edge-1.log").read_text()


@pytest.mark.system
def test_revoked_while_it_talks_and_let_in_again_it_loses_and_doubles_nothing(  # noqa: PLR0917 - fixtures
    tmp_path, fleet, central, gateway, station, agent, name
):
    folder = IdentityFolder(tmp_path / "data" / "identity")
    provision(fleet, name, folder)
    child = agent()
    eventually(lambda: central.stored(name) >= 5, 40.0)

    fleet.service.revoke(name, "sent for repair")
    log = tmp_path / "edge-0.log"
    eventually(lambda: '"not_connected"' in log.read_text(), 20.0)
    at_the_revocation = central.stored(name)
    served = lambda: sum(len(path.read_text().splitlines()) for path in (tmp_path / "served").iterdir())  # noqa: E731
    locked_out_at = served()
    eventually(lambda: served() >= locked_out_at + 10, 20.0)
    assert central.stored(name) == at_the_revocation, "nothing comes through any more"
    assert child.poll() is None, "the agent goes on reading"
    assert not gateway.drops, "nobody else was disturbed"

    child.send_signal(signal.SIGTERM)
    child.wait(15.0)
    provision(fleet, name, folder)
    child = agent()
    eventually(lambda: central.stored(name) >= at_the_revocation + 10, 40.0)
    child.send_signal(signal.SIGTERM)
    assert child.wait(15.0) == 0
    assert not central.store.gaps()
    # At each stop a sweep may have been read and not committed: the poll in flight.
    assert 0 <= served() - central.stored(name) <= 2
