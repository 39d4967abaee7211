"""The seen-maps of a channel: eight views, each a pair of cheap running quantities, and which pairs ever came.

A tick whose cells are all seen costs a look-up for each view; all else happens on a first only. Each view cuts its axes
elsewhere, so that where a cell happens to end is luck of one view and not of all.
"""

import struct
from typing import NamedTuple

from edge_agent.core.learning.alarm import Alarm
from edge_agent.core.learning.averages import Averages
from edge_agent.core.learning.grid import (
    AROUND,
    CELLS,
    OLD,
    SEEN,
    STEP,
    SUSPECT,
    aged,
    along,
    distance,
    merge_columns,
    merge_rows,
    paint,
    refresh,
    remark,
    taught,
)
from edge_agent.core.learning.novelty import QUIET, Firsts

# Quantities: the tick's value, averages over 3, 6, 12, 25, 100 ticks, restlessness (log).
X, E3, E6, E12, E25, E100, RESTLESS = range(7)
# Views: a quantity against another; against its own cell one and twelve ticks ago where that is negative.
VIEWS = ((X, -1), (X, -12), (X, E25), (E3, E12), (E6, E25), (E25, E100), (E12, RESTLESS))
DAYTIME = len(VIEWS)  # one more: two hours of the day against E6
SLOTS = 12
# Axes: which quantity, for which view, and whether across (the second of the pair). A value and its own past share one.
AXES = tuple(
    (quantity, view, across) for view, pair in enumerate(VIEWS) for across, quantity in enumerate(pair) if quantity >= 0
)
# Those of one view, and the one that time of day shares with a view.
_PAST, _DAYTIME = 1, AXES.index((E6, 4, 0))
_ENOUGH_OF_A_TIME = 12  # ticks at this time of day and around
# A suspect cell, first seen while an alert stood, is half as surprising when it comes again.
_AGAIN = 0.5
# An axis begins at this share of the first number, each view's a seventh of an octave longer than the one before it; a
# float has 52 bits, and at most 2100 doublings.
_FIRST_WIDTH, _LEAST_WIDTH = 1e-4, 1e-9
_FIRST_CELLS = range(CELLS // 2 - AROUND, CELLS // 2 + AROUND + 1)
# What is so near to an axis' end is beyond it: rounding never makes a cell that is not there.
_INSIDE = 1.0 - 1e-5
_SINGLE = struct.Struct("<f")


def _single(number: float) -> float:
    """In single precision, in which axes are saved."""
    return float(_SINGLE.unpack(_SINGLE.pack(number))[0])


class Seen(NamedTuple):
    """A first, and where: `a` and `b` are the cells of the two quantities; of a record its number and its bound."""

    surprise: float
    view: int
    a: float
    b: float


class Maps:
    """All views. `see` takes each tick and returns its firsts."""

    __slots__ = (
        "at", "day_ticks", "daytime", "firsts", "last", "least", "low", "maps", "most", "n", "past", "per", "width",
    )  # fmt: skip

    def __init__(self) -> None:
        self.n = self.at = 0
        self.low, self.width, self.per = [0.0] * len(AXES), [0.0] * len(AXES), [0.0] * len(AXES)
        # between these all axes of a quantity hold its number
        self.least, self.most = [1.0] * 7, [-1.0] * 7
        self.maps = [bytearray(CELLS * CELLS) for _ in VIEWS]
        self.daytime, self.day_ticks = bytearray(SLOTS * CELLS), [0] * SLOTS
        self.last = CELLS // 2  # cell of the last value, for the first view
        self.past = bytearray([CELLS // 2] * 12)  # cells of the last twelve, for the second: a ring
        self.firsts = [Firsts() for _ in range(len(VIEWS) + 1)]

    def see(self, x: float, e: Averages, restless: float, slot: int, alarm: Alarm) -> list[Seen] | None:
        """The firsts of this tick; `slot` is the time of day in twelfths, or -1."""
        self.n += 1
        e3, e6, e12, e25, e100 = e.e3, e.e6, e.e12, e.e25, e.e100
        a0, a1, a2, a3, a4, a5, a6 = self.least
        z0, z1, z2, z3, z4, z5, z6 = self.most
        if not (
            a0 <= x <= z0 and a1 <= e3 <= z1 and a2 <= e6 <= z2 and a3 <= e12 <= z3
            and a4 <= e25 <= z4 and a5 <= e100 <= z5 and a6 <= restless <= z6
        ):  # fmt: skip
            self._fit((x, e3, e6, e12, e25, e100, restless))
        l0, l1, l2, l3, l4, l5, l6, l7, l8, l9, l10, l11 = self.low
        p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11 = self.per
        i0, i1, i2, j2 = int((x - l0) * p0), int((x - l1) * p1), int((x - l2) * p2), int((e25 - l3) * p3)
        i3, j3, i4, j4 = int((e3 - l4) * p4), int((e12 - l5) * p5), int((e6 - l6) * p6), int((e25 - l7) * p7)
        i5, j5 = int((e25 - l8) * p8), int((e100 - l9) * p9)
        i6, j6 = int((e12 - l10) * p10), int((restless - l11) * p11)
        past, at = self.past, self.at
        j0, self.last = self.last, i0
        j1, past[at] = past[at], i1
        self.at = at + 1 if at < 11 else 0
        m0, m1, m2, m3, m4, m5, m6 = self.maps
        if (
            m0[i0 * 32 + j0] & m1[i1 * 32 + j1] & m2[i2 * 32 + j2] & m3[i3 * 32 + j3]
            & m4[i4 * 32 + j4] & m5[i5 * 32 + j5] & m6[i6 * 32 + j6] & 1
        ):  # fmt: skip
            found = None
        else:
            found = self._firsts(((i0, j0), (i1, j1), (i2, j2), (i3, j3), (i4, j4), (i5, j5), (i6, j6)), alarm.held)
        if slot < 0:
            return found
        if self.daytime[slot * 32 + i4] & 1:
            self.day_ticks[slot] += 1
            return found
        first = self._time_of_day(slot, i4)
        return found if first is None else [*(found or ()), first]

    def suspect(self, found: list[Seen]) -> None:
        """These firsts made an alert: that they came is no proof that they are normal."""
        for _, view, a, b in found:
            if view < DAYTIME:
                remark(self.maps[view], int(a), int(b), SUSPECT)

    def teach(self) -> None:
        """What is suspect is normal."""
        self.maps = [taught(cells) for cells in self.maps]

    def age(self) -> None:
        """What was not visited since the last time but one is forgotten."""
        self.maps = [aged(cells) for cells in self.maps]
        self.daytime = aged(self.daytime)

    def middle(self, view: int, cell: float) -> float:
        """The number in the middle of cell `b` of a first."""
        own = [axis for axis, (_, of, _) in enumerate(AXES) if of == view][-1]
        return self.low[own] + (cell + 0.5) * self.width[own] / CELLS

    def _firsts(self, cells: tuple[tuple[int, int], ...], held: bool) -> list[Seen] | None:
        found = []
        judging = self.n > QUIET
        for view, (a, b) in enumerate(cells):
            of = self.maps[view]
            here = of[a * CELLS + b]
            if here & SEEN or (here & SUSPECT and held):
                continue
            if here & OLD:
                refresh(of, a, b)
                continue
            weight = 1.0
            away = AROUND + 1
            if here:
                weight = _AGAIN
                remark(of, a, b, SEEN)
            else:
                away = distance(of, a, b) if judging else away
                paint(of, a, b, SUSPECT if held else SEEN)
            if judging:
                surprise = self.firsts[view].surprise(self.n, self.n - QUIET, (away - 1) / STEP)
                found.append(Seen(weight * surprise, view, a, b))
        return found or None

    def _time_of_day(self, slot: int, cell: int) -> Seen | None:
        """A cell that was not seen at this time of day; it may have been shortly before or after."""
        day, ticks = self.daytime, self.day_ticks
        first = None
        before, after = (slot - 1) % SLOTS, (slot + 1) % SLOTS
        around = ticks[slot] + ticks[before] + ticks[after]
        if self.n > QUIET and around >= _ENOUGH_OF_A_TIME:
            away = min(along(day, row, cell) for row in (before, slot, after))
            if away:
                surprise = self.firsts[DAYTIME].surprise(self.n, self.n - QUIET, (away - 1) / STEP)
                first = Seen(surprise, DAYTIME, slot, cell)
        refresh(day, slot, cell, SLOTS, 0)
        paint(day, slot, cell, SEEN, SLOTS, 0)
        ticks[slot] += 1
        return first

    def _fit(self, values: tuple[float, ...]) -> None:
        """Make the axes long enough for these numbers."""
        if self.n == 2:
            self._spread(values)
        for axis, (quantity, view, _) in enumerate(AXES):
            value = values[quantity]
            if self.n == 1:
                width = abs(value) * _FIRST_WIDTH + _LEAST_WIDTH
                self.width[axis] = width = _single(width * 2.0 ** (view / len(VIEWS)))
                self.low[axis], self.per[axis] = _single(value - width / 2), CELLS / width
            while not self.low[axis] <= value <= self.low[axis] + _INSIDE * self.width[axis]:
                self._double(axis, value >= self.low[axis])
        self.bound()

    def _spread(self, values: tuple[float, ...]) -> None:
        """What `_fit` does, for the second tick, before which each map has but one place: many doublings at once."""
        moves: list[list[int]] = []
        for axis, (quantity, _, _) in enumerate(AXES):
            value, cells = values[quantity], list(_FIRST_CELLS)
            while not self.low[axis] <= value <= self.low[axis] + _INSIDE * self.width[axis]:
                shift = self._longer(axis, value >= self.low[axis])
                cells = [cell // 2 + shift for cell in cells]
            moves.append(cells)
        for view in range(len(VIEWS)):
            own = [axis for axis, (_, of, _) in enumerate(AXES) if of == view]
            out = self.maps[view] = bytearray(CELLS * CELLS)
            for i in moves[own[0]]:
                for j in moves[own[-1]]:
                    out[i * CELLS + j] = SEEN
        self.last, self.past = moves[0][AROUND], bytearray([moves[_PAST][AROUND]] * 12)
        rows = [at for at in range(0, len(self.daytime), CELLS) if self.daytime[at + CELLS // 2]]
        self.daytime = bytearray(len(self.daytime))
        for at in rows:
            for j in moves[_DAYTIME]:
                self.daytime[at + j] = SEEN

    def bound(self) -> None:
        """Work out between which numbers nothing must be fitted."""
        for quantity in range(7):
            own = [axis for axis, (of, _, _) in enumerate(AXES) if of == quantity]
            self.least[quantity] = max(self.low[axis] for axis in own)
            self.most[quantity] = min(self.low[axis] + _INSIDE * self.width[axis] for axis in own)

    def _longer(self, axis: int, up: bool) -> int:
        """Twice as long; a cell's number becomes half of it and this more."""
        if not up:
            self.low[axis] = _single(self.low[axis] - self.width[axis])
        self.width[axis] *= 2.0
        self.per[axis] = CELLS / self.width[axis]
        return 0 if up else CELLS // 2

    def _double(self, axis: int, up: bool) -> None:
        _, view, across = AXES[axis]
        shift = self._longer(axis, up)
        own_past = VIEWS[view][1] < 0
        if not across:
            self.maps[view] = merge_rows(self.maps[view], up)
        if across or own_past:
            self.maps[view] = merge_columns(self.maps[view], up)
        if view == _PAST:
            self.past = bytearray(cell // 2 + shift for cell in self.past)
        elif own_past:
            self.last = self.last // 2 + shift
        elif axis == _DAYTIME:
            self.daytime = merge_columns(self.daytime, up)
