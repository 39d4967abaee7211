"""When a network may have come back: what the kernel tells of links, addresses and routes (rtnetlink(7)).

Only what comes is news; what goes is noticed by the connection itself. Where the outage is beyond this machine's own
link the kernel knows nothing: then it is tried again every second or two (uplink/mqtt.py), for nobody hears it.
"""

import asyncio
import socket
import struct
from collections.abc import Callable

import structlog

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_NEWLINK, _NEWADDR, _NEWROUTE = 16, 20, 24
_LOWER_UP = 1 << 16  # IFF_LOWER_UP: the cable is in, the radio is associated
# RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_BUFFER_BYTES = 64 * 1024
# A machine with containers changes addresses all day: it is told once a second at the most.
QUIET_S = 1.0

log = structlog.get_logger("network")


def came(data: bytes) -> bool:
    """Whether a datagram of netlink tells of a link that carries, an address or a route that came. Raises nothing."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind in (_NEWADDR, _NEWROUTE):
            return True
        if kind == _NEWLINK and at + _HEADER.size + _LINK.size <= len(data):
            flags = _LINK.unpack_from(data, at + _HEADER.size)[3]
            if flags & _LOWER_UP:
                return True
        at += max(_HEADER.size, (length + 3) & ~3)
    return False


async def watch_network(on_came: Callable[[], None]) -> None:
    """Call `on_came` when a network may have come, until cancelled. Where the kernel does not tell, never."""
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    except (OSError, AttributeError) as error:
        log.info("the kernel does not tell when a network comes", error=str(error))
        await asyncio.Event().wait()
        return
    with sock:
        sock.setblocking(False)
        sock.bind((0, _GROUPS))
        loop = asyncio.get_running_loop()
        while True:
            try:
                news = came(await loop.sock_recv(sock, _BUFFER_BYTES))
            except OSError:  # ENOBUFS: more than it holds has happened
                news = True
            if news:
                on_came()
                await asyncio.sleep(QUIET_S)
