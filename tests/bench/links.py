"""links: a backlog over 60 ms, the way back after a silent outage, a press over 20 kbit/s; counted at the far end.

The delay is a cable in user space (simulators/network.py), for this kernel may have no netem; outages and the modem's
queue are the kernel's own, in network namespaces (tests/namespaces.py), and need root.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from edge_agent.config import model
from edge_agent.core.block import pack, unpack
from edge_agent.core.errors import AgentError
from edge_agent.core.reading import Channel, Reading
from edge_agent.uplink.connection import MqttSettings
from edge_agent.uplink.mqtt import MqttUplink
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.network import Cable
from tests.bench import traces
from tests.bench.agent_path import BLOCK_READINGS, config, drained, push, running
from tests.bench.help_path import Household, ended
from tests.bench.limits import RawPublisher
from tests.bench.measure import Figure, Found, Remark, Run, percentile
from tests.bench.peer.rig import Helper, background
from tests.namespaces import FAR, PORT, SIDE, Network, NoNetworkError

# Of the backlog: what 20 sensors at 1 Hz make in ten seconds, and the default.
BLOCKS = (200, BLOCK_READINGS)
ROUND_TRIP_S = 0.06
# A stock mosquitto's window less what is kept for help.
WINDOW = 20 - 3
DRAIN_GOAL = 45_000
HOLES_S = (10.0, 40.0, 90.0)
# Of each, at once and out of step: what decides is the phase in which the network comes back.
EACH = 4
RETURN_GOAL_S = 2.0
SLOW_BITS, SLOW_DELAY_S, PRESS_GOAL_S = 20_000, 0.3, 3.0
_FEED = Channel("bench.load", "bar")


def run(run: Run) -> Iterator[Found]:
    try:
        for readings in BLOCKS:
            yield from asyncio.run(_drain(run, readings))
        yield from asyncio.run(_press_over_cable(run))
    except AgentError as error:
        yield Remark(f"not measured: {error}")
    try:
        yield from _press_over_modem(run)
        yield from _holes(run)
    except NoNetworkError as error:
        yield Remark(f"in the kernel nothing is measured: {error}")


# -- a backlog over a round trip ---------------------------------------------------------------------------------------


async def _drain(run: Run, block_readings: int) -> list[Found]:
    many = run.some(400_000)
    readings = traces.repeated(traces.home(600), many)
    folder = run.new_folder()
    async with running(_sized(config(folder), block_readings)) as agent:
        await push(agent, readings, 25_000)
    async with Broker.find() as broker, _helper(_cable, broker.port) as cable:
        port: int = cable.answer()
        blocks = list(traces.blocks(readings, block_readings))
        async with _helper(_count, broker.port) as counter:
            counter.answer()
            raw = RawPublisher(port, window=WINDOW)
            packets = raw.packets([pack(block, block[0].at) for block in blocks])
            await asyncio.to_thread(raw.publish, packets)
            raw.close()
            limit = await _rate(counter, many)
        async with _helper(_count, broker.port) as counter:
            counter.answer()
            async with running(_sized(config(folder, port=port), block_readings)) as agent:
                await drained(agent)
            ours = await _rate(counter, many)
    name = f"links.drain over {1000 * ROUND_TRIP_S:.0f} ms, blocks of {block_readings}"
    return [
        Figure(name, ours, limit, "readings/s", f"raw socket, {WINDOW} in flight", note=f"{len(blocks)} messages"),
        Figure(name, ours, DRAIN_GOAL, "readings/s", "the goal"),
    ]


def _sized(settings: model.Config, block_readings: int) -> model.Config:
    return msgspec.structs.replace(
        settings, outbox=msgspec.structs.replace(settings.outbox, block_readings=block_readings)
    )


async def _rate(counter: Helper, many: int) -> float:
    """Readings a second at the far end, from the first message to the last one."""
    while True:
        count, first, first_at, last_at = await asyncio.to_thread(counter.ask)
        if count >= many:
            return (count - first) / (last_at - first_at)
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _helper(work: object, *args: object) -> AsyncIterator[Helper]:
    helper = Helper(work, *args)  # type: ignore[arg-type]
    try:
        yield helper
    finally:
        helper.stop()


def _cable(pipe: Connection, target: int) -> None:
    async def carry() -> None:
        async with Cable(target, delay_s=ROUND_TRIP_S / 2) as cable:
            pipe.send(cable.port)
            await asyncio.Event().wait()

    asyncio.run(carry())


def _count(pipe: Connection, port: int) -> None:
    """Each thing asked for is answered with: readings so far, those of the first message, when it and the last came."""
    found: list[tuple[float, int]] = []

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        up = asyncio.Event()
        settings = MqttSettings("127.0.0.1", "bench-count", port, subscribe=("edge/v1/+/up/telemetry",))
        uplink = MqttUplink(
            settings,
            on_message=lambda arrival: found.append((time.monotonic(), len(unpack(arrival.payload, 0.0)))),
            on_up=lambda _: up.set(),
        )
        running = asyncio.create_task(uplink.run())
        await up.wait()
        pipe.send("ready")
        loop.add_reader(pipe.fileno(), answer)
        await running

    def answer() -> None:
        pipe.recv()
        first_at, first = found[0] if found else (0.0, 0)
        pipe.send((sum(count for _, count in found), first, first_at, found[-1][0] if found else 0.0))

    asyncio.run(listen())


# -- a press while a backlog drains over a slow link -------------------------------------------------------------------


async def _press_over_cable(run: Run) -> list[Found]:
    async with (
        Broker.find() as broker,
        Cable(broker.port, delay_s=SLOW_DELAY_S, bits_per_s=SLOW_BITS) as cable,
    ):
        return await _presses(run, "a cable", cable.port, "127.0.0.1", broker.port)


def _press_over_modem(run: Run) -> list[Found]:
    with Network() as network, network.broker(run.new_folder()), network.inside(network.near):
        network.slow(SLOW_BITS)

        async def measure() -> list[Found]:
            async with Cable(PORT, target_host=FAR, delay_s=SLOW_DELAY_S) as cable:
                return await _presses(run, "tbf", cable.port, SIDE, PORT)

        return asyncio.run(measure())


async def _presses(run: Run, link: str, port: int, desk_host: str, desk_port: int) -> list[Found]:
    folder = run.new_folder()
    readings = traces.repeated(traces.home(600), 150_000)
    async with running(config(folder / "state")) as agent:
        await push(agent, readings, 25_000)
    bare = await asyncio.to_thread(_bare, port)
    async with AsyncExitStack() as stack:
        homes: list[Household] = []
        policy = Policy(received_after_s=0.0, engaged_after_s=None, resolved_after_s=0.15)
        desk = Desk(desk_host, desk_port, policy=policy, tell=lambda news: [home.hear(news) for home in homes])
        stack.callback(desk.close)
        working = asyncio.create_task(desk.run())
        stack.push_async_callback(ended, working)
        await desk.ready.wait()
        home = Household("home", folder, desk, port, rest_s=3.0)
        await stack.enter_async_context(home.board)
        stack.push_async_callback(home.agent.stop)
        await home.agent.start()
        homes.append(home)
        await asyncio.sleep(8.0)  # the backlog is under way, and the pace of the link is known
        began, before = time.monotonic(), desk.readings_received
        await home.live(began + (10.0 if run.quick else 60.0))
        took_s, got = time.monotonic() - began, desk.readings_received - before
    name = f"links.press over 20 kbit/s and 600 ms, {link}"
    note = f"{len(home.at_desk)} presses; {got / took_s:,.0f} readings/s of the backlog meanwhile"
    return [
        Figure(f"{name}, p50", percentile(home.at_desk, 0.5), bare, "s", "a bare message on the idle link", note=note),
        Figure(f"{name}, longest", max(home.at_desk), PRESS_GOAL_S, "s", "the goal"),
    ]


def _bare(port: int) -> float:
    """Seconds of a publish of 1,000 bytes to its PUBACK."""
    raw = RawPublisher(port, "edge/v1/bench/up/session")
    packets = raw.packets([bytes(1000)])
    began = time.monotonic()
    raw.publish(packets)
    took_s = time.monotonic() - began
    raw.close()
    return took_s


# -- a silent outage ---------------------------------------------------------------------------------------------------


def _holes(run: Run) -> Iterator[Found]:
    lengths = HOLES_S[:1] if run.quick else HOLES_S
    each = 1 if run.quick else EACH
    children = [
        (hole_s, background(_return_s, run.new_folder(), hole_s + 0.37 * number))
        for hole_s in lengths
        for number in range(each)
    ]
    found: dict[float, list[float]] = {}
    try:
        for hole_s, child in children:
            took_s = child.answer()
            if isinstance(took_s, str):
                raise NoNetworkError(took_s)
            found.setdefault(hole_s, []).append(took_s)
    finally:
        for _, child in children:
            child.stop()
    for hole_s, took in found.items():
        note = f"longest of {len(took)}, shortest {min(took):.2g}"
        yield Figure(
            f"links.backlog after {hole_s:.0f} s of silence", max(took), RETURN_GOAL_S, "s", "the goal", note=note
        )


def _return_s(folder: Path, hole_s: float) -> float | str:
    """Seconds from the end of an outage to the first block of the backlog at the far end; why not."""
    try:
        with Network() as network, network.broker(folder), network.inside(network.near):
            return asyncio.run(_outage(network, folder, hole_s))
    except NoNetworkError as error:
        return str(error)


async def _outage(network: Network, folder: Path, hole_s: float) -> float:
    came: list[float] = []
    settings = MqttSettings(SIDE, "bench-count", PORT, subscribe=("edge/v1/+/up/telemetry",))
    desk = MqttUplink(settings, on_message=lambda _: came.append(time.monotonic()))
    listening = asyncio.create_task(desk.run())
    plain = config(folder, port=PORT)
    there = msgspec.structs.replace(
        plain,
        broker=msgspec.structs.replace(plain.broker, host=FAR),
        outbox=msgspec.structs.replace(plain.outbox, block_age_s=1.0),
    )
    async with running(there) as agent:
        feeding = asyncio.create_task(_feed(agent.sampling.deliver))
        while len(came) < 3:  # noqa: ASYNC110 - a bench looks, nobody tells it
            await asyncio.sleep(0.05)
        network.hole()
        await asyncio.sleep(hole_s)
        before, mended_at = len(came), network.mend()
        while len(came) == before:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
        await ended(feeding)
    await ended(listening)
    return came[before] - mended_at


async def _feed(deliver: object) -> None:
    while True:
        deliver(Reading(_FEED, 1.0, time.monotonic()))  # type: ignore[operator]
        await asyncio.sleep(0.05)
