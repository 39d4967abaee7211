"""Small things that the uplink's tests share."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress

from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid7
from edge_agent.uplink.mqtt import Arrival, MqttLink, MqttSettings, MqttUplink

ROOT = "edge/v1"
GATEWAY = "gw1"


async def until(true: Callable[[], object], within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*coroutines):
    """Tasks that run beside the test and are ended with it; what they raise fails the test."""
    tasks = [asyncio.create_task(c) for c in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def scripted(serve):
    """A broker that says what the test wants: `serve(reader, writer)` for each connection; gives its port."""
    writers = []

    async def once(reader, writer):
        writers.append(writer)
        with suppress(OSError):
            await serve(reader, writer)

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.02)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.02)


class Peer:
    """An uplink that remembers what happened to it."""

    def __init__(self, port: int, client_id: str = GATEWAY, *, on_message=None, **settings) -> None:
        self.arrivals: list[Arrival] = []
        self.links: list[MqttLink] = []
        self.downs: list[str] = []
        hooks = {
            name: settings.pop(name)
            for name in ("wanted", "urgent", "will", "farewell", "on_up", "on_down")
            if name in settings
        }
        self._then_up = hooks.pop("on_up", lambda _: None)
        self._then_down = hooks.pop("on_down", lambda _: None)
        settings.setdefault("host", "127.0.0.1")
        self.uplink = MqttUplink(
            MqttSettings(port=port, client_id=client_id, **settings),
            on_message=on_message or self.arrivals.append,
            on_up=self._up,
            on_down=self._down,
            **hooks,
        )

    def _up(self, link: MqttLink) -> None:
        self.links.append(link)
        self._then_up(link)

    def _down(self, why: str) -> None:
        self.downs.append(why)
        self._then_down(why)

    @property
    def link(self) -> MqttLink:
        return self.links[-1]

    @property
    def connected(self) -> bool:
        return len(self.links) > len(self.downs)

    async def up(self) -> MqttLink:
        await until(lambda: self.connected)
        return self.link


_made = 0


def event(kind: EventKind = EventKind.TELEMETRY, payload: bytes = b"x", **fields) -> Event:
    global _made  # noqa: PLW0603 - ids must differ
    _made += 1
    defaults = {"type": f"edge.{kind.value}.test.v1", "subject": "test", "at": 0.0, "boot_id": "boot"}
    return Event(id=uuid7(1.7e9, _made.to_bytes(10, "big")), kind=kind, payload=payload, **(defaults | fields))
