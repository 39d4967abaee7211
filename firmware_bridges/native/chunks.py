"""Putting together what came in chunks (SPEC.md §6): one object at a time, in any order, over repetitions."""

from zlib import crc32

from edge_agent.core.errors import WireError
from firmware_bridges.native.bodies import parse
from firmware_bridges.native.messages import Chunk, Message, Type

MAX_OBJECT = 8192
# What a device says that may be long; nothing else comes in chunks.
WHOLE = frozenset({Type.EVENT, Type.CRASH, Type.CHANNELS, Type.LOG, Type.DATA})


class Assembly:
    """The object that is being received. Keeps at most twice MAX_OBJECT bytes."""

    __slots__ = ("_data", "_have", "_key")

    def __init__(self) -> None:
        self._key: tuple[int, int, int, int] | None = None
        self._data = bytearray()
        self._have = bytearray()

    def take(self, chunk: Chunk) -> Message | None:
        """The message that this chunk completes, if it does. A chunk of another object begins anew.

        Raises WireError for a chunk that cannot be, and for a whole that is not what its checksum says.
        """
        end = chunk.offset + len(chunk.data)
        if chunk.type not in WHOLE or not 0 < chunk.total <= MAX_OBJECT or end > chunk.total or not chunk.data:
            raise WireError(f"no such chunk: {len(chunk.data)} bytes at {chunk.offset} of {chunk.total}")
        key = (chunk.type, chunk.n, chunk.total, chunk.crc)
        if key != self._key:
            self._key, self._data, self._have = key, bytearray(chunk.total), bytearray(chunk.total)
        self._data[chunk.offset : end] = chunk.data
        self._have[chunk.offset : end] = b"\1" * len(chunk.data)
        if 0 in self._have:
            return None
        whole = bytes(self._data)
        self._key, self._data, self._have = None, bytearray(), bytearray()
        if crc32(whole) != chunk.crc:
            raise WireError("the chunks do not add up to what their checksum says")
        return parse(chunk.type, whole)


def cut(kind: int, n: int, body: bytes, size: int) -> list[Chunk]:
    """The chunks of a body, `size` bytes of it in each."""
    crc = crc32(body)
    return [Chunk(kind, n, len(body), crc, start, body[start : start + size]) for start in range(0, len(body), size)]
