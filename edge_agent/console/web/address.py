"""Where the page is: this machine's addresses, the certificate's fingerprint, and both as a code for a phone."""

import hashlib
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from edge_agent.console.web.certificate import is_new
from edge_agent.control.types import Console

LOOPBACK = "127.0.0.1"
# What every answer of the page says in its header Server: another program may have the port.
SERVER = "edge-agent"
_FIB = Path("/proc/net/fib_trie")
# The page's process hears of the opening within milliseconds.
PATIENCE_S = 3.0


class Place(NamedTuple):
    """`addresses` of the page, the best first; `fingerprint` (SHA-256) is empty without TLS, `new`: made of late."""

    addresses: tuple[str, ...]
    fingerprint: str = ""
    new: bool = False

    def code(self) -> Iterator[str]:
        """The first address and the fingerprint as a QR code of lines; nothing where segno is not installed."""
        try:
            import segno  # noqa: PLC0415 - an extra
        except ImportError:
            return
        yield ""
        told = f"{self.addresses[0]}#{self.fingerprint.replace(':', '')}"
        rows = [[bool(cell) for cell in row] for row in segno.make(told, error="l", micro=False).matrix]
        width = len(rows[0])
        quiet = [[False] * (width + 4)] * 2
        rows = [*quiet, *([False, False, *row, False, False] for row in rows), *quiet]
        if len(rows) % 2:
            rows.append([False] * (width + 4))
        # half blocks, light on dark: phones read both, and most terminals are dark
        for upper, lower in zip(rows[::2], rows[1::2], strict=True):
            yield "".join(" ▀▄█"[(not a) + 2 * (not b)] for a, b in zip(upper, lower, strict=True))


def find(reply: Console) -> Place | None:
    """Where the page is that was opened; None where nobody serves it within PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            shown = certificate(reply.port, lan=reply.lan)
            if not reply.lan:
                return Place((f"http://{LOOPBACK}:{reply.port}/",))
            hosts = addresses() or (LOOPBACK,)
            return Place(
                tuple(f"https://{host}:{reply.port}/" for host in hosts),
                fingerprint(shown),
                is_new(shown, datetime.now(UTC)),
            )
        except OSError:
            time.sleep(0.1)
    return None


def fingerprint(certificate: bytes) -> str:
    """SHA-256 in pairs, as browsers show it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def certificate(port: int, *, lan: bool = True) -> bytes:
    """What the page shows on loopback, DER; empty where it has no TLS. Raises OSError, also for another server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is read here, not trusted
    secret = HTTPSConnection(LOOPBACK, port, timeout=1.0, context=context)
    with closing(secret if lan else HTTPConnection(LOOPBACK, port, timeout=1.0)) as talk:
        talk.connect()
        shown = talk.sock.getpeercert(binary_form=True) if isinstance(talk.sock, ssl.SSLSocket) else b""
        try:
            talk.request("GET", "/")
            server = talk.getresponse().headers["Server"]
        except HTTPException as error:
            raise ConnectionRefusedError from error
        if server != SERVER:
            raise ConnectionRefusedError
        return shown or b""


def addresses() -> tuple[str, ...]:
    """This machine's own IPv4 addresses but those of loopback, as the kernel's table of local routes has them.

    It needs no route to anywhere: a cellar has none.
    """
    try:
        lines = _FIB.read_text("ascii").splitlines()
    except OSError:
        return ()
    local = [before.split()[-1] for before, line in pairwise(lines) if "/32 host LOCAL" in line]
    return tuple(dict.fromkeys(each for each in local if not each.startswith("127.")))
