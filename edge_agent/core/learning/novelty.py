"""How surprising is a first? An estimate from how often firsts came so far, in powers of ten.

The share of what was never seen is about (firsts) / (readings): Good 1953, "The population frequencies of species and
the estimation of population parameters". An own count for each view of the channel, both numbers forgetting.
"""

import math
from dataclasses import dataclass

# Of so many first readings of a view nothing is counted: all is new.
QUIET = 100
# Readings after which a first, and a reading without one, are half forgotten (times ln 2).
MEMORY = 4000.0
# So many powers of ten more for each step that a first lies farther from all that was seen, and at most so many steps.
PER_STEP = 0.6
MAX_STEPS = 4.0
_DECAY = math.log1p(-1.0 / MEMORY)


@dataclass(slots=True)
class Firsts:
    """The firsts of one view: `count` of them, forgetting, as of reading number `at`."""

    count: float = 0.0
    at: int = 0

    def surprise(self, now: int, judged: int, steps: float) -> float:
        """Powers of ten for a first at reading `now`, the view having judged `judged` readings.

        `steps` is how far beyond the nearest seen place it lies, in steps of the view; 0 is right beside it.
        """
        count = self.count * math.exp(_DECAY * (now - self.at))
        readings = MEMORY * -math.expm1(_DECAY * judged)
        share = (count + 0.5) / (readings + 1.0)
        self.count, self.at = count + 1.0, now
        return max(0.0, -math.log10(share)) + PER_STEP * min(steps, MAX_STEPS)
