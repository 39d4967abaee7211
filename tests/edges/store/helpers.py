"""Events and logs for the tests of the store."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.store.log import SegmentLog

SMALL = 16 * 1024


def make_event(number: int = 0, size: int = 200, kind: EventKind = EventKind.TELEMETRY) -> Event:
    return Event(os.urandom(16), kind, f"edge.{kind}.v1", "boiler", float(number), "boot", os.urandom(size), count=10)


def open_log(folder: Path, **options: Any) -> SegmentLog:
    return SegmentLog(folder, Lane.TELEMETRY, **({"segment_bytes": SMALL} | options))


async def fill(log: SegmentLog, count: int, size: int = 200) -> list[Event]:
    """Append and commit `count` events."""
    events = [log.append(make_event(n, size)) for n in range(count)]
    await log.commit()
    return events


def fill_disk(folder: Path, leave: int = 0) -> Path:
    """What others may do: a file that takes all there is, less so many bytes. Returns it."""
    filler = folder / "filler"
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    os.truncate(filler, filler.stat().st_size - leave)
    return filler


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))
