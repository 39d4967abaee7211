"""A TCP connection over a network that may come back any moment.

The kernel repeats a lost SYN after 1, 3, 7, 15 … seconds, so a network that returns in between is found late. Here a
new attempt starts every AGAIN_S while the earlier ones go on, at the next address of the name if there are several; the
first that is answered counts.
"""

import errno
import os
import selectors
import socket
import time
from typing import Any

AGAIN_S = 1.5
_CONNECTING = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)

_Address = tuple[Any, ...]


class Dialer:
    """Remembers where a name was, for the time when no name server answers; TLS checks who is there in any case."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], list[_Address]] = {}

    def dial(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A connected, blocking socket. Blocks for `timeout_s`, and for as long as the name servers take before.

        Raises OSError (TimeoutError, ConnectionRefusedError, socket.gaierror …) and UnicodeError for no name at all.
        """
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror:
            if (host, port) not in self._known:
                raise
            addresses = self._known[host, port]
        sock = _first_answered(addresses, timeout_s)
        self._known[host, port] = addresses
        return sock


def _first_answered(addresses: list[_Address], timeout_s: float) -> socket.socket:
    ends = time.monotonic() + timeout_s
    pending: set[socket.socket] = set()
    error: OSError = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    tries, next_at = 0, 0.0
    with selectors.DefaultSelector() as waiting:
        try:
            while (now := time.monotonic()) < ends:
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
