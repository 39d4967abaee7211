"""bridges: frames a second from each language's own vectors, against the least that a decoder must do.

The least is one pass over the bytes (a checksum of zlib) and, for each reading, a number from text and a Reading.
"""

import zlib
from collections.abc import Iterator
from itertools import count

from edge_agent.core.reading import Advert, Channel, Chunk, Level, Reading
from firmware_bridges.registry import LANGUAGES
from tests.bench.measure import Found, Run, duration, in_turn, rate
from tests.firmware.support import Vector, make, vectors

ROUNDS = 5
_CHANNEL = Channel("thing.quantity", "unit")


def run(run: Run) -> Iterator[Found]:
    for name in LANGUAGES:
        good = [vector for vector in vectors(name) if vector.readings]
        turns = run.some(800)
        frames = turns * len(good)
        bridges = [make(name, **vector.options) for vector in good]
        clock = count()
        readings = [0]

        def ours(good=good, bridges=bridges, turns=turns, clock=clock, readings=readings) -> None:
            for _ in range(turns):
                at = next(clock) * 1000.0
                for vector, bridge in zip(good, bridges, strict=True):
                    for _item in bridge.feed(_fresh(vector), at):
                        readings[0] += 1

        took = in_turn(ROUNDS, ours, lambda good=good, turns=turns: _least(good, turns))
        size = sum(len(_raw(v.chunk)) for v in good) / len(good)
        each = sum(len(v.readings) for v in good) / len(good)
        note = f"{size:.0f} bytes and {each:.1f} readings a frame on average"
        yield rate(f"bridges.{name}", took[0], took[1], frames, "the least a decoder must do", note)
        if readings[0]:
            yield duration(f"bridges.{name}.reading", took[0], took[1], readings[0] // ROUNDS, "the same")


def _fresh(vector: Vector) -> Chunk:
    return vector.chunk


def _raw(chunk: Chunk) -> bytes:
    """What came over the wire, as near as the chunk tells."""
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, Advert):
        return b"".join([*chunk.service_data.values(), *chunk.manufacturer_data.values()])
    if isinstance(chunk, Level):
        return bytes([chunk.active])
    return b"".join(field for field in chunk if isinstance(field, bytes)) or repr(chunk).encode()


def _least(good: list[Vector], turns: int) -> None:
    raw = [(_raw(v.chunk), len(v.readings)) for v in good]
    for _ in range(turns):
        for data, readings in raw:
            zlib.crc32(data)
            for _each in range(readings):
                Reading(_CHANNEL, float("12.3"), 1.0)
