"""The real agent in a process of its own, with an MQTT source beside its drivers: `python -m tests.bench.peer.agent`.

A message is acknowledged to the local broker when its reading is on disk, by the commit of its block and not before;
the session there outlives the process. So a SIGKILL loses nothing: what was not on disk is delivered again.
"""

import argparse
import asyncio
import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from edge_agent.lean import keep_out

keep_out()  # before anything else, as in `edge-agent run`

import msgspec  # noqa: E402

from edge_agent import logs  # noqa: E402
from edge_agent.app import Agent  # noqa: E402
from edge_agent.config import model  # noqa: E402
from edge_agent.core.errors import DriverError  # noqa: E402
from edge_agent.core.event import Lane  # noqa: E402
from edge_agent.core.health import Health  # noqa: E402
from edge_agent.core.ports import DeviceCounts  # noqa: E402
from edge_agent.core.reading import Channel, Chunk, Item  # noqa: E402
from edge_agent.drivers.device import Device  # noqa: E402
from firmware_bridges.base import ListeningBridge  # noqa: E402
from tests.bench.agent_path import config  # noqa: E402
from tests.bench.peer.feed import ALARM, LIMIT  # noqa: E402
from tests.bench.peer.packets import PUBLISH, Splitter, connect, opened, puback, subscribe  # noqa: E402

MAX_DEVICES = 1000
# After a read the socket rests so long: a flood then comes by the hundred, where each message would be a wake-up.
REST_S = 0.005
_CHECK = model.Check(channel=f"{ALARM}.v", kind="range", max=LIMIT)


class Told(msgspec.Struct):
    """What is read of a message; the rest of it is passed over."""

    v: float
    u: str


class JsonBridge(ListeningBridge):
    """One JSON object a chunk: its `v` is the value, its `u` the unit."""

    _known: Channel | None = None
    _decode = msgspec.json.Decoder(Told).decode

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        try:
            told = self._decode(chunk)  # type: ignore[arg-type]
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield from self.faults.say("garbage", "a message is not the JSON of this feed", at)
            return
        channel = self._known
        if channel is None:
            channel = self._known = self.channel("v", told.u)
        yield self.present(channel, told.v, at)


class Source(asyncio.Protocol):
    """A Driver: one subscription, a device for each sensor's topic."""

    name = "mqtt"
    health = Health(True, "subscribed")

    def __init__(self, agent: "FedAgent", port: int) -> None:
        self._agent = agent
        self._port = port
        self._splitter = Splitter()
        self._transport: asyncio.Transport
        self._lost = asyncio.Event()
        self._of: dict[bytes, Device] = {}
        self._unstored: deque[bytes] = deque()
        self._acknowledged = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        try:
            transport.write(connect("edge-agent", clean=False) + subscribe("sensor/+/data"))
            await self._lost.wait()
            raise DriverError("The local broker hung up", fix="Run the bench again")
        finally:
            transport.close()

    def devices(self) -> list[DeviceCounts]:
        return [device.counts() for device in self._of.values()]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own name
        self._lost.set()

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        self._transport.pause_reading()
        loop.call_later(REST_S, self._go_on)
        for kind, body in self._splitter.feed(data):
            if kind & 0xF0 == PUBLISH:
                topic, number, payload = opened(body)
                device = self._of.get(topic) or self._new(topic)
                device.feed(payload, at)
                self._unstored.append(number)
        # each message is one reading: that is what the acknowledgements count by
        assert self._acknowledged + len(self._unstored) == self._agent.sampling.readings

    def _go_on(self) -> None:
        if not self._lost.is_set():
            self._transport.resume_reading()

    def stored(self, readings: int) -> None:
        """The first so many readings of this process are on disk."""
        some = [puback(self._unstored.popleft()) for _ in range(readings - self._acknowledged)]
        self._acknowledged = readings
        if some and not self._lost.is_set():
            self._transport.write(b"".join(some))

    def _new(self, topic: bytes) -> Device:
        if len(self._of) >= MAX_DEVICES:
            raise ValueError("more topics than this feed has")
        name = topic.split(b"/")[1].decode()
        device = self._of[topic] = Device(name, JsonBridge(name), self._agent.sampling.deliver)
        return device


class FedAgent(Agent):
    """An agent with that source as its only driver."""

    def __init__(self, settings: model.Config, port: int) -> None:
        super().__init__(settings)
        self._source = Source(self, port)
        self.hardware = self.hardware._replace(drivers=(self._source,))

    async def _commit(self, lane: Lane) -> None:
        # all that is in no open block and no longer waits has been appended, and is on disk after this
        appended = self.sampling.readings - self.sampling.open_readings
        await super()._commit(lane)
        if lane is Lane.TELEMETRY:
            self._source.stored(appended)


async def _live(folder: Path, local: int, uplink: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = config(folder, (_CHECK,), uplink)
    # a message is acknowledged with its block: one a window, as the figures beside the peer were measured
    settings = msgspec.structs.replace(settings, outbox=model.Outbox(block_age_s=10.0))
    await FedAgent(settings, local).run(stop)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("local", type=int)
    parser.add_argument("uplink", type=int)
    args = parser.parse_args()
    logs.configure("info", "json")
    asyncio.run(_live(args.folder, args.local, args.uplink))


if __name__ == "__main__":
    main()
