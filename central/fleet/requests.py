"""What a gateway may ask to be signed: one P-256 key under exactly its own name. Pure; a refusal is a value."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

from central.fleet.authority import gateway_uri
from contract.provisioning import VERSION, RefusalReason, Refused
from contract.topics import GATEWAY_ID

CSR_BYTES_MAX: Final = 8_192


def refused(reason: RefusalReason, detail: str, retry_after_s: int = 0) -> Refused:
    return Refused(VERSION, reason, detail, retry_after_s)


def named_gateway(csr_pem: str) -> str | Refused:
    """The common name of a request, when it is a gateway id: for requests that come as a file."""
    csr = _parsed(csr_pem)
    if isinstance(csr, Refused):
        return csr
    names = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else ""
    if not GATEWAY_ID.fullmatch(name):
        return refused(RefusalReason.GATEWAY_ID_MALFORMED, f"the request is for {name[:64]!r}, no gateway id")
    return name


def requested_key(csr_pem: str, gateway: str) -> ec.EllipticCurvePublicKey | Refused:
    """The key that is to be certified for `gateway`.

    The subject has to be the gateway's name and nothing more, and of alternative names only the gateway's own URI is allowed. Nothing
    of the request but the key goes into the certificate; a request that asks for more is refused all the same, so that it is noticed.
    """
    if not GATEWAY_ID.fullmatch(gateway):
        return refused(RefusalReason.GATEWAY_ID_MALFORMED, f"{gateway[:64]!r} is no gateway id")
    csr = _parsed(csr_pem)
    if isinstance(csr, Refused):
        return csr
    key = csr.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return refused(RefusalReason.CSR_KEY_UNSUPPORTED, "only keys on the curve P-256 are signed")
    if not isinstance(csr.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        return refused(RefusalReason.CSR_SIGNATURE_INVALID, "the request is not signed with SHA-2")
    if not csr.is_signature_valid:
        return refused(RefusalReason.CSR_SIGNATURE_INVALID, "the request is not signed by its own key")
    wrong = _wrong_name(csr, gateway)
    return key if wrong is None else refused(RefusalReason.CSR_NAME_MISMATCH, wrong)


def _parsed(csr_pem: str) -> x509.CertificateSigningRequest | Refused:
    if len(csr_pem) > CSR_BYTES_MAX:
        return refused(RefusalReason.CSR_MALFORMED, f"{len(csr_pem)} characters, at most {CSR_BYTES_MAX}")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        # Parsed lazily: what is asked for later has to raise here.
        csr.public_key()
        _ = (list(csr.subject), list(csr.extensions), csr.signature_hash_algorithm)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return refused(RefusalReason.CSR_MALFORMED, "is no certificate signing request in PEM")
    return csr


def _wrong_name(csr: x509.CertificateSigningRequest, gateway: str) -> str | None:
    attributes = list(csr.subject)
    if len(attributes) != 1 or attributes[0].oid != NameOID.COMMON_NAME or attributes[0].value != gateway:
        return f"the subject is {csr.subject.rfc4514_string()[:120]!r}, has to be CN={gateway} alone"
    for extension in csr.extensions:
        if extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            return f"asks for the extension {extension.oid.dotted_string}"
        names = list(extension.value) if isinstance(extension.value, x509.SubjectAlternativeName) else []
        if names != [x509.UniformResourceIdentifier(gateway_uri(gateway))]:
            return f"the alternative names have to be {gateway_uri(gateway)} alone"
    return None
