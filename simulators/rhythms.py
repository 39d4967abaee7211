"""A lamp in time: what it does when it is told something, and what somebody who watched it can have been told.

`decoded` reads a record of a lamp (a board's, a world's) back to the rows of core/lamp.py. It knows what an agent's
lamp does: a row begins lit and from its beginning, and ends at any moment. Of all stories that fit what was seen it
takes the one with the fewest rows in it, and says of each row what else it could have been: a hold of half a second
looks like the beginning of three other rows.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from edge_agent.core.lamp import MARK_S, PATTERNS, Shown, steady
from edge_agent.core.light import ASIDE_S, MOST_FLASHES, WITHIN_S, Light

DARK, LIT = "dark", "lit"
# How much later than meant a change of a lamp may be on a busy computer.
LATE_S = 0.06
# What makes a story unlikely, beside each of its rows, which costs 1: something no lamp does, an agent that stopped, a
# row cut short, a time that is not quite what it should be.
_UNKNOWN_COST, _STOPPED_COST, _CUT_COST, _MISFIT_COST = 3.0, 1.5, 0.05, 0.1
# Half of what is between a mark, and what it leaves of the dark of a fast rhythm.
_NEAR_S = 0.015


def played(script: Sequence[tuple[float, Shown | bool]], until: float) -> list[tuple[float, bool]]:
    """What a lamp does from the first step of the script on: when (seconds) it went on or off, in order.

    A step is when, and what is shown from then on; or whether an assist session is live from then on.
    """
    light, said = Light(), [(script[0][0], False)]
    for (at, what), following in pairwise([*script, (until, False)]):
        if isinstance(what, Shown):
            light.show(PATTERNS[what], at)
        else:
            light.assist(what, at)
        now = at
        while True:
            if light.on != said[-1][1]:
                said.append((now, light.on))
            if light.deadline >= following[0]:
                break
            now = light.deadline
            light.step(now)
    return said


class Seen(NamedTuple):
    """One row that a lamp showed `at` to `until`; None: it was dark, or did what no row does (`could` is empty too).

    `could` are all rows that look like this for as long as it lasted.
    """

    at: float
    until: float
    shown: Shown | None
    could: frozenset[Shown]


class _Interval(NamedTuple):
    """A time of one colour; `held` where it ends as soon as the lamp may flash again, a fourth time in a second."""

    at: float
    until: float
    colour: str
    held: bool = False

    @property
    def lit(self) -> bool:
        return self.colour != DARK

    @property
    def lasts(self) -> float:
        return self.until - self.at

    def may_be(self, what: Shown) -> bool:
        return self.colour in (LIT, PATTERNS[what].colour)


class _Told(NamedTuple):
    """A story so far: its last row and phase (-1: that row is over), since when, its cost, and the story before."""

    shown: Shown | None
    phase: int
    at: float
    cost: float
    before: "_Told | None"


_RHYTHMS = {what: (inf,) if steady(row) else tuple(ms / 1000 for ms in row.rhythm_ms) for what, row in PATTERNS.items()}


def decoded(
    changes: Sequence[tuple[float, str]],
    until: float,
    late_s: float = LATE_S,
    may_begin: Callable[[Shown, float], bool] = lambda _what, _at: True,
) -> list[Seen]:
    """What the lamp said, from its changes (at, colour): DARK, LIT for a lamp of one colour, or the colour's name.

    `may_begin` are the rows that may be thought of, by when they begin: with those that were true alone, what is lit
    and is no row was a lie.
    """
    intervals = _intervals(changes, until, late_s)
    stories: dict[tuple[Shown | None, int], _Told] = {}
    for number, interval in enumerate(intervals):
        best: dict[tuple[Shown | None, int], _Told] = {}
        for told in _next_all(list(stories.values()), interval, first=not number, late_s=late_s):
            # of two rows that begin within an interval both are new
            if not all(row is None or row.shown is None or may_begin(row.shown, row.at) for row in (told, told.before)):
                continue
            known = best.get((told.shown, told.phase))
            if known is None or told.cost < known.cost:
                best[told.shown, told.phase] = told
        stories = best
    if not stories:
        return []
    return list(_rows(min(stories.values(), key=_cost), intervals, until, late_s))


def _next_all(stories: list[_Told], seen: _Interval, *, first: bool, late_s: float) -> Iterator[_Told]:
    """All stories that go on with this interval."""
    if first:
        yield from _join(seen, late_s)
        if seen.lit:
            yield from _lit([_Told(None, -1, seen.at, 0.0, None)], seen, late_s)
        return
    cheapest = min(stories, key=_cost)
    if seen.lit:
        yield from _lit(stories, seen, late_s)
    else:
        # an agent that has stopped leaves the lamp dark
        yield _Told(None, -1, seen.at, cheapest.cost + _STOPPED_COST, cheapest)
        for told in stories:
            yield from _dark(told, seen, late_s)
    yield _Told(None, -1, seen.at, cheapest.cost + _UNKNOWN_COST, cheapest)


def _intervals(changes: Sequence[tuple[float, str]], until: float, late_s: float) -> list[_Interval]:
    found: list[_Interval] = []
    flashes: list[float] = []
    was = DARK
    for (at, colour), (end, _) in pairwise([*changes, (until, DARK)]):
        if was == DARK != colour:
            flashes.append(at)
        was = colour
        held = colour == DARK and len(flashes) >= MOST_FLASHES and abs(end - flashes[-MOST_FLASHES] - WITHIN_S) < late_s
        if end > at and found and found[-1].colour == colour:  # what came between lasted no time
            found[-1] = found[-1]._replace(until=end)
        elif end > at:
            found.append(_Interval(at, end, colour, held))
    return found


def _cost(told: _Told) -> float:
    return told.cost


def _join(seen: _Interval, late_s: float) -> Iterator[_Told]:
    """The record begins in the midst of any row, or in the dark."""
    yield _Told(None, -1, seen.at, _UNKNOWN_COST if seen.lit else 0.0, None)
    for what, rhythm in _RHYTHMS.items():
        for phase, lasts in enumerate(rhythm):
            if (phase % 2 == 0) == seen.lit and seen.lasts <= lasts + late_s and (not seen.lit or seen.may_be(what)):
                # from the beginning is likelier than from the midst
                cost = 1.0 + (_misfit(min(0.0, seen.lasts - lasts)) if phase == 0 else _CUT_COST)
                yield _Told(what, phase, seen.at, cost, None)
                yield _Told(what, -1, seen.at, 1.0 + _CUT_COST, None)


def _dark(told: _Told, seen: _Interval, late_s: float) -> Iterator[_Told]:
    """A dark time: the row's next phase, or the same cut short by another row."""
    if told.shown is None or told.phase < 0:
        return
    rhythm = _RHYTHMS[told.shown]
    phase = (told.phase + 1) % len(rhythm)
    if phase % 2:
        yield from _through(told, phase, seen, late_s)
        # a new row may have to wait in the dark before it may flash
        if seen.held or seen.lasts <= rhythm[phase] + late_s:
            yield told._replace(phase=-1, cost=told.cost + _CUT_COST)


def _lit(stories: list[_Told], seen: _Interval, late_s: float) -> Iterator[_Told]:
    """A lit time: the row's next phase, the same with the beginning of another row behind it, or a new row."""
    ended: dict[float, _Told] = {}  # by how long the row before may still have been lit: the cheapest
    for told in stories:
        most_s = 0.0
        if told.shown is not None and told.phase >= 0:
            rhythm = _RHYTHMS[told.shown]
            phase = (told.phase + 1) % len(rhythm)
            if phase % 2 or not seen.may_be(told.shown):
                continue
            most_s = rhythm[phase]
            yield from _through(told, phase, seen, late_s)
            if seen.lasts <= most_s + late_s:
                yield told._replace(phase=-1, cost=told.cost + _CUT_COST)
        if most_s not in ended or told.cost < ended[most_s].cost:
            ended[most_s] = told
    yield from _new_rows(ended, seen, late_s)


def _new_rows(ended: dict[float, _Told], seen: _Interval, late_s: float) -> Iterator[_Told]:
    """A row begins in this lit time, behind what was still lit then; or two, behind the likeliest story."""
    likely = [what for what in Shown if seen.may_be(what)]
    for most_s, told in ended.items():
        for what in likely:
            yield from _begun(told, what, seen, most_s, late_s)
    if not ended:
        return
    most_s, told = min(ended.items(), key=lambda row: row[1].cost)
    for what in likely:
        first = _Told(what, -1, seen.at, told.cost + 1.0 + _CUT_COST, told)
        for second in likely:
            yield from _begun(first, second, seen, most_s + _RHYTHMS[what][0], late_s)


def _begun(told: _Told, what: Shown, seen: _Interval, most_s: float, late_s: float) -> Iterator[_Told]:
    """A row begins in this lit time, at most `most_s` after its beginning; never the one that was shown anyway."""
    if what is told.shown:
        return
    first_s = _RHYTHMS[what][0]
    over_s = seen.lasts - first_s
    cost = told.cost + 1.0
    if -late_s <= over_s <= most_s + late_s:
        at = seen.until - first_s if over_s > late_s else seen.at
        yield _Told(what, 0, at, cost + _misfit(min(0.0, over_s)), told)
    if seen.lasts <= first_s + most_s + late_s:
        # anywhere between; its beginning is what may make the difference
        for behind_s in (min(most_s, max(0.0, over_s)), min(most_s, seen.lasts)):
            yield _Told(what, -1, seen.at + behind_s, cost + _CUT_COST, told)


def _through(told: _Told, phase: int, seen: _Interval, late_s: float) -> Iterator[_Told]:
    """The whole of a phase."""
    assert told.shown is not None
    meant = _RHYTHMS[told.shown][phase]
    if seen.held and seen.lasts > meant:
        yield told._replace(phase=phase)
    elif abs(seen.lasts - meant) <= late_s:
        yield told._replace(phase=phase, cost=told.cost + _misfit(seen.lasts - meant))


def _misfit(off_s: float) -> float:
    return 0.0 if off_s == -inf else _MISFIT_COST * (off_s / LATE_S) ** 2


def _rows(told: _Told | None, intervals: Sequence[_Interval], until: float, late_s: float) -> Iterator[Seen]:
    """A story, told from its beginning, with what each row could have been."""
    backwards: list[_Told] = []
    while told:
        if not backwards or backwards[-1].at > told.at:
            backwards.append(told)
        told = told.before
    found = backwards[::-1]
    for row, end in zip(found, [*(row.at for row in found[1:]), until], strict=True):
        could = frozenset(w for w in Shown if _fits(w, row.at, end, intervals, late_s)) if row.shown else frozenset()
        yield Seen(row.at, end, row.shown, could | ({row.shown} if row.shown else frozenset()))


def _fits(what: Shown, at: float, until: float, intervals: Sequence[_Interval], late_s: float) -> bool:
    """Whether this row, begun `at`, looks like this."""
    rhythm = _RHYTHMS[what]
    parts = [i for i in intervals if i.until > at and i.at < until]
    for number, part in enumerate(parts):
        meant = rhythm[number % len(rhythm)]
        lasts = min(part.until, until) - max(part.at, at)
        if (len(rhythm) == 1 and number) or part.lit != (number % 2 == 0) or (part.lit and not part.may_be(what)):
            return False
        if lasts > meant + late_s and not part.held:
            return False
        if number < len(parts) - 1 and lasts < meant - late_s:
            return False
    return True


def unmarked(changes: Sequence[tuple[float, str]]) -> tuple[list[tuple[float, str]], list[float]]:
    """The changes without the marks of an assist session, and when there was one.

    A mark is an inversion of MARK_S, or a flash that ends so much later, with a dark time that is short by it.
    """
    plain, marks = list(changes), []
    number = 1
    while number + 1 < len(plain):
        (before, was), (at, colour), (end, then) = plain[number - 1 : number + 2]
        later = plain[number + 2][0] if number + 2 < len(plain) else inf
        lasts, lasted, follows = end - at, at - before, later - end
        if colour != was == then and abs(lasts - MARK_S) < _NEAR_S and min(lasted, follows) > ASIDE_S / 2:
            del plain[number : number + 2]
            marks.append(at)
            continue
        if colour == DARK and lasts <= MARK_S - _NEAR_S and lasted > 2 * MARK_S and follows > MARK_S + 2 * _NEAR_S:
            plain[number] = (at - MARK_S, DARK)
            marks.append(at - MARK_S)
        number += 1
    return plain, marks
