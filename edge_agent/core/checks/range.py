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
    _last: Verdict = GOOD

    def see(self, reading: Reading) -> Verdict | None:
        """Bad while outside, or not yet back inside by the hysteresis: then what it said outside still stands."""
        value = number(reading)
        if value is None:
            return None
        low, high, side = self.low, self.high, self._last.side
        if low is not None and value < low:
            self._last = self._bad(reading, value, low, "low")
        elif high is not None and value > high:
            self._last = self._bad(reading, value, high, "high")
        elif not (
            (side == "low" and low is not None and value < low + self.hysteresis)
            or (side == "high" and high is not None and value > high - self.hysteresis)
        ):
            self._last = GOOD
        return self._last

    def tick(self, now: float) -> Verdict | None:  # noqa: ARG002 - the Check contract
        """Time alone says nothing."""
        return None

    def _bad(self, reading: Reading, value: float, limit: float, side: str) -> Verdict:
        words, unit = self.words, reading.channel.unit
        name = words.name(reading.channel.name)
        if isinstance(reading.value, bool):
            return Verdict(True, words.say("check.yes" if reading.value else "check.no", channel=name), side)
        shown, most = words.amount(value, unit), words.amount(limit, unit)
        if shown == most:  # only just outside
            shown = words.amount(value, unit, 6)
        return Verdict(True, words.say(f"check.{side}", channel=name, value=shown, limit=most), side)
