"""Guarded: another check that counts only while some other channel says so (volts while the engine runs)."""

from dataclasses import dataclass

from edge_agent.core.checks.base import Check
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.guard import Guard
from edge_agent.core.reading import Reading


@dataclass(slots=True)
class Guarded:
    """Shown the readings of both channels. Good while the guard does not hold; until it is known, nothing is said."""

    inner: Check
    guard: Guard
    _holds: bool | None = None

    def see(self, reading: Reading) -> Verdict | None:
        """What the inner check says of its channel, while the guard holds."""
        if reading.channel.name == self.guard.channel:
            self._holds = self.guard.holds(reading.value)
            return None if self._holds else GOOD
        if self._holds is None:
            return None
        return self.inner.see(reading) if self._holds else GOOD

    def tick(self, now: float) -> Verdict | None:
        """What the inner check says of the time, while the guard holds."""
        verdict = self.inner.tick(now)
        return verdict if self._holds else None
