"""Whether what central sent is to be believed and fits the key that asked. Pure: certificates in, a problem in words out."""

import datetime as dt

from cryptography import x509
from cryptography.x509.oid import NameOID

from contract.provisioning import Issued, pin_of
from edge.provision.keys import public_der


def problem_of(issued: Issued, gateway: str, key_der: bytes, pin: str | None, now_ms: int) -> str | None:
    """None when the certificate may be installed.

    Args:
        issued: central's answer.
        gateway: who we are.
        key_der: the public key that asked, SubjectPublicKeyInfo.
        pin: of the root that is trusted; None takes the root as it comes (a stick that a person carried).
        now_ms: at least this late it is; a clock that lags does no harm.

    """
    try:
        root = x509.load_pem_x509_certificate(issued.authority_pem.encode())
        leaf, *issuers = x509.load_pem_x509_certificates(issued.certificate_pem.encode())
        root_pin, leaf_der = pin_of(public_der(root.public_key())), public_der(leaf.public_key())
        common_names = [str(part.value) for part in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError:
        return "it holds no usable certificates"
    if pin is not None and root_pin != pin:
        return f"its root has the pin {root_pin}, trusted is {pin}"
    if issued.gateway != gateway or common_names != [gateway]:
        return f"it is for {issued.gateway!r}, this gateway is {gateway!r}"
    if leaf_der != key_der:
        return "it is for another key"
    if not _leads_to(leaf, issuers, root):
        return "its signatures do not lead to the root"
    if now_ms > unix_ms(leaf.not_valid_after_utc):
        return f"it ran out on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; check the clock"
    return None


def root_pin_of(authority_pem: str) -> str:
    """Raises ValueError when it is no certificate."""
    return pin_of(public_der(x509.load_pem_x509_certificate(authority_pem.encode()).public_key()))


def unix_ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def _leads_to(leaf: x509.Certificate, issuers: list[x509.Certificate], root: x509.Certificate) -> bool:
    below = leaf
    try:
        for above in [*issuers, root]:
            constraints = above.extensions.get_extension_for_class(x509.BasicConstraints).value
            if not constraints.ca:
                return False
            below.verify_directly_issued_by(above)
            below = above
        root.verify_directly_issued_by(root)
    except Exception:  # whatever is wrong with a certificate from outside, it is not believed
        return False
    return True
