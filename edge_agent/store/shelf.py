"""The segments of a lane: which hold events, which are spare, what a commit writes where, how an event is read back."""

import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter

from edge_agent.core.event import Event
from edge_agent.store import frames
from edge_agent.store.segment import Segment
from edge_agent.store.writer import Fresh, Part

# Every segment begins with a cursor frame, and every commit ends with one.
_CURSORS = 2 * frames.CURSOR_ROOM
_PAGE = 4096
# One to write to while another one is emptied: less would block a lane.
MIN_SEGMENTS = 2
# While there are fewer, and they take less than half of the quota, a new one is made rather than a spare one recycled:
# what a broker dropped behind our back lies there to be asked for again (store/again.py). Three full ones hold some
# 2,600 blocks of 1.2 KB, and a stock mosquitto's queue 1,000. More would be read at every start.
KEEP_SEGMENTS = 4
_FIRST = attrgetter("first")


class Shelf:
    """`live` segments hold events or are the newest, rising; `spare` are done with, oldest first.

    `busy` ones are being written by a commit under way and must stay as they are; `kept` are sequences that want of
    space does not take, whatever the quota. New ones are of `segment_bytes`; where `quota_bytes` are reached, or
    `may_grow(size)` says no to a third or later one, `drop_oldest()` is asked to make a segment spare, and says whether
    it did.
    """

    def __init__(
        self,
        segment_bytes: int = 0,
        quota_bytes: int = 0,
        drop_oldest: Callable[[], bool] = lambda: False,
        may_grow: Callable[[int], bool] = lambda _size: True,
    ) -> None:
        self.live: list[Segment] = []
        self.spare: list[Segment] = []
        self.generation = 0
        self._segment_bytes = segment_bytes
        self._quota_bytes = quota_bytes
        self._drop_oldest = drop_oldest
        self._may_grow = may_grow
        self.busy: list[Segment] = []
        self._keep = KEEP_SEGMENTS
        self.kept: frozenset[int] = frozenset()
        self._reading: Segment | None = None
        self._reading_fd = -1

    @property
    def newest(self) -> Segment | None:
        """The one that is written to."""
        return self.live[-1] if self.live else None

    @property
    def bytes(self) -> int:
        """Space that all of them take on disk."""
        return sum(s.size for s in self._all())

    def holder(self, sequence: int) -> Segment:
        """The segment of a stored event that is not done with."""
        return self.live[bisect_right(self.live, sequence, key=_FIRST) - 1]

    def read(self, sequence: int) -> Event | None:
        """The stored event, or None where its frame is damaged. Raises OSError, WireError."""
        segment = self.holder(sequence)
        offset, size = segment.where(sequence)
        data = os.pread(self._fd(segment), size, offset)
        frame = frames.frame_at(data, 0, segment.generation)
        if frame is None or frame.sequence != sequence:
            return None
        return frames.read_event(data, frame)

    def retire(self, segment: Segment) -> None:
        """All its events are done with: it is spare, unless it is the newest."""
        if segment.live == 0 and segment is not self.newest:
            self.live.remove(segment)
            self.spare.append(segment)

    def keep_less(self) -> bool:
        """There is no room for a new one after all: recycle from now on. False where nothing is gained by that."""
        gained, self._keep = bool(self.spare) and self._keep > 0, 0
        return gained

    def free_spare(self) -> bool:
        """Give the oldest spare segment's space back to the disk; False when there is none."""
        if not self.spare:
            return False
        segment = self.spare.pop(0)
        self._forget(segment)
        segment.remove()
        return True

    def droppable(self) -> Segment | None:
        """The oldest segment that may be given up.

        Never the newest, which has the cursor, nor a busy one, nor one with something that is kept.
        """
        may_go = (s for s in self.live[:-1] if s not in self.busy)
        return next((s for s in may_go if not any(s.first <= kept <= s.last for kept in self.kept)), None)

    def plan(self, batch: Sequence[Fresh], first: int) -> list[Part]:
        """Where each event of a commit goes; `first` is its first sequence. Raises nothing; may drop the oldest."""
        parts: list[Part] = []
        room = -1
        need = batch[0].size if batch else 0
        if self.newest is not None:
            self.busy.append(self.newest)
            room = self.newest.size - self.newest.end - _CURSORS
        if self.newest is not None and room >= need:
            parts.append(Part(self.newest, None, self.newest.end, first, []))
        else:
            room = self._roll(parts, first, need)
        for item in batch:
            if item.size > room:
                room = self._roll(parts, item.event.sequence, item.size)
            parts[-1].events.append(item)
            room -= item.size
        return parts

    def apply(self, parts: Sequence[Part], ends: Sequence[int], head: int) -> None:
        """The plan is on disk, its parts end at `ends`; `head` is the size of a segment's first cursor frame."""
        for part, end in zip(parts, ends, strict=True):
            segment = part.segment
            if part.generation is not None:
                segment.clear(part.next)
                self._begin(segment)
            at = part.at or head
            for item in part.events:
                if not item.draft:
                    segment.add(item.event.sequence, at, item.size, len(item.event.payload))
                at += item.size
            segment.end = end
        self.busy.clear()

    def take_back(self, parts: Sequence[Part]) -> None:
        """The disk refused the plan: what there is of its new segments is spare."""
        self.busy.clear()
        for part in parts:
            if part.generation is not None:
                part.segment.close()
                if part.segment.path is not None:
                    self.spare.append(part.segment)

    def leave_newest(self) -> None:
        """The place behind its end may be bad for ever: the next commit goes to another segment."""
        if self.newest is not None:
            self.newest.end = self.newest.size

    def close(self) -> None:
        """Close all files."""
        self._forget(self._reading)
        for segment in (*self.live, *self.spare, *self.busy):
            segment.close()

    def _roll(self, parts: list[Part], first: int, need: int) -> int:
        """Begin another segment; returns its room. One larger than usual is made for an event that needs it."""
        need += _CURSORS
        size = max(self._segment_bytes, -(-need // _PAGE) * _PAGE)
        segment = self._find_space(need, size) or Segment(None, 0, size)
        self.busy.append(segment)
        self.generation += 1
        parts.append(Part(segment, self.generation, 0, first, []))
        return segment.size - _CURSORS

    def _find_space(self, need: int, size: int) -> Segment | None:
        """A spare segment, or None where a new one of `size` bytes is to be made; drops where the quota says so."""
        if len(self._all()) < self._keep and self.bytes + size <= self._quota_bytes // 2 and self._fits(size):
            return None
        while True:
            spare = self._take_spare(need)
            if spare is not None or self._fits(size):
                return spare
            # None of the spare ones is large enough; and a quota of less than two segments is exceeded.
            if not self.free_spare() and not self._drop_oldest():
                return None

    def _fits(self, size: int) -> bool:
        if self.bytes + size > self._quota_bytes:
            return False
        return len(self._all()) < MIN_SEGMENTS or self._may_grow(size)

    def _all(self) -> list[Segment]:
        return list({id(s): s for s in (*self.live, *self.spare, *self.busy)}.values())

    def _take_spare(self, need: int) -> Segment | None:
        """The oldest spare segment of at least `need` bytes, taken off the shelf."""
        for segment in self.spare:
            if segment.size >= need:
                self.spare.remove(segment)
                self._forget(segment)
                return segment
        return None

    def _begin(self, segment: Segment) -> None:
        """A segment that was made or recycled is the newest now."""
        before = self.newest
        self.live.append(segment)
        if before is not None:
            before.close()
            self.retire(before)

    def _fd(self, segment: Segment) -> int:
        """One file is kept open for reading besides the newest: the drain goes from segment to segment."""
        if segment.fd >= 0:
            return segment.fd
        if self._reading is not segment:
            self._forget(self._reading)
            self._reading_fd = segment.open_to_read()
            self._reading = segment
        return self._reading_fd

    def _forget(self, segment: Segment | None) -> None:
        if segment is not None and segment is self._reading:
            os.close(self._reading_fd)
            self._reading, self._reading_fd = None, -1
