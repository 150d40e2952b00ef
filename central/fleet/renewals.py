"""Renewals over MQTT: a question under a gateway's own topic, the answer under its own down/.

The broker's access list vouches for the topic, the proof in the question for the key: either would do, both have to agree.
"""

import ssl
import threading
from typing import Any, Final

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from central.fleet.broker_files import FLEET, Identity
from central.fleet.config import FleetConfig
from central.fleet.service import Service
from contract import topics
from contract.errors import UserError
from contract.provisioning import ALL_RENEWALS, certificate_topic, encode

RECONNECT_MIN_S: Final = 1
RECONNECT_MAX_S: Final = 30

log = structlog.get_logger("central.fleet")


class Renewals:
    """Listens on paho's own thread between `start` and `stop`; reconnects by itself."""

    def __init__(self, service: Service, identity: Identity, config: FleetConfig) -> None:
        """Raises UserError when the certificate cannot be used."""
        self._service = service
        self._config = config
        self.connected = threading.Event()
        self._stopping = False
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=FLEET, protocol=MQTTProtocolVersion.MQTTv311, clean_session=True
        )
        try:
            self._context = ssl.create_default_context(cafile=identity.authority)
            self.take_certificate(identity)
        except OSError as error:
            raise UserError(f"cannot be used: {error}", where=str(identity.certificate)) from None
        self._client.tls_set_context(self._context)
        self._client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self.connected.set()

    def start(self) -> None:
        self._client.connect_async(self._config.broker_host, self._config.broker_port)
        self._client.loop_start()

    def take_certificate(self, identity: Identity) -> None:
        """For the next connection. Raises OSError when it cannot be used."""
        self._context.load_cert_chain(identity.certificate, identity.key)

    def stop(self) -> None:
        self._stopping = True
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("the broker refuses the fleet", reason=str(reason))
            return
        client.subscribe(ALL_RENEWALS, 1)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.connected.clear()
        if not self._stopping:
            log.warning("no broker: trying again", reason=str(reason))

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        parsed = topics.parse(message.topic)
        if parsed is None:
            return
        gateway, _ = parsed
        try:
            answer = self._service.renew(bytes(message.payload), f"mqtt {gateway}", gateway)
        except UserError as error:
            # The gateway asks again; a thread that dies here would never answer anyone.
            log.error("a renewal could not be looked at", gateway=gateway, problem=str(error))
            return
        client.publish(certificate_topic(gateway), encode(answer), qos=1)
