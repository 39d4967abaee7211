"""Frames: the bytes of one record in a segment, and how they are found again among damaged ones.

Header, little endian, 28 bytes; then `meta` bytes, then the payload exactly as it goes out:

    magic 4s | crc u32 | generation u32 | body length u32 | sequence u64 | meta length u16 | kind u8 | zero u8

The CRC-32 covers everything behind itself, header included. `generation` is the number in the segment's name: what an
earlier life of a recycled file left behind carries another one and is never taken for new.

DATA: sequence is the event's, meta its envelope. CURSOR: sequence is the next one to be given; meta is msgpack
`[cursor, dropped, spans]`: all up to `cursor` is done with, `spans` are pairs (distance, length) of what is done above.

`scan` walks from frame to frame. Where one does not hold it looks for the next magic with a good CRC, so that a
flipped bit costs one frame and not the rest of the segment.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from edge_agent.core import wire
from edge_agent.core.errors import StoreError, WireError
from edge_agent.core.event import Event, EventKind

MAGIC = b"EdF1"
HEADER = struct.Struct("<4sIIIQHBx")
_REST = struct.Struct("<IIQHBx")
DATA = 1
CURSOR = 2
# A message is at most 100 KiB on the wire; a block may be larger and is split when it is sent.
MAX_PAYLOAD = 1024 * 1024
MAX_META = 4096
# A cursor frame is never longer: 28 of header, three numbers of at most 9, 32 pairs of at most 5 + 5.
MAX_SPANS = 32
CURSOR_ROOM = 400
_MAX_DISTANCE = 2**32 - 1


class Frame(NamedTuple):
    """Where a good frame lies in its segment. `size` is the whole frame, `meta` the length of its meta part."""

    kind: int
    sequence: int
    offset: int
    size: int
    meta: int


class Cursor(NamedTuple):
    """What a cursor frame says: `next` sequence to be given, done up to `cursor` and in `spans` (first, last)."""

    next: int
    cursor: int
    dropped: int
    spans: tuple[tuple[int, int], ...]


def encode(kind: int, generation: int, sequence: int, meta: bytes, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    rest = _REST.pack(generation, len(meta) + len(payload), sequence, len(meta), kind)
    crc = zlib.crc32(payload, zlib.crc32(meta, zlib.crc32(rest)))
    return b"".join((MAGIC, crc.to_bytes(4, "little"), rest, meta, payload))


def frame_at(data: bytes, offset: int, generation: int) -> Frame | None:
    """The frame of this generation that begins at `offset`, or None where no whole, undamaged one does."""
    if offset + HEADER.size > len(data):
        return None
    magic, crc, found, length, sequence, meta, kind = HEADER.unpack_from(data, offset)
    end = offset + HEADER.size + length
    if magic != MAGIC or found != generation or meta > length or end > len(data):
        return None
    if zlib.crc32(memoryview(data)[offset + 8 : end]) != crc:
        return None
    return Frame(kind, sequence, offset, end - offset, meta)


def scan(data: bytes, generation: int) -> Iterator[Frame]:
    """All good frames of a segment in order; what lies between them is damaged, what follows the last one is free."""
    offset = 0
    while offset >= 0:
        frame = frame_at(data, offset, generation)
        if frame is None:
            offset = data.find(MAGIC, offset + 1)
        else:
            yield frame
            offset += frame.size


def pack_meta(event: Event) -> bytes:
    """The envelope of an event: all but payload and sequence. Raises StoreError where it is longer than MAX_META."""
    meta = wire.pack(
        [event.id, event.kind.value, event.type, event.subject, event.at, event.boot_id, event.name, event.count]
    )
    if len(meta) > MAX_META or len(event.payload) > MAX_PAYLOAD:
        raise StoreError(f"an event of {len(event.payload)} bytes ({len(meta)} of envelope) is too large to be stored")
    return meta


def unpack_event(meta: bytes, payload: bytes, sequence: int) -> Event:
    """The event that was packed. Raises WireError where a later version wrote what this one does not know."""
    fields: Any = wire.unpack(meta)
    try:
        ident, kind, type_, subject, at, boot_id, name, count = fields
        return Event(ident, EventKind(kind), type_, subject, at, boot_id, payload, name, count, sequence)
    except (TypeError, ValueError) as error:
        raise WireError(f"not an event: {error}") from error


def read_event(data: bytes, frame: Frame) -> Event:
    """The event of a data frame. Raises WireError."""
    body = frame.offset + HEADER.size
    payload = body + frame.meta
    return unpack_event(data[body:payload], data[payload : frame.offset + frame.size], frame.sequence)


def pack_cursor(cursor: int, dropped: int, spans: list[tuple[int, int]]) -> bytes:
    """The meta part of a cursor frame; spans beyond MAX_SPANS are left out (those events may come again)."""
    flat: list[int] = []
    at = cursor
    for first, last in spans[:MAX_SPANS]:
        if max(first - at, last - first) > _MAX_DISTANCE:
            break
        flat += (first - at, last - first)
        at = last
    return wire.pack([cursor, dropped, flat])


def read_cursor(data: bytes, frame: Frame) -> Cursor:
    """What a cursor frame says. Raises WireError where a later version wrote it."""
    body = frame.offset + HEADER.size
    try:
        cursor, dropped, flat = wire.unpack(data[body : body + frame.meta])
        spans = []
        at = cursor
        for distance, length in zip(flat[::2], flat[1::2], strict=True):
            spans.append((at + distance, at + distance + length))
            at += distance + length
        return Cursor(frame.sequence, cursor, dropped, tuple(spans))
    except (TypeError, ValueError) as error:
        raise WireError(f"not a cursor: {error}") from error
