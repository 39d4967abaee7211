"""Starts the page for the command line, where it is wanted, and says how to get in."""

import ipaddress
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.core.errors import ConfigError
from simulators.desk.desk import Desk
from simulators.desk.news import News, Tell
from simulators.desk.web.door import LOOPBACK, Door, token_of


def place_of(text: str, option: str = "--web") -> tuple[str, int]:
    """Host and port of `HOST:PORT`. Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ConfigError(f"{option} {text} is no address", fix=f"Say {option} 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def door_of(token_file: Path | None, names: Sequence[str]) -> Door:
    """The door for these names. Raises StoreError for the token's file."""
    return Door(token_of(token_file), frozenset(name.lower() for name in names))


@asynccontextmanager
async def page(desk: Desk, place: tuple[str, int] | None, door: Door | None, tell: Tell) -> AsyncIterator[None]:
    """Serve the page while within, if there is a place for it. Raises LinkError when the address cannot be had."""
    if place is None or door is None:
        yield
        return
    from simulators.desk.web.server import Page  # noqa: PLC0415 - only where the page is wanted

    async with Page(desk, door, *place) as served:
        host = f"[{served.host}]" if ":" in served.host else served.host
        address = f"http://{host}:{served.port}"
        text = f"the page is at {address}/login#{door.token}"
        tell(News(time.time(), "web", "", text, {"address": address, "token": door.token}))
        if not _is_loopback(served.host):
            warning = "whoever hears this network can read the page: put TLS before it (docs/desk.md)"
            tell(News(time.time(), "web", "", warning, {}))
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
