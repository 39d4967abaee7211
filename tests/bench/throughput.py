"""throughput: 1,000 channels through recorder, every check and blocks to disk on one core, and the memory they take.

The agent is the real one, in a process of its own; readings are delivered by plain calls, as a driver does. The limits
are goals: 20,000 readings a second, 25 MB more for 1,000 channels that are all checked, the learned check among them.
"""

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from edge_agent.core.reading import Channel, Reading
from tests.bench import checks
from tests.bench.agent_path import config, push, running
from tests.bench.measure import Figure, Found, Run, percentile

ROOT = Path(__file__).parents[2]
CHANNELS = 1000
GOAL, GOAL_MB = 20_000, 25.0
ROUNDS = 3
# A reading a second of each channel; and five minutes apart, so that maps are at work: how many of each.
SECONDS, STEPS = 120, 320
EACH = 25_000
_SETTINGS = tuple(checks.EVERY.values())


def run(run: Run) -> Iterator[Found]:
    seconds, steps = run.some(SECONDS), run.some(STEPS)
    rates, grown = [], []
    for _ in range(1 if run.quick else ROUNDS):
        bare = _agent(run, "1", seconds, steps)
        full = _agent(run, str(CHANNELS), seconds, steps)
        rates.append(full["rate"])
        grown.append(full["mb"] - bare["mb"])
    note = f"{CHANNELS} channels at 1 Hz; {min(rates):,.0f} to {max(rates):,.0f}"
    yield Figure("throughput.to disk, all checks", percentile(rates, 0.5), GOAL, "/s CPU", "the goal", note=note)
    slow = f"{steps} readings of each"
    name = f"throughput.memory of {CHANNELS} channels"
    yield Figure(name, percentile(grown, 0.5), GOAL_MB, "MB", "the limit", note=slow)


def _agent(run: Run, *arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.throughput", str(run.new_folder()), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def readings(channels: Sequence[Channel], count: int, step_s: float, begin: float) -> Iterator[Reading]:
    """`count` of each channel, `step_s` apart: each keeps a level of its own, with noise."""
    chance = Random(count)
    for n in range(count):
        for number, channel in enumerate(channels):
            yield Reading(channel, round(number + chance.gauss(20.0, 0.5), 2), begin + n * step_s)


async def _measure(folder: Path, count: int, seconds: int, steps: int) -> None:
    channels = [Channel(f"device{n // 20}.quantity{n % 20}", "W") for n in range(count)]
    async with running(config(folder, _SETTINGS)) as agent:
        # what it takes is measured first: the readings of the other measurement would be in the way
        for reading in readings(channels, steps, 300.0, time.monotonic() - steps * 300.0):
            agent.sampling.deliver(reading)
        await agent.post.flush()
        gc.collect()
        mb = _rss_mb()
        fast = list(readings(channels, seconds, 1.0, time.monotonic()))
        gc.freeze()  # readings made beforehand are not what the collector would meet in life
        began = time.process_time()
        await push(agent, fast, EACH)
        rate = len(fast) / (time.process_time() - began)
    sys.stdout.write(json.dumps({"mb": mb, "rate": rate}) + "\n")


def _rss_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024.0 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    asyncio.run(_measure(Path(sys.argv[1]), *map(int, sys.argv[2:])))
