"""Tells whoever listens of the status and the queue: these have no event of their own, so they are looked at."""

import asyncio
from collections.abc import Callable

from edge_agent.control.types import Queue, Status
from edge_agent.core.ports import Clock
from edge_agent.core.rhythm import until_next
from edge_agent.hub import Hub

LOOK_S = 2.0
# A status in which nothing changed but its figures is told so often.
STATUS_S = 10.0


class Ticker:
    """`run` looks every LOOK_S, and only while somebody listens."""

    def __init__(self, hub: Hub, clock: Clock, status: Callable[[], Status], queue: Callable[[], Queue]) -> None:
        self._hub = hub
        self._clock = clock
        self._status = status
        self._queue = queue
        self._told: object = None
        self._waited: Queue | None = None
        self._told_at = float("-inf")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._look(self._clock.now().monotonic)
            await asyncio.sleep(until_next(self._clock.now().monotonic, LOOK_S))

    def _look(self, now: float) -> None:
        if self._hub.listeners("queue"):
            queue = self._queue()
            if _waits(queue) != _waits(self._waited):
                self._hub.tell("queue", queue)
            self._waited = queue
        else:
            self._waited = None
        if self._hub.listeners("status"):
            status = self._status()
            news = (status.sentence, status.parts, [(row.name, row.ready, row.sentence) for row in status.devices])
            if news != self._told or now - self._told_at >= STATUS_S:
                self._told, self._told_at = news, now
                self._hub.tell("status", status)
        else:
            self._told = None


def _waits(queue: Queue | None) -> object:
    """What of a queue is news; the age of what waits is not."""
    if queue is None:
        return None
    lanes = [(lane.name, lane.events, lane.in_flight, lane.dropped, lane.quarantined) for lane in queue.lanes]
    return lanes, queue.sent_events
