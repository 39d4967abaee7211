"""block: what a reading takes when packed, against the same readings as JSON and as msgpack maps, one by one."""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack

from edge_agent.core.block import pack, unpack
from edge_agent.core.reading import Reading
from tests.bench import traces
from tests.bench.measure import Figure, Found, Remark, Run, duration, in_turn

try:
    import zstandard
except ImportError:
    zstandard = None

ROUNDS = 5


def run(run: Run) -> Iterator[Found]:
    home = traces.blocks(traces.home(run.some(1800)))
    yield from _bytes("home", home)
    real = traces.real()
    if not real:
        yield Remark(f"no real traces at {traces.TRACES}: set TRACES to the folder that has them")
    for name, readings in real.items():
        yield from _bytes(name, traces.blocks(readings[: run.some(60_000)]))
    yield from _times(home[: run.some(60)])


def _plain(reading: Reading) -> dict[str, Any]:
    channel = reading.channel
    return {"channel": channel.name, "unit": channel.unit, "time": round(reading.at, 3), "value": reading.value}


def _bytes(name: str, blocks: Sequence[list[Reading]]) -> Iterator[Found]:
    count = sum(len(block) for block in blocks)
    packed = [pack(block, block[0].at) for block in blocks]
    as_json = sum(len(json.dumps(_plain(r), separators=(",", ":"))) for b in blocks for r in b) / count
    as_maps = sum(len(msgpack.packb(_plain(r))) for b in blocks for r in b) / count
    json_lists = (json.dumps([_plain(r) for r in b], separators=(",", ":")).encode() for b in blocks)
    json_small = sum(len(zlib.compress(text, 6)) for text in json_lists) / count
    plain = sum(map(len, packed)) / count
    small = sum(len(zlib.compress(data, 6)) for data in packed) / count
    unit, note = "B/reading", f"{count:,} readings, {count / len(blocks):.0f} a block"
    yield Figure(f"block.bytes.{name}", plain, as_json, unit, "JSON, one object each", note=note)
    yield Figure(f"block.bytes.{name}", plain, as_maps, unit, "msgpack, one map each")
    yield Figure(f"block.bytes.{name}.zlib", small, json_small, unit, "JSON, a list a block, zlib too")
    yield Figure(f"block.bytes.{name}.zlib", small, plain, unit, "the block as it is")
    if zstandard is None:
        yield Remark("zstandard is not importable: what zstd would bring is not measured")
        return
    for level in (3, 9):
        compress = zstandard.ZstdCompressor(level=level, write_content_size=False).compress
        tiny = sum(len(compress(data)) for data in packed) / count
        yield Figure(f"block.bytes.{name}.zstd-{level}", tiny, plain, unit, "the block as it is")


def _times(blocks: Sequence[list[Reading]]) -> Iterator[Found]:
    count = sum(len(block) for block in blocks)
    packed = [(pack(block, block[0].at), block[0].at) for block in blocks]
    maps = [[msgpack.packb(_plain(r)) for r in b] for b in blocks]

    def ours() -> None:
        for block in blocks:
            pack(block, block[0].at)

    def peer() -> None:
        for block in blocks:
            for reading in block:
                msgpack.packb(_plain(reading))

    def limit() -> None:
        for block in blocks:
            msgpack.packb([reading.value for reading in block])

    def back() -> None:
        for payload, base in packed:
            unpack(payload, base)

    def peer_back() -> None:
        for block in maps:
            for row in block:
                msgpack.unpackb(row)

    def shrink() -> None:
        for payload, _ in packed:
            zlib.compress(payload, 6)

    took = in_turn(ROUNDS, ours, peer, limit, back, peer_back, shrink)
    yield duration("block.pack", took[0], took[1], count, "msgpack, one map each")
    yield duration("block.pack", took[0], took[2], count, "msgpack of the bare values", "the limit")
    yield duration("block.unpack", took[3], took[4], count, "msgpack, one map each")
    yield duration("block.zlib", took[5], took[0], count, "packing the block")
