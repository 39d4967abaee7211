"""The seen-maps of a channel: eight views, each a pair of cheap running quantities, and which pairs ever came.

A tick whose cells are all seen costs a look-up for each view; all else happens on a first only.
"""

from typing import NamedTuple

from edge_agent.core.learning.alarm import Alarm
from edge_agent.core.learning.averages import Averages
from edge_agent.core.learning.grid import (
    AROUND,
    CELLS,
    SEEN,
    STEP,
    SUSPECT,
    along,
    distance,
    merge_columns,
    merge_rows,
    paint,
    remark,
    taught,
)
from edge_agent.core.learning.novelty import Firsts

# Quantities, in the order of the axes: the tick's value, averages over 3, 6, 12, 25, 100 ticks, restlessness (log).
X, E3, E6, E12, E25, E100, RESTLESS = range(7)
# Views: a quantity against another; against its own cell one and twelve ticks ago where that is negative.
VIEWS = ((X, -1), (X, -12), (X, E25), (E3, E12), (E6, E25), (E25, E100), (E12, RESTLESS))
DAYTIME = len(VIEWS)  # one more: two hours of the day against E6
SLOTS = 12
# Nothing is said of so many first ticks.
QUIET = 250
_ENOUGH_OF_A_TIME = 12  # ticks at this time of day and around
# A suspect cell, first seen while an alert stood, is half as surprising when it comes again, however often.
_AGAIN = 0.5
# An axis begins at this share of the first number; a float has 52 bits, and a double at most 2100 doublings.
_FIRST_WIDTH, _LEAST_WIDTH = 1e-4, 1e-9


class Seen(NamedTuple):
    """A first, and where: `a` and `b` are the cells of the two quantities."""

    surprise: float
    view: int
    a: int
    b: int


class Maps:
    """All views. `see` takes each tick and returns its firsts."""

    __slots__ = ("at", "day_ticks", "daytime", "firsts", "low", "maps", "n", "past", "per", "width")

    def __init__(self) -> None:
        self.n = self.at = 0
        self.low, self.width, self.per = [0.0] * 7, [0.0] * 7, [0.0] * 7
        self.maps = [bytearray(CELLS * CELLS) for _ in VIEWS]
        self.daytime, self.day_ticks = bytearray(SLOTS * CELLS), [0] * SLOTS
        self.past = bytearray(12)  # cells of the last twelve values, a ring
        self.firsts = [Firsts() for _ in range(len(VIEWS) + 1)]

    def see(self, x: float, e: Averages, restless: float, slot: int, alarm: Alarm) -> list[Seen] | None:
        """The firsts of this tick; `slot` is the time of day in twelfths, or -1."""
        n = self.n = self.n + 1
        low0, low1, low2, low3, low4, low5, low6 = self.low
        per0, per1, per2, per3, per4, per5, per6 = self.per
        c0 = (x - low0) * per0
        c1 = (e.e3 - low1) * per1
        c2 = (e.e6 - low2) * per2
        c3 = (e.e12 - low3) * per3
        c4 = (e.e25 - low4) * per4
        c5 = (e.e100 - low5) * per5
        c6 = (restless - low6) * per6
        if n == 1 or not (
            0.0 <= c0 < 32.0 and 0.0 <= c1 < 32.0 and 0.0 <= c2 < 32.0 and 0.0 <= c3 < 32.0
            and 0.0 <= c4 < 32.0 and 0.0 <= c5 < 32.0 and 0.0 <= c6 < 32.0
        ):  # fmt: skip
            c0, c1, c2, c3, c4, c5, c6 = self._fit((x, e.e3, e.e6, e.e12, e.e25, e.e100, restless))
        i0, i1, i2, i3, i4, i5, i6 = int(c0), int(c1), int(c2), int(c3), int(c4), int(c5), int(c6)
        past, at = self.past, self.at
        j1, j12 = past[at - 1], past[at]
        past[at] = i0
        self.at = at + 1 if at < 11 else 0
        m0, m1, m2, m3, m4, m5, m6 = self.maps
        k0 = i0 * 32
        if (
            m0[k0 + j1] & m1[k0 + j12] & m2[k0 + i4] & m3[i1 * 32 + i3]
            & m4[i2 * 32 + i4] & m5[i4 * 32 + i5] & m6[i3 * 32 + i6] & 1
        ):  # fmt: skip
            found = None
        else:
            found = self._firsts(((i0, j1), (i0, j12), (i0, i4), (i1, i3), (i2, i4), (i4, i5), (i3, i6)), alarm.held)
        if slot < 0:
            return found
        if self.daytime[slot * 32 + i2]:
            self.day_ticks[slot] += 1
            return found
        first = self._time_of_day(slot, i2)
        return found if first is None else [*(found or ()), first]

    def suspect(self, found: list[Seen]) -> None:
        """These firsts made an alert: that they came is no proof that they are normal."""
        for _, view, a, b in found:
            if view < DAYTIME:
                remark(self.maps[view], a, b, SUSPECT)

    def teach(self) -> None:
        """What is suspect is normal."""
        self.maps = [taught(cells) for cells in self.maps]

    def span(self, axis: int, cell: int) -> tuple[float, float]:
        """From where to where a cell of an axis goes."""
        step = self.width[axis] / CELLS
        low = self.low[axis] + cell * step
        return low, low + step

    def _firsts(self, cells: tuple[tuple[int, int], ...], held: bool) -> list[Seen] | None:
        found = []
        judging = self.n > QUIET
        for view, (a, b) in enumerate(cells):
            here = self.maps[view][a * CELLS + b]
            if here & SEEN or (here and held):
                continue
            weight = 1.0
            away = AROUND + 1
            if here:
                weight = _AGAIN
                remark(self.maps[view], a, b, SEEN)
            else:
                away = distance(self.maps[view], a, b) if judging else away
                paint(self.maps[view], a, b, SUSPECT if held else SEEN)
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
        paint(day, slot, cell, SEEN, SLOTS, 0)
        ticks[slot] += 1
        return first

    def _fit(self, values: tuple[float, ...]) -> list[float]:
        """Make the axes long enough for these numbers; their places on them."""
        if self.n == 1:
            for axis, value in enumerate(values):
                width = self.width[axis] = abs(value) * _FIRST_WIDTH + _LEAST_WIDTH
                self.low[axis], self.per[axis] = value - width / 2, CELLS / width
            self.past = bytearray([CELLS // 2] * 12)
        return [self._reach(axis, value) for axis, value in enumerate(values)]

    def _reach(self, axis: int, value: float) -> float:
        while not self.low[axis] <= value < self.low[axis] + self.width[axis]:
            up = value >= self.low[axis]
            self._double(axis, up)
        return min(max((value - self.low[axis]) * self.per[axis], 0.0), CELLS - 1.0)

    def _double(self, axis: int, up: bool) -> None:
        if not up:
            self.low[axis] -= self.width[axis]
        self.width[axis] *= 2.0
        self.per[axis] = CELLS / self.width[axis]
        for view, (a, b) in enumerate(VIEWS):
            if a == axis:
                self.maps[view] = merge_rows(self.maps[view], up)
            if b == axis or (b < 0 and axis == X):
                self.maps[view] = merge_columns(self.maps[view], up)
        if axis == X:
            self.past = bytearray(cell // 2 + (0 if up else CELLS // 2) for cell in self.past)
        elif axis == E6:
            self.daytime = merge_columns(self.daytime, up)
