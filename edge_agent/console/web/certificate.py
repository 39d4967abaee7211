"""The page's own certificate: signed by itself, known by its fingerprint, made anew near its end."""

import os
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

NAME, BEFORE = "console.pem", "console.old.pem"
# Browsers take no certificate of more than 825 days as whole (CA/Browser Forum, 2018); nobody else looks at it.
LIFE = timedelta(days=820)
EARLIER = timedelta(days=2)  # a clock that is behind must not make it invalid
# Who opens the page twice a year meets no certificate that has ended.
RENEWED = timedelta(days=90)
NEW = timedelta(days=1)


class CertificateError(Exception):
    """There is no certificate to be had: what is wrong and what to do."""


def context(folder: Path, now: datetime, renewed: Callable[[datetime], None]) -> ssl.SSLContext:
    """What serves TLS 1.2 and later with the certificate in `folder`. CertificateError.

    It is made where there is none, and anew where it ends soon by this clock: then `renewed` hears when it would have
    ended, and the one before is kept beside it.
    """
    path = folder / NAME
    try:
        if not path.exists():
            _write(path, _made(now))
        elif (ends := _ends(path)) is not None and ends - now < RENEWED:
            fresh = _made(now)
            path.replace(folder / BEFORE)
            _write(path, fresh)
            renewed(ends)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2  # not every system says so by itself
        made.load_cert_chain(path)
    except ImportError as error:
        raise CertificateError(
            "the network needs TLS, and the package cryptography is not installed: pip install 'edge-agent[console]'"
        ) from error
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(
            f"the certificate {path} cannot be used: {error}; remove it to make a new one"
        ) from error
    return made


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def is_new(certificate: bytes, now: datetime) -> bool:
    """Whether this certificate (DER) was made a moment ago; False where that cannot be told."""
    try:
        from cryptography import x509  # noqa: PLC0415 - an extra, 10 MB
    except ImportError:
        return False
    made = x509.load_der_x509_certificate(certificate).not_valid_before_utc + EARLIER
    return made <= now < made + NEW


def _ends(path: Path) -> datetime | None:
    """When the certificate in this file ends; None where that cannot be told: then it serves on. Raises OSError."""
    try:
        from cryptography import x509  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except ValueError:
        return None  # whoever loads it says what is wrong


def _made(now: datetime) -> bytes:
    """A key and its certificate, PEM."""
    from cryptography import x509  # noqa: PLC0415 - an extra, 10 MB
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "edge-agent console")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
