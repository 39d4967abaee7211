"""On and off: a channel that rests and runs in turn is judged by its runs, not by its readings.

A refrigerator, a pump, a heater: how long is a run, and how much was drawn in it? Whether a channel is of that kind is
seen from the readings: a share of them at rest, few between, and runs that last.
"""

import math

from edge_agent.core.learning.longest import Longest
from edge_agent.core.learning.tally import Tally

# At rest is within this share of the span above the lowest reading; between these shares is neither.
_REST = 0.05
_EDGE_LOW, _EDGE_HIGH = 0.03, 0.1
# On and off: at least this share of readings at rest, at most this share between, runs of so many ticks (log2, mean).
_RESTS, _EDGES, _LASTS = 0.25, 0.08, 2.0
_RUNS = 8
_COUNT = 4096  # shares forget: counts are halved here
# Whatever a household does comes within a day: until then runs are only counted.
DAY_S = 86400.0
# A longer silence within a run leaves its end unknown.
_GAP_S = 1800.0
# Powers of ten of evidence that are an alert.
ENOUGH = 3.6


class Runs:
    """`see` takes each tick; `length` is that of the last run, in seconds."""

    __slots__ = (
        "amount", "amounts", "began", "edges", "first", "high", "highest", "lasts", "least", "length", "lengths",
        "longest", "longest_rest", "low", "lowest", "most", "n", "on", "overlong", "rests", "runs", "switch", "ticks",
        "until",
    )  # fmt: skip

    def __init__(self) -> None:
        self.n = self.rests = self.edges = self.runs = self.ticks = 0
        self.low = self.high = self.first = self.began = self.until = 0.0
        self.amount = self.lasts = self.length = self.overlong = 0.0
        self.lowest, self.highest, self.least, self.most = math.inf, -math.inf, math.inf, -math.inf
        self.on = self.switch = False
        self.longest, self.longest_rest = Longest(), Longest()
        self.lengths, self.amounts = Tally(), Tally()

    @property
    def onoff(self) -> bool:
        """Whether this channel rests and runs in turn; one that has two states only always does."""
        n = self.n
        return self.switch or (self.lasts >= _LASTS and self.rests > _RESTS * n and self.edges < _EDGES * n)

    @property
    def known(self) -> bool:
        """Whether enough runs came, for a day at least."""
        return self.runs >= _RUNS and self.until - self.first >= DAY_S

    @property
    def _idle(self) -> bool:
        """Noise around a level has runs too, and nobody asks for them."""
        return self.runs > 2 * _RUNS and not self.onoff

    @property
    def evidence(self) -> float:
        """Powers of ten that runs are not what they were, and enough of them are needed for an alert."""
        return self.lengths.evidence + self.amounts.evidence + self.overlong

    def forget_evidence(self) -> None:
        """It was said: begin anew."""
        self.lengths.evidence = self.amounts.evidence = 0.0
        self.overlong = 0.0

    def teach(self) -> None:
        """Runs and rests as they are now are normal."""
        self.forget_evidence()
        for longest in (self.longest, self.longest_rest):
            longest.teach(ENOUGH)

    def age(self) -> None:
        """What was not reached since the last time is no bound any more, and the longest of long ago counts less."""
        if self.lowest <= self.highest:
            self.low, self.high = max(self.low, self.lowest), min(self.high, self.highest)
        self.lowest, self.highest = math.inf, -math.inf
        self.bound()
        for longest in (self.longest, self.longest_rest):
            longest.age(ENOUGH)

    def pause(self) -> None:
        """What went on is not known any more: the gateway was off."""
        self.on, self.began, self.overlong = False, self.until, 0.0

    def bound(self) -> None:
        """Work out between which values the bounds stay."""
        self.least, self.most = max(self.low, self.lowest), min(self.high, self.highest)

    def see(self, at: float, x: float) -> bool:
        """Take a tick at second `at`; whether a run ended with it, or what goes on is longer than ever by much."""
        n = self.n = self.n + 1
        if not self.least <= x <= self.most:
            self._bounds(at, x)
        above = x - self.low
        span = self.high - self.low
        before, self.until = self.until, at
        if above <= _REST * span:
            self.rests += 1
            if above > _EDGE_LOW * span:
                self.edges += 1
            if self.on:
                return self._ended(at, before)
            if at - self.began > self.longest_rest.limit:
                return self._too_long(self.longest_rest, at, before)
        else:
            if above < _EDGE_HIGH * span:
                self.edges += 1
            if not self.on:
                self._begins(at, before)
            elif at - self.began > self.longest.limit:
                return self._too_long(self.longest, at, before)
            self.amount += above
            self.ticks += 1
        if n >= _COUNT:
            self.n, self.rests, self.edges = n // 2, self.rests // 2, self.edges // 2
        return False

    def _bounds(self, at: float, x: float) -> None:
        if self.n == 1:
            self.low = self.high = x
            self.first = self.until = at
        self.low, self.high = min(self.low, x), max(self.high, x)
        self.lowest, self.highest = min(self.lowest, x), max(self.highest, x)
        self.bound()

    def _begins(self, at: float, before: float) -> None:
        rested = at - self.began
        if self.runs and not self._idle and at - before <= _GAP_S and rested > 0.0:
            self.longest_rest.add(rested, ENOUGH)
        self.on, self.began, self.amount, self.ticks = True, at, 0.0, 0
        self.overlong = 0.0

    def _too_long(self, longest: Longest, at: float, before: float) -> bool:
        """The run or rest that goes on passed its limit; after a gap nobody knows how long it is."""
        if not before <= at <= before + _GAP_S:
            self.began = at
            return False
        self.length = at - self.began
        self.overlong = longest.judge(self.length)
        return True

    def _ended(self, at: float, before: float) -> bool:
        began, self.on, self.began, self.overlong = self.began, False, at, 0.0
        length = at - began
        if at - before > _GAP_S or length <= 0.0:
            return False
        self.length = length
        self.runs += 1
        self.lasts += (math.log2(self.ticks) - self.lasts) * max(1.0 / self.runs, 1.0 / 32)
        if self._idle:
            return False
        self.longest.add(length, ENOUGH)
        learning = at - self.first < DAY_S
        self.lengths.add(length, learning)
        amount = self.amount / self.ticks * length
        if math.isfinite(amount) and amount > 0.0:
            self.amounts.add(amount, learning)
        return True
