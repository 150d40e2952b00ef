"""One connection to the broker, driven by the thread that owns it: nothing here runs by itself, only `wake` may be called from outside.

paho's own network thread would acknowledge and read side by side with us; driving `loop_read` and `loop_write` ourselves keeps
one message on one thread from the socket to its PUBACK, and lets reading stop when the store cannot keep up.
"""

import contextlib
import select
import socket
import ssl
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from central.config import MqttConfig
from contract import topics
from contract.errors import UserError

CONNECT_TIMEOUT_S: Final = 3.0
READS_A_POLL: Final = 1_000
"""Most packets taken before others (acknowledgements, commits) get their turn."""

log = structlog.get_logger("central.ingest")


class BrokerUnavailable(Exception):  # noqa: N818 - a state of the world
    """The broker is not there, refuses us, or the connection was lost. The message says which."""


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A message that waits for its acknowledgement. `mid` counts for the connection it came on only."""

    mid: int
    qos: int
    topic: str
    payload: bytes


class Broker:
    """See the module. After BrokerUnavailable call `connect` again."""

    def __init__(self, config: MqttConfig) -> None:
        """Raises UserError when the password or a certificate cannot be read."""
        self._config = config
        self._arrived: list[Arrived] = []
        self._answer: ReasonCode | None = None
        self._lost: str | None = None
        self._misc_at_s = 0.0
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._client = self._new_client()

    @property
    def address(self) -> str:
        return f"{self._config.host}:{self._config.port}"

    def connect(self) -> None:
        """Connects, resumes the session and subscribes. Raises BrokerUnavailable."""
        self._answer, self._lost = None, None
        self._arrived.clear()
        try:
            self._client.connect(self._config.host, self._config.port, self._config.keepalive_s)
        except (OSError, ValueError) as error:
            raise BrokerUnavailable(str(error)) from None
        deadline_s = time.monotonic() + CONNECT_TIMEOUT_S
        while (answer := self._connack()) is None:
            if time.monotonic() > deadline_s:
                self._client.disconnect()
                raise BrokerUnavailable(f"no answer within {CONNECT_TIMEOUT_S:g} s")
            self._turn(0.1, read=True)
        if answer.is_failure:
            raise BrokerUnavailable(f"refused: {answer}")

    def poll(self, timeout_s: float, *, read: bool) -> list[Arrived]:
        """Waits for messages, room to write or `wake`, does what is due, returns what came. Raises BrokerUnavailable when the link is gone.

        With `read=False` nothing is taken from the socket: the broker keeps what it has.
        """
        self._turn(timeout_s, read=read)
        arrived, self._arrived = self._arrived, []
        return arrived

    def ack(self, messages: list[Arrived]) -> None:
        """PUBACK for each, in the order given."""
        for message in messages:
            if message.qos > 0:
                self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """At least once; resent after a reconnect."""
        self._client.publish(topic, payload, qos=1, retain=retain)

    def flush(self) -> None:
        """Sends what waits, as few TCP segments as may be. What does not fit goes with the next `poll`."""
        sock: Any = self._client.socket()
        if sock is None or not self._client.want_write():
            return
        cork = getattr(socket, "TCP_CORK", None)
        with contextlib.suppress(OSError):
            if cork is not None:
                sock.setsockopt(socket.IPPROTO_TCP, cork, 1)
            self._client.loop_write()
            if cork is not None:
                sock.setsockopt(socket.IPPROTO_TCP, cork, 0)

    def wake(self) -> None:
        """Ends a `poll` that waits. From any thread."""
        with contextlib.suppress(OSError):
            self._wake_write.send(b"w")

    def close(self) -> None:
        """Says goodbye (the session stays at the broker) and frees the sockets."""
        with contextlib.suppress(OSError, ValueError):
            self.flush()
            self._client.disconnect()
            self._client.loop_write()
        sock: Any = self._client.socket()
        if sock is not None:
            sock.close()
        self._wake_read.close()
        self._wake_write.close()

    def _connack(self) -> ReasonCode | None:
        return self._answer

    def _turn(self, timeout_s: float, *, read: bool) -> None:
        sock: Any = self._client.socket()
        if sock is None or self._lost is not None:
            raise BrokerUnavailable(self._lost or "the connection was lost")
        # Bytes that TLS has decrypted already do not show in select.
        decrypted = read and isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        # poll, not select: with thousands of browsers in this process the socket's number may lie above select's 1,023.
        waiting = select.poll()
        waiting.register(self._wake_read, select.POLLIN)
        wanted = (select.POLLIN if read else 0) | (select.POLLOUT if self._client.want_write() else 0)
        waiting.register(sock, wanted)
        events = dict(waiting.poll(0 if decrypted else timeout_s * 1000))
        if self._wake_read.fileno() in events:
            with contextlib.suppress(BlockingIOError):
                while self._wake_read.recv(4096):
                    pass
        happened = events.get(sock.fileno(), 0)
        # Hang-up and error are told by reading, whether we want to read or not.
        if happened & ~select.POLLOUT or decrypted:
            self._read()
        if happened & select.POLLOUT:
            self.flush()
        now_s = time.monotonic()
        if now_s - self._misc_at_s > 1.0:
            self._misc_at_s = now_s
            self._client.loop_misc()
        if self._lost is not None:
            raise BrokerUnavailable(self._lost)

    def _read(self) -> None:
        for _ in range(READS_A_POLL):
            before = len(self._arrived)
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._lost = self._lost or "the connection was lost"
                return
            if len(self._arrived) == before:
                return

    def _new_client(self) -> Client:
        config = self._config
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.client_id,
            # Not version 5: paho makes a table of properties for each message then, 40 % of all the time ingest needs.
            protocol=MQTTProtocolVersion.MQTTv311,
            # The session stays at the broker, with what was not acknowledged.
            clean_session=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(65_535)
        client.max_queued_messages_set(0)
        if config.username is not None:
            client.username_pw_set(config.username, _password(config.password_file))
        if config.ca_file is not None:
            try:
                client.tls_set(config.ca_file, config.cert_file, config.key_file, tls_version=ssl.PROTOCOL_TLS_CLIENT)
            except (OSError, ValueError) as error:
                raise UserError(
                    f"certificate cannot be used: {error}", where=f"mqtt.ca_file {config.ca_file}"
                ) from None
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        # With this set, paho leaves writing to `flush` instead of one system call for each acknowledgement at once.
        client.on_socket_register_write = _written_by_flush
        return client

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._answer = reason
        if not reason.is_failure:
            # Retained presence comes with every subscription: it tells who is there after a restart of central.
            client.subscribe([(topics.ALL_UP, 1), (topics.ALL_PRESENCE, 1)])

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._lost = f"the connection was lost: {reason}"

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._arrived.append(Arrived(message.mid, message.qos, message.topic, bytes(message.payload)))

    @staticmethod
    def _on_subscribe(_client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                log.error("the broker refuses a subscription: nothing will arrive", reason=str(reason))


def _written_by_flush(_client: Client, _data: Any, _socket: Any) -> None:
    return


def _password(file: str | None) -> str | None:
    if file is None:
        return None
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=f"mqtt.password_file {file}") from None
    return lines[0] if lines else ""
