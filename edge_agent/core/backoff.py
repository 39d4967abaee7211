"""When to try again: full jitter (a random share of an exponentially growing ceiling), reset by stability only.

Full jitter keeps a fleet from coming back in step after a common outage; a reset right after a successful connect
would hammer a broker that accepts and then kicks.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """`delay(random)` gives the next pause; `stable(seconds)` forgives once a success lasted `stable_s`."""

    base_s: float = 1.0
    cap_s: float = 300.0
    stable_s: float = 120.0
    attempts: int = 0

    def delay(self, share: float) -> float:
        """The next pause in seconds, for a random `share` in 0..1; each call counts as one failure."""
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return ceiling * share

    def stable(self, lasted_s: float) -> None:
        """Tell how long the last success lasted; long enough, and the next pause is short again."""
        if lasted_s >= self.stable_s:
            self.attempts = 0
