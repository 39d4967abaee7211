"""Events of all services on their way into the store: appended together, committed lane by lane.

A disk that fails is a state: what was appended stays in the store's memory and goes with the next commit that works.
A lane never waits for another one. An event that the store will not have at all is given up, and stops no other.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, Lane
from edge_agent.core.health import Health
from edge_agent.texts import Said

_log = structlog.get_logger("store")
_WELL = Health(True, Said("part.kept"))


class Post:
    """`put` takes an event, `draft` one that is not whole yet; `flush` brings all to disk.

    `wait` sleeps until something urgent was put.
    """

    def __init__(
        self,
        append: Callable[[Event], Event],
        draft: Callable[[Event], None],
        commit: Callable[[Lane], Awaitable[None]],
    ) -> None:
        self._append = append
        self._draft = draft
        self._commit = commit
        self._waiting: list[Event] = []
        self._dirty: set[Lane] = set()
        self._urgent = asyncio.Event()
        self.given_up = 0
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

    def draft(self, event: Event) -> None:
        """Of an event that is still growing: on disk with the next flush, and forgotten with the next one of its lane.

        What was put before goes before it.
        """
        self._take_all()
        try:
            self._draft(event)
        except StoreError as error:
            self._refused(event, error)
        else:
            self._dirty.add(event.lane)

    async def wait(self, seconds: float) -> None:
        """Sleep this long, or until something urgent is there; `flush` comes next."""
        # a timer that rings the same bell: a timeout would cancel and raise, each second, for half of a tick's cost
        timer = asyncio.get_running_loop().call_later(seconds, self._urgent.set)
        try:
            await self._urgent.wait()
        finally:
            timer.cancel()

    async def flush(self) -> None:
        """Append what waits and commit its lanes, the first lane first."""
        self._urgent.clear()
        self._take_all()
        failure: StoreError | None = None
        for lane in [lane for lane in Lane if lane in self._dirty]:
            self._dirty.discard(lane)
            try:
                await self._commit(lane)
            except StoreError as error:
                self._dirty.add(lane)
                failure = failure or error
        if failure is not None:
            if self.health.ready:
                _log.error("disk_failed", error=str(failure))
            self.health = Health(False, Said("part.in_memory", why=failure.args[0]), failure.fix)
            return
        if not self.health.ready:
            _log.info("disk_back")
        self.health = _WELL

    def _take_all(self) -> None:
        """Appending only touches memory: what is refused here is refused for itself, today and tomorrow."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            try:
                self._dirty.add(self._append(event).lane)
            except StoreError as error:
                self._refused(event, error)

    def _refused(self, event: Event, error: StoreError) -> None:
        self.given_up += 1
        if self.given_up == 1:
            _log.error("event_given_up", type=event.type, error=str(error))
