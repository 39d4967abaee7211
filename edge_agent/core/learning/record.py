"""Records: the highest and the lowest so far.

Independent readings set a record at a rate of 1/n, so false firsts die out by themselves (Renyi 1962).
"""

import math
from dataclasses import dataclass, field

from edge_agent.core.learning.novelty import Firsts

# Nothing is said of so many first readings.
QUIET = 100
# A bound moves only half way to what passed it: what goes on for long keeps speaking.
_FOLLOW = 0.5
# A sixteenth of the span so far is one step.
_STEPS = 16.0


@dataclass(slots=True)
class Record:
    """`outside` says how surprising a value is that passes the bounds; `lowest`, `highest`: of all that ever came."""

    low: float = math.inf
    high: float = -math.inf
    lowest: float = math.inf
    highest: float = -math.inf
    firsts: Firsts = field(default_factory=Firsts)

    def outside(self, value: float, now: int, seen: int) -> float:
        """A value beyond the bounds, which it moves: its surprise in powers of ten. It is value number `seen`."""
        follow = 1.0
        surprise = 0.0
        if seen > QUIET:
            span = self.high - self.low + 1e-9 * (abs(self.high) + abs(self.low)) + 1e-12
            beyond = value - self.high if value > self.high else self.low - value
            surprise = self.firsts.surprise(now, seen - QUIET, _STEPS * beyond / span)
            follow = _FOLLOW
        if seen <= 1:
            self.low = self.high = self.lowest = self.highest = value
            return surprise
        self.lowest, self.highest = min(self.lowest, value), max(self.highest, value)
        if value > self.high:
            self.high += follow * (value - self.high)
        else:
            self.low += follow * (value - self.low)
        return surprise

    def teach(self) -> None:
        """All that came is normal."""
        self.low, self.high = self.lowest, self.highest
