"""Range: the value left its limits, and came back inside by the hysteresis."""

from dataclasses import dataclass

from edge_agent.core.checks.base import amount, number, spoken
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.reading import Reading


@dataclass(slots=True)
class Range:
    """Bad below `low` or above `high`; good again only `hysteresis` inside of the limit that was passed."""

    low: float | None
    high: float | None
    hysteresis: float = 0.0
    _side: int = 0

    def see(self, reading: Reading) -> Verdict | None:
        """Bad while outside, or not yet back inside by the hysteresis."""
        value = number(reading)
        if value is None:
            return None
        low, high = self.low, self.high
        if low is not None and value < low + (self.hysteresis if self._side < 0 else 0.0):
            self._side = -1
            return self._bad(reading, value, f"it should be at least {amount(low, reading.channel.unit)}", "low")
        if high is not None and value > high - (self.hysteresis if self._side > 0 else 0.0):
            self._side = 1
            return self._bad(reading, value, f"it should be at most {amount(high, reading.channel.unit)}", "high")
        self._side = 0
        return GOOD

    def tick(self, now: float) -> Verdict | None:  # noqa: ARG002 - the Check contract
        """Time alone says nothing."""
        return None

    @staticmethod
    def _bad(reading: Reading, value: float, limit: str, side: str) -> Verdict:
        said = f"{spoken(reading.channel.name)} is {amount(value, reading.channel.unit)}; {limit}."
        return Verdict(True, said, side)
