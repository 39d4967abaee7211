"""How often an alert of such a score is real. From the half on which the check was developed: docs/detection.md."""

import math

# At this score one in two was; and how steeply that changes with the logarithm of the score.
_EVEN = 2.0
_STEEP = 2.2
# Runs: scores say little more than that there is an alert.
RUNS = 0.75
# A level that was left: share of the rows in alarm that were within an event.
LEVEL = 0.8


def share_real(score: float) -> float:
    """Of alerts with this score (above 1), the share that are real."""
    return 1.0 / (1.0 + math.pow(_EVEN / max(score, 1.0), _STEEP))
