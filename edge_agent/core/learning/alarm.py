"""From surprise to alert: a threshold, an alert budget, a hold.

Each alert raises the threshold for days (the budget), and for half a day only a clearly greater surprise alerts again
(the hold). Measured, these lift every detector tried more than the choice of the detector does.
"""

import math

# A budget forgets an alert after about so many ticks; a hold lasts so many and begins so far above the peak.
BUDGET = 1500.0
HOLD = 180
MARGIN = 3.0
# The slowest average (of 300 ticks) is where it belongs two of its time constants after a change.
SETTLE = 600
# The first alerts of a channel do not count against its budget.
FREE = 400
KEEP = 1.0 - 1.0 / BUDGET


class Alarm:
    """`judge` once for each look. Ticks are those of the slow clock; its owner counts them and lets `spent` fade."""

    __slots__ = ("at", "n", "peak", "spent")

    def __init__(self) -> None:
        self.n = 0
        self.at = -HOLD
        self.peak = self.spent = 0.0

    @property
    def held(self) -> bool:
        """Whether the last alert still holds, and what comes is not learned as normal."""
        return self.n - self.at < HOLD and 0.0 < self.peak < math.inf

    def teach(self) -> None:
        """What alerted was normal: the budget is whole again, and while averages settle on it nothing alerts."""
        self.peak, self.spent, self.at = math.inf, 0.0, self.n + SETTLE - HOLD

    def judge(self, ratio: float) -> float:
        """`ratio` of surprise to threshold in; what counts out: above 1 is an alert, which this takes note of."""
        return self.decide(ratio / (1.0 + self.spent))

    def decide(self, score: float) -> float:
        """The same with a score for which the budget is counted already."""
        since = self.n - self.at
        if since < HOLD and score <= (self.peak + MARGIN) * (1.0 - since / HOLD):
            return 0.0
        if score <= 1.0:
            return score * 0.999
        self.peak, self.at = score, self.n
        if self.n > FREE:
            self.spent += 1.0
        return score
