"""Range: the value left its limits, and came back inside by the hysteresis."""

from dataclasses import dataclass

from edge_agent.core.checks.base import PLAIN, Words, number
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.reading import Reading


@dataclass(slots=True)
class Range:
    """Bad below `low` or above `high`; good again only `hysteresis` inside of the limit that was passed."""

    low: float | None
    high: float | None
    hysteresis: float = 0.0
    words: Words = PLAIN
    _side: int = 0

    def see(self, reading: Reading) -> Verdict | None:
        """Bad while outside, or not yet back inside by the hysteresis."""
        value = number(reading)
        if value is None:
            return None
        low, high = self.low, self.high
        if low is not None and value < low + (self.hysteresis if self._side < 0 else 0.0):
            self._side = -1
            return self._bad(reading, value, low, "low")
        if high is not None and value > high - (self.hysteresis if self._side > 0 else 0.0):
            self._side = 1
            return self._bad(reading, value, high, "high")
        self._side = 0
        return GOOD

    def tick(self, now: float) -> Verdict | None:  # noqa: ARG002 - the Check contract
        """Time alone says nothing."""
        return None

    def _bad(self, reading: Reading, value: float, limit: float, side: str) -> Verdict:
        words, unit = self.words, reading.channel.unit
        name = words.name(reading.channel.name)
        if isinstance(reading.value, bool):
            return Verdict(True, words.say("check.yes" if reading.value else "check.no", channel=name), side)
        amounts = {"value": words.amount(value, unit), "limit": words.amount(limit, unit)}
        return Verdict(True, words.say(f"check.{side}", channel=name, **amounts), side)
