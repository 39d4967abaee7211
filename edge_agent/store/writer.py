"""What a commit puts on disk. Runs in the writing thread, by a plan that the event loop made."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.event import Event
from edge_agent.store import files, frames
from edge_agent.store.segment import Segment


class Fresh(NamedTuple):
    """An event with its sequence that is not on disk yet, and its packed envelope; a draft is no event of the lane."""

    event: Event
    meta: bytes
    draft: bool = False

    @property
    def size(self) -> int:
        """Length of its frame."""
        return frames.HEADER.size + len(self.meta) + len(self.event.payload)


class Part(NamedTuple):
    """What one commit writes into one segment, from `at` on.

    `generation` is set where the segment is to be made or recycled first; `next` is the sequence that it begins with.
    """

    segment: Segment
    generation: int | None
    at: int
    next: int
    events: list[Fresh]


def write(folder: Path, parts: Sequence[Part], cursor: bytes, next_sequence: int) -> list[int]:
    """Write and sync all parts; returns where each ends. Raises OSError, and then nothing of it counts."""
    ends = []
    for part in parts:
        segment = part.segment
        if part.generation is not None:
            files.make_folder(folder)
            segment.begin(folder, part.generation)
        segment.open()
        data = _encode(part, segment.generation, cursor, next_sequence if part is parts[-1] else None)
        files.write_all(segment.fd, data, part.at)
        ends.append(part.at + len(data))
    for part in parts:
        os.fdatasync(part.segment.fd)
    return ends


def head_size(cursor: bytes) -> int:
    """Length of the cursor frame that every segment begins with."""
    return frames.HEADER.size + len(cursor)


def _encode(part: Part, generation: int, cursor: bytes, next_sequence: int | None) -> bytes:
    pieces = [frames.encode(frames.CURSOR, generation, part.next, cursor)] if part.at == 0 else []
    pieces += [
        frames.encode(frames.DATA, generation, event.sequence, meta, event.payload) for event, meta, _ in part.events
    ]
    if next_sequence is not None:
        pieces.append(frames.encode(frames.CURSOR, generation, next_sequence, cursor))
    return b"".join(pieces)
