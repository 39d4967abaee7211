"""A block: many readings packed by column, the unit that is stored and sent.

Layout (msgpack): `[1, [column …]]`, or where it is smaller `[2, deflated]`: the same list of columns as msgpack in the
zlib format (RFC 1950). A column is `[name, unit, kind, times, values, bad]`.

* `times` are milliseconds after the block's base (the event's `at`): `[first, step]` when evenly spaced, else
  `[first, delta, delta …]` with at least two deltas.
* `values` is `[digits, first, delta …]` for numbers that are exact with `digits` decimals (0..6): integers of
  value * 10^digits, each but the first as difference to the one before; or `[-1, value …]` as they are.
* `bad` maps the index of a reading without a value to its reason; absent when empty. Its place in `values` repeats.

Sensors report few decimals at a steady pace, so most readings cost one or two bytes. Times are offsets from a
monotonic base: back-dating changes the event's attributes and never these bytes. Names, units and the rhythm of times
repeat, which deflating takes out: docs/decisions/0007-zlib-for-blocks.md.
"""

import zlib
from collections.abc import Sequence
from itertools import accumulate
from math import isfinite
from operator import sub
from typing import Any

import msgpack

from edge_agent.core.errors import WireError
from edge_agent.core.reading import Channel, ChannelKind, Reading, Value

PLAIN = 1
DEFLATED = 2
MAX_READINGS = 100_000
# Columns that are longer are not deflated, and inflating stops there: a block costs no more to read than a plain one of
# the largest size that travels (100 KiB a message), whatever its few bytes claim.
MAX_COLUMNS_BYTES = 128 * 1024
# Less has too little that repeats; a deflater costs some 20 us to set up.
MIN_DEFLATE_BYTES = 128
# Measured: 6 gives 7 % fewer bytes than 1, for 0.05 us a reading; 9 none fewer than 6 (docs/performance.md).
LEVEL = 6
RAW = -1
_HEAD_BYTES = 2  # of a plain block: a list of two, the version
_SCALES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
_EXACT = 2.0**53
_NUMBERS = frozenset({int, float})
_LEAST, _MOST = -(2**63), 2**64 - 1  # integers of msgpack


def fits(value: Value | None) -> bool:
    """Whether `pack` takes this: integers of 64 bits, text that has bytes (JSON knows halves of characters, too)."""
    if type(value) is int:
        return _LEAST <= value <= _MOST
    return type(value) is not str or value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def pack(readings: Sequence[Reading], base: float) -> bytes:
    """Columns of `readings` (any order of channels, at least one), times relative to `base` in seconds.

    Every value `fits`: drivers/device.py sees to it.
    """
    columns: dict[Channel, list[Reading]] = {}
    # a bridge hands out the same channel object every time: its identity is found four times as fast as its hash
    known: dict[int, list[Reading]] = {}
    for reading in readings:
        channel = reading[0]
        rows = known.get(id(channel))
        if rows is None:
            rows = known[id(channel)] = columns.setdefault(channel, [])
        rows.append(reading)
    times: dict[tuple[float, ...], list[int]] = {}
    packed = [_pack_column(c, rows, base, times) for c, rows in columns.items()]
    plain: bytes = msgpack.packb([PLAIN, packed])
    if not MIN_DEFLATE_BYTES <= len(plain) <= MAX_COLUMNS_BYTES:
        return plain
    deflated: bytes = msgpack.packb([DEFLATED, zlib.compress(plain[_HEAD_BYTES:], LEVEL)])
    return min(plain, deflated, key=len)


def unpack(payload: bytes, base: float) -> list[Reading]:
    """The readings of a block, column by column. Raises WireError for anything that `pack` cannot have made."""
    try:
        version, columns = msgpack.unpackb(payload, strict_map_key=False)
        if version == DEFLATED:
            columns = msgpack.unpackb(_inflated(columns), strict_map_key=False)
        elif version != PLAIN:
            raise WireError(f"block version {version!r} is not known")
        readings: list[Reading] = []
        for column in columns:
            readings.extend(_unpack_column(column, base, MAX_READINGS - len(readings)))
    except (ValueError, TypeError, KeyError, OverflowError, IndexError, zlib.error, msgpack.UnpackException) as error:
        raise WireError(f"not a block: {error}") from error
    return readings


def _inflated(deflated: bytes) -> bytes:
    """The columns, of at most MAX_COLUMNS_BYTES, with nothing after them. Raises WireError, zlib.error."""
    inflater = zlib.decompressobj()
    columns = inflater.decompress(deflated, MAX_COLUMNS_BYTES)
    if not inflater.eof or inflater.unused_data:
        raise WireError("deflated columns are cut off, too long or followed by something else")
    return columns


def _pack_column(
    channel: Channel, rows: Sequence[Reading], base: float, known_times: dict[tuple[float, ...], list[int]]
) -> list[Any]:
    _, values, ats, reasons = zip(*rows, strict=True)
    times = known_times.get(ats)  # channels of one device often have the very same
    if times is None:
        times = known_times[ats] = _pack_times(list(map(round, [(at - base) * 1000 for at in ats])))
    bad = {i: reasons[i] for i, value in enumerate(values) if value is None} if None in values else None
    filled = _filled(values) if bad else list(values)
    column = [channel.name, channel.unit, channel.kind.value, times, _pack_values(filled)]
    return [*column, bad] if bad else column


def _filled(values: Sequence[Value | None]) -> list[Value]:
    """The value before in the place of each that is absent."""
    filled: list[Value] = []
    last: Value = 0
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return filled


def _deltas(numbers: list[int]) -> list[int]:
    return list(map(sub, numbers[1:], numbers))


def _pack_times(times: list[int]) -> list[int]:
    deltas = _deltas(times)
    if len(set(deltas)) <= 1:
        return [times[0], *deltas[:1]]
    return [times[0], *deltas]


def _pack_values(values: list[Value]) -> list[Any]:
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        numbers: list[float] = values  # type: ignore[assignment]  # integers and floats, no truth values
        found = _scaled(numbers)
        if found is not None:
            digits, whole = found
            return [digits, whole[0], *_deltas(whole)]
    return [RAW, *values]


def _scaled(values: list[float]) -> tuple[int, list[int]] | None:
    """The fewest digits with which all values are exact, and value * 10^digits; None where there are none such."""
    if not isfinite(sum(values)):
        return None
    largest, first = max(map(abs, values)), values[0]
    for digits, scale in enumerate(_SCALES):
        if largest * scale >= _EXACT:
            return None
        if round(first * scale) / scale == first:  # else all need not be tried
            whole = list(map(round, [value * scale for value in values]))
            if [number / scale for number in whole] == values:
                return digits, whole
    return None


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
