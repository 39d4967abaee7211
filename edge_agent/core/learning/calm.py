"""The calm band: is the channel at its level now? An EWMA control chart (Roberts 1959) with an alarm state."""

_SMOOTH = 15.0
# Nothing is said of so many first ticks; until LEARNT the band is wider, for it is not known well.
FIRST = 60
LEARNT = 400
_SETTLE = 50
# In alarm beyond so many deviations, and back within so many.
OUT = 6.0
_BACK = 4.2
# It learns at such a rate while within so many deviations, less and less beyond, and nothing at all from so many on:
# one bound alone would be tight (weights that descend to nothing: Hampel 1974).
_RATE = 0.01
_CALM, _STRANGE = 1.25, 3.75
# So weighted, a normal variable has this share of its whole variance.
_CUT = 0.8445
# Out for so many ticks on end, the level is another one now, and is learned anew.
GIVE_UP = 8000


class CalmBand:
    """`level` and `spread` (a deviation of the smoothed value); `out` is the alarm state."""

    __slots__ = ("e", "level", "n", "out", "outside", "variance")

    def __init__(self) -> None:
        self.n = self.outside = 0
        self.e = self.level = self.variance = 0.0
        self.out = False

    @property
    def spread(self) -> float:
        """One deviation of the smoothed value, never 0."""
        return float(self.variance**0.5) + 1e-9 * (abs(self.level) + 1.0)

    def see(self, x: float) -> bool:
        """Take a tick's value; whether the channel is out of its band."""
        n = self.n
        if n < LEARNT:
            return self._early(x)
        self.e += (x - self.e) / _SMOOTH
        away = self.e - self.level
        spread = self.variance**0.5 + 1e-9 * (abs(self.level) + 1.0)
        calm = (_STRANGE - abs(away) / spread) / (_STRANGE - _CALM)
        if calm > 0.0:
            rate = _RATE if calm > 1.0 else _RATE * calm
            self.level += rate * (x - self.level)
            away = self.e - self.level
            self.variance += rate * (away * away / _CUT - self.variance)
        bound = (_BACK if self.out else OUT) * spread
        out = self.out = not -bound <= away <= bound
        if out:
            self.outside += 1
            if self.outside >= GIVE_UP:
                self.teach()
        elif self.outside:
            self.outside = 0
        return out

    def teach(self) -> None:
        """The level is as it should be now: learn it from here."""
        self.__init__()  # type: ignore[misc]

    def _early(self, x: float) -> bool:
        self.n = n = self.n + 1
        self.e += (x - self.e) / min(n, _SMOOTH)
        away = self.e - self.level
        self.out = n > FIRST and abs(away) > OUT * (LEARNT / n) ** 0.5 * self.spread
        self.level += (x - self.level) / n
        if n > _SETTLE:
            away = self.e - self.level
            self.variance += (away * away - self.variance) / (n - _SETTLE)
        return self.out
