"""Shelving: a person takes a finding off the shelf of what matters, for a while, with a reason and a name.

What calls for help and what is a matter of safety cannot be shelved, and nothing for more than a week (EEMUA 191 and
ISA-18.2 ask for a reason, an owner and an end).
"""

from typing import Any, NamedTuple

from edge_agent.core.clock import Instant

MAX_SHELVED_S = 7 * 86_400.0
MAX_REASON = 200
MAX_OWNER = 80


class Shelving(NamedTuple):
    """Until `seconds` after `at`. `owner` is who answers for it."""

    reason: str
    owner: str
    seconds: float
    at: Instant

    def left_s(self, now: Instant) -> float | None:
        """How long it lasts yet, not above 0: it is over. None: no clock tells, and nothing is kept quiet by it."""
        passed = since_s(self.at, now)
        return None if passed is None else self.seconds - passed

    def holds(self, now: Instant) -> bool:
        """Whether nobody is told of the finding."""
        left_s = self.left_s(now)
        return left_s is not None and left_s > 0.0

    def record(self) -> list[Any]:
        """Plain data for the store."""
        return [self.reason, self.owner, self.seconds, list(self.at)]

    @classmethod
    def from_record(cls, plain: Any) -> "Shelving":
        """Raises TypeError or ValueError where it is none."""
        reason, owner, seconds, at = plain
        return cls(str(reason), str(owner), float(seconds), Instant(*at))


class Tombstone(NamedTuple):
    """Somebody cleared a finding by hand: who, when and why, and what it said then."""

    by: str
    why: str
    at: Instant
    sentence: str

    def record(self) -> list[Any]:
        """Plain data for the store."""
        return [self.by, self.why, list(self.at), self.sentence]

    @classmethod
    def from_record(cls, plain: Any) -> "Tombstone":
        """Raises TypeError or ValueError where it is none."""
        by, why, at, sentence = plain
        return cls(str(by), str(why), Instant(*at), str(sentence))


def since_s(then: Instant, now: Instant) -> float | None:
    """Seconds from then to now where a clock tells: of this boot, or the wall where it was right both times."""
    if then.boot_id == now.boot_id:
        return now.monotonic - then.monotonic
    return now.wall - then.wall if then.trusted and now.trusted else None
