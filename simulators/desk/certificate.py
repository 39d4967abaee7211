"""A certificate of its own for a desk on this machine, made by OpenSSL's command: for tests and the demo only."""

import ssl
import subprocess
from pathlib import Path

from edge_agent.core.errors import ConfigError

_DAYS = "2"


def make_certificate(folder: Path) -> ssl.SSLContext:
    """`cert.pem` and `key.pem` in the folder, for 127.0.0.1: who trusts `cert.pem` as an authority trusts the desk.

    Raises ConfigError where there is no openssl.
    """
    made = (
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", _DAYS),
        *("-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=desk", "-addext", "subjectAltName=IP:127.0.0.1"),
    )
    try:
        subprocess.run(made, cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError("openssl made no certificate", fix="Install it: sudo apt install openssl") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # not every system says so by itself
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
