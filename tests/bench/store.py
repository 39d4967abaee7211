"""store: append and commit of packed blocks, and what reaches the block device, against a raw pwrite + fdatasync."""

import asyncio
import ctypes
import os
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.block import pack
from edge_agent.core.event import Event, Lane
from edge_agent.services.events import EventMaker
from edge_agent.store.log import SEGMENT_BYTES, SegmentLog
from edge_agent.systemclock import SystemClock
from tests.bench import traces
from tests.bench.limits import RawFile
from tests.bench.measure import Figure, Found, Remark, Run, duration, rate

ROUNDS = 3
COMMITS = {1: 300, 10: 200, 100: 30}
# 20 sensors at 1 Hz with a window of 10 s
WINDOW_READINGS = 200
_WARM_UP_BYTES = 4 * SEGMENT_BYTES
_IMAGE_MB = 128
_SECTOR = 512
_LIBC = ctypes.CDLL(None, use_errno=True)
Blocks = Sequence[tuple[bytes, int]]


def run(run: Run) -> Iterator[Found]:
    home = traces.home(600)
    blocks = [(pack(block, block[0].at), len(block)) for block in traces.blocks(home)]
    for each, commits in COMMITS.items():
        yield from _rates(run, Work(blocks, each, run.some(commits)))
    small = [(pack(block, block[0].at), len(block)) for block in traces.blocks(home, WINDOW_READINGS)]
    yield from _flash(run, blocks, small)


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

    def settle(self) -> None:
        _syncfs(self._mount)

    def _written(self) -> int:
        _syncfs(self._mount)
        return int(self._stat.read_text().split()[6]) * _SECTOR


Meter = Stopwatch | Flash


class Work(NamedTuple):
    """`commits` of `each` blocks; `settle` is called after each commit."""

    blocks: Blocks
    each: int
    commits: int
    settle: Callable[[], object] = lambda: None

    @property
    def payload_bytes(self) -> int:
        return sum(len(self.nth(n)[0]) for n in range(self.each * self.commits))

    @property
    def readings(self) -> int:
        return sum(self.nth(n)[1] for n in range(self.each * self.commits))

    def nth(self, number: int) -> tuple[bytes, int]:
        return self.blocks[number % len(self.blocks)]


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

    async def commit(count: int) -> None:
        for event in [log.append(event) for event in events[-count:]]:
            stored.append(event)
        del events[-count:]
        await log.commit()
        while len(stored) > count:
            log.release(stored.popleft())

    stored: deque[Event] = deque()
    warm_up = _WARM_UP_BYTES // max(len(payload) for payload, _ in work.blocks)
    total = work.each * work.commits + warm_up
    events = [maker.block(payload, 1.0, readings) for payload, readings in map(work.nth, range(total))]
    while len(events) > work.each * work.commits:
        await commit(min(50, len(events) - work.each * work.commits))
    meter.begin()
    for _ in range(work.commits):
        await commit(work.each)
        work.settle()
    meter.end()
    log.close()


def _raw(folder: Path, work: Work, meter: Meter) -> None:
    payloads = [work.nth(number)[0] for number in range(work.each * work.commits)]
    file = RawFile(folder / "raw", sum(map(len, payloads)) + 4096)
    meter.begin()
    for number in range(work.commits):
        file.commit(payloads[number * work.each : (number + 1) * work.each])
        work.settle()
    meter.end()
    file.close()


# -- bytes at the block device ---------------------------------------------------------------------------------------


def _flash(run: Run, blocks: Blocks, small: Blocks) -> Iterator[Found]:
    try:
        with flash_device(run.new_folder()) as flash:
            yield from _on_flash(flash, "under load", Work(blocks, 100, run.some(30)))
            # Ten seconds lie between two commits in life. ext4 then writes the file's changed time each time, as its
            # journal is committed every 5 s: syncfs after each commit stands for that. With `lazytime` it does not.
            work = Work(small, 1, run.some(100))
            yield from _on_flash(flash, "20 sensors, lazytime", work)
            yield from _on_flash(flash, "20 sensors, default", work._replace(settle=flash.settle))
    except (OSError, subprocess.CalledProcessError) as error:
        yield Remark(f"bytes at the block device are not measured (needs root, losetup and mkfs.ext4): {error}")


def _on_flash(flash: "Flash", name: str, work: Work) -> Iterator[Found]:
    asyncio.run(_ours(flash.new_folder(), work, flash))
    ours = flash.bytes
    _raw(flash.new_folder(), work, flash)
    raw = flash.bytes
    note = f"{work.readings / (work.commits * work.each):.0f} readings a block, {work.each} blocks a commit"
    yield Figure(f"store.flash.{name}", ours / work.payload_bytes, 1.0, "B/B", "the block's bytes", note=note)
    yield Figure(f"store.flash.{name}", ours / work.readings, raw / work.readings, "B/reading", "raw file")


def _syncfs(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        if _LIBC.syncfs(fd):
            raise OSError(ctypes.get_errno(), "syncfs failed")
    finally:
        os.close(fd)


@contextmanager
def flash_device(folder: Path, size_mb: int = _IMAGE_MB) -> Iterator[Flash]:
    """An ext4 on a loop device of its own."""
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size_mb * 1024 * 1024)
    loop = _told("losetup", "--find", "--show", "--direct-io=on", str(image))
    try:
        _told("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", loop)
        _told("mount", loop, str(mount))
        try:
            yield Flash(mount, Path("/sys/block") / Path(loop).name / "stat")
        finally:
            _told("umount", str(mount))
    finally:
        _told("losetup", "--detach", loop)


def _told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
