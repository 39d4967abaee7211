"""The rules: NAB's three profiles, notifications a week, recall within a budget of them, and rows in alarm.

NAB: Lavin and Ahmad 2015, "Evaluating real-time anomaly detection algorithms", with the constants of its version 1.1.
The others are of our own: what a household feels is how often it is called in vain, and how late.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.bench.detect.data import Series

# Weight of a hit, of a miss, of a false alert.
PROFILES = {"standard": (1.0, 1.0, 0.11), "low FP": (1.0, 1.0, 0.22), "low FN": (1.0, 2.0, 0.11)}
# So many quiet rows separate two notifications; one that stays on counts again after so many rows.
QUIET_ROWS, AGAIN_ROWS = 12, 144
# False notifications a channel and week.
BUDGETS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
WEEK_S, DAY_S = 604800.0, 86400.0
COLD_ROWS = 60


class Said(NamedTuple):
    """What a detector said of one series: a score for each row (1 and more is an alert), and whether it is in alarm."""

    series: Series
    scores: list[float]
    state: list[bool]


def _curve(y: float) -> float:
    return -1.0 if y > 3.0 else 2.0 / (1.0 + math.exp(5.0 * y)) - 1.0


def worths(series: Series) -> list[tuple[int, float]]:
    """For each row: number of the window it is in, or -1, and what an alert there is worth."""
    worth = [(-1, -1.0)] * series.rows
    starts = [first for first, _ in series.windows]
    for number, (first, last) in enumerate(series.windows):
        width = last - first + 1
        for row in range(first, last + 1):
            worth[row] = (number, _curve(-(last - row + 1) / width) / _curve(-1.0))
        until = starts[number + 1] if number + 1 < len(starts) else series.rows
        for row in range(last + 1, until):
            worth[row] = (-1, _curve((row - last) / max(width - 1, 1)))
    return worth


@dataclass(slots=True)
class NabParts:
    """What one series adds to NAB's sums, by profile order."""

    hits: float = 0.0
    missed: int = 0
    false: float = 0.0
    windows: int = 0
    scorable: int = 0


def nab_parts(said: Said) -> NabParts:
    rows = [row for row, score in enumerate(said.scores) if score >= 1.0]
    return parts_of(said.series, rows, worths(said.series))


def parts_of(series: Series, rows: list[int], worth: list[tuple[int, float]]) -> NabParts:
    """The same from the rows with an alert; `worth` is what `worths` says of the series."""
    best: dict[int, float] = {}
    parts = NabParts(windows=len(series.windows))
    for row in rows:
        if row < series.unscored:
            continue
        window, credit = worth[row]
        if window >= 0:
            best[window] = max(best.get(window, -math.inf), credit)
        else:
            parts.false += credit
    parts.scorable = sum(last >= series.unscored for _, last in series.windows)
    parts.hits, parts.missed = sum(best.values()), parts.scorable - len(best)
    return parts


def nab(parts: list[NabParts], profile: str) -> float:
    """0 is saying nothing, 100 is perfect."""
    hit, miss, false = PROFILES[profile]
    null = -miss * sum(p.scorable for p in parts)
    score = sum(hit * p.hits - miss * p.missed + false * p.false for p in parts)
    perfect = hit * sum(p.windows for p in parts)
    return 100.0 * (score - null) / (perfect - null) if perfect > null else 0.0


class Alarms(NamedTuple):
    """Events found, notifications that were right and wrong, of one series."""

    hits: int
    good: int
    false: int
    delays: tuple[int, ...] = ()


def _merged(rows: list[int]) -> int:
    count, first, last = 0, 0, -QUIET_ROWS * 2
    for row in rows:
        if row - last > QUIET_ROWS:
            count, first = count + 1, row
        elif row - first >= AGAIN_ROWS:
            count, first = count + 1, first + AGAIN_ROWS
        last = row
    return count


def alarms(series: Series, flagged: list[int]) -> Alarms:
    """`flagged` are the rows with an alert, in order, from the first scored row on."""
    inside: list[int] = []
    outside: list[int] = []
    number = 0
    for row in flagged:
        while number < len(series.windows) and series.windows[number][1] + QUIET_ROWS < row:
            number += 1
        within = number < len(series.windows) and series.windows[number][0] <= row
        (inside if within else outside).append(row)
    delays = []
    for first, last in series.windows:
        at = bisect_left(flagged, first)
        if last >= series.unscored and at < len(flagged) and flagged[at] <= last:
            delays.append(flagged[at] - first)
    return Alarms(len(delays), _merged(inside), _merged(outside), tuple(delays))


def quiet_weeks(series: Series) -> float:
    """Scored time without an event, in weeks."""
    events = {row for first, last in series.windows for row in range(first, last + 1)}
    rows = (row for row in range(max(series.unscored, 1), series.rows) if row not in events)
    return sum(max(0.0, series.times[row] - series.times[row - 1]) for row in rows) / WEEK_S


def cold(said: Said) -> int:
    """Notifications within the first 24 h, from the 60th reading on."""
    times = said.series.times
    rows = range(COLD_ROWS, said.series.rows)
    return _merged([row for row in rows if said.scores[row] >= 1.0 and times[row] - times[0] < DAY_S])


@dataclass(slots=True)
class Result:
    """A suite's figures. `parts` are for the bootstrap."""

    parts: list[NabParts] = field(default_factory=list)
    events: int = 0
    hits: int = 0
    false: int = 0
    good: int = 0
    weeks: float = 0.0
    cold: int = 0
    cold_most: int = 0
    rows: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    budget: float = 0.0

    @property
    def recall(self) -> float:
        return self.hits / max(self.events, 1)

    @property
    def false_a_week(self) -> float:
        return self.false / self.weeks if self.weeks else 0.0

    def row_figures(self) -> tuple[float, float, float]:
        """F1, false alarm rate and missed alarm rate by row."""
        quiet, wrong, missed, right = self.rows
        f1 = 2 * right / (2 * right + wrong + missed) if right else 0.0
        return f1, wrong / max(quiet + wrong, 1), missed / max(missed + right, 1)


def result(all_said: list[Said], *, budget: bool = True) -> Result:
    """The figures of one suite."""
    out = Result()
    weeks = []
    for said in all_said:
        series = said.series
        out.parts.append(nab_parts(said))
        flagged = [row for row in range(series.unscored, series.rows) if said.scores[row] >= 1.0]
        found = alarms(series, flagged)
        out.events += sum(last >= series.unscored for _, last in series.windows)
        out.hits, out.false, out.good = out.hits + found.hits, out.false + found.false, out.good + found.good
        weeks.append(quiet_weeks(series))
        early = cold(said)
        out.cold, out.cold_most = out.cold + early, max(out.cold_most, early)
        _count_rows(said, out.rows)
    out.weeks = sum(weeks)
    if budget:
        out.budget = budget_recall(all_said, out.weeks, out.events)
    return out


def _count_rows(said: Said, rows: list[int]) -> None:
    series = said.series
    truth = bytearray(series.rows)
    for first, last in series.windows:
        truth[first : last + 1] = b"\1" * (last + 1 - first)
    for row in range(series.unscored, series.rows):
        rows[2 * truth[row] + said.state[row]] += 1


def budget_recall(all_said: list[Said], weeks: float, events: int, steps: int = 80) -> float:
    """Mean over BUDGETS of the best share of events found at one threshold for all with so few false notifications."""
    scored = [
        sorted(((s, row) for row, s in enumerate(said.scores) if row >= said.series.unscored and s > 0), reverse=True)
        for said in all_said
    ]
    values = sorted((s for rows in scored for s, _ in rows), reverse=True)
    if not values or not weeks:
        return 0.0
    ranks = {min(len(values) - 1, round(math.exp(i / (steps - 1) * math.log(len(values)))) - 1) for i in range(steps)}
    best = dict.fromkeys(BUDGETS, 0.0)
    for threshold in sorted({values[rank] for rank in ranks}, reverse=True):
        found = [
            alarms(said.series, sorted(row for s, row in rows if s >= threshold))
            for said, rows in zip(all_said, scored, strict=True)
        ]
        false = sum(a.false for a in found) / weeks
        recall = sum(a.hits for a in found) / max(events, 1)
        best = {b: max(r, recall) if false <= b else r for b, r in best.items()}
        if false > 4 * BUDGETS[-1]:
            break
    return sum(best.values()) / len(BUDGETS)
