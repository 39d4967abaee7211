"""Records: the highest and the lowest so far.

Independent readings set a record at a rate of 1/n, so false firsts die out by themselves (Renyi 1962).
"""

import math
from dataclasses import dataclass, field

from edge_agent.core.learning.novelty import QUIET, Firsts

# A bound moves only half way to what passed it: what goes on for long keeps speaking.
_FOLLOW = 0.5
# A sixteenth of the span so far is one step.
_STEPS = 16.0


@dataclass(slots=True)
class Record:
    """`see` says how surprising a value is that passes the bounds `low` and `high`.

    `lowest` and `highest` are of all that came since the record was aged last. Between `least` and `most` nothing
    changes, and `see` need not be called.
    """

    low: float = math.inf
    high: float = -math.inf
    lowest: float = math.inf
    highest: float = -math.inf
    firsts: Firsts = field(default_factory=Firsts)
    least: float = math.inf
    most: float = -math.inf

    def see(self, value: float, now: int, seen: int) -> float:
        """A value beyond `least` or `most`: its surprise in powers of ten, mostly 0. It is value number `seen`."""
        self.lowest, self.highest = min(self.lowest, value), max(self.highest, value)
        surprise = 0.0
        if seen <= 1:
            self.low = self.high = value
        elif not self.low <= value <= self.high:
            surprise = self._outside(value, now, seen)
        self.bound()
        return surprise

    def bound(self) -> None:
        """Work out between which values nothing changes."""
        self.least, self.most = max(self.low, self.lowest), min(self.high, self.highest)

    def teach(self) -> None:
        """All that came is normal, and a step more than what passed a bound: it never comes again just so."""
        step = max(self.highest - self.lowest, 0.0) / _STEPS
        if self.lowest < self.low:
            self.low = self.lowest = self.lowest - step
        if self.highest > self.high:
            self.high = self.highest = self.highest + step
        self.bound()

    def age(self) -> None:
        """What did not come since the last time is forgotten."""
        if self.lowest <= self.highest:
            self.low, self.high = max(self.low, self.lowest), min(self.high, self.highest)
        self.lowest, self.highest = math.inf, -math.inf
        self.bound()

    def _outside(self, value: float, now: int, seen: int) -> float:
        follow, surprise = 1.0, 0.0
        if seen > QUIET:
            span = self.high - self.low + 1e-9 * (abs(self.high) + abs(self.low)) + 1e-12
            beyond = value - self.high if value > self.high else self.low - value
            surprise = self.firsts.surprise(now, seen - QUIET, _STEPS * beyond / span)
            follow = _FOLLOW
        if value > self.high:
            self.high += follow * (value - self.high)
        else:
            self.low += follow * (value - self.low)
        return surprise
