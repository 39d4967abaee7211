"""Who may send next: a fixed number of messages in flight, shared so that help never waits and nobody starves."""

from collections import Counter
from collections.abc import Collection

from edge_agent.core.event import Lane

_ORDER = {lane: place for place, lane in enumerate(Lane)}
# What a lane leaves to each lane below it that has something waiting.
LEFT_TO_LOWER = 2


class Slots:
    """`total` messages in flight, `reserved` of them only for help.

    Help does not take more than its own while others wait: first claim on all slots starved a backlog (measured with
    200 urgent events a second over 60 ms). Of the others the first in lane order goes first, but leaves a few slots to
    each lane below it that waits.
    """

    def __init__(self, total: int, reserved: int) -> None:
        self.total = max(1, total)
        self.reserved = max(0, min(reserved, self.total - 1))
        self._flying: Counter[Lane] = Counter()

    @property
    def in_flight(self) -> int:
        """How many are on their way."""
        return sum(self._flying.values())

    def may_send(self, lane: Lane, waiting: Collection[Lane]) -> bool:
        """Whether `lane` may send now; `waiting` are the lanes that have something to send."""
        if self.in_flight >= self.total:
            return False
        mine = self._flying[lane]
        if lane is Lane.HELP:
            alone = all(other is Lane.HELP for other in waiting)
            return alone or mine < max(1, self.reserved)
        free = self.total - self.reserved - (self.in_flight - self._flying[Lane.HELP])
        lower = {other for other in waiting if _ORDER[other] > _ORDER[lane]}
        owed = sum(max(0, LEFT_TO_LOWER - self._flying[other]) for other in lower)
        return free > (owed if mine else 0)

    def take(self, lane: Lane) -> None:
        """One of this lane is on its way."""
        self._flying[lane] += 1

    def give(self, lane: Lane) -> None:
        """One of this lane has arrived, or will not."""
        self._flying[lane] -= 1
