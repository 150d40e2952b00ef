"""The renewal as a task of the agent: looks every minute, asks over the link, falls back to HTTPS when the certificate is no good any more.

Never in the way of readings: whatever goes wrong is logged and tried again later, after a random pause.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from contract.errors import UserError
from contract.provisioning import RENEW_PATH, Refused, certificate_topic, renew_topic
from edge.provision import renewal
from edge.provision.https import PinnedCentral
from edge.provision.identity import Identity, IdentityFolder

LOOK_EVERY_S: Final = 60.0
ASK_EVERY_S: Final = 600.0
"""A question that was not answered is asked again after this, more or less: a third of a certificate's life is left for it."""
NO_LINK_S: Final = 5.0

Say = Callable[[str, bytes], Awaitable[bool]]
"""Publishes (topic, payload) with QoS 1; False when there is no link at the moment."""
Post = Callable[[Identity, bytes], bytes]
"""Carries a request to central over HTTPS and returns the answer. Raises UserError. Blocks."""

_log = structlog.get_logger("edge.provision")


class Link(Protocol):
    """What the renewal needs of the uplink."""

    listeners: dict[str, Callable[[bytes], object]]

    async def say(self, topic: str, payload: bytes) -> bool: ...


def beside(
    link: Link, gateway: str, folder: IdentityFolder, context: ssl.SSLContext, now_ms: Callable[[], int]
) -> "Renewer":
    """A Renewer on the agent's link; what it brings is used from the next connection on. Call it before the link runs."""

    def renewed(identity: Identity) -> None:
        context.load_cert_chain(identity.certificate, identity.key)

    renewer = Renewer(folder, now_ms, link.say, renewed, random.uniform)
    link.listeners[certificate_topic(gateway)] = renewer.take
    return renewer


class Renewer:
    """`run` until cancelled; hand what arrives on the certificate's topic to `take`. All in the event loop's thread.

    Args:
        folder: the identity.
        now_ms: real time, not later than now (the machine's, or the persisted floor under it).
        say: the link.
        renewed: called with the new identity; loads it into the TLS context, so that the next connection uses it.
        uniform: spreads questions.
        post: the way by HTTPS.
        look_every_s: how often it looks whether something is due.

    """

    def __init__(  # noqa: PLR0917 - wiring
        self,
        folder: IdentityFolder,
        now_ms: Callable[[], int],
        say: Say,
        renewed: Callable[[Identity], None],
        uniform: Callable[[float, float], float],
        post: Post | None = None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._folder = folder
        self._now_ms = now_ms
        self._say = say
        self._renewed = renewed
        self._uniform = uniform
        self._post: Post = post or self._https
        self._look_every_s = look_every_s

    async def run(self) -> None:
        while True:
            try:
                pause_s = await self._look()
            except (UserError, OSError) as error:
                _log.warning("renewal_not_possible", problem=str(error))
                pause_s = ASK_EVERY_S * self._uniform(0.5, 1.5)
            await asyncio.sleep(pause_s)

    def take(self, payload: bytes) -> None:
        """Central's answer came over the link."""
        try:
            identity = self._folder.current()
            if identity is not None:
                self._told(renewal.take(self._folder, identity, payload, self._now_ms()))
        except UserError as error:
            _log.error("renewal_not_installed", problem=str(error))

    async def _look(self) -> float:
        """Asks when a renewal is due. Returns how long to wait before the next look, s."""
        identity = self._folder.current()
        if identity is None or not renewal.due(identity, self._now_ms()):
            return self._look_every_s
        question = renewal.request(self._folder, identity)
        if renewal.expired(identity, self._now_ms()):
            # Such a certificate opens no link.
            answer = await asyncio.to_thread(self._post, identity, question)
            self._told(renewal.take(self._folder, identity, answer, self._now_ms()))
        elif not await self._say(renew_topic(identity.gateway), question):
            return min(NO_LINK_S, self._look_every_s)
        return ASK_EVERY_S * self._uniform(0.5, 1.5)

    def _told(self, outcome: Identity | Refused | None) -> None:
        if isinstance(outcome, Identity):
            _log.info("certificate_renewed", not_after_ms=outcome.issued.not_after_ms)
            self._renewed(outcome)
        elif outcome is not None:
            _log.error("renewal_refused", reason=outcome.reason.value, detail=outcome.detail)

    def _https(self, identity: Identity, question: bytes) -> bytes:
        central = PinnedCentral(identity.issued.claim_url, identity.pin, self._now_ms)
        return central.post(RENEW_PATH, question)
