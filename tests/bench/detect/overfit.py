"""What picking does: many sets of views, the best of them on one half of the files, and the same set on the other half.

The learned check's set is fixed and was never picked by score; this shows why.
"""

import random
from statistics import mean
from typing import NamedTuple

from edge_agent.core.learning.alarm import KEEP, Alarm
from edge_agent.core.learning.channel import KEEP_LEVEL, THRESHOLD, TREND, Learner
from edge_agent.core.learning.maps import Seen
from tests.bench.detect.data import Series
from tests.bench.detect.scoring import NabParts, nab, parts_of, worths

SETS, SPLITS = 150, 100
REASONS = TREND + 1
# A set has so many of the REASONS views and records.
SIZES = range(5, 9)


class Picked(NamedTuple):
    """NAB's standard profile, in the mean over splits: of the best set where it was picked, and on the other half."""

    here: float
    there: float
    any_set: float


class _Recorder(Learner):
    """Tells which firsts came at which tick, and never alerts."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, int, list[Seen]]] = []

    def _judge(self, level: float, found: list[Seen] | None) -> float:  # noqa: ARG002 - the learner's own
        if found:
            self.found.append((-1, self.alarm.n, found))
        return 0.0


def picked(all_series: list[Series]) -> Picked:
    chance = random.Random(1)
    recorded = [(series, _record(series), worths(series)) for series in all_series]
    sets = [frozenset(chance.sample(range(REASONS), chance.choice(SIZES))) for _ in range(SETS)]
    scored = [[parts_of(series, _alerts(ticks, views), worth) for series, ticks, worth in recorded] for views in sets]
    here, there = [], []
    for _ in range(SPLITS):
        order = chance.sample(range(len(recorded)), len(recorded))
        half, rest = order[: len(order) // 2], order[len(order) // 2 :]
        best = max(scored, key=lambda parts: _standard(parts, half))
        here.append(_standard(best, half))
        there.append(_standard(best, rest))
    return Picked(mean(here), mean(there), mean(_standard(parts, range(len(parts))) for parts in scored))


def _standard(parts: list[NabParts], files: list[int] | range) -> float:
    return nab([parts[file] for file in files], "standard")


def _record(series: Series) -> list[tuple[int, int, list[Seen]]]:
    learner, rows = _Recorder(), []
    for row, (at, x) in enumerate(zip(series.times, series.columns[0], strict=True)):
        learner.update(at, x, at)
        rows += [(row, tick, found) for _, tick, found in learner.found]
        learner.found.clear()
    return rows


def _alerts(ticks: list[tuple[int, int, list[Seen]]], views: frozenset[int]) -> list[int]:
    """Rows where this set alerts, with the agent's own handling of alarms."""
    alarm, level, rows, threshold = Alarm(), 0.0, [], THRESHOLD * len(views) / REASONS
    for row, tick, found in ticks:
        passed, alarm.n = tick - alarm.n, tick
        alarm.spent *= KEEP**passed
        level = level * KEEP_LEVEL**passed + sum(first.surprise for first in found if first.view in views)
        if alarm.judge(level / threshold) > 1.0:
            rows.append(row)
    return rows
