"""A way out step by step, for the self-test: link, address, name, connection, TLS, and who is in between.

Each step blocks for a bounded time and contacts nobody but the configured broker or server. None of them logs in: a
second client with the gateway's id would push the first out. What is on this machine needs no link and no address.
"""

import fcntl
import ipaddress
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from edge_agent.core.errors import LinkError
from edge_agent.core.selftest import Found, fail, ok, warn
from edge_agent.texts import Said
from edge_agent.uplink.connection import TlsFiles, tls_context
from edge_agent.uplink.dial import Lookup, plain
from edge_agent.uplink.reasons import of_socket

CONNECT_S = 8.0
# A resolver asks each name server again after 5 s (resolv.conf(5)).
LOOK_UP_S = 9.0
# A portal answers at once; what is slower is no portal.
ASK_S = 4.0
# Longer than a household needs to reach the one who renews it.
EXPIRES_SOON_S = 14 * 86400.0
# TEST-NET-1 (RFC 5737) and its like (RFC 3849): no packet is sent there, but the kernel says which way it would take.
_ANYWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_DISCARD = 9
# netdevice(7); running is up with a carrier, as far as its driver can tell.
_SIOCGIFFLAGS = 0x8913
_UP, _LOOPBACK, _RUNNING = 0x1, 0x8, 0x40
_WORKS = _UP | _RUNNING
_ANSWER_BYTES = 2048
_HTTP = b"HTTP/"
WEB_PORT = 80


class Way:
    """The steps to one broker or server; `tls` None: without. `connected` is whether there is a connection now.

    `explain` says why one to this host and port came to nothing.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: TlsFiles | None,
        connected: Callable[[], bool] = lambda: False,
        explain: Callable[[Exception, str, int], LinkError] = of_socket,
    ) -> None:
        self.host, self.port = host, port
        self._tls = tls
        self._connected = connected
        self._explain = explain
        self._failed: LinkError | None = None

    @property
    def here(self) -> bool:
        """Whether it ends on this machine, and needs no network."""
        return self.host == "localhost" or (_literal(self.host) and ipaddress.ip_address(self.host).is_loopback)

    @property
    def secure(self) -> bool:
        """Whether there is a certificate to look at."""
        return self._tls is not None

    def link(self) -> Found:
        """A cable or a radio network."""
        if self.here:
            return ok(Said("way.here"))
        states = _interfaces()
        up = [name for name, running in states.items() if running]
        if up:
            return ok(Said("way.link", names=", ".join(up)))
        told = Said("way.no_link", names=", ".join(states)) if states else Said("way.no_interface")
        return fail(told, Said("way.no_link_fix"))

    def address(self) -> Found:
        """An address of this gateway, and a way out."""
        if self.here:
            return ok(Said("way.here"))
        found: list[str] = []
        where = [(_family(self.host), self.host)] if _literal(self.host) else _ANYWHERE
        for family, place in where:
            with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((place, _DISCARD))
                found.append(sock.getsockname()[0])
        real = [each for each in found if not ipaddress.ip_address(each.partition("%")[0]).is_link_local]
        if real:
            return ok(Said("way.address", addresses=", ".join(real)))
        if found:
            return fail(Said("way.own_address", addresses=", ".join(found)), Said("way.own_address_fix"))
        return fail(Said("way.no_address"), Said("way.no_address_fix"))

    def dns(self) -> Found:
        """The address of the broker's name."""
        if _literal(self.host):
            return ok(Said("way.literal"))
        lookup = Lookup((self.host, self.port))
        lookup.start()
        lookup.join(LOOK_UP_S)
        if lookup.error is not None:
            return _failed(self._explain(lookup.error, self.host, self.port))
        if not lookup.addresses:
            return fail(Said("way.no_server", seconds=round(LOOK_UP_S)), Said("way.no_server_fix"))
        addresses = sorted({str(row[4][0]) for row in lookup.addresses})[:4]
        return ok(Said("way.name", host=self.host, addresses=", ".join(addresses)))

    def tcp(self) -> Found:
        """Somebody listens there."""
        began = time.monotonic()
        try:
            with self._dial(self.port):
                ms = round((time.monotonic() - began) * 1000)
                return ok(Said("way.answers", where=f"{self.host}:{self.port}", ms=ms))
        except OSError as error:
            self._failed = self._explain(error, self.host, self.port)
            return _failed(self._failed)

    def tls(self) -> Found:
        """The broker is who it should be, and how long its certificate is good for."""
        assert self._tls is not None
        try:
            context = tls_context(self._tls)
            with self._dial(self.port) as sock, context.wrap_socket(sock, server_hostname=self.host) as secure:
                certificate = secure.getpeercert() or {}
                version = secure.version()
        except LinkError as error:
            return _failed(error)
        except OSError as error:
            self._failed = self._explain(error, self.host, self.port)
            return _failed(self._failed)
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        told = Said("way.certificate", version=version, day=time.strftime("%Y-%m-%d", time.gmtime(ends)))
        if ends - time.time() < EXPIRES_SOON_S:
            return warn(told, Said("way.certificate_fix"))
        return ok(told)

    def portal(self) -> Found:
        """Whether something between here and there answers in the broker's place: asked only where it would show."""
        if self._connected():
            return ok(Said("way.connected"))
        if self._tls and self._failed is None:
            return ok(Said("way.proven"))
        answer = self._ask_http(self.port)
        if answer.startswith(_HTTP):
            status = answer.partition(b"\r")[0][:40].decode("ascii", "replace")
            return fail(Said("way.web_site", port=self.port, status=status), Said("way.portal_fix"))
        if self._failed is not None and _sends_away(self._ask_http(WEB_PORT), self.host):
            return warn(Said("way.sent_away"), Said("way.portal_fix"))
        return ok(Said("way.nobody"))

    def _ask_http(self, port: int) -> bytes:
        """What is answered to the smallest question of HTTP; empty where nothing is."""
        question = f"GET / HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode("ascii", "replace")
        with suppress(OSError), self._dial(port, ASK_S) as sock:
            sock.sendall(question)
            return sock.recv(_ANSWER_BYTES)
        return b""

    def _dial(self, port: int, timeout_s: float = CONNECT_S) -> socket.socket:
        return socket.create_connection((plain(self.host), port), timeout=timeout_s)  # type: ignore[arg-type]


def _sends_away(answer: bytes, host: str) -> bool:
    """Whether this is what a portal says: 511 (RFC 6585), or a page at another place."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    status = head[0].split()[1:2]
    place = next((line.partition(":")[2].strip() for line in head if line.lower().startswith("location:")), "")
    moved = bool(status) and status[0][:1] == "3" and "//" in place
    return status == ["511"] or (moved and place.partition("//")[2].partition("/")[0].partition(":")[0] != host)


def _failed(error: LinkError) -> Found:
    return fail(error.args[0], error.fix)


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _interfaces() -> dict[str, bool]:
    """The network interfaces but for loopback, and whether each is up and has its link."""
    found: dict[str, bool] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # it has just gone
                raw = fcntl.ioctl(sock, _SIOCGIFFLAGS, struct.pack("16sH14x", name.encode(), 0))
                (flags,) = struct.unpack_from("H", raw, 16)
                if not flags & _LOOPBACK:
                    found[name] = flags & _WORKS == _WORKS
    return found
