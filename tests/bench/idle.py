"""idle: the real daemon with the simulated home and no listener, against asyncio that does one timer a second."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.errors import AgentError
from simulators.broker import Broker
from simulators.demo.agent import PIN_FACTORY, AgentProcess, configuration
from simulators.desk.keys import DeskKey
from simulators.scenario import load_scenario
from simulators.world import World
from tests.bench.measure import Figure, Found, Remark, Run

SECONDS = 20.0
# What a start costs (connecting, first scan) is over by then.
SETTLE_S = 2.0
_BARE = """
import asyncio
async def main():
    while True:
        await asyncio.sleep(1.0)
asyncio.run(main())
"""


class Cost(NamedTuple):
    cpu_s: float
    rss_mb: float


def run(run: Run) -> Iterator[Found]:
    try:
        yield from asyncio.run(_measure(run))
    except AgentError as error:
        yield Remark(f"not measured: {error}")


async def _measure(run: Run) -> list[Found]:
    seconds = SECONDS / 4 if run.quick else SECONDS
    folder = run.new_folder()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker.find())
        world = await stack.enter_async_context(World(load_scenario("home"), 11, folder))
        agent = AgentProcess(folder, world.environment | PIN_FACTORY)
        stack.push_async_callback(agent.stop)
        text = configuration("home", folder, broker.port, DeskKey.make(), world.agent_config())
        # windows and heartbeat as they are by default, not as the demo has them
        text = text.replace("block_age_s = 2\ndurability_window_s = 2", "").replace("heartbeat_s = 10", "")
        agent.config.write_text(text.replace("keepalive_s = 5", ""), encoding="utf-8")
        await agent.start()
        bare = await asyncio.create_subprocess_exec(sys.executable, "-c", _BARE)
        stack.push_async_callback(_end, bare)
        await asyncio.sleep(SETTLE_S)
        before = [_cost(agent.pid), _cost(bare.pid)]
        heard, began = len(world.emitted), time.monotonic()
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - began
        after = [_cost(agent.pid), _cost(bare.pid)]
        heard = len(world.emitted) - heard
        notes = [Remark(note) for note in world.notes]
    (ours, least) = (100 * (b.cpu_s - a.cpu_s) / lasted for a, b in zip(before, after, strict=True))
    against = "asyncio, one timer a second"
    note = f"{heard / lasted:.0f} readings/s from {len(world.scenario.devices)} devices over {lasted:.0f} s"
    return [
        Figure("idle.cpu", ours, least, "% of a core", against, note=note),
        Figure("idle.rss", after[0].rss_mb, after[1].rss_mb, "MB", against),
        *notes,
    ]


def _cost(pid: int) -> Cost:
    """By the scheduler's own count, in nanoseconds: ticks of 10 ms would hide what little this is."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    cpu_ns = sum(int((thread / "schedstat").read_text("ascii").split()[0]) for thread in threads)
    resident = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return Cost(cpu_ns / 1e9, resident * os.sysconf("SC_PAGE_SIZE") / 2**20)


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.wait()
