"""Makes what the registry says true at the running broker: lists read again, live connections of the revoked ended.

Measured on mosquitto 2.0.11: SIGHUP makes it read acl, revocation list and certificates again. From that moment a revoked gateway's
publishes are denied, nothing is delivered to it and a new connection fails in the handshake; but a connection that is open stays
open. It is ended by taking its session over: the user name is the client id there, so whoever comes with a certificate of the
gateway's name takes its place, and the authority can make one that is good for two minutes and lives in memory and one private folder.
"""

import os
import signal
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from central.fleet.authority import Authority, key_pem, new_key
from central.fleet.broker_files import WARDEN, write_lists
from central.fleet.config import FleetConfig
from central.fleet.files import PRIVATE, write_atomically
from central.fleet.registry import Registry
from contract import topics
from contract.messages import VERSION, Presence, encode

RELOAD_TIMEOUT_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 5.0
KICK_LIFE_MS: Final = 120_000

log = structlog.get_logger("central.fleet")


class BrokerDoor:
    """`apply` after every change of the registry, `drop` after a revocation. Neither raises: a problem comes back in words."""

    def __init__(self, config: FleetConfig, folder: Path, authority: Authority, registry: Registry) -> None:
        self._config = config
        self._folder = folder
        self._authority = authority
        self._registry = registry
        self._one_at_a_time = threading.Lock()

    def apply(self, now_ms: int) -> str | None:
        """Writes the lists and makes the broker read them. None, or what went wrong."""
        if not (self._folder / "mosquitto.conf").exists():
            return "no broker is set up here: run kumagaya central fleet broker-config"
        with self._one_at_a_time:
            write_lists(self._folder, self._authority, self._registry, now_ms, self._config.broker_group)
            return self.reload()

    def reload(self) -> str | None:
        """SIGHUP by the configured command or pid file. None, or what went wrong."""
        config = self._config
        if config.reload_command:
            try:
                done = subprocess.run(
                    config.reload_command, check=False, capture_output=True, text=True, timeout=RELOAD_TIMEOUT_S
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"fleet.reload_command: {error}"
            return (
                None
                if done.returncode == 0
                else f"fleet.reload_command: exit code {done.returncode}: {done.stderr[:200]}"
            )
        if config.broker_pid_file is None:
            return "neither fleet.reload_command nor fleet.broker_pid_file is set: reload the broker by hand"
        return _signal(Path(config.broker_pid_file))

    def drop(self, gateway: str, now_ms: int) -> str | None:
        """Ends the live connection of `gateway`, if there is one, and says in its place that it is offline. None, or what went wrong."""
        for name, message in (
            (gateway, None),
            (
                WARDEN,
                (topics.presence(gateway), encode(Presence(VERSION, online=False, boot_id="revoked", at_ms=now_ms))),
            ),
        ):
            problem = self._visit(name, now_ms, message)
            if problem is not None:
                return problem
        return None

    def _visit(self, name: str, now_ms: int, message: tuple[str, bytes] | None) -> str | None:
        """Connects once under `name`, publishes, leaves."""
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311, clean_session=True
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        answered = threading.Event()
        answer: list[Any] = []

        def connected(_client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            answer.append(reason)
            answered.set()

        client.on_connect = connected
        client.tls_set_context(self._context(name, now_ms))
        try:
            client.connect(self._config.broker_host, self._config.broker_port)
        except (OSError, ValueError) as error:
            return f"the broker cannot be reached: {error}"
        client.loop_start()
        try:
            if not answered.wait(CONNECT_TIMEOUT_S):
                return f"the broker did not answer within {CONNECT_TIMEOUT_S:g} s"
            if answer[0].is_failure:
                return f"the broker refused: {answer[0]}"
            if message is not None:
                topic, payload = message
                client.publish(topic, payload, qos=1, retain=True).wait_for_publish(CONNECT_TIMEOUT_S)
            return None
        finally:
            client.disconnect()
            client.loop_stop()

    def _context(self, name: str, now_ms: int) -> ssl.SSLContext:
        key = new_key()
        made = (
            self._authority.role_certificate(name, key.public_key(), now_ms, KICK_LIFE_MS)
            if name == WARDEN
            else self._authority.gateway_certificate(name, key.public_key(), now_ms, KICK_LIFE_MS)
        )
        context = ssl.create_default_context(cadata=self._authority.root_pem)
        # Python's ssl takes a key from a file only: a private folder, for as long as it takes to read.
        with tempfile.TemporaryDirectory(prefix="kumagaya-") as folder:
            path = Path(folder) / "visitor.pem"
            write_atomically(path, self._authority.chain_pem(made).encode() + key_pem(key), PRIVATE)
            context.load_cert_chain(path)
        return context


def _signal(pid_file: Path) -> str | None:
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        return f"fleet.broker_pid_file {pid_file}: {error}"
    if name != "mosquitto":
        return f"fleet.broker_pid_file {pid_file}: process {pid} is {name!r}, not mosquitto"
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        return f"mosquitto ({pid}) cannot be signalled: {error.strerror}"
    return None
