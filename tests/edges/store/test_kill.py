"""A process that is killed while it writes loses nothing that it had committed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.config import model
from edge_agent.core.event import Lane
from edge_agent.store.outbox import Outbox
from tests.edges.store.writer_child import made

KILLS = 20
LANES = (Lane.HELP, Lane.FINDING, Lane.TELEMETRY)


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.edges.store.writer_child", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


def test_twenty_times_killed_and_nothing_committed_is_lost(tmp_path: Path, writers: subprocess.Popen[str]) -> None:
    chance = random.Random(4)
    floor = dict.fromkeys(LANES, 0)
    for _ in range(KILLS):
        said = kill_one(writers, chance.uniform(0.0, 0.06))
        outbox = Outbox(tmp_path, model.Outbox(segment_kb=16))
        assert outbox.problems == []
        assert outbox.losses() == {}
        for lane, committed in zip(LANES, said, strict=True):
            events = outbox.spool(lane).pending(0, 10**6)
            sequences = [event.sequence for event in events]
            first = sequences[0] if lane is Lane.TELEMETRY else 1
            assert sequences == list(range(first, first + len(sequences)))
            assert sequences[-1] >= max(committed, floor[lane])
            assert first <= max(committed, floor[lane]) + 1
            assert all(event.payload == made(lane, int(event.at)).payload for event in events)
            floor[lane] = sequences[-1]
        outbox.close()


def kill_one(writers: subprocess.Popen[str], after_s: float) -> list[int]:
    """Let one writer live for some time after its first commit; returns what it said last to be committed."""
    writers.stdin.write("another\n")
    writers.stdin.flush()
    pid = int(writers.stdout.readline())
    lines = [writers.stdout.readline()]
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    while lines[-1] != "dead\n":
        lines.append(writers.stdout.readline())
    whole = [line for line in lines if line.endswith("committed\n")]
    return [int(number) for number in whole[-1].split()[:3]]
