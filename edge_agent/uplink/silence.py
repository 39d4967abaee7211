"""A way to the broker that has gone silent, and when it carries again: the kernel knows long before a keepalive ends.

Strategy. What the other side's kernel does not acknowledge is repeated after pauses that double: ten seconds into an
outage the next try may be eight seconds away, and a network that returns in between is found late. So once the pauses
are long, a new connection to the same address is tried every AGAIN_S; while nobody hears it, it costs nobody anything.
When one is answered and the old connection still is not, that one is given up. A broker that is only slow is left
alone, for its kernel acknowledges what its program has not read.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from edge_agent.uplink.dial import AGAIN_S

# struct tcp_info (linux/tcp.h): tcpi_retransmits is byte 2, tcpi_rto the first of the 32 bit numbers after 8 bytes.
_INFO = struct.Struct("=2xB5xI")
# Repeated in vain at least so often, and the next time so many microseconds away: shorter waits end by themselves.
_IN_VAIN = 2
_LONG_US = 1_500_000


class Heard(NamedTuple):
    """What the kernel says: how many times in a row it repeated itself in vain, and how long it waits for the next."""

    in_vain: int = 0
    pause_us: int = 0

    @property
    def not_at_all(self) -> bool:
        """Whether nothing arrives."""
        return self.in_vain >= _IN_VAIN

    @property
    def late(self) -> bool:
        """Whether nothing arrives, and a network that returns would be found late."""
        return self.not_at_all and self.pause_us >= _LONG_US


def heard(sock: socket.socket) -> Heard:
    """Of a TCP socket; where the kernel does not say, all is well."""
    try:
        return Heard(*_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)))
    except (OSError, AttributeError, struct.error):
        return Heard()


class Silence:
    """Of one connected socket. `look` is called once a second, `stop` at its end.

    `on_return` is a plain call: somebody answers there again, but not on this socket.
    """

    def __init__(self, sock: socket.socket, on_return: Callable[[], None]) -> None:
        self._sock = sock
        self._on_return = on_return
        self._knocking: asyncio.Task[None] | None = None
        self._last = Heard()

    @property
    def now(self) -> bool:
        """Whether nobody heard us at the last look: a socket that has ended since cannot be asked."""
        return self._last.not_at_all

    def look(self) -> None:
        """Ask the kernel how it stands."""
        self._last = heard(self._sock)
        if not self._last.late:
            self.stop()
        elif self._knocking is None:
            self._knocking = asyncio.create_task(self._knock())

    def stop(self) -> None:
        """It is over, or the socket is closed."""
        if self._knocking is not None:
            self._knocking.cancel()
            self._knocking = None

    async def _knock(self) -> None:
        try:
            where = self._sock.getpeername()
        except OSError:
            return
        while not await _answered(self._sock.family, where):
            pass
        if heard(self._sock).late:
            self._on_return()


async def _answered(family: int, where: tuple[Any, ...]) -> bool:
    """Whether anybody is there now, be it to refuse; takes AGAIN_S where not."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + AGAIN_S
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as sock:
            sock.setblocking(False)
            async with asyncio.timeout_at(ends):
                await loop.sock_connect(sock, where)
    except ConnectionRefusedError:
        return True
    except OSError:  # TimeoutError too; no route: that is known at once
        await asyncio.sleep(ends - loop.time())
        return False
    return True
