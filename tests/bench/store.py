"""store: append and commit of packed blocks, and what reaches the block device, against a raw pwrite + fdatasync."""

import asyncio
import ctypes
import os
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.block import pack
from edge_agent.core.event import Event, Lane
from edge_agent.services.events import EventMaker
from edge_agent.store.log import SEGMENT_BYTES, SegmentLog
from edge_agent.systemclock import SystemClock
from tests.bench import boards, traces
from tests.bench.limits import RawFile
from tests.bench.measure import Figure, Found, Remark, Run, duration, rate

ROUNDS = 3
COMMITS = {1: 300, 10: 200, 100: 30}
# As they are by default: 20 sensors at 1 Hz fill a block of 30 s, which is written as a draft each 10 s.
WINDOWS_A_BLOCK = 3
WINDOW_READINGS = 10 * boards.SENSORS
_WARM_UP_BYTES = 4 * SEGMENT_BYTES
_IMAGE_MB = 256
# ext4 writes a file's changed time to its journal, which it commits each 5 s by default: once between two windows of
# 10 s. Here it does so each second, so that a pause may be shorter; without a pause nearly all of that is left away.
PAUSE_S = 2.2
_PACED = "a journal commit between two of ours"
MOUNTS = (
    ("default ext4", "commit=1", PAUSE_S, 4, 150.0, _PACED),
    ("ext4 with lazytime", "commit=1,lazytime", PAUSE_S, 4, 25.0, _PACED),
    ("were the file's time not written", "defaults", 0.0, 60, 25.0, "without a pause"),
)
# A card's file system has these; below 512 MB mkfs would take 1 KiB, and every figure were smaller.
_FS_BLOCK_BYTES = 4096
_SECTOR = 512
_LIBC = ctypes.CDLL(None, use_errno=True)
Blocks = Sequence[tuple[bytes, int]]


def run(run: Run) -> Iterator[Found]:
    home = traces.home(600)
    blocks = [Step(pack(block, block[0].at), len(block)) for block in traces.blocks(home)]
    for each, commits in COMMITS.items():
        yield from _rates(run, Work(blocks, each, run.some(commits)))
    yield from _flash(run, blocks, list(_windows()))


class Stopwatch:
    """Wall and CPU seconds between `begin` and `end`."""

    def begin(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def end(self) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu


class Flash:
    """Bytes written to a block device between `begin` and `end`, the file system's own included."""

    def __init__(self, mount: Path, stat: Path) -> None:
        self._mount = mount
        self._stat = stat

    def begin(self) -> None:
        self.bytes = -self._written()

    def end(self) -> None:
        self.bytes += self._written()

    def new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._mount))

    def _written(self) -> int:
        _syncfs(self._mount)
        return int(self._stat.read_text().split()[6]) * _SECTOR


Meter = Stopwatch | Flash


class Step(NamedTuple):
    """What is written at once: a block, or the draft of one."""

    payload: bytes
    readings: int
    draft: bool = False


class Work(NamedTuple):
    """`commits` of `each` steps, and a pause after each commit."""

    steps: Sequence[Step]
    each: int
    commits: int
    pause_s: float = 0.0

    @property
    def payload_bytes(self) -> int:
        """Of blocks alone: what a draft costs is ours to bear."""
        return sum(len(step.payload) for step in self.all() if not step.draft)

    @property
    def readings(self) -> int:
        return sum(step.readings for step in self.all() if not step.draft)

    def all(self) -> list[Step]:
        return list(islice(cycle(self.steps), self.each * self.commits))


def _rates(run: Run, work: Work) -> Iterator[Found]:
    ours, raw = [Stopwatch() for _ in range(ROUNDS)], [Stopwatch() for _ in range(ROUNDS)]
    for mine, least in zip(ours, raw, strict=True):
        asyncio.run(_ours(run.new_folder(), work, mine))
        _raw(run.new_folder(), work, least)
    name = f"store.{work.each} block{'s' if work.each > 1 else ''} a commit"
    against, count = "raw pwrite + fdatasync, same bytes", work.each * work.commits
    yield rate(name, [t.wall_s for t in ours], [t.wall_s for t in raw], count, against, "blocks a second")
    yield duration(f"{name}, CPU", [t.cpu_s for t in ours], [t.cpu_s for t in raw], count, against, "a block")


async def _ours(folder: Path, work: Work, meter: Meter) -> None:
    """As in an agent that has run for a while: segments are there, and what was sent is released."""
    log = SegmentLog(folder / "telemetry", Lane.TELEMETRY)
    maker = EventMaker(SystemClock())
    stored: deque[Event] = deque()
    events = deque((maker.block(step.payload, 1.0, step.readings), step.draft) for step in work.all())
    largest = bytes(max(len(step.payload) for step in work.steps))
    for _ in range(_WARM_UP_BYTES // len(largest)):
        stored.append(log.append(maker.block(largest, 1.0, 1)))
        await log.commit()
        log.release(stored.popleft())
    meter.begin()
    for _ in range(work.commits):
        sent = len(stored)
        for event, draft in (events.popleft() for _ in range(work.each)):
            if draft:
                log.draft(event)
            else:
                stored.append(log.append(event))
        await log.commit()
        for _ in range(sent if len(stored) > sent else 0):
            log.release(stored.popleft())
        if work.pause_s:
            await asyncio.sleep(work.pause_s)
    meter.end()
    log.close()


def _raw(folder: Path, work: Work, meter: Meter) -> None:
    payloads = [step.payload for step in work.all()]
    file = RawFile(folder / "raw", sum(map(len, payloads)) + 4096)
    meter.begin()
    for number in range(work.commits):
        file.commit(payloads[number * work.each : (number + 1) * work.each])
    meter.end()
    file.close()


# -- bytes at the block device ---------------------------------------------------------------------------------------


def _windows() -> Iterator[Step]:
    """What is written of 20 sensors at 1 Hz, window by window: twice a draft, then the block."""
    for block in traces.blocks(boards.trace(600), WINDOWS_A_BLOCK * WINDOW_READINGS):
        for windows in range(1, WINDOWS_A_BLOCK + 1):
            readings = block[: windows * WINDOW_READINGS]
            yield Step(pack(readings, readings[0].at), len(readings), draft=windows < WINDOWS_A_BLOCK)


def _flash(run: Run, blocks: Sequence[Step], windows: Sequence[Step]) -> Iterator[Found]:
    try:
        with flash_device(run.new_folder()) as flash:
            yield from _under_load(flash, Work(blocks, 100, run.some(30)))
        for name, options, pause_s, blocks_of_30_s, goal, note in MOUNTS:
            work = Work(windows, 1, WINDOWS_A_BLOCK * run.some(blocks_of_30_s), pause_s)
            with flash_device(run.new_folder(), options) as flash:
                asyncio.run(_ours(flash.new_folder(), work, flash))
            each = flash.bytes / work.readings
            yield Figure(f"store.flash.20 sensors, {name}", each, goal, "B/reading", "the goal", note=note)
    except (OSError, subprocess.CalledProcessError) as error:
        yield Remark(f"bytes at the block device are not measured (needs root, losetup and mkfs.ext4): {error}")


def _under_load(flash: Flash, work: Work) -> Iterator[Found]:
    asyncio.run(_ours(flash.new_folder(), work, flash))
    ours = flash.bytes
    _raw(flash.new_folder(), work, flash)
    raw = flash.bytes
    note = f"{work.readings / (work.commits * work.each):.0f} readings a block, {work.each} blocks a commit"
    yield Figure("store.flash.under load", ours / work.payload_bytes, 1.0, "B/B", "the block's bytes", note=note)
    yield Figure("store.flash.under load", ours / work.readings, raw / work.readings, "B/reading", "raw file")


def _syncfs(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        if _LIBC.syncfs(fd):
            raise OSError(ctypes.get_errno(), "syncfs failed")
    finally:
        os.close(fd)


@contextmanager
def flash_device(folder: Path, options: str = "defaults", size_mb: int = _IMAGE_MB) -> Iterator[Flash]:
    """An ext4 on a loop device of its own, mounted with these options."""
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mb * 1024 * 1024)
    loop = _told("losetup", "--find", "--show", "--direct-io=on", str(image))
    try:
        lazy = "lazy_itable_init=0,lazy_journal_init=0"
        _told("mkfs.ext4", "-q", "-F", "-b", str(_FS_BLOCK_BYTES), "-E", lazy, loop)
        _told("mount", "-o", options, loop, str(mount))
        try:
            yield Flash(mount, Path("/sys/block") / Path(loop).name / "stat")
        finally:
            _told("umount", str(mount))
    finally:
        _told("losetup", "--detach", loop)


def _told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
