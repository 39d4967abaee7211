"""Silent: no reading for too long, or only bad ones."""

from dataclasses import dataclass

from edge_agent.core.checks.base import PLAIN, Words
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.reading import Reading


@dataclass(slots=True)
class Silent:
    """Bad when `channel` gave no value for `window_s`; `since` is when the waiting began (start of the agent)."""

    channel: str
    window_s: float
    since: float
    words: Words = PLAIN
    _heard: bool = False
    _reason: str = ""

    def see(self, reading: Reading) -> Verdict | None:
        """Good with every value; a reading without one only gives its reason."""
        if reading.value is None:
            self._reason = reading.reason
            return None
        self.since, self._heard, self._reason = reading.at, True, ""
        return GOOD

    def tick(self, now: float) -> Verdict | None:
        """Bad once the window is over."""
        lasted = now - self.since
        if lasted < self.window_s:
            return None
        words, why = self.words, f" ({self._reason})" if self._reason else ""
        key = "check.silent" if self._heard else "check.never"
        return Verdict(True, words.say(key, channel=words.name(self.channel), length=words.length(lasted), why=why))
