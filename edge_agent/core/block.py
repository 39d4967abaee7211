"""A block: many readings packed by column, the unit that is stored and sent.

Layout (msgpack): `[1, [column …]]`, a column is `[name, unit, kind, times, values, bad]`.

* `times` are milliseconds after the block's base (the event's `at`): `[first, step]` when evenly spaced, else
  `[first, delta, delta …]` with at least two deltas.
* `values` is `[digits, first, delta …]` for numbers that are exact with `digits` decimals (0..6): integers of
  value * 10^digits, each but the first as difference to the one before; or `[-1, value …]` as they are.
* `bad` maps the index of a reading without a value to its reason; absent when empty. Its place in `values` repeats.

Sensors report few decimals at a steady pace, so most readings cost one or two bytes. Times are offsets from a
monotonic base: back-dating changes the event's attributes and never these bytes.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgpack

from edge_agent.core.errors import WireError
from edge_agent.core.reading import Channel, ChannelKind, Reading, Value

VERSION = 1
MAX_READINGS = 100_000
RAW = -1
_SCALES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
_EXACT = 2.0**53


def pack(readings: Sequence[Reading], base: float) -> bytes:
    """Columns of `readings` (any order of channels, at least one), times relative to `base` in seconds."""
    columns: dict[Channel, list[Reading]] = {}
    for reading in readings:
        columns.setdefault(reading.channel, []).append(reading)
    packed: bytes = msgpack.packb([VERSION, [_pack_column(c, rows, base) for c, rows in columns.items()]])
    return packed


def unpack(payload: bytes, base: float) -> list[Reading]:
    """The readings of a block, column by column. Raises WireError for anything that `pack` cannot have made."""
    try:
        version, columns = msgpack.unpackb(payload, strict_map_key=False)
        if version != VERSION:
            raise WireError(f"block version {version!r} is not known")
        readings: list[Reading] = []
        for column in columns:
            readings.extend(_unpack_column(column, base, MAX_READINGS - len(readings)))
    except (ValueError, TypeError, KeyError, OverflowError, IndexError, msgpack.UnpackException) as error:
        raise WireError(f"not a block: {error}") from error
    return readings


def _pack_column(channel: Channel, rows: Sequence[Reading], base: float) -> list[Any]:
    times = [round((row.at - base) * 1000) for row in rows]
    bad = {i: row.reason for i, row in enumerate(rows) if row.value is None}
    column = [channel.name, channel.unit, channel.kind.value, _pack_times(times), _pack_values(rows)]
    return [*column, bad] if bad else column


def _pack_times(times: Sequence[int]) -> list[int]:
    deltas = [b - a for a, b in pairwise(times)]
    if len(set(deltas)) <= 1:
        return [times[0], *deltas[:1]]
    return [times[0], *deltas]


def _pack_values(rows: Sequence[Reading]) -> list[Any]:
    filled: list[Value] = []
    last: Value = 0
    for row in rows:
        last = last if row.value is None else row.value
        filled.append(last)
    for digits, scale in enumerate(_SCALES):
        scaled = _scaled(filled, scale)
        if scaled is not None:
            return [digits, scaled[0], *(b - a for a, b in pairwise(scaled))]
    return [RAW, *filled]


def _scaled(values: Sequence[Value], scale: int) -> list[int] | None:
    """All values as exact integers of value * scale, or None where one is no number or would change."""
    scaled = []
    for value in values:
        if type(value) is int and abs(value) * scale < _EXACT:
            scaled.append(value * scale)
        elif type(value) is float and abs(value) * scale < _EXACT:
            whole = round(value * scale)
            if whole / scale != value:
                return None
            scaled.append(whole)
        else:
            return None
    return scaled


def _unpack_column(column: Sequence[Any], base: float, room: int) -> list[Reading]:
    name, unit, kind, packed_times, packed_values, *rest = column
    if not (isinstance(name, str) and isinstance(unit, str)):
        raise WireError("a channel's name and unit must be text")
    channel = Channel(name, unit, ChannelKind(kind))
    values = _unpack_values(packed_values)
    if not 0 < len(values) <= room:
        raise WireError(f"a column of {len(values)} readings; a block holds 1 to {MAX_READINGS}")
    times = _unpack_times(packed_times, len(values))
    bad = rest[0] if rest else {}
    if not isinstance(bad, dict) or not all(isinstance(reason, str) for reason in bad.values()):
        raise WireError("the reasons of readings without a value must be a map to text")
    return [
        Reading(channel, None if i in bad else value, base + time / 1000, bad.get(i, ""))
        for i, (time, value) in enumerate(zip(times, values, strict=True))
    ]


def _unpack_times(times: Sequence[int], count: int) -> list[int]:
    _check_integers(times)
    if len(times) <= 2:
        step = times[1] if len(times) == 2 else 0
        return [times[0] + i * step for i in range(count)]
    return list(accumulate(times))


def _unpack_values(packed: Sequence[Any]) -> list[Value]:
    digits, *rest = packed
    if digits == RAW:
        if not all(isinstance(value, int | float | str) for value in rest):
            raise WireError("values must be numbers, truth values or text")
        return rest
    if type(digits) is not int or not 0 <= digits < len(_SCALES):
        raise WireError(f"{digits!r} is no number of decimals")
    _check_integers(rest)
    whole = accumulate(rest)
    return list(whole) if digits == 0 else [number / _SCALES[digits] for number in whole]


def _check_integers(numbers: Sequence[Any]) -> None:
    """Raises WireError. Texts and lists can be added up too: 100 KiB of them would make gigabytes."""
    if not all(type(number) is int for number in numbers):
        raise WireError("times and differences must be integers")
