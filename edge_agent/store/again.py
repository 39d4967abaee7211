"""What a lane has done with and is asked for again: frames that still lie in its recycled segments.

Strategy. Nothing is stored a second time and nothing of the lane's own state is touched: the folder is read as from
outside (store/look.py does the same), newest segment first, until one begins before what is asked for. A segment that
is recycled meanwhile carries another generation, so its frames are not taken for others; what was found is read when
it is sent, and is gone if it is gone by then. What a desk can miss lies below what it has, so all of it was on disk. A
draft (store/log.py) is not given, for the newest cursor says that its sequence is still to come.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.errors import StoreError, WireError
from edge_agent.core.event import Event, Lane
from edge_agent.core.ports import Depth
from edge_agent.store import frames
from edge_agent.store.segment import SUFFIX, read_whole
from edge_agent.threads import in_thread

# So many may wait to be sent again; 64 bytes of memory each.
MAX_WAITING = 10_000


class _Place(NamedTuple):
    """Where a frame lies."""

    path: Path
    generation: int
    offset: int
    size: int


class Again:
    """A Spool (core.ports) of what is sent again; `ask` fills it, nothing is appended or committed.

    An event goes with the id and sequence that it had. What is asked for while it still waits in the lane itself goes
    twice, with one id.
    """

    def __init__(self, folder: Path, lane: Lane) -> None:
        self.lane = lane
        self._folder = folder
        self._places: dict[int, _Place] = {}

    async def ask(self, first: int, last: int) -> list[tuple[int, int]]:
        """Send `first` to `last` again; gives the ranges (first, last) of what is gone. Raises StoreError."""
        room = MAX_WAITING - len(self._places)
        if last - first >= room:
            raise StoreError(f"{len(self._places)} events wait to be sent again", fix="Ask for fewer, or later.")
        try:
            found = await in_thread(partial(_find, self._folder, first, last))
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be read: {error.strerror}") from error
        self._places = dict(sorted({**self._places, **found}.items()))
        return _missing(found, first, last)

    def append(self, event: Event) -> Event:
        """Nothing new is taken. Raises StoreError."""
        raise StoreError(f"{event.id_text} is new, and this is for what was there before")

    async def commit(self) -> None:
        """Nothing is kept over a restart: whoever misses it asks again."""

    def pending(self, after: int, limit: int) -> Sequence[Event]:
        """At most `limit` events with a sequence above `after`, in order; what is gone by now is left out."""
        events: list[Event] = []
        for sequence in [sequence for sequence in self._places if sequence > after]:
            if len(events) >= limit:
                break
            event = _read(self._places[sequence], sequence)
            if event is None:
                del self._places[sequence]
            else:
                events.append(event)
        return events

    def release(self, event: Event) -> None:
        """The broker has it again."""
        self._places.pop(event.sequence, None)

    def depth(self) -> Depth:
        """How many wait, and their bytes on disk."""
        return Depth(len(self._places), sum(place.size for place in self._places.values()), None, None, 0)

    def close(self) -> None:
        """Forget them."""
        self._places.clear()


def _find(folder: Path, first: int, last: int) -> dict[int, _Place]:
    """The places of these sequences. Raises OSError where the folder cannot be read; segments that cannot are left."""
    found: dict[int, _Place] = {}
    given = 0
    named = [path for path in folder.iterdir() if path.suffix == SUFFIX] if folder.exists() else []
    for path in sorted(named, reverse=True):
        lowest: int | None = None
        here: dict[int, _Place] = {}
        with suppress(OSError, ValueError):
            generation = int(path.stem, 16)
            for frame in frames.scan(read_whole(path)[0], generation):
                if frame.kind == frames.CURSOR:
                    given = max(given, frame.sequence - 1)
                elif frame.kind == frames.DATA:
                    lowest = frame.sequence if lowest is None else lowest
                    if first <= frame.sequence <= last:
                        here[frame.sequence] = _Place(path, generation, frame.offset, frame.size)
        found = here | found  # of two frames of one sequence the later counts
        if lowest is not None and lowest <= first:
            break
    return {sequence: place for sequence, place in found.items() if sequence <= given}


def _read(place: _Place, sequence: int) -> Event | None:
    try:
        fd = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(fd, place.size, place.offset)
        finally:
            os.close(fd)
        frame = frames.frame_at(data, 0, place.generation)
        return frames.read_event(data, frame) if frame is not None and frame.sequence == sequence else None
    except (OSError, WireError):
        return None


def _missing(found: dict[int, _Place], first: int, last: int) -> list[tuple[int, int]]:
    """What of first to last is not in `found`, as ranges."""
    missing: list[tuple[int, int]] = []
    at = first
    for sequence in (*sorted(found), last + 1):
        if sequence > at:
            missing.append((at, sequence - 1))
        at = sequence + 1
    return missing
