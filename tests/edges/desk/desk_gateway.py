"""A gateway made of one MqttUplink, for looking at the desk from the other end of the wire."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from edge_agent.core import block
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.wire import ROOT, down_topics, open_envelope, pack, rfc3339, unpack
from edge_agent.uplink.connection import Arrival, MqttSettings
from edge_agent.uplink.mqtt import MqttLink, MqttUplink
from simulators.desk.desk import Desk

BOOT = "0f1e2d3c-boot"
PRESSURE = Channel("boiler.pressure", "bar")


def new_id() -> str:
    return uuid_text(uuid7(time.time(), os.urandom(10)))


async def until(true: Callable[[], object], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():  # noqa: ASYNC110  a condition, not an event
            await asyncio.sleep(0.01)


class Gateway:
    """Publishes what it is told to; keeps the signed bodies that came down in `heard` and checks each signature."""

    def __init__(self, port: int, name: str = "gw-1", public: str = "", **settings) -> None:
        self.name = name
        self.public = public
        self.link: MqttLink | None = None
        self.arrivals: list[Arrival] = []
        self.heard: list[dict] = []
        self.forged = 0
        self.sequence = 0
        self.code = "K7MPX23Q"
        self.uplink = MqttUplink(
            MqttSettings(
                "127.0.0.1", f"gateway-{name}", port, subscribe=(down_topics(ROOT, name),), keepalive_s=5, **settings
            ),
            on_message=self._on_message,
            on_up=self._on_up,
            on_down=self._on_down,
        )

    def _on_up(self, link: MqttLink) -> None:
        self.link = link

    def _on_down(self, _reason: str) -> None:
        self.link = None

    def _on_message(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        envelope = open_envelope(arrival.payload)
        try:
            VerifyKey(bytes.fromhex(self.public)).verify(envelope.body, envelope.signature)
        except (BadSignatureError, ValueError):
            self.forged += 1
        else:
            self.heard.append(unpack(envelope.body))

    @property
    def types(self) -> list[str]:
        return [body["type"].removeprefix("edge.help.").removesuffix(".v1") for body in self.heard]

    def attributes(self, type_: str, ident: str = "", subject: str = "", sequence: int | None = None) -> dict[str, str]:
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        return {
            "specversion": "1.0",
            "id": ident or new_id(),
            "source": f"edge:{self.name}",
            "type": type_,
            "subject": subject or "x",
            "sequence": str(sequence),
            "bootid": BOOT,
            "uptime": "100.000",
            "clocktrusted": "true",
            "historical": "false",
            "time": rfc3339(time.time()),
        }

    async def publish(self, kind: str, payload: bytes, attributes: dict[str, str]) -> None:
        assert self.link is not None
        await self.link.publish(f"{ROOT}/{self.name}/up/{kind}", payload, attributes)

    async def block(self, count: int = 3, ident: str = "", sequence: int | None = None, start: float = 0.0) -> str:
        readings = [Reading(PRESSURE, 1.5 + i / 100, start + i) for i in range(count)]
        attributes = self.attributes("edge.telemetry.block.v1", ident, sequence=sequence)
        await self.publish("telemetry", block.pack(readings, 0.0), attributes)
        return attributes["id"]

    async def help(self, word: str, request: str, ident: str = "", sequence: int | None = None, **data) -> None:
        attributes = self.attributes(f"edge.help.{word}.v1", ident, self.code, sequence)
        await self.publish("help", pack({"case": self.code, "request": request, **data}), attributes)

    async def press(self, sequence: int | None = None) -> str:
        """Raise a help request; its id is the event's."""
        request = new_id()
        await self.help("raised", request, request, sequence, trigger="manual", product="home")
        return request


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Gateway]:
    running = asyncio.create_task(gateway.uplink.run())
    try:
        await until(lambda: gateway.link)
        yield gateway
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def working(desk: Desk) -> AsyncIterator[Desk]:
    running = asyncio.create_task(desk.run())
    try:
        async with asyncio.timeout(5):
            await desk.ready.wait()
        yield desk
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        desk.close()
