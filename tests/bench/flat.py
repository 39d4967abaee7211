"""`python -m tests.bench.flat [READINGS]`: memory of the agent while ten million readings go to a broker and are gone.

By hand, for it takes minutes. The real agent with all checks, in this process: readings are made as they are delivered,
blocks go to disk and to a real mosquitto, each with its PUBACK. Resident memory is looked at after each tenth; flat
means that it is no more at the end than after the first tenth but for noise.
"""

import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from edge_agent import logs
from edge_agent.app import Agent
from edge_agent.core.reading import Reading
from simulators.broker import Broker
from tests.bench import checks, traces
from tests.bench.agent_path import config, drained, push, running

READINGS = 10_000_000
LOOKS = 10
EACH = 25_000


def resident_mb() -> float:
    """Of this process, the agent and what feeds it."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def endless(trace: Sequence[Reading]) -> Iterator[Reading]:
    """The trace over and over, each time later, every reading made anew."""
    span, turn = trace[-1].at - trace[0].at + 1.0, 0.0
    while True:
        for channel, value, at, reason in trace:
            yield Reading(channel, value, at + turn, reason)
        turn += span


async def _pushed(agent: Agent, source: Iterator[Reading], count: int) -> None:
    for start in range(0, count, EACH):
        await push(agent, list(islice(source, min(EACH, count - start))), EACH)
        await drained(agent)


async def main(total: int) -> None:
    """Print a line for each tenth."""
    source = endless(traces.home(600))
    with tempfile.TemporaryDirectory(prefix="edge-flat-") as folder:
        settings = tuple(checks.SETTINGS.values())
        async with Broker.find() as broker, running(config(Path(folder), settings, broker.port)) as agent:
            for look in range(1, LOOKS + 1):
                cpu = time.process_time()
                await _pushed(agent, source, total // LOOKS)
                spent_us = 1e6 * (time.process_time() - cpu) / (total // LOOKS)
                gc.collect()
                said = f"{look * total // LOOKS:>12,} readings  {resident_mb():6.1f} MB  {spent_us:.2f} us each\n"
                sys.stdout.write(said)
                sys.stdout.flush()
            sys.stdout.write(f"{agent.reach.drain.counts['delivered']:,} blocks acknowledged\n")


if __name__ == "__main__":
    logs.configure("error", "console")
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS))
