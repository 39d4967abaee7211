"""The segment log: one lane's durable queue in recycled, zero-filled files.

Strategy. An appended event stays in memory until `commit` writes all that waits as frames, with a cursor frame behind
them (what is done with, which sequence is next), by one pwrite and one fdatasync. Files are written full of zeros once
and then recycled under a new generation, so that a commit changes no metadata: on ext4 one flush instead of two and a
quarter of the bytes of a growing file (docs/durability.md). In memory is only where each event lies, 12 bytes;
payloads are read back when they are sent.

A draft is what there is of an event that still grows (an open block). Each commit writes it behind all else, under the
sequence that is given next; the event itself takes the same one, and of two frames of a sequence the later counts. So a
crash leaves the newest draft as an event like any other, and in all other cases nobody ever sees one.

Two threads, one rule: the event loop owns all state here, and plans a write down to the offsets; the writing thread
only makes, renames, writes and syncs the files of that plan. What it did counts when it returned without error; after
an error the same events are planned again, at the same place.

Space: a full segment whose events are all done with is recycled, oldest first; else a new one is made within the quota;
else the oldest one is dropped, counted and reported. The segment with the newest cursor is never touched.
"""

import asyncio
import errno
import os
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from itertools import count as counter
from pathlib import Path

from edge_agent.core.errors import StoreError, WireError
from edge_agent.core.event import Event, Lane
from edge_agent.core.ports import Depth
from edge_agent.store import files, frames, writer
from edge_agent.store.commit import GroupCommit
from edge_agent.store.recover import recover
from edge_agent.store.shelf import Shelf
from edge_agent.store.spans import Spans
from edge_agent.store.writer import Fresh, Part

SEGMENT_BYTES = 1024 * 1024
QUOTA_BYTES = 256 * 1024 * 1024
# What waits in memory for a disk that does not take it; beyond, the oldest is dropped and counted.
MAX_FRESH_BYTES = 4 * 1024 * 1024
# `pending` steps over at most so many frames that the disk does not give back before it says so.
MAX_UNREADABLE = 64

OnDrop = Callable[[int, int, int], None]


class SegmentLog:
    """Spool of the finding, state and telemetry lanes; see core.ports.Spool.

    `on_drop(first, last, events)` is told of every event given up, on the event loop. `make_room()` is asked when the
    disk is full, and returns whether it freed something; `may_grow(size)` before a file of this size is made. Opening
    never raises: what is wrong stands in `problems`.
    """

    def __init__(
        self,
        folder: Path,
        lane: Lane,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        quota_bytes: int = QUOTA_BYTES,
        on_drop: OnDrop | None = None,
        make_room: Callable[[], bool] | None = None,
        may_grow: Callable[[int], bool] | None = None,
        executor: Executor | None = None,
    ) -> None:
        self.lane = lane
        self.problems: list[str] = []
        self.lost: list[tuple[int, int]] = []
        self.quarantined_bytes = 0
        self._folder = folder
        self._on_drop = on_drop or _nobody
        self._make_room = make_room or _no_room
        self._own_executor = ThreadPoolExecutor(1, f"store-{lane.value}") if executor is None else None
        self._executor = executor or self._own_executor
        self._commits = GroupCommit(self._write)
        self._fresh: deque[Fresh] = deque()
        self._fresh_bytes = 0
        self._draft: Fresh | None = None
        self._oldest: tuple[int, float | None, str | None] = (0, None, None)
        self._shelf = Shelf(segment_bytes, quota_bytes, self.drop_oldest, may_grow or _always)
        self._done = Spans()
        self._next = 1
        self._stored = 0
        self._dropped = 0
        self._events = 0
        self._bytes = 0
        self._open()

    # -- start -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            if self._folder.exists() and not self._folder.is_dir():
                self._put_aside(self._folder, "is no folder")
            found = recover(self._folder)
        except OSError as error:
            self._put_aside(self._folder, str(error.strerror))
            return
        for path in found.bad:
            self._put_aside(path, "could not be read")
        self._shelf.live, self._shelf.spare, self._shelf.generation = found.live, found.spare, found.generation
        self._next, self._stored, self._dropped = found.next, found.next - 1, found.dropped
        self._done, self.lost, self.quarantined_bytes = found.done, found.lost, found.quarantined
        for segment in found.live:
            self._events += segment.live
            sequences = range(segment.first, segment.last + 1)
            self._bytes += sum(segment.payload_bytes(s) for s in sequences if segment.has(s))
        for path in found.short:
            self.problems.append(f"{self.lane} lane: {path} is cut short, what stood at its end is lost")
        for first, last in self.lost:
            self.problems.append(f"{self.lane} lane: damage took events {first} to {last}")
        self._sync_newest()

    def _sync_newest(self) -> None:
        """What a killed process wrote may be read now and still be lost: sync it before anybody sends it."""
        newest = self._shelf.newest
        if newest is not None and newest.end:
            try:
                if newest.path is not None:
                    files.usable(newest.path)
                newest.open()
                os.fdatasync(newest.fd)
            except OSError as error:
                self._shelf.leave_newest()
                self.problems.append(f"{self.lane} lane: {newest.path} cannot be written: {error.strerror}")

    def _put_aside(self, path: Path, why: str) -> None:
        try:
            self.problems.append(f"{self.lane} lane: {path} {why}; kept as {files.put_aside(path).name}")
        except OSError as error:
            self.problems.append(f"{self.lane} lane: {path} {why} and cannot be put aside: {error.strerror}")

    # -- Spool -------------------------------------------------------------------------------------------------------

    def append(self, event: Event) -> Event:
        """Give it the next sequence; it travels after the next commit. Raises StoreError for one that is too large."""
        meta = frames.pack_meta(event)
        event = event.with_sequence(self._next)
        self._next += 1
        self._draft = None
        item = Fresh(event, meta)
        self._fresh.append(item)
        self._fresh_bytes += item.size
        self._events += 1
        self._bytes += len(event.payload)
        self._commits.touch()
        if self._fresh_bytes > MAX_FRESH_BYTES:
            self._trim_fresh()
        return event

    def draft(self, event: Event) -> None:
        """What there is of the next event, on disk with the next commit in case that a crash ends it there.

        It replaces the draft before, and ends with the next append. Raises StoreError for one that is too large.
        """
        self._draft = Fresh(event.with_sequence(self._next), frames.pack_meta(event), draft=True)
        self._commits.touch()

    async def commit(self) -> None:
        """Everything appended and released so far is on disk when this returns. Raises StoreError."""
        await self._commits.commit()

    def pending(self, after: int, limit: int) -> list[Event]:
        """At most `limit` committed, unreleased events with a sequence above `after`, in order.

        A frame that has lost its CRC since is given up, counted and reported; one that the disk does not give back is
        stepped over and stays. Raises StoreError where nothing can be read.
        """
        found: list[Event] = []
        failed: list[OSError | WireError] = []
        sequence = self._done.beyond(after + 1)
        while sequence <= self._stored and len(found) < limit and len(failed) < MAX_UNREADABLE:
            try:
                event = self._shelf.read(sequence)
            except (OSError, WireError) as error:
                failed.append(error)
            else:
                if event is None:
                    self._give_up(sequence, sequence)
                else:
                    found.append(event)
            sequence = self._done.beyond(sequence + 1)
        if failed and not found:
            raise StoreError(f"the {self.lane} lane cannot be read: {failed[0]}", fix="Is the disk failing?")
        return found

    def release(self, event: Event) -> None:
        """Forget it; durable with the next commit."""
        sequence = event.sequence
        if sequence <= self._stored and sequence not in self._done:
            self._finish(sequence, sequence)
            self._commits.touch()

    def depth(self) -> Depth:
        """What waits, committed or not; `dropped` counts all that was ever given up or damaged in this lane."""
        oldest_at, oldest_boot = self._oldest_stamp()
        return Depth(self._events, self._bytes, oldest_at, oldest_boot, self._dropped)

    def close(self) -> None:
        """Wait for a write under way and close the files; what was not committed is gone."""
        if self._own_executor is not None:
            self._own_executor.shutdown(wait=True)
        self._shelf.close()

    def give_back(self) -> bool:
        """Free the disk space of one segment, a spare one or else the oldest with its events. False where none is."""
        return self._shelf.free_spare() or (self.drop_oldest() and self._shelf.free_spare())

    def keep(self, sequences: Collection[int]) -> None:
        """From now on these, and no others, are not given up for want of space, not even beyond the quota."""
        self._shelf.kept = frozenset(sequences)

    def shrink(self) -> None:
        """Give the space of one spare segment back to the disk, if there is one."""
        self._shelf.free_spare()

    def drop_oldest(self) -> bool:
        """Give up the oldest segment that may be, for its space to be used again; False where none is."""
        segment = self._shelf.droppable()
        if segment is not None:
            self._give_up(max(segment.first, self._done.floor + 1), segment.last)
        return segment is not None

    def _oldest_stamp(self) -> tuple[float | None, str | None]:
        """Time and boot of the oldest event that waits, read from disk once for each."""
        sequence = self._done.floor + 1
        if self._oldest[0] != sequence:
            event: Event | None = None
            if sequence <= self._stored:
                with suppress(OSError, WireError):
                    event = self._shelf.read(sequence)
            elif self._fresh and self._fresh[0].event.sequence == sequence:
                event = self._fresh[0].event
            if event is None:
                return None, None
            self._oldest = (sequence, event.at, event.boot_id)
        return self._oldest[1:]

    # -- giving up ---------------------------------------------------------------------------------------------------

    def _finish(self, first: int, last: int) -> int:
        """Stored events from `first` to `last` are done with; returns how many of them were not before."""
        count = 0
        sequence = self._done.beyond(first)
        while sequence <= last:
            segment = self._shelf.holder(sequence)
            self._events -= 1
            self._bytes -= segment.payload_bytes(sequence)
            segment.live -= 1
            self._shelf.retire(segment)
            self._done.add(sequence, sequence)
            count += 1
            sequence = self._done.beyond(sequence + 1)
        return count

    def _give_up(self, first: int, last: int) -> None:
        """Drop stored events: counted, reported, and durable with the next commit."""
        count = self._finish(first, last)
        self._dropped += count
        self._commits.touch()
        self._on_drop(first, last, count)

    def _trim_fresh(self) -> None:
        """The disk has not taken for long: give up the oldest of what waits in memory."""
        first, count = self._fresh[0].event.sequence, 0
        while self._fresh_bytes > MAX_FRESH_BYTES and len(self._fresh) > 1:
            item = self._fresh.popleft()
            self._fresh_bytes -= item.size
            self._events -= 1
            self._bytes -= len(item.event.payload)
            count += 1
        self._done.add(first, first + count - 1)
        self._dropped += count
        if count:
            self._on_drop(first, first + count - 1, count)

    # -- writing -----------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        """One commit of all that waits. Raises StoreError."""
        loop = asyncio.get_running_loop()
        for attempt in counter():
            batch, self._fresh, self._fresh_bytes = self._fresh, deque(), 0
            first = batch[0].event.sequence if batch else self._next
            parts = self._shelf.plan((*batch, self._draft) if self._draft else batch, first)
            cursor = frames.pack_cursor(self._done.floor, self._dropped, self._done.above(frames.MAX_SPANS))
            upto = batch[-1].event.sequence + 1 if batch else self._next
            try:
                ends = await loop.run_in_executor(self._executor, writer.write, self._folder, parts, cursor, upto)
            except OSError as error:
                self._undo(batch, parts)
                if error.errno != errno.ENOSPC:
                    self._shelf.leave_newest()
                elif attempt <= len(parts) and (self._shelf.keep_less() or self._make_room()):
                    continue
                what = f"the {self.lane} lane could not be written: {error.strerror}"
                raise StoreError(what, fix=files.FIX) from error
            self._shelf.apply(parts, ends, writer.head_size(cursor))
            self._stored = upto - 1
            return

    def _undo(self, batch: deque[Fresh], parts: Sequence[Part]) -> None:
        """The disk refused: the events wait again, and what was made of new segments is spare."""
        self._shelf.take_back(parts)
        batch.extend(self._fresh)
        self._fresh = batch
        self._fresh_bytes = sum(item.size for item in batch)
        if batch:
            self._trim_fresh()


def _nobody(_first: int, _last: int, _events: int) -> None:
    """Nobody wants to know what was dropped."""


def _always(_size: int) -> bool:
    """Nobody minds a new file."""
    return True


def _no_room() -> bool:
    """Nobody gives room."""
    return False
