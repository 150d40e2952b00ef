"""The ingest thread: broker -> group -> store -> PUBACK and receipt, in that order and in no other.

While one group is being committed the next one is read and decoded. When the store cannot write, nothing is acknowledged, the group
is tried again, and reading stops once WAITING_MESSAGES_MAX are held: the broker keeps the rest, the outboxes keep everything.
"""

import random
import sqlite3
import threading
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from central.config import MqttConfig
from central.ingest.broker import Arrived, Broker, BrokerUnavailable
from central.ingest.group import Group
from central.ingest.metrics import IngestMetrics
from central.store.door import Store
from contract import topics, twin
from contract.clock import Clock
from contract.errors import UserError
from contract.messages import encode
from contract.topics import Down

GROUP_MESSAGES_MAX: Final = 5_000
WAITING_MESSAGES_MAX: Final = 20_000
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
POLL_S: Final = 1.0
WISH_EVERY_S: Final = 1.0
"""How soon a new desired configuration is noticed in the store, whoever put it there."""
RECONNECT_MIN_S: Final = 0.5
RECONNECT_MAX_S: Final = 15.0
STORE_RETRY_MIN_S: Final = 0.2
STORE_RETRY_MAX_S: Final = 5.0
STOP_S: Final = 2.0
"""How long a stop waits for the commit under way: shorter than systemd's patience."""

log = structlog.get_logger("central.ingest")


def _nothing() -> None:
    return


class IngestState(msgspec.Struct, frozen=True):
    """For `/healthz`. A problem is one line, None when there is none."""

    connected: bool
    broker: str
    broker_problem: str | None
    store_problem: str | None
    waiting: int


class IngestService:
    """Runs on its own thread between `start` and `stop`.

    Args:
        store: where readings go.
        clock: the city's time, for receipts.
        config: where the broker is.
        metrics: what is counted.
        jitter: spreads reconnects, so that many centrals do not come back in the same instant.
        failed: called from the thread when it ends by an error of ours.

    Raises:
        UserError: password file or certificate unreadable.

    """

    def __init__(  # noqa: PLR0917 - wiring
        self,
        store: Store,
        clock: Clock,
        config: MqttConfig,
        metrics: IngestMetrics,
        jitter: random.Random,
        failed: Callable[[], None] = _nothing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._jitter = jitter
        self._failed = failed
        self._broker = Broker(config)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._connected = False
        self._broker_problem: str | None = "not connected yet"
        self._store_problem: str | None = None
        self._store_retry_s = STORE_RETRY_MIN_S
        self._retry_at_s: float | None = None
        self._waiting: list[Arrived] = []
        self._waiting_bytes = 0
        self._group: Group | None = None
        self._submitted_at_s = 0.0
        self._wished: dict[str, int] = {}
        self._wish_at_s = 0.0

    @property
    def state(self) -> IngestState:
        group = self._group
        waiting = len(self._waiting) + (len(group.arrived) if group is not None else 0)
        return IngestState(self._connected, self._broker.address, self._broker_problem, self._store_problem, waiting)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finishes the commit under way with its receipts, says goodbye to the broker. Returns within STOP_S and a connection attempt."""
        self._stopping.set()
        self._broker.wake()
        if self._thread.ident is not None:
            self._thread.join()
        else:
            self._broker.close()

    def _run(self) -> None:
        delay_s = RECONNECT_MIN_S
        try:
            while not self._stopping.is_set():
                try:
                    self._broker.connect()
                    delay_s = RECONNECT_MIN_S
                    self._note_connected()
                    while not self._stopping.is_set():
                        self._turn()
                except BrokerUnavailable as error:
                    self._note_lost(str(error))
                    self._stopping.wait(delay_s * self._jitter.uniform(0.5, 1.0))
                    delay_s = min(delay_s * 2, RECONNECT_MAX_S)
            self._finish()
        except Exception:
            # Never silently: without this thread nothing is ingested, and /healthz has to say so.
            self._broker_problem = "the ingest thread has ended by an error"
            log.exception("the ingest thread has ended by an error")
            self._failed()
        finally:
            self._connected = False
            self._broker.close()

    def _turn(self) -> None:
        full = len(self._waiting) >= WAITING_MESSAGES_MAX or self._waiting_bytes >= WAITING_BYTES_MAX
        timeout_s = POLL_S
        if self._retry_at_s is not None:
            timeout_s = min(timeout_s, max(0.0, self._retry_at_s - self._clock.monotonic_s()))
        arrived = self._broker.poll(timeout_s, read=not full)
        if arrived:
            self._waiting += arrived
            self._waiting_bytes += sum(len(message.payload) for message in arrived)
            self._metrics.messages.inc(len(arrived))
        self._advance()
        if self._clock.monotonic_s() >= self._wish_at_s:
            self._wish_at_s = self._clock.monotonic_s() + WISH_EVERY_S
            self._wish()
        if self._group is None and self._waiting:
            group, self._waiting = self._waiting[:GROUP_MESSAGES_MAX], self._waiting[GROUP_MESSAGES_MAX:]
            self._waiting_bytes -= sum(len(message.payload) for message in group)
            self._submitted_at_s = self._clock.monotonic_s()
            self._group = Group(group, self._store, self._clock.unix_ms(), self._broker.wake)
            self._group.submit()
        self._metrics.waiting.set(self.state.waiting)

    def _advance(self) -> None:
        """Looks after the group under way: done, to be tried again, or neither."""
        group = self._group
        if group is None:
            return
        now_s = self._clock.monotonic_s()
        if self._retry_at_s is not None:
            if now_s < self._retry_at_s:
                return
            self._retry_at_s = None
            group.submit()
        problem = group.advance()
        if problem is not None:
            if self._store_problem is None:
                log.warning("the store cannot write: nothing is acknowledged until it can", problem=problem)
            self._store_problem = problem
            self._metrics.store_failures.inc()
            self._retry_at_s = now_s + self._store_retry_s
            self._store_retry_s = min(self._store_retry_s * 2, STORE_RETRY_MAX_S)
            return
        if group.done:
            if self._store_problem is not None:
                log.info("the store can write again")
            self._store_problem = None
            self._store_retry_s = STORE_RETRY_MIN_S
            self._group = None
            self._metrics.commit_s.observe(now_s - self._submitted_at_s)
            self._acknowledge(group)

    def _acknowledge(self, group: Group) -> None:
        """Everything of the group is on disk: now, and only now, others may hear of it."""
        outcome, metrics = group.outcome, self._metrics
        if self._connected:
            self._broker.ack(group.arrived)
        for topic, receipt in outcome.receipts(self._clock.unix_ms()):
            self._broker.publish(topic, encode(receipt))
            metrics.receipts.inc()
        if self._connected:
            self._broker.flush()
        metrics.readings.inc(outcome.stored)
        metrics.duplicates.inc(outcome.duplicates)
        metrics.shed.inc(outcome.shed)
        metrics.missing.inc(outcome.missing)
        for reason in outcome.rejected:
            metrics.rejected.labels(reason.value).inc()

    def _wish(self) -> None:
        """Publishes, retained, what is newly wished of gateways; after each connect all of it, for the broker is not a store."""
        try:
            for gateway, version in self._store.desired_versions().items():
                desired = self._store.desired(gateway) if version != self._wished.get(gateway) else None
                if desired is not None:
                    self._broker.publish(topics.down(gateway, Down.DESIRED), twin.encode(desired), retain=True)
                    self._wished[gateway] = desired.version
                    log.info("desired configuration published", gateway=gateway, version=desired.version)
        except (UserError, sqlite3.Error, msgspec.DecodeError) as error:
            log.warning("desired configuration cannot be read", problem=str(error))

    def _note_connected(self) -> None:
        log.info("broker connected", broker=self._broker.address)
        self._wished.clear()
        self._connected, self._broker_problem = True, None
        self._metrics.connected.set(1)

    def _note_lost(self, problem: str) -> None:
        if self._connected or self._broker_problem != problem:
            log.warning("no broker: trying again", broker=self._broker.address, problem=problem)
        self._connected, self._broker_problem = False, problem
        self._metrics.connected.set(0)
        # What was not acknowledged comes again, with new numbers. The group under way is committed all the same;
        # its acknowledgements have nowhere to go.
        self._waiting, self._waiting_bytes = [], 0
        if self._group is not None:
            self._group.arrived = []

    def _finish(self) -> None:
        """A stop: the commit under way gets its acknowledgements, what was only read comes again from the broker."""
        self._waiting, self._waiting_bytes = [], 0
        until_s = self._clock.monotonic_s() + STOP_S
        while self._group is not None and self._clock.monotonic_s() < until_s:
            try:
                self._broker.poll(0.05, read=False)
            except BrokerUnavailable as error:
                self._note_lost(str(error))
                self._stopping.wait(0.05)
            self._advance()
