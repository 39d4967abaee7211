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
    _bad: bool = False

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
        self._bad = abs(speed) > self.per_s - (self.hysteresis if self._bad else 0.0)
        if not self._bad:
            return GOOD
        words, unit = self.words, reading.channel.unit
        said = words.say(
            "check.rose" if speed > 0 else "check.fell",
            channel=words.name(reading.channel.name),
            before=words.amount(first, unit),
            value=words.amount(value, unit),
            length=words.length(lasted),
            limit=words.amount(float(f"{self.per_s * lasted:.2g}"), unit),  # over that time, as a person would say it
        )
        return Verdict(True, said, "high" if speed > 0 else "low")

    def tick(self, now: float) -> Verdict | None:  # noqa: ARG002 - the Check contract
        """Time alone says nothing."""
        return None
