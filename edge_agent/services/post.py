"""Events of all services on their way into the store: appended together, committed lane by lane.

A disk that fails is a state: what was appended stays in the store's memory and goes with the next commit that works.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, Lane
from edge_agent.core.health import Health

_log = structlog.get_logger("store")
_WELL = Health(True, "what is to be sent is on disk")


class Post:
    """`put` takes an event, `flush` brings all to disk, `wait` sleeps until something urgent was put."""

    def __init__(self, append: Callable[[Event], Event], commit: Callable[[Lane], Awaitable[None]]) -> None:
        self._append = append
        self._commit = commit
        self._waiting: list[Event] = []
        self._dirty: set[Lane] = set()
        self._urgent = asyncio.Event()
        self.health = _WELL

    @property
    def readings(self) -> int:
        """Readings in blocks that are not in the store yet."""
        return sum(event.count for event in self._waiting)

    def put(self, event: Event, *, urgent: bool = True) -> None:
        """Take an event; one that is not urgent waits for the next tick."""
        self._waiting.append(event)
        if urgent:
            self._urgent.set()

    async def wait(self, seconds: float) -> bool:
        """Sleep this long, or until something urgent is there: then True."""
        try:
            async with asyncio.timeout(seconds):
                await self._urgent.wait()
        except TimeoutError:
            return False
        return True

    async def flush(self) -> None:
        """Append what waits and commit its lanes, the first lane first."""
        self._urgent.clear()
        waiting, self._waiting = self._waiting, []
        try:
            while waiting:
                self._dirty.add(self._append(waiting[0]).lane)
                del waiting[0]
            for lane in [lane for lane in Lane if lane in self._dirty]:
                await self._commit(lane)
                self._dirty.discard(lane)
        except StoreError as error:
            self._waiting[:0] = waiting
            if self.health.ready:
                _log.error("disk_failed", error=str(error))
            self.health = Health(False, f"what is to be sent is in memory only: {error.args[0]}", error.fix)
            return
        if not self.health.ready:
            _log.info("disk_back")
        self.health = _WELL
