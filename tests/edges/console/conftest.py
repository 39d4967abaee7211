"""The page on site before a made-up agent on its real socket, served from a thread so that browsers may block."""

import asyncio
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from edge_agent.console.web.command import Keeper
from edge_agent.console.web.relay import Relay
from edge_agent.control.client import Client
from tests.edges.control.conftest import House, house, until

__all__ = ["house"]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Page:
    """The process that serves the page, and how to knock at it."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder = house, folder
        self.port = free_port()
        house.agent.page = structs.replace(house.agent.page, port=self.port)
        self.client = Client(house.path)
        self.loop = asyncio.new_event_loop()
        self.keeper = Keeper(Relay(house.path), folder)
        self.task = self.loop.create_task(self.keeper.run())
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def open(self, *, seconds: float = 900.0, lan: bool = False) -> str:
        """Open it; gives the PIN when it is served."""
        pin = self.client.console(seconds, lan=lan).pin
        until(self.served)
        return pin

    def served(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, path: str, body: object = None, *, tls: bool = False, **headers: str):
        """One request; gives status, headers and plain data or text."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        more = {"context": context} if tls else {}
        connection = kind("127.0.0.1", self.port, timeout=10, **more)
        origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        told = None if body is None else json.dumps(body)
        usual = {} if body is None else {"Origin": origin}
        connection.request("GET" if body is None else "POST", path, told, usual | headers)
        with closing(connection), connection.getresponse() as answer:
            raw = answer.read()
            shown = json.loads(raw) if answer.headers["Content-Type"] == "application/json" else raw.decode()
            return answer.status, answer.headers, shown

    def enter(self, pin: str, **options) -> str:
        """Come in; gives the cookie."""
        status, headers, told = self.ask("/login", {"pin": pin}, **options)
        assert status == 200, told
        return headers["Set-Cookie"].partition(";")[0]

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.task.cancel)
        asyncio.run_coroutine_threadsafe(asyncio.wait({self.task}), self.loop).result(10.0)
        # who knocked and left in the middle of a TLS handshake is heard of in the next round
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.1), self.loop).result(10.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10.0)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        left = asyncio.all_tasks(self.loop)
        self.loop.close()
        assert not left, "the page ends all it began"


@pytest.fixture
def page(house: House, tmp_path: Path) -> Iterator[Page]:
    made = Page(house, tmp_path / "console")
    try:
        until(lambda: house.agent.listeners)
        yield made
    finally:
        made.end()
