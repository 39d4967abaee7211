"""block: what a reading takes when packed, against the same readings as JSON and as msgpack maps, one by one.

*wire* is all of the message: its payload, its topic and its attributes, against the goal.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack

from edge_agent.core.block import DEFLATED, LEVEL, PLAIN, pack, unpack
from edge_agent.core.clock import Instant
from edge_agent.core.event import Event, EventKind
from edge_agent.core.reading import Reading
from edge_agent.core.wire import ROOT, attributes, up_topic
from edge_agent.uplink.packets import PublishProperties
from tests.bench import boards, traces
from tests.bench.measure import Figure, Found, Remark, Run, duration, in_turn

try:
    import zstandard
except ImportError:
    zstandard = None

ROUNDS = 5
# Bytes a reading on the wire, everything included, that real traces are to stay below.
GOAL_BYTES = 4.0
# What 30 s of the simulated home are, the age at which a block is closed by default; and a minute of eight sensors.
HOME_READINGS, REAL_READINGS = 930, 480
GATEWAY = "gw-0123456789"
_NOW = Instant(200_000.0, "5f1b6c1e-9a55-4a4f-b3a0-7d2f8b8f2c11", 1_790_000_000.0, True)


def run(run: Run) -> Iterator[Found]:
    home = traces.home(run.some(1800))
    yield from _bytes("20 sensors", traces.blocks(boards.trace(run.some(1800)), 30 * boards.SENSORS))
    yield from _bytes("home", traces.blocks(home, HOME_READINGS))
    yield from _bytes("home in blocks of 200", traces.blocks(home, 200))
    real = traces.real()
    if not real:
        yield Remark(f"no real traces at {traces.TRACES}: set TRACES to the folder that has them")
    for name, readings in real.items():
        yield from _bytes(name, traces.blocks(readings[: run.some(60_000)], REAL_READINGS))
    yield from _times(traces.blocks(home)[: run.some(20)])


def _plain(reading: Reading) -> dict[str, Any]:
    channel = reading.channel
    return {"channel": channel.name, "unit": channel.unit, "time": round(reading.at, 3), "value": reading.value}


def _bytes(name: str, blocks: Sequence[list[Reading]]) -> Iterator[Found]:
    count = sum(len(block) for block in blocks)
    packed = [pack(block, block[0].at) for block in blocks]
    columns = [_columns(data) for data in packed]
    as_json = sum(len(json.dumps(_plain(r), separators=(",", ":"))) for b in blocks for r in b) / count
    as_maps = sum(len(msgpack.packb(_plain(r))) for b in blocks for r in b) / count
    json_lists = (json.dumps([_plain(r) for r in b], separators=(",", ":")).encode() for b in blocks)
    json_small = sum(len(zlib.compress(text, LEVEL)) for text in json_lists) / count
    plain = sum(map(len, columns)) / count
    small = sum(map(len, packed)) / count
    wire = sum(map(_message_bytes, packed)) / count
    unit, note = "B/reading", f"{count:,} readings, {count / len(blocks):.0f} a block"
    yield Figure(f"block.wire.{name}", wire, GOAL_BYTES, unit, "the goal", note=note)
    yield Figure(f"block.bytes.{name}", small, as_json, unit, "JSON, one object each")
    yield Figure(f"block.bytes.{name}", small, as_maps, unit, "msgpack, one map each")
    yield Figure(f"block.bytes.{name}", small, json_small, unit, "JSON, a list a block, zlib too")
    yield Figure(f"block.bytes.{name}", small, plain, unit, "its columns, not deflated")
    if zstandard is None:
        yield Remark("zstandard is not importable: what zstd would bring is not measured")
        return
    for level in (3, 9):
        compress = zstandard.ZstdCompressor(level=level, write_content_size=False).compress
        tiny = sum(len(compress(data)) for data in columns) / count
        yield Figure(f"block.bytes.{name}.zstd-{level}", tiny, small, unit, "zlib, as it is")


def _columns(payload: bytes) -> bytes:
    """The same block of version 1."""
    version, columns = msgpack.unpackb(payload, strict_map_key=False)
    return bytes((0x92, PLAIN)) + zlib.decompress(columns) if version == DEFLATED else payload


def _message_bytes(payload: bytes) -> int:
    """Of one MQTT 5 PUBLISH with QoS 1: two or three bytes of length, topic, packet id, properties, payload."""
    kind = EventKind.TELEMETRY
    event = Event(
        bytes(16), kind, "edge.telemetry.block.v1", "block", 199_990.0, _NOW.boot_id, payload, sequence=99_999
    )
    told = PublishProperties(attributes(event, GATEWAY, _NOW, historical=False)).pack()
    rest = 2 + len(up_topic(ROOT, GATEWAY, kind)) + 2 + len(told) + len(payload)
    return 1 + (2 if rest < 2**14 else 3) + rest


def _times(blocks: Sequence[list[Reading]]) -> Iterator[Found]:
    count = sum(len(block) for block in blocks)
    packed = [(pack(block, block[0].at), block[0].at) for block in blocks]
    plain = [_columns(payload) for payload, _ in packed]
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
        for columns in plain:
            zlib.compress(columns, LEVEL)

    took = in_turn(ROUNDS, ours, peer, limit, back, peer_back, shrink)
    yield duration("block.pack", took[0], took[1], count, "msgpack, one map each")
    yield duration("block.pack", took[0], took[2], count, "msgpack of the bare values", "the limit")
    yield duration("block.unpack", took[3], took[4], count, "msgpack, one map each")
    yield duration("block.zlib", took[5], took[0], count, "packing the block, this included")
