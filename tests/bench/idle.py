"""idle: the real daemon with 20 sensors at 1 Hz and with the simulated home, against asyncio with one timer a second.

Of the daemon: CPU of all its threads by the scheduler's own count, memory, and how often it goes to sleep.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.errors import AgentError
from simulators.broker import Broker
from simulators.demo.agent import PIN_FACTORY, AgentProcess, configuration
from simulators.desk.keys import DeskKey
from simulators.scenario import load_scenario
from simulators.world import World
from tests.bench.boards import SENSORS, Boards
from tests.bench.measure import Figure, Found, Remark, Run

SECONDS = 120.0
HOME_SECONDS = 20.0
# What a start costs (connecting, first scan) is over by then.
SETTLE_S = 5.0
# Of one core with 20 sensors at 1 Hz.
GOAL_PERCENT = 0.3
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
    sleeps: int


class Measured(NamedTuple):
    """Of `seconds`: percent of a core and sleeps a second of the agent and of the bare loop, memory of both."""

    seconds: float
    cpu: tuple[float, float]
    sleeps: tuple[float, float]
    rss_mb: tuple[float, float]


def run(run: Run) -> Iterator[Found]:
    for measure in (_sensors, _home):
        try:
            yield from asyncio.run(measure(run))
        except AgentError as error:
            yield Remark(f"not measured: {error}")


async def _sensors(run: Run) -> list[Found]:
    seconds, folder = SECONDS / 10 if run.quick else SECONDS, run.new_folder()
    async with Broker.find() as broker, Boards() as boards:
        agent = AgentProcess(folder, {})
        agent.config.write_text(boards.configuration(folder, broker.port, DeskKey.make().toml), encoding="utf-8")
        found, printed = await _beside(agent, seconds, lambda: boards.printed)
    note = f"{printed / found.seconds:.1f} readings/s of {SENSORS} sensors, all checks, over {found.seconds:.0f} s"
    goal = Figure("idle.20 sensors, cpu", found.cpu[0], GOAL_PERCENT, "% of a core", "the goal", note=note)
    return [goal, *_figures("20 sensors", found)]


async def _home(run: Run) -> list[Found]:
    seconds, folder = HOME_SECONDS / 4 if run.quick else HOME_SECONDS, run.new_folder()
    async with Broker.find() as broker, World(load_scenario("home"), 11, folder) as world:
        agent = AgentProcess(folder, world.environment | PIN_FACTORY)
        text = configuration("home", folder, broker.port, DeskKey.make(), world.agent_config())
        # windows and heartbeat as they are by default, not as the demo has them
        text = text.replace("block_age_s = 2\ndurability_window_s = 2", "").replace("heartbeat_s = 10", "")
        agent.config.write_text(text.replace("keepalive_s = 5", ""), encoding="utf-8")
        found, heard = await _beside(agent, seconds, lambda: len(world.emitted))
        notes = [Remark(note) for note in world.notes]
    note = f"{heard / found.seconds:.0f} readings/s from {len(world.scenario.devices)} devices"
    return [*_figures("home", found, note), *notes]


def _figures(name: str, found: Measured, note: str = "") -> list[Found]:
    against = "asyncio, one timer a second"
    return [
        Figure(f"idle.{name}, cpu", *found.cpu, "% of a core", against, note=note),
        Figure(f"idle.{name}, sleeps", *found.sleeps, "/s", against),
        Figure(f"idle.{name}, rss", *found.rss_mb, "MB", against),
    ]


async def _beside(agent: AgentProcess, seconds: float, heard: Callable[[], int]) -> tuple[Measured, int]:
    """The agent and the bare loop over the same seconds, and what was heard in them."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(agent.stop)
        await agent.start()
        bare = await stack.enter_async_context(_bare())
        await asyncio.sleep(SETTLE_S)
        before, count, began = (_cost(agent.pid), _cost(bare)), heard(), time.monotonic()
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - began
        after, count = (_cost(agent.pid), _cost(bare)), heard() - count
    (ours, least), (ours_after, least_after) = before, after
    return Measured(
        lasted,
        (100 * (ours_after.cpu_s - ours.cpu_s) / lasted, 100 * (least_after.cpu_s - least.cpu_s) / lasted),
        ((ours_after.sleeps - ours.sleeps) / lasted, (least_after.sleeps - least.sleeps) / lasted),
        (ours_after.rss_mb, least_after.rss_mb),
    ), count


@asynccontextmanager
async def _bare() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _BARE)
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def _cost(pid: int) -> Cost:
    """By the scheduler's own count, in nanoseconds: ticks of 10 ms would hide what little this is."""
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    cpu_ns = sum(int((thread / "schedstat").read_text("ascii").split()[0]) for thread in threads)
    sleeps = sum(_sleeps(thread / "status") for thread in threads)
    resident = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return Cost(cpu_ns / 1e9, resident * os.sysconf("SC_PAGE_SIZE") / 2**20, sleeps)


def _sleeps(status: Path) -> int:
    """Voluntary context switches."""
    lines = status.read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
