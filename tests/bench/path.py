"""path: readings a second from `Sampling.deliver` to disk and to the broker's PUBACK, in one process.

Limits of the same run: a bare loop that appends to a list and packs; the same bytes written raw with one fdatasync for
each commit of ours; the same blocks published on a raw socket from packets made beforehand, 20 in flight.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Iterator, Sequence

from edge_agent.app import Agent
from edge_agent.config import model
from edge_agent.core.block import pack
from edge_agent.core.errors import LinkError
from edge_agent.core.reading import Reading
from simulators.broker import Broker
from tests.bench import checks, traces
from tests.bench.agent_path import BLOCK_READINGS, config, drained, push, running
from tests.bench.limits import RawFile, RawPublisher
from tests.bench.measure import Figure, Found, Remark, Run, Timing, duration, rate, timed

ROUNDS = 3
# Readings between two flushes: a tick of the agent at the pace that is measured here.
EACH = 25_000
# Readings a second to PUBACK, checks off, that the reading path is built for.
GOAL = 250_000
_SETTINGS = {"checks off": (), "checks on": tuple(checks.SETTINGS.values())}


def run(run: Run) -> Iterator[Found]:
    readings = traces.repeated(traces.home(600), run.some(150_000))
    gc.freeze()  # readings made beforehand are not what the collector would meet in life
    disk: dict[str, list[Timing]] = {name: [] for name in _SETTINGS}
    sent: dict[str, list[Timing]] = {name: [] for name in _SETTINGS}
    bare: list[Timing] = []
    raw: list[Timing] = []
    wire: list[Timing] = []
    try:
        Broker.find()
    except LinkError as error:
        yield Remark(f"to PUBACK is not measured: {error}")
        sent = {}
    payloads = [pack(block, block[0].at) for block in traces.blocks(readings, BLOCK_READINGS)]
    for _ in range(ROUNDS):
        bare.append(timed(lambda: _bare(readings)))
        for name, settings in _SETTINGS.items():
            disk[name].append(asyncio.run(_to_disk(run, readings, settings)))
            if sent:
                sent[name].append(asyncio.run(_to_puback(run, readings, settings)))
        raw.append(_raw(run, payloads))
        if sent:
            wire.append(asyncio.run(_wire(payloads)))
    yield from _figures(len(readings), bare, raw, disk, "disk", "bare loop + raw file")
    if sent:
        both = [Timing(a.wall_s + b.wall_s, a.cpu_s + b.cpu_s) for a, b in zip(raw, wire, strict=True)]
        yield from _figures(len(readings), bare, both, sent, "PUBACK", "bare loop + raw file + raw socket")
        walls = sorted(len(readings) / t.wall_s for t in sent["checks off"])
        note = f"median of {ROUNDS} rounds, {walls[0]:,.0f} to {walls[-1]:,.0f}"
        yield Figure("path.to PUBACK, checks off", walls[ROUNDS // 2], GOAL, "/s", "the goal", note=note)


def _figures(
    count: int, bare: list[Timing], rest: list[Timing], ours: dict[str, list[Timing]], end: str, against: str
) -> Iterator[Found]:
    for name, took in ours.items():
        limit = [a.wall_s + b.wall_s for a, b in zip(bare, rest, strict=True)]
        yield rate(f"path.to {end}, {name}", [t.wall_s for t in took], limit, count, against)
        spent = [a.cpu_s + b.cpu_s for a, b in zip(bare, rest, strict=True)]
        yield duration(f"path.to {end}, {name}, CPU", [t.cpu_s for t in took], spent, count, against)


def _bare(readings: Sequence[Reading]) -> None:
    kept: list[Reading] = []
    for reading in readings:
        kept.append(reading)
        if len(kept) >= BLOCK_READINGS:
            pack(kept, kept[0].at)
            kept = []
    if kept:
        pack(kept, kept[0].at)


async def _to_disk(run: Run, readings: Sequence[Reading], checks_on: Sequence[model.Check]) -> Timing:
    async with running(config(run.new_folder(), checks_on)) as agent:
        return await _timed(push(agent, readings, EACH))


async def _to_puback(run: Run, readings: Sequence[Reading], checks_on: Sequence[model.Check]) -> Timing:
    async with Broker.find() as broker, running(config(run.new_folder(), checks_on, broker.port)) as agent:
        return await _timed(_push_and_drain(agent, readings))


async def _push_and_drain(agent: Agent, readings: Sequence[Reading]) -> None:
    await push(agent, readings, EACH)
    await drained(agent)


async def _wire(payloads: Sequence[bytes]) -> Timing:
    async with Broker.find() as broker:
        raw = RawPublisher(broker.port)
        packets = raw.packets(payloads)
        took = timed(lambda: raw.publish(packets))
        raw.close()
    return took


async def _timed(work: Awaitable[None]) -> Timing:
    wall, cpu = time.perf_counter(), time.process_time()
    await work
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def _raw(run: Run, payloads: Sequence[bytes]) -> Timing:
    file = RawFile(run.new_folder() / "raw", sum(map(len, payloads)) + 4096)
    each = EACH // BLOCK_READINGS

    def work() -> None:
        for start in range(0, len(payloads), each):
            file.commit(payloads[start : start + each])

    took = timed(work)
    file.close()
    return took
