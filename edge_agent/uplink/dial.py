"""A TCP connection over a network that may come back any moment.

The kernel repeats a lost SYN after 1, 3, 7, 15 … seconds, so a network that returns in between is found late. Here a
new attempt starts every AGAIN_S while the earlier ones go on, at the next address of the name if there are several; the
first that is answered counts. Name servers are as silent as the rest of a dead network, and a resolver waits for them
for ten seconds and more: where a name was is tried meanwhile.
"""

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

AGAIN_S = 1.5
# A name server that is there has answered by then, so that a name that moved is not looked for in its old place.
_AT_ONCE_S = 0.3
_CONNECTING = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)

_Address = tuple[Any, ...]
_Place = tuple[str, int]


def plain(host: str) -> str | bytes:
    """As bytes a name is not put through the tables of international names, 0.6 MB."""
    return host.encode() if host.isascii() else host


class Lookup(threading.Thread):
    """One question to the name servers, in a thread of its own: nothing can cut a resolver short."""

    def __init__(self, place: _Place) -> None:
        super().__init__(name="lookup", daemon=True)
        self.place = place
        self.addresses: list[_Address] = []
        self.error: OSError | UnicodeError | None = None

    def run(self) -> None:
        """Ask; `start` and `join` are for who wants the answer."""
        host, port = self.place
        try:
            self.addresses = socket.getaddrinfo(plain(host), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self.error = error


class Dialer:
    """Remembers where a name was, for the time when no name server answers; TLS checks who is there in any case."""

    def __init__(self) -> None:
        self._known: dict[_Place, list[_Address]] = {}
        self._lookups: dict[_Place, Lookup] = {}

    def dial(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A connected, blocking socket. Blocks for `timeout_s`; the first time as long as the name servers take, too.

        Raises OSError (TimeoutError, ConnectionRefusedError, socket.gaierror …) and UnicodeError for no name at all.
        """
        place = (host, port)
        lookup = self._lookup(place)
        if place not in self._known:
            lookup.join()
            if lookup.error is not None:
                raise lookup.error
        return _first_answered(lambda: self._heard(lookup) or self._known[place], timeout_s)

    def _lookup(self, place: _Place) -> Lookup:
        """The question that is being asked, or a new one."""
        lookup = self._lookups.get(place)
        if lookup is None or not lookup.is_alive():
            if lookup is not None:
                self._heard(lookup)  # it was answered too late for who asked
            lookup = self._lookups[place] = Lookup(place)
            lookup.start()
            lookup.join(_AT_ONCE_S)
        return lookup

    def _heard(self, lookup: Lookup) -> list[_Address]:
        """The answer, remembered; empty where there is none yet."""
        if lookup.addresses:
            self._known[lookup.place] = lookup.addresses
        return lookup.addresses


def _first_answered(found: Callable[[], list[_Address]], timeout_s: float) -> socket.socket:
    """`found` gives the addresses as they are known by now, one at least."""
    ends = time.monotonic() + timeout_s
    pending: set[socket.socket] = set()
    error: OSError = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    tries, next_at = 0, 0.0
    with selectors.DefaultSelector() as waiting:
        try:
            while (now := time.monotonic()) < ends:
                addresses = found()
                if now >= next_at or (not pending and tries < len(addresses)):
                    started = _start(addresses[tries % len(addresses)])
                    tries, next_at = tries + 1, now + AGAIN_S
                    if isinstance(started, OSError):
                        error = started
                    else:
                        pending.add(started)
                        waiting.register(started, selectors.EVENT_WRITE)
                if not pending and tries >= len(addresses):
                    raise error
                for key, _ in waiting.select(min(next_at, ends) - time.monotonic() if pending else 0):
                    sock = key.fileobj
                    assert isinstance(sock, socket.socket)
                    waiting.unregister(sock)
                    pending.discard(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        sock.setblocking(True)
                        return sock
                    sock.close()
                    error = OSError(code, os.strerror(code))
            raise error
        finally:
            for sock in pending:
                sock.close()


def _start(address: _Address) -> socket.socket | OSError:
    """A socket on its way there, or why not."""
    family, kind, protocol, _, where = address
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        return error
    sock.setblocking(False)
    try:
        code = sock.connect_ex(where)
    except OSError as error:
        sock.close()
        return error
    if code in _CONNECTING:
        return sock
    sock.close()
    return OSError(code, os.strerror(code))
