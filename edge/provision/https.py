"""HTTPS to central by the pin of its root: nothing secret is said before central has shown that it is the one on the ticket.

The first request only fetches the root certificate; whoever answers it is believed nothing but what the pin proves. Every other
request verifies central against that root. The machine's clock may be years off before its first synchronisation, so OpenSSL is told
not to look at times; the end of central's certificate is compared with the given time instead, which may lag but never leads.
"""

import http.client
import ssl
from collections.abc import Callable
from typing import Final

from cryptography import x509

from contract.errors import UserError
from contract.provisioning import AUTHORITY_PATH, MESSAGE_BYTES_MAX, check_url, pin_of
from edge.provision.keys import public_der
from edge.provision.trust import unix_ms

TIMEOUT_S: Final = 15.0
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL."""


class PinnedCentral:
    """`post` after the root was fetched and found to be the pinned one.

    Args:
        url: `https://host[:port]`.
        pin: of the root's key.
        now_ms: a time that is not later than now.

    """

    def __init__(self, url: str, pin: str, now_ms: Callable[[], int]) -> None:
        self._host, self._port = check_url(url, "claim url")
        self._pin = pin
        self._now_ms = now_ms
        self._root_pem: str | None = None

    def post(self, path: str, body: bytes) -> bytes:
        """The answer's body, whatever its status. Raises UserError when central cannot be reached or is not who it should be."""
        if self._root_pem is None:
            self._root_pem = self._pinned_root()
        context = ssl.create_default_context(cadata=self._root_pem)
        context.verify_flags |= NO_CHECK_TIME
        return self._exchange(context, "POST", path, body)

    def _pinned_root(self) -> str:
        unproven = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unproven.check_hostname = False
        unproven.verify_mode = ssl.CERT_NONE
        text = self._exchange(unproven, "GET", AUTHORITY_PATH, None)
        try:
            root = x509.load_pem_x509_certificate(text)
            shown = pin_of(public_der(root.public_key()))
        except ValueError:
            raise UserError("what answers is no claim service", where=self._where) from None
        if shown != self._pin:
            raise UserError(
                f"central shows a root with the pin {shown}, the ticket says {self._pin}",
                where=self._where,
                hint="somebody may be in between: claim from another network, or with a stick",
            )
        return text.decode("ascii", "strict")

    @property
    def _where(self) -> str:
        return f"https://{self._host}:{self._port}"

    def _exchange(self, context: ssl.SSLContext, method: str, path: str, body: bytes | None) -> bytes:
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=context)
        try:
            connection.connect()
            if context.verify_mode is ssl.CERT_REQUIRED:
                self._check_time(connection)
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            content = answer.read(MESSAGE_BYTES_MAX + 1)
        except ssl.SSLCertVerificationError as error:
            raise UserError(f"central's certificate is refused: {error.verify_message}", where=self._where) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UserError(
                f"central cannot be reached: {reason}", where=self._where, hint="without a network: --offline"
            ) from None
        finally:
            connection.close()
        return content

    def _check_time(self, connection: http.client.HTTPSConnection) -> None:
        der = connection.sock.getpeercert(binary_form=True)
        assert isinstance(der, bytes)
        end = x509.load_der_x509_certificate(der).not_valid_after_utc
        if self._now_ms() > unix_ms(end):
            raise UserError(f"central's certificate ran out on {end:%Y-%m-%d}", where=self._where)
