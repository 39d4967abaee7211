"""What a lane's folder holds, found by reading only: the start of every SegmentLog, and the offline look.

Strategy. Segments are read from the newest down. The newest cursor says what is done with; as soon as a segment begins
at or below it, all older ones are spare and need not be read, so a start without a backlog reads one segment. Within
a segment sequences have no gap when written, nor between neighbouring generations: a gap that is found is damage, and
is declared as lost unless the cursor says it was done with. Nothing that can be read is thrown away, a torn tail least
of all: what of it has a good CRC was appended by us, though nobody was told that it is safe. Of two frames of one
sequence the later counts: a draft stands before its event (store/log.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.errors import WireError
from edge_agent.store import frames
from edge_agent.store.frames import Cursor, Frame
from edge_agent.store.segment import PAGE, SUFFIX, Segment, read_whole
from edge_agent.store.spans import Spans

_DIGITS = 8


@dataclass(slots=True)
class Recovered:
    """The state of a lane. `live` are segments with events, rising, and the newest; `spare` the others, oldest first.

    `stored` is the highest sequence on disk, `next` the next to be given. `lost` are ranges (first, last) that damage
    took; `quarantined` counts damaged bytes that lie before good ones, `bad` are files that cannot be read at all, and
    `short` those that hold something and have lost their end.
    """

    live: list[Segment] = field(default_factory=list)
    spare: list[Segment] = field(default_factory=list)
    done: Spans = field(default_factory=Spans)
    next: int = 1
    dropped: int = 0
    generation: int = 0
    lost: list[tuple[int, int]] = field(default_factory=list)
    quarantined: int = 0
    bad: list[Path] = field(default_factory=list)
    short: list[Path] = field(default_factory=list)


class _Scan(NamedTuple):
    """One segment as read. It holds sequences `begins` to `ends` - 1 (None: nothing readable) less `holes`."""

    segment: Segment
    data: list[Frame]
    cursor: Cursor | None
    begins: int | None
    ends: int | None
    holes: list[tuple[int, int]]
    skipped: int


def recover(folder: Path) -> Recovered:
    """What `folder` holds; an absent folder holds nothing. Raises OSError when the folder itself cannot be read."""
    found = Recovered()
    scans = _scan_newest_first(folder, found)
    _drop_earlier(scans)
    cursor = max((s.cursor for s in scans if s.cursor), default=Cursor(1, 0, 0, ()))
    found.done.floor, found.dropped = cursor.cursor, cursor.dropped
    for first, last in cursor.spans:
        found.done.add(first, last)
    found.next = max([cursor.next, cursor.cursor + 1, *(s.ends for s in scans if s.ends is not None)])
    _build_index(scans, found)
    holes = _holes(scans)
    # Both sets differ only in what is neither done with nor found; of that, what lies in a hole was damaged.
    known = found.done.copy()
    _close_gaps(found)
    found.lost = _ranges(
        s for first, last in holes for s in range(first, last + 1) if s not in known and s in found.done
    )
    found.dropped += sum(last - first + 1 for first, last in found.lost)
    return found


def _generations(folder: Path) -> list[tuple[int, Path]]:
    found: list[tuple[int, Path]] = []
    if not folder.exists():
        return found
    for path in folder.iterdir():
        name = path.name.partition(".")[0]
        if len(name) == _DIGITS and SUFFIX in path.name and all(c in "0123456789abcdef" for c in name):
            found.append((int(name, 16), path))
    return sorted(found, reverse=True)


def _scan_newest_first(folder: Path, found: Recovered) -> list[_Scan]:
    """Read what must be read, newest first; the rest becomes spare. Returned in rising order."""
    scans: list[_Scan] = []
    covered = False
    cursor = 0
    for generation, path in _generations(folder):
        found.generation = max(found.generation, generation)
        if path.suffix != SUFFIX:
            continue  # put aside at an earlier start; only its number counts
        try:
            if covered:
                found.spare.append(Segment(path, generation, path.stat().st_size))
                continue
            scan = _scan(path, generation)
        except FileNotFoundError:
            continue  # recycled by a running agent while we look from outside
        except OSError:
            found.bad.append(path)
            scan = _Scan(Segment(path, generation, 0), [], None, None, None, [], 0)
        if scan.segment.end and scan.segment.size % PAGE:
            found.short.append(path)
        scans.append(scan)
        found.quarantined += scan.skipped
        cursor = max(cursor, scan.cursor.cursor if scan.cursor else 0)
        covered = scan.begins is not None and scan.begins <= cursor + 1
    found.spare.reverse()
    scans.reverse()
    return scans


def _scan(path: Path, generation: int) -> _Scan:
    content, skipped = read_whole(path)
    segment = Segment(path, generation, len(content))
    data: list[Frame] = []
    holes: list[tuple[int, int]] = []
    cursor: Cursor | None = None
    begins: int | None = None
    ends = 0
    for frame in frames.scan(content, generation):
        skipped += frame.offset - segment.end
        segment.end = frame.offset + frame.size
        if frame.kind == frames.CURSOR:
            cursor = _cursor(content, frame) or cursor
        elif frame.kind == frames.DATA:
            data.append(frame)
        else:
            continue  # of a later version
        if begins is None:
            begins = ends = frame.sequence
        if frame.sequence > ends:
            holes.append((ends, frame.sequence - 1))
        ends = max(ends, frame.sequence + (frame.kind == frames.DATA))
    return _Scan(segment, data, cursor, begins, None if begins is None else ends, holes, skipped)


def _drop_earlier(scans: list[_Scan]) -> None:
    """Of frames with one sequence only the last stays: what follows a frame has higher sequences, or replaces it."""
    lowest: int | None = None
    for scan in reversed(scans):
        kept: list[Frame] = []
        for frame in reversed(scan.data):
            if lowest is None or frame.sequence < lowest:
                lowest = frame.sequence
                kept.append(frame)
        scan.data[:] = kept[::-1]


def _cursor(content: bytes, frame: Frame) -> Cursor | None:
    try:
        return frames.read_cursor(content, frame)
    except WireError:
        return None


def _build_index(scans: list[_Scan], found: Recovered) -> None:
    """Put every event that is not done with into its segment's index."""
    newest = max((s.segment.generation for s in scans if s.segment.size), default=-1)
    for scan in scans:
        segment = scan.segment
        if segment.path in found.bad:
            continue
        for frame in scan.data:
            if frame.sequence in found.done:
                continue
            if segment.live == 0:
                segment.first = frame.sequence
            segment.add(frame.sequence, frame.offset, frame.size, frame.size - frames.HEADER.size - frame.meta)
        if segment.live == 0:
            segment.first = found.next
        (found.live if segment.live or segment.generation == newest else found.spare).append(segment)


def _close_gaps(found: Recovered) -> None:
    """What is neither found nor still to be given is done with."""
    at = found.done.floor + 1
    for segment in found.live:
        for sequence in range(segment.first, segment.last + 1):
            if segment.has(sequence):
                found.done.add(at, sequence - 1)
                at = sequence + 1
    found.done.add(at, found.next - 1)


def _holes(scans: list[_Scan]) -> list[tuple[int, int]]:
    """Sequences that were written and are not there, within segments and between neighbours."""
    holes: list[tuple[int, int]] = []
    previous: int | None = None
    ends: int | None = None
    for scan in scans:
        holes += scan.holes
        if previous is not None and scan.segment.generation != previous + 1:
            ends = None  # what lay between was recycled
        previous = scan.segment.generation
        if scan.begins is not None and scan.ends is not None:
            if ends is not None and scan.begins > ends:
                holes.append((ends, scan.begins - 1))
            ends = scan.ends
    return holes


def _ranges(sequences: Iterable[int]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for sequence in sorted(set(sequences)):
        if merged and merged[-1][1] + 1 == sequence:
            merged[-1] = (merged[-1][0], sequence)
        else:
            merged.append((sequence, sequence))
    return merged
