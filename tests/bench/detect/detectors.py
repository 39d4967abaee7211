"""Who is compared: the learned check, and the guard rails that any figure must be read against."""

import time
from collections.abc import Callable
from typing import Protocol

from edge_agent.core.learning.channel import Learner
from tests.bench.detect.data import Series
from tests.bench.detect.scoring import Said


class Detector(Protocol):
    """`update` takes a reading at its time in seconds and returns a score: 1 and more is an alert."""

    state: bool

    def update(self, at: float, x: float, /) -> float: ...


class Ours:
    """The learned check as it runs in the agent: the time of day is the file's own."""

    def __init__(self) -> None:
        self.learner = Learner()

    @property
    def state(self) -> bool:
        return self.learner.state

    def update(self, at: float, x: float) -> float:
        return self.learner.update(at, x, at)


class Null:
    """Says nothing."""

    state = False

    def update(self, _at: float, _x: float) -> float:
        return 0.0


class Blind:
    """An alert every 400 readings, without looking."""

    def __init__(self) -> None:
        self._n = 0
        self.state = False

    def update(self, _at: float, _x: float) -> float:
        self._n += 1
        self.state = self._n % 400 == 0
        return float(self.state)


class AlwaysOn:
    """In alarm all the time."""

    state = True

    def update(self, _at: float, _x: float) -> float:
        return 1.0


def run(make: Callable[[], Detector], all_series: list[Series], *, states: bool = True) -> tuple[list[Said], float]:
    """What it said of each, the highest score of a file's channels; and microseconds a reading."""
    said, spent, readings = [], 0.0, 0
    for series in all_series:
        scores = [0.0] * series.rows
        for column in series.columns:
            detector = make()
            update = detector.update
            began = time.process_time()
            own = list(map(update, series.times, column))
            spent += time.process_time() - began
            readings += series.rows
            scores = list(map(max, scores, own))
        said.append(Said(series, scores, _states(make, series) if states else [False] * series.rows))
    return said, 1e6 * spent / max(readings, 1)


def _states(make: Callable[[], Detector], series: Series) -> list[bool]:
    """A second pass, so that the first is timed without it."""
    state = [False] * series.rows
    for column in series.columns:
        detector = make()
        for row, (at, x) in enumerate(zip(series.times, column, strict=True)):
            detector.update(at, x)
            state[row] = state[row] or detector.state
    return state
