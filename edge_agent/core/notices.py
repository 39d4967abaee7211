"""Of what a person is told: at most one notice a day and three a week, but for help and safety.

Process plants allow an operator 150 alarms a day (ISA-18.2, EEMUA 191); who lives in a house has no shift to watch
them. So findings that come together are one notice (the first waits for the others, and for its cause), and what is
over before it was told is none. What the budget does not allow waits, and is one digest when the next notice is due.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from edge_agent.core.clock import Instant
from edge_agent.core.shelving import since_s

# Longer than the cause needs to show itself (core.causes), as Alertmanager's group_wait.
GROUP_S = 60.0
A_DAY_S, A_WEEK_S = 86_400.0, 7 * 86_400.0
PER_DAY, PER_WEEK = 1, 3
# What waits for a digest; more of them are counted.
MAX_WAITING = 200
# More than a month of them is known.
MAX_TOLD = 50


class Notice(NamedTuple):
    """Something that a person is told now: the findings of these keys. A `digest` is of what had to wait for it."""

    keys: tuple[str, ...]
    digest: bool = False
    safety: bool = False


class Notices:
    """`offer` a finding that came, `withdraw` one that is over or explained, and ask what is `due`."""

    def __init__(self, told: Iterable[Instant] = (), deferred: Iterable[str] = ()) -> None:
        self.told = list(told)
        self.deferred = list(deferred)
        self._fresh: dict[str, float] = {}

    @property
    def fresh(self) -> list[str]:
        """The keys that wait for others to be told with."""
        return list(self._fresh)

    def offer(self, key: str, now: Instant) -> None:
        """A finding was confirmed that a person should know of."""
        if key not in self.deferred:
            self._fresh.setdefault(key, now.monotonic)

    def withdraw(self, key: str) -> None:
        """It is over, explained or shelved before anybody was told. A digest still says that it was there."""
        self._fresh.pop(key, None)

    def drop(self, key: str) -> None:
        """It is not told at all: somebody knows of it already."""
        self.withdraw(key)
        self.deferred = [each for each in self.deferred if each != key]

    def due(self, now: Instant) -> Notice | None:
        """What is to be told now, if anything; it then counts as told."""
        oldest = min(self._fresh.values(), default=None)
        ripe = oldest is not None and now.monotonic - oldest >= GROUP_S
        if not ripe and not self.deferred:
            return None
        if not self.free(now):
            if ripe:
                self._defer()
            return None
        digest = bool(self.deferred)
        self._defer()
        keys, self.deferred = tuple(self.deferred), []
        self.told = [*self.told, now][-MAX_TOLD:]
        return Notice(keys, digest)

    def free(self, now: Instant) -> bool:
        """Whether the budget allows a notice. One that no clock can date is not counted: then rather too much."""
        ages = [age for age in (since_s(then, now) for then in self.told) if age is not None]
        return sum(age < A_DAY_S for age in ages) < PER_DAY and sum(age < A_WEEK_S for age in ages) < PER_WEEK

    def record(self) -> dict[str, Any]:
        """Plain data for the store; `from_record` reads it back."""
        return {"told": [list(at) for at in self.told], "deferred": self.deferred, "fresh": self.fresh}

    @classmethod
    def from_record(cls, plain: Mapping[str, Any], now: Instant) -> "Notices":
        """What was fresh is so again. Raises KeyError, TypeError or ValueError when it is none."""
        notices = cls([Instant(*at) for at in plain["told"]], [str(key) for key in plain["deferred"]])
        for key in plain["fresh"]:
            notices.offer(str(key), now)
        return notices

    def _defer(self) -> None:
        self.deferred = [*self.deferred, *self._fresh][-MAX_WAITING:]
        self._fresh = {}
