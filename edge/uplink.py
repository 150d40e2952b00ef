"""The way to central: one MQTT connection at a time, batches out, receipts in. Runs in asyncio; owns no data.

The broker's word counts for nothing but "the link is alive": a publish that it does not acknowledge within the receipt timeout ends
the connection, however open TCP looks. Only a receipt forgets an item, and everything unreceipted is sent again after each connect.
"""

import asyncio
import contextlib
import errno
import random
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal

import aiomqtt
import msgspec
import structlog

from contract import topics
from contract.clock import Clock
from contract.messages import (
    BATCH_BYTES_MAX,
    VERSION,
    Health,
    Hello,
    Presence,
    Receipt,
    Rejected,
    StationInfo,
    decode,
    encode,
    join_batch,
)
from contract.topics import Down, Stream, Up
from contract.twin import Reported
from contract.twin import encode as encode_twin
from edge.config import MqttConfig
from edge.outbox import Outbox
from edge.window import OlderTurn, Send, Window

RECEIPTS_QUEUED_MAX: Final = 1_000
DISCONNECT_S: Final = 2.0
BEAT_S: Final = 5.0
"""A link with nothing to send says so often that it is alive."""
_ENVELOPE_BYTES: Final = 256
_REFUSALS: Final = frozenset({1, 2, 4, 5, 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})
"""CONNACK: protocol, client identifier, user name or password, not authorised, banned; MQTT 3.1.1 table 3.1, and 5.0 table 3-1."""

_log = structlog.get_logger("edge.uplink")


class Identity(msgspec.Struct, frozen=True):
    """Who speaks: said in every hello."""

    gateway: str
    software: str
    boot_id: str
    stations: tuple[StationInfo, ...]


class Counters(msgspec.Struct):
    connects: int = 0
    batches_sent: int = 0
    items_sent: int = 0
    receipts: int = 0
    malformed_receipts: int = 0
    foreign_receipts: int = 0


class Uplink:
    """`run` until cancelled or `stop` is set; then what was just committed may still get its receipt, and presence goes offline."""

    def __init__(
        self,
        config: MqttConfig,
        identity: Identity,
        outbox: Outbox,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.counters = Counters()
        self.connected = False
        self.beat: Callable[[], object] = _nothing
        """Called whenever the sending loop comes round, connected or not."""
        self.on_desired: Callable[[bytes], object] = _nothing
        """Told of each desired document, as it came."""
        self.reported: Callable[[], Reported] | None = None
        """What to tell central after each connect; see `tell_changes`."""
        self.listeners: dict[str, Callable[[bytes], object]] = {}
        """Who is told of what arrives on further topics of ours; they are subscribed to at each connect."""
        self._config = config
        self._identity = identity
        self._outbox = outbox
        self._clock = clock
        self._tls = tls
        self._uniform = uniform
        self._windows = {
            stream: Window(
                config.window_batches, config.receipt_timeout_s, config.batch_items_max, config.backlog_items_per_s
            )
            for stream in Stream
        }
        self._older = OlderTurn(config.receipt_timeout_s)
        self._wake = asyncio.Event()
        self._receipted = asyncio.Event()
        self._client: aiomqtt.Client | None = None

    def wake(self) -> None:
        """Something was committed. Call it in the event loop's thread."""
        self._wake.set()

    def resends(self) -> int:
        return sum(window.resends for window in self._windows.values())

    def receipts_ahead(self) -> int:
        return sum(window.receipts_ahead for window in self._windows.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Connects, talks, connects again after a random pause below a capped exponential."""
        failures = 0
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                self.beat()
                reason, hopeless = "closed", False
                began_s = time.monotonic()
                try:
                    await self._session_until(stopping)
                except (aiomqtt.MqttError, OSError) as error:
                    reason = getattr(error, "strerror", None) or str(error)
                    hopeless = refused_for_good(error)
                was_connected, self.connected = self.connected, False
                if stop.is_set():
                    return
                # A session that lasted was a success; one that is refused at once is not.
                failures = (
                    0 if was_connected and time.monotonic() - began_s > self._config.receipt_timeout_s else failures + 1
                )
                longest_s = self._config.backoff_max_s
                # A wrong password or certificate does not mend itself: no use in asking fast.
                shortest_s = longest_s / 2 if hopeless else 0.1
                pause_s = self._uniform(
                    shortest_s, longest_s if hopeless else min(longest_s, 0.5 * 2.0 ** min(failures, 16))
                )
                if was_connected or failures == 1 or failures % 20 == 0:
                    broker = f"{self._config.host}:{self._config.port}"
                    _log.warning(
                        "not_connected", broker=broker, reason=reason, attempts=failures, next_in_s=round(pause_s, 1)
                    )
                self.beat()
                await asyncio.wait({stopping}, timeout=pause_s)
        finally:
            stopping.cancel()

    async def publish_health(self, health: Health) -> None:
        """Sends it if there is a link; the next one will be newer anyway."""
        client = self._client
        if client is not None and self.connected:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(topics.up(self._identity.gateway, Up.HEALTH), encode(health), qos=1)

    async def say(self, topic: str, payload: bytes) -> bool:
        """Publishes once; whether the broker took it."""
        client = self._client
        if client is None or not self.connected:
            return False
        with contextlib.suppress(aiomqtt.MqttError):
            await client.publish(topic, payload, qos=1)
            return True
        return False

    def introduce(self, stations: tuple[StationInfo, ...]) -> None:
        """Other stations than before: every hello from now on names them."""
        self._identity = msgspec.structs.replace(self._identity, stations=stations)

    async def tell_changes(self) -> None:
        """Sends hello and the reported state again; without a link the next connect does it."""
        client = self._client
        if client is not None and self.connected:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(topics.up(self._identity.gateway, Up.HELLO), encode(self._hello()), qos=1)
                await self._publish_reported(client)

    async def _publish_reported(self, client: aiomqtt.Client) -> None:
        if self.reported is not None:
            payload = encode_twin(self.reported())
            await client.publish(topics.up(self._identity.gateway, Up.REPORTED), payload, qos=1, retain=True)

    async def _session_until(self, stopping: asyncio.Future[Literal[True]]) -> None:
        """One connection; a stop ends an attempt to connect at once, and a connection when it has been honoured there."""
        session = asyncio.create_task(self._session(stopping), name="uplink-session")
        try:
            both: set[asyncio.Future[Any]] = {session, stopping}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() and not self.connected:
                return
            await session
        finally:
            session.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError, OSError):
                await session

    async def _session(self, stopping: asyncio.Future[Literal[True]]) -> None:
        config, gateway = self._config, self._identity.gateway
        client = aiomqtt.Client(
            config.host,
            config.port,
            username=config.username,
            password=config.password,
            identifier=f"kumagaya-{gateway}",
            clean_session=True,
            keepalive=config.keepalive_s,
            timeout=config.receipt_timeout_s,
            max_queued_incoming_messages=RECEIPTS_QUEUED_MAX,
            will=aiomqtt.Will(topics.presence(gateway), self._presence(online=False), qos=1, retain=True),
            tls_context=self._tls,
        )
        async with _connection(client):
            ours = [topics.down(gateway, channel) for channel in (Down.RECEIPT, Down.DESIRED)]
            await client.subscribe([(topic, 1) for topic in (*ours, *self.listeners)])
            await client.publish(topics.presence(gateway), self._presence(online=True), qos=1, retain=True)
            self._begin_windows()
            await client.publish(topics.up(gateway, Up.HELLO), encode(self._hello()), qos=1)
            await self._publish_reported(client)
            self._client, self.connected = client, True
            self.counters.connects += 1
            _log.info("connected", broker=f"{config.host}:{config.port}")
            try:
                await self._talk(client, stopping)
                goodbye = self._presence(online=False)
                await client.publish(topics.presence(gateway), goodbye, qos=1, retain=True, timeout=DISCONNECT_S)
            finally:
                self._client = None

    async def _talk(self, client: aiomqtt.Client, stopping: asyncio.Future[Literal[True]]) -> None:
        """Sends and receives until the link breaks (raises MqttError) or the stop has been honoured."""
        receiving = asyncio.create_task(self._receive(client), name="uplink-receive")
        sending = asyncio.create_task(self._send(client), name="uplink-send")
        leaving = asyncio.create_task(self._flushed(stopping), name="uplink-flush")
        tasks = {receiving, sending, leaving}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _flushed(self, stopping: asyncio.Future[Literal[True]]) -> None:
        """Ends when a stop was asked for and what had been committed by then is receipted, or `stop_flush_s` have passed."""
        await asyncio.wait({stopping})
        until = {stream: self._outbox.state(stream).next_seq for stream in Stream}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.stop_flush_s):
                while any(self._windows[stream].oldest < next_seq for stream, next_seq in until.items()):
                    self._receipted.clear()
                    await self._receipted.wait()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            self.beat()
            self._wake.clear()
            waits: list[float] = []
            busy = False
            # Events first: a ticket waits for nobody's weather. What is left of older epochs goes before the newer readings.
            for stream in (Stream.EVENTS, Stream.TELEMETRY):
                if stream is Stream.TELEMETRY and self._outbox.older_rows:
                    due_s = self._older.due_in_s(time.monotonic())
                    if due_s <= 0:
                        await self._send_older(client)
                    else:
                        waits.append(due_s)
                window, state = self._windows[stream], self._outbox.state(stream)
                now_s = time.monotonic()
                if state.epoch != window.epoch:
                    # The outbox was replaced under way: central has to hear of the new epoch.
                    self._begin_windows()
                    await client.publish(topics.up(self._identity.gateway, Up.HELLO), encode(self._hello()), qos=1)
                step = window.plan(state.next_seq, now_s)
                if isinstance(step, Send):
                    await self._send_batch(client, stream, step)
                    busy = True
                    break
                if step.for_s is not None:
                    waits.append(step.for_s)
            if not busy:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min([*waits, BEAT_S]) + 0.01):
                        await self._wake.wait()

    async def _send_batch(self, client: aiomqtt.Client, stream: Stream, step: Send) -> None:
        window, epoch = self._windows[stream], self._windows[stream].epoch
        bytes_max = min(self._config.batch_bytes_max, BATCH_BYTES_MAX) - _ENVELOPE_BYTES
        items = await asyncio.wrap_future(
            self._outbox.read(stream, step.from_seq, step.until_seq, self._config.batch_items_max, bytes_max, epoch)
        )
        if not items:
            window.nothing_there()
            # Whatever made the outbox empty-handed (a refusing disk) is given a moment.
            await asyncio.sleep(0.2)
            return
        oldest_seq = min(self._outbox.state(stream).oldest_seq, items[0].first_seq)
        window.sent(step.from_seq, items[-1].seq, time.monotonic())
        payload = join_batch(epoch, oldest_seq, [item.payload for item in items])
        await client.publish(topics.up(self._identity.gateway, stream), payload, qos=1)
        self.counters.batches_sent += 1
        self.counters.items_sent += len(items)

    async def _send_older(self, client: aiomqtt.Client) -> None:
        """One batch of an older epoch, then nothing of the kind until its receipt: there is no hurry, and holes need a word each."""
        bytes_max = min(self._config.batch_bytes_max, BATCH_BYTES_MAX) - _ENVELOPE_BYTES
        batch = await asyncio.wrap_future(self._outbox.read_older(self._config.batch_items_max, bytes_max))
        if batch is None:
            return
        self._older.sent(batch.epoch, batch.items[0].seq, time.monotonic())
        payload = join_batch(batch.epoch, batch.oldest_seq, [item.payload for item in batch.items])
        await client.publish(topics.up(self._identity.gateway, batch.stream), payload, qos=1)
        self.counters.batches_sent += 1
        self.counters.items_sent += len(batch.items)

    async def _receive(self, client: aiomqtt.Client) -> None:
        desired = topics.down(self._identity.gateway, Down.DESIRED)
        async for message in client.messages:
            payload = message.payload
            if str(message.topic) == desired:
                self.on_desired(bytes(payload) if isinstance(payload, bytes | bytearray) else b"")
                continue
            listener = self.listeners.get(str(message.topic))
            if listener is not None:
                listener(bytes(payload) if isinstance(payload, bytes | bytearray) else b"")
                continue
            receipt = decode(Receipt, payload) if isinstance(payload, bytes | bytearray) else None
            if not isinstance(receipt, Receipt):
                self.counters.malformed_receipts += 1
                detail = f"{receipt.reason}: {receipt.detail}" if isinstance(receipt, Rejected) else "no payload"
                if self.counters.malformed_receipts == 1 or self.counters.malformed_receipts % 1000 == 0:
                    _log.warning(
                        "malformed_receipt",
                        topic=str(message.topic),
                        reason=detail,
                        seen=self.counters.malformed_receipts,
                    )
                continue
            self._take_receipt(receipt)

    def _take_receipt(self, receipt: Receipt) -> None:
        window = self._windows[receipt.stream]
        if receipt.epoch != window.epoch:
            if self._older.receipted(receipt.epoch, receipt.up_to_seq):
                self._outbox.receipt(receipt.stream, receipt.epoch, receipt.up_to_seq, receipt.stored_at_ms)
                self._wake.set()
            else:
                self.counters.foreign_receipts += 1
            return
        if window.receipted(receipt.up_to_seq, time.monotonic()):
            self.counters.receipts += 1
            self._outbox.receipt(receipt.stream, receipt.epoch, receipt.up_to_seq, receipt.stored_at_ms)
            self._wake.set()
            self._receipted.set()

    def _begin_windows(self) -> None:
        for stream, window in self._windows.items():
            state = self._outbox.state(stream)
            window.reconnected(state.epoch, state.oldest_seq, state.next_seq, time.monotonic())
        self._older.reconnected()

    def _hello(self) -> Hello:
        identity = self._identity
        streams = {stream: self._outbox.state(stream) for stream in Stream}
        return Hello(
            VERSION,
            identity.software,
            identity.boot_id,
            self._clock.unix_ms(),
            streams,
            list(identity.stations),
            monotonic_ms=int(self._clock.monotonic_s() * 1000),
            clock_synchronised=self._clock.synchronised(),
        )

    def _presence(self, *, online: bool) -> bytes:
        return encode(Presence(VERSION, online, self._identity.boot_id, self._clock.unix_ms()))


def closing_noise(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's exception handler: passes over what aiomqtt's callbacks raise for a connection that is already given up.

    Its own callbacks reach the loop after the socket they are about was closed (add_writer: bad file descriptor), or ask an attempt
    to connect that was cancelled for its result (CancelledError). The session has had its end by then and connects again.
    """
    error = context.get("exception")
    late_writer = (
        isinstance(error, OSError) and error.errno == errno.EBADF and "add_writer" in repr(context.get("handle"))
    )
    if late_writer or (isinstance(error, asyncio.CancelledError) and _raised_in(error, "aiomqtt.client")):
        _log.debug("late_callback", reason=repr(error))
        return
    loop.default_exception_handler(context)


def _raised_in(error: BaseException, module: str) -> bool:
    return any(frame.f_globals.get("__name__") == module for frame, _ in traceback.walk_tb(error.__traceback__))


def _nothing(*_: object) -> None:
    return


@contextlib.asynccontextmanager
async def _connection(client: aiomqtt.Client) -> AsyncIterator[None]:
    """Connects; leaves with DISCONNECT when all was said, and without one after any error, so that the will tells that we are gone."""
    try:
        await client.__aenter__()
        yield
        with contextlib.suppress(TimeoutError, aiomqtt.MqttError, OSError):
            async with asyncio.timeout(DISCONNECT_S):
                await client.__aexit__(None, None, None)
    finally:
        # aiomqtt leaves the socket of a link that hangs open and registered with the loop; paho's own close unregisters it.
        client._client._sock_close()  # noqa: SLF001


def refused_for_good(error: BaseException) -> bool:
    """Whether asking again soon is no use: the broker refuses us by name, or one side does not accept the other's certificate."""
    seen: BaseException | None = error
    while seen is not None:
        # aiomqtt wraps what the socket said; the cause hangs on.
        if isinstance(seen, ssl.SSLCertVerificationError) or (isinstance(seen, ssl.SSLError) and "ALERT" in str(seen)):
            return True
        code = getattr(seen, "rc", None)
        if isinstance(seen, aiomqtt.MqttCodeError) and getattr(code, "value", code) in _REFUSALS:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def tls_context(ca: str, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError included) when a file is missing or no PEM."""
    context = ssl.create_default_context(cafile=ca)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
