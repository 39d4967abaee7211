"""Is "likely" likely? Of alerts of the learned check, by the word that people are told, the share within an event."""

from collections import defaultdict
from typing import NamedTuple

from edge_agent.core.finding import Confidence
from edge_agent.core.learning.confidence import LEVEL, RUNS, share_real
from tests.bench.detect.data import Series
from tests.bench.detect.detectors import Ours
from tests.bench.detect.scoring import QUIET_ROWS


class Told(NamedTuple):
    """An alert: what was told, as a share, and whether it was within an event or shortly after one."""

    share: float
    real: bool


def alerts(all_series: list[Series]) -> list[Told]:
    """All alerts in the scored parts; of a level that was left, each time that it was."""
    return [told for series in all_series for column in series.columns for told in _of(series, column)]


def _of(series: Series, column: list[float]) -> list[Told]:
    detector, found, was_out = Ours(), [], False
    learner = detector.learner
    for row, (at, x) in enumerate(zip(series.times, column, strict=True)):
        score = detector.update(at, x)
        left, was_out = detector.state and not was_out, detector.state
        if row < series.unscored:
            continue
        real = any(first <= row <= last + QUIET_ROWS for first, last in series.windows)
        if score > 1.0:
            found.append(Told(share_real(score) if learner.why else RUNS, real))
        elif left and series.suite == "skab":
            found.append(Told(LEVEL, real))
    return found


def table(told: list[Told]) -> list[str]:
    """A line for each word."""
    words: defaultdict[Confidence, list[Told]] = defaultdict(list)
    for one in told:
        words[Confidence.of(one.share)].append(one)
    return [
        f"told {word.value:8} {len(ones):4} alerts, said in the mean {sum(one.share for one in ones) / len(ones):.2f}, "
        f"real {sum(one.real for one in ones) / len(ones):.2f}"
        for word, ones in sorted(words.items())
    ]
