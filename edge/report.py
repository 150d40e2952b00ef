"""Gathers what the agent's parts say of themselves: as a health message, as a status, as one line of words."""

import os
from collections.abc import Sequence

import msgspec

from contract.clock import Clock
from contract.messages import Health
from edge import health
from edge.config import Setup
from edge.fieldbus.bus import Bus
from edge.outbox import Outbox
from edge.status import VERSION, LineStatus, Status, TwinStatus, UplinkStatus, certificate_expires_at_ms
from edge.twin.keeper import Twin
from edge.uplink import Identity, Uplink
from edge.watchdog import Progress


class Parts(msgspec.Struct, frozen=True):
    """The running agent's parts; each method only looks."""

    setup: Setup
    clock: Clock
    identity: Identity
    started_s: float
    buses: Sequence[Bus]
    outbox: Outbox
    link: Uplink
    twin: Twin
    progress: Progress

    def health(self) -> Health:
        return health.report(
            self.clock,
            boot_id=self.identity.boot_id,
            started_s=self.started_s,
            devices=[device for bus in self.buses for device in bus.health()],
            outbox=self.outbox.health(),
            data_dir=self.setup.data_dir,
        )

    def status(self) -> Status:
        now, reported, mqtt = self.health(), self.twin.reported(), self.setup.config.mqtt
        counters = self.link.counters
        certificate = None if mqtt.tls is None else mqtt.tls.certificate
        ports = {bus.name: bus.port for bus in self.setup.config.bus}
        return Status(
            v=VERSION,
            at_ms=now.at_ms,
            pid=os.getpid(),
            gateway=self.identity.gateway,
            software=self.identity.software,
            boot_id=now.boot_id,
            uptime_s=now.uptime_s,
            clock_synchronised=now.clock_synchronised,
            uplink=UplinkStatus(
                connected=self.link.connected,
                broker=f"{mqtt.host}:{mqtt.port}",
                connects=counters.connects,
                batches_sent=counters.batches_sent,
                receipts=counters.receipts,
                resends=self.link.resends(),
            ),
            outbox=now.outbox,
            lines=[
                LineStatus(
                    bus.name, ports[bus.name], bus.interval_s, bus.sweeps, bus.overruns, bus.strays, bus.health()
                )
                for bus in self.buses
            ],
            twin=TwinStatus(reported.state, reported.applied_version, reported.reason, reported.detail),
            certificate_expires_at_ms=None
            if certificate is None
            else certificate_expires_at_ms(self.setup.beside(certificate)),
            stalled=[str(stall) for stall in self.progress.stalled()],
            resident_memory_bytes=now.resident_memory_bytes,
            disk_free_bytes=now.disk_free_bytes,
        )

    def words(self) -> str:
        """For `systemctl status`."""
        waiting = sum(stream.rows for stream in self.outbox.health())
        link = "connected" if self.link.connected else "not connected"
        answering = sum(len(bus.answering()) for bus in self.buses)
        stations = sum(len(bus.devices) for bus in self.buses)
        return f"{answering} of {stations} stations answer, {waiting} items in the outbox, {link}"
