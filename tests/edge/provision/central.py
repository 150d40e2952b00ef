"""Central's half in a few lines, made with the library alone: the edge's tests do not import central."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from contract.provisioning import (
    RENEW_FRACTION,
    ClaimRequest,
    Issued,
    RenewalRequest,
    Ticket,
    decode,
    encode,
    pin_of,
)
from edge.provision import keys

NOW_MS = 1_780_000_000_000
DAY_MS = 86_400_000
CODE = "0123456789ABCDEFGHJKMNPQRS"


def moment(unix_ms):
    return dt.datetime.fromtimestamp(unix_ms // 1000, tz=dt.UTC)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, from_ms, until_ms, ca=False):  # noqa: PLR0917
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment(from_ms))
        .not_valid_after(moment(until_ms))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(*certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates).decode()


class Central:
    """Answers claims and renewals without asking anything; `lost` loses that many answers on their way."""

    def __init__(self, now_ms=NOW_MS):
        self.now_ms = now_ms
        self.root_key, self.issuer_key = keys.new_key(), keys.new_key()
        until = now_ms + 3650 * DAY_MS
        self.root = certificate(
            "root", self.root_key.public_key(), "root", self.root_key, now_ms - DAY_MS, until, ca=True
        )
        self.issuer = certificate(
            "issuer", self.issuer_key.public_key(), "root", self.root_key, now_ms - DAY_MS, until, ca=True
        )
        self.pin = pin_of(keys.public_der(self.root.public_key()))
        self.asked, self.lost, self.paths = [], 0, []
        self.refuse_with = None

    def ticket(self, gateway="gw-01", code=CODE, pin=None):
        return Ticket(gateway, code, pin or self.pin, "https://127.0.0.1:1")

    def issue(self, csr_pem, gateway="gw-01", days=30):
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        until_ms = self.now_ms + days * DAY_MS
        leaf = certificate(gateway, csr.public_key(), "issuer", self.issuer_key, self.now_ms, until_ms)
        renew_ms = self.now_ms + round(days * DAY_MS * RENEW_FRACTION)
        return Issued(
            1,
            gateway,
            pem(leaf, self.issuer),
            pem(self.root),
            "broker",
            8883,
            "https://127.0.0.1:1",
            self.now_ms,
            until_ms,
            renew_ms,
        )

    def post(self, path, body):
        kind = ClaimRequest if path.endswith("claim") else RenewalRequest
        request = decode(kind, body)
        self.asked.append(request)
        self.paths.append(path)
        if self.lost:
            self.lost -= 1
            raise OSError("the answer was lost")
        return encode(self.refuse_with or self.issue(request.csr_pem))
