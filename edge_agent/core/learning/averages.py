"""Running quantities of a channel: averages from fast to very slow, and how restless it is.

Exponential smoothing (Roberts 1959); the first readings count alike, so that there is no run-in.
"""

import math

SPANS = (3.0, 6.0, 12.0, 25.0, 100.0, 300.0)
_FULL = 300
_SHARES = tuple((f"e{span:.0f}", 1.0 / span) for span in SPANS)


class Averages:
    """`e3` to `e300`: means of about so many ticks; `restless`: mean distance from `e25`."""

    __slots__ = ("e3", "e6", "e12", "e25", "e100", "e300", "n", "restless")

    def __init__(self) -> None:
        self.n = 0
        self.e3 = self.e6 = self.e12 = self.e25 = self.e100 = self.e300 = self.restless = 0.0

    def add(self, x: float) -> float:
        """Take a tick's value; returns the natural logarithm of how restless the channel is."""
        if self.n < _FULL:
            self._early(x)
        else:
            e = self.e3
            self.e3 = e + (x - e) * 0.3333333333333333
            e = self.e6
            self.e6 = e + (x - e) * 0.16666666666666666
            e = self.e12
            self.e12 = e + (x - e) * 0.08333333333333333
            e = self.e100
            self.e100 = e + (x - e) * 0.01
            e = self.e300
            self.e300 = e + (x - e) * 0.0033333333333333335
            e = self.e25
            d = x - e
            self.e25 = e + d * 0.04
            e = self.restless
            self.restless = e + ((d if d > 0.0 else -d) - e) * 0.04
        return math.log(self.restless + 1e-6 * abs(x) + 1e-12)

    def _early(self, x: float) -> None:
        self.n += 1
        away = abs(x - self.e25) if self.n > 1 else 0.0
        alike = 1.0 / self.n
        for name, share in _SHARES:
            old = getattr(self, name)
            setattr(self, name, old + (x - old) * (share if share > alike else alike))  # noqa: FURB136 - see above
        self.restless += (away - self.restless) * max(0.04, 1.0 / self.n)
