"""The longest so far, of a run or of a rest, and from when on the one that goes on now is too long.

Of n lengths the next one is the longest with a chance of 1/n (Renyi 1962); each octave beyond adds what a step beyond
everything seen adds elsewhere.
"""

import math
from dataclasses import dataclass

from edge_agent.core.learning.novelty import PER_STEP

# At the least so far beyond the longest is too long; and one that was too long is looked at again so much later.
_HALF_OCTAVE = 2.0**0.5


@dataclass(slots=True)
class Longest:
    """`length` in seconds is the longest of `n` that is normal, `beyond` of all; beyond `limit` one is judged."""

    length: float = 0.0
    beyond: float = 0.0
    limit: float = math.inf
    n: int = 0

    def add(self, length: float, enough: float) -> None:
        """One is over. `enough` powers of ten are an alert."""
        self.n += 1
        self.beyond = max(self.beyond, length)
        if not length > self._enough(enough):
            self.length = max(self.length, length)
        self.limit = self._enough(enough)

    def judge(self, length: float) -> float:
        """Powers of ten for one that has lasted so long and goes on."""
        self.beyond, self.limit = max(self.beyond, length), length * _HALF_OCTAVE
        return math.log10(self.n + 1) + PER_STEP * math.log2(length / self.length)

    def teach(self, enough: float) -> None:
        """As long as it ever was is normal."""
        self.length = self.beyond
        self.limit = self._enough(enough)

    def age(self, enough: float) -> None:
        """Some weeks are over: the longest shrinks by half an octave, and no limit lies nearer beyond it."""
        self.length /= _HALF_OCTAVE
        self.beyond, self.limit = self.length, self._enough(enough)

    def _enough(self, enough: float) -> float:
        if not self.length:
            return math.inf
        octaves = min((enough - math.log10(self.n + 1)) / PER_STEP, 64.0)
        return self.length * max(math.exp2(octaves), _HALF_OCTAVE)
