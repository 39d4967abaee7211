"""Rate: the value changes faster than it can or should, over a window."""

from collections import deque
from dataclasses import dataclass, field

from edge_agent.core.checks.base import PLAIN, Words, number
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.reading import Reading

MAX_KEPT = 120


@dataclass(slots=True)
class Rate:
    """Bad when the mean change over `window_s` is more than `per_s`; good again below `per_s - hysteresis`.

    Readings closer together than a 60th of the window are not kept, so that memory stays bounded.
    """

    per_s: float
    window_s: float = 60.0
    hysteresis: float = 0.0
    words: Words = PLAIN
    _kept: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_KEPT))
    _last: Verdict = GOOD

    def see(self, reading: Reading) -> Verdict | None:
        """Compares with the oldest reading of the window."""
        value = number(reading)
        if value is None:
            return None
        kept, at = self._kept, reading.at
        while kept and (at - kept[0][0] > self.window_s or at < kept[-1][0]):
            kept.popleft()
        if not kept or at - kept[-1][0] >= self.window_s / 60:
            kept.append((at, value))
        since, first = kept[0]
        lasted = at - since
        if lasted < self.window_s / 4:
            return None
        speed = (value - first) / lasted
        if abs(speed) > self.per_s:
            self._last = self._bad(reading, first, value, lasted)
        elif not self._last.bad or abs(speed) <= self.per_s - self.hysteresis:
            self._last = GOOD
        return self._last

    def _bad(self, reading: Reading, first: float, value: float, lasted: float) -> Verdict:
        words, unit = self.words, reading.channel.unit
        most = self.per_s * lasted
        rounded = float(f"{most:.2g}")  # as a person would say it, where that is still less than the change
        said = words.say(
            "check.rose" if value > first else "check.fell",
            channel=words.name(reading.channel.name),
            before=words.amount(first, unit),
            value=words.amount(value, unit),
            length=words.length(lasted),
            limit=words.amount(rounded if rounded < abs(value - first) else most, unit),
        )
        return Verdict(True, said, "high" if value > first else "low")

    def tick(self, now: float) -> Verdict | None:  # noqa: ARG002 - the Check contract
        """Time alone says nothing."""
        return None
