"""Stuck: readings arrive and never change, as from a sensor that died with its last value on the line."""

from dataclasses import dataclass

from edge_agent.core.checks.base import PLAIN, Words, number
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.reading import Reading


@dataclass(slots=True)
class Stuck:
    """Bad when the value stayed within `hysteresis` of one value for `window_s`."""

    window_s: float
    hysteresis: float = 0.0
    words: Words = PLAIN
    _value: float | None = None
    _since: float = 0.0

    def see(self, reading: Reading) -> Verdict | None:
        """Good at the first change."""
        value = number(reading)
        if value is None:
            return None
        if self._value is None or abs(value - self._value) > self.hysteresis or reading.at < self._since:
            self._value, self._since = value, reading.at
            return GOOD
        lasted = reading.at - self._since
        if lasted < self.window_s:
            return None
        words, unit = self.words, reading.channel.unit
        fields = {"value": words.amount(value, unit), "length": words.length(lasted)}
        return Verdict(True, words.say("check.stuck", channel=words.name(reading.channel.name), **fields))

    def tick(self, now: float) -> Verdict | None:  # noqa: ARG002 - the Check contract
        """Time alone says nothing: no readings is another check's matter."""
        return None
