"""What one channel taught as bytes, and back: after `load(save(learner))` every answer is the same.

One byte of version, then a compressed record of fixed size but for the tallies: at most about 2 KB.

What a gateway has learned for months outlives an upgrade. Whoever changes the record raises VERSION, adds the step
that makes the new record of the one before to _UPGRADES, and keeps a state of the new version in
tests/core/learned_states, which every later version must read.
"""

import struct
import zlib
from array import array
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from edge_agent.core.learning.channel import Learner
from edge_agent.core.learning.grid import CELLS, OLD, SEEN, SUSPECT
from edge_agent.core.learning.maps import AXES
from edge_agent.core.learning.tally import MAX_CELLS, Tally

VERSION = 7
# Marks of a cell in two bits, and back.
_NUMBER = bytes.maketrans(bytes([0, SEEN, SUSPECT, OLD]), bytes(range(4)))
_MARK = bytes.maketrans(bytes(range(4)), bytes([0, SEEN, SUSPECT, OLD]))
# Nothing of ours unpacks to more.
_LARGEST = 65536
_OWN = (
    *("level", "began", "quick_sum", "slow_sum", "quick_due", "slow_due", "age_due"),
    *("quick_n", "slow_n", "compared"),
)
_BOUNDS = ("low", "high", "lowest", "highest")
_FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("", "<7d3I", _OWN),
    ("averages", "<7dI", ("e3", "e6", "e12", "e25", "e100", "e300", "restless", "n")),
    ("alarm", "<2dIi", ("peak", "spent", "n", "at")),
    ("calm", "<3dII?", ("e", "level", "variance", "n", "outside", "out")),
    (
        "runs",
        "<11d5I2?",
        (
            *("low", "high", "lowest", "highest", "first", "began", "until", "amount", "lasts", "length", "overlong"),
            *("n", "rests", "edges", "runs", "ticks", "on", "switch"),
        ),
    ),
    ("runs.longest", "<3dI", ("length", "beyond", "limit", "n")),
    ("runs.longest_rest", "<3dI", ("length", "beyond", "limit", "n")),
    ("value", "<4d", _BOUNDS),
    ("seasonal", "<4d", _BOUNDS),
    ("trend", "<4d", _BOUNDS),
    ("maps", "<IBB", ("n", "at", "last")),
)
_TURN = struct.Struct("<d")
_TURN_AT = 453  # behind the numbers of version 6
_COUNT = struct.Struct("<dI")
_AXES = struct.Struct(f"<{2 * len(AXES)}f")
_TICKS = struct.Struct("<12I")
_CELL = struct.Struct("<hH")
_HEAD = struct.Struct("<dB")


def _with_turn(record: bytes) -> bytes:
    """6 to 7: the mean direction of an angle outlives a restart; one of version 6 is not known."""
    return record[:_TURN_AT] + _TURN.pack(-1.0) + record[_TURN_AT:]


# From OLDEST on, a step each.
_UPGRADES = (_with_turn,)
OLDEST = VERSION - len(_UPGRADES)


def save(learner: Learner) -> bytes:
    """The state, packed."""
    parts = [struct.pack(form, *(getattr(part, name) for name in names)) for part, form, names in _parts(learner)]
    maps, season = learner.maps, learner.season
    parts.append(_TURN.pack(-1.0 if learner.turn is None else learner.turn))
    parts += [_COUNT.pack(firsts.count, firsts.at) for firsts in _firsts(learner)]
    parts += [_planes(_AXES.pack(*maps.low, *maps.width), 4), _TICKS.pack(*maps.day_ticks), bytes(maps.past)]
    parts += [_tight(cells) for cells in (*maps.maps, maps.daytime)]
    parts += [_planes(season.day.tobytes() + season.week.tobytes(), 4), bytes(season.day_n), bytes(season.week_n)]
    for tally in (learner.runs.lengths, learner.runs.amounts):
        parts.append(_HEAD.pack(tally.evidence, len(tally.cells)))
        parts += [_CELL.pack(cell, count) for cell, count in tally.cells.items()]
    return bytes([VERSION]) + zlib.compress(b"".join(parts), 9)


def load(data: bytes) -> Learner:
    """The learner that was saved, by this version or one before.

    Raises ValueError where the bytes are of any other, or not whole.
    """
    if not data or not OLDEST <= data[0] <= VERSION:
        raise ValueError("what was learned is of another version")
    try:
        unpacker = zlib.decompressobj()
        record = unpacker.decompress(data[1:], _LARGEST)
        for upgrade in _UPGRADES[data[0] - OLDEST :]:
            record = upgrade(record)
        reader = _Reader(record)
        learner = Learner()
        _read(learner, reader)
    except (zlib.error, struct.error, IndexError, OverflowError) as error:
        raise ValueError(f"what was learned is damaged: {error}") from error
    if reader.at != len(reader.data) or not unpacker.eof:
        raise ValueError("what was learned is damaged: its length is wrong")
    return learner


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        part = self.data[self.at : self.at + size]
        if len(part) != size:
            raise IndexError("it ends too early")
        self.at += size
        return part

    def unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        return form.unpack(self.take(form.size))


def _parts(learner: Learner) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
    for part, form, names in _FIELDS:
        yield (attrgetter(part)(learner) if part else learner), form, names


def _firsts(learner: Learner) -> list[Any]:
    records = (learner.value, learner.seasonal, learner.trend)
    return [*learner.maps.firsts, *(record.firsts for record in records)]


def _read(learner: Learner, reader: _Reader) -> None:
    for part, form, names in _parts(learner):
        for name, value in zip(names, reader.unpack(struct.Struct(form)), strict=True):
            setattr(part, name, value)
    turn = reader.unpack(_TURN)[0]
    learner.turn = turn if turn >= 0.0 else None
    for firsts in _firsts(learner):
        firsts.count, firsts.at = reader.unpack(_COUNT)
    maps, season = learner.maps, learner.season
    axes = _AXES.unpack(_whole(reader.take(_AXES.size), 4))
    maps.low, maps.width = list(axes[: len(AXES)]), list(axes[len(AXES) :])
    maps.per = [CELLS / width if width else 0.0 for width in maps.width]
    if maps.n:
        maps.bound()
    for part in (learner.value, learner.seasonal, learner.trend, learner.runs):
        part.bound()
    maps.day_ticks = list(reader.unpack(_TICKS))
    maps.past = bytearray(cell % CELLS for cell in reader.take(12))
    maps.at, maps.last = maps.at % 12, maps.last % CELLS
    maps.maps = [_wide(reader.take(len(cells) // 4)) for cells in maps.maps]
    maps.daytime = _wide(reader.take(len(maps.daytime) // 4))
    hours = len(season.day)
    profile = array("f", _whole(reader.take(4 * (hours + len(season.week))), 4))
    season.day, season.week = profile[:hours], profile[hours:]
    season.day_n, season.week_n = bytearray(reader.take(24)), bytearray(reader.take(168))
    learner.runs.lengths, learner.runs.amounts = _tally(reader), _tally(reader)


def _tally(reader: _Reader) -> Tally:
    evidence, size = reader.unpack(_HEAD)
    if size > MAX_CELLS:
        raise IndexError("too many cells")
    cells = dict(reader.unpack(_CELL) for _ in range(size))
    return Tally(cells, evidence=evidence)


def _planes(numbers: bytes, size: int) -> bytes:
    """All first bytes, all second bytes and so on: numbers that are near to one another have the same last ones."""
    return b"".join(numbers[place::size] for place in range(size))


def _whole(planes: bytes, size: int) -> bytes:
    many = len(planes) // size
    return b"".join(planes[place::many] for place in range(many))


def _tight(cells: bytearray) -> bytes:
    """Four cells a byte."""
    cells = cells.translate(_NUMBER)
    quarters = [int.from_bytes(cells[place::4], "little") << (2 * place) for place in range(4)]
    return (quarters[0] | quarters[1] | quarters[2] | quarters[3]).to_bytes(len(cells) // 4, "little")


def _wide(tight: bytes) -> bytearray:
    cells = bytearray(4 * len(tight))
    for place in range(4):
        cells[place::4] = bytes(byte >> (2 * place) & 3 for byte in tight)
    return cells.translate(_MARK)
