"""Shedding while a receipt is on its way: the tombstone reaches below what is receipted, and central takes it all the same."""

import pytest

from tests.edge.central import Central
from tests.edge.test_uplink import TELEMETRY, Agent, wait_for
from tests.processes import start_mosquitto


@pytest.fixture
def broker(tmp_path):
    child = start_mosquitto(tmp_path / "broker")
    yield child
    child.kill()


def test_a_receipt_that_ends_inside_a_tombstone_does_not_jam_the_stream(broker, tmp_path):
    central, agent = Central(broker.port, receipts=False), Agent(tmp_path, broker.port)
    try:
        agent.append(sweeps=4)
        central.wait(lambda c: len(c.arrival) >= 32)
        epoch = central.epochs[0]
        for seq in range(13, 33):
            del central.items[epoch, seq]  # as if central had been killed before its commit
        agent.outbox.set_quota(bytes_max=65_536, rows_max=8)
        agent.append()
        assert agent.outbox.health()[0].shed_total == 8, "the second sweep, 9 to 16, is now a tombstone"
        central.receipt(epoch, 12)
        wait_for(lambda: agent.outbox.state(TELEMETRY).oldest_seq == 13)
        central.receipts = True
        central.wait(lambda c: c.prefix >= 40)
        assert central.rejected == []
    finally:
        agent.stop()
        central.close()
