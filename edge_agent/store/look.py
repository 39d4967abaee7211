"""A look at an outbox from outside, of a running or a stopped agent. Never writes into its folder."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.errors import StoreError, WireError
from edge_agent.core.event import Event, Lane
from edge_agent.core.ports import Depth
from edge_agent.store import frames
from edge_agent.store.outbox import DATABASE, LOG_LANES
from edge_agent.store.recover import Recovered, recover
from edge_agent.store.shelf import Shelf


class LaneLook(NamedTuple):
    """What a lane holds on disk. `next` is the next sequence; `quarantined` counts damaged bytes among good ones."""

    lane: Lane
    depth: Depth
    next: int
    disk_bytes: int
    quarantined: int
    lost: tuple[tuple[int, int], ...]


def inspect(folder: Path) -> list[LaneLook]:
    """All lanes of an outbox, first is first; a lane that is not there is empty. Raises StoreError."""
    return [_help(folder / DATABASE), *(_log(folder / lane.value, lane) for lane in LOG_LANES)]


def dump(folder: Path, lane: Lane) -> Iterator[Event]:
    """The events that wait in a lane, in order. Raises StoreError."""
    if lane is Lane.HELP:
        yield from _messages(folder / DATABASE)[0]
        return
    try:
        found = recover(folder / lane.value)
        yield from _events(found)
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error


def _events(found: Recovered) -> Iterator[Event]:
    shelf = Shelf()
    shelf.live = found.live
    try:
        for segment in found.live:
            for sequence in range(segment.first, segment.last + 1):
                with suppress(WireError):
                    event = shelf.read(sequence) if segment.has(sequence) else None
                    if event is not None:
                        yield event
    finally:
        shelf.close()


def _log(folder: Path, lane: Lane) -> LaneLook:
    try:
        found = recover(folder)
        waiting = [s.payload_bytes(n) for s in found.live for n in range(s.first, s.last + 1) if s.has(n)]
        oldest = next(_events(found), None)
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error
    depth = _depth(len(waiting), sum(waiting), oldest, found.dropped)
    disk_bytes = sum(s.size for s in (*found.live, *found.spare))
    return LaneLook(lane, depth, found.next, disk_bytes, found.quarantined, tuple(found.lost))


def _help(path: Path) -> LaneLook:
    events, facts = _messages(path)
    depth = _depth(len(events), sum(len(e.payload) for e in events), next(iter(events), None), facts.get("dropped", 0))
    disk_bytes = sum(p.stat().st_size for p in (path, Path(f"{path}-wal")) if p.is_file())
    return LaneLook(Lane.HELP, depth, facts.get("next", 1), disk_bytes, 0, ())


def _depth(events: int, size: int, oldest: Event | None, dropped: int) -> Depth:
    return Depth(events, size, oldest.at if oldest else None, oldest.boot_id if oldest else None, dropped)


def _messages(path: Path) -> tuple[list[Event], dict[str, int]]:
    """What is not sent of the help lane, and its counters.

    Read from a copy: opening a WAL database, even to read, writes beside it.
    """
    if not path.is_file():
        return [], {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        try:
            for source, target in ((path, copy), (Path(f"{path}-wal"), Path(f"{copy}-wal"))):
                if source.is_file():
                    shutil.copyfile(source, target)
            with closing(sqlite3.connect(copy)) as connection:
                facts = dict(connection.execute("SELECT name, value FROM facts"))
                query = "SELECT meta, payload, sequence FROM messages WHERE sent = 0 ORDER BY sequence"
                return [frames.unpack_event(*row) for row in connection.execute(query)], facts
        except (sqlite3.Error, OSError, WireError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
