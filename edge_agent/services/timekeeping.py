"""Keeps what is known of the time over restarts, so that an event of an earlier boot is dated right when it leaves."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import structlog

from edge_agent.core.clock import Boots, Claim, Instant, Source
from edge_agent.core.errors import StoreError
from edge_agent.core.rhythm import until_next
from edge_agent.threads import in_thread

ROUND_S = 5.0
Record = list[list[Any]]
_log = structlog.get_logger("clock")


class TellableClock(Protocol):
    """A clock that knows who vouches for it, and that can be told the time."""

    @property
    def source(self) -> Source:
        """Who vouches for the time."""

    def now(self) -> Instant:
        """All four values at once."""

    def hear(self, claim: Claim) -> bool:
        """Somebody tells the time; says whether that was good for anything."""


class Timekeeping:
    """`boots` is the table that dates events of earlier boots; `save` writes its record down, from any thread.

    What an earlier run of this boot knew holds again at once.
    """

    def __init__(self, clock: TellableClock, boots: Boots, save: Callable[[Record], None]) -> None:
        self.boots = boots
        self._clock = clock
        self._save = save
        self._failed = False
        now = clock.now()
        held = boots.of(now.boot_id)
        if held is not None and held.source:
            clock.hear(Claim(held.source, held.offset_s))
        self._source = clock.source
        self.look()

    def look(self) -> None:
        """Note what the clocks say."""
        now, source = self._clock.now(), self._clock.source
        self.boots.note(now, source)
        if source is not self._source:
            _log.info("time_known", by=source.name.lower())
            self._source = source

    def heard(self, claim: Claim) -> None:
        """A believed message tells the time."""
        if self._clock.hear(claim):
            self.look()

    async def run(self) -> None:
        """Look and write until cancelled."""
        while True:
            self.look()
            if self.boots.due:
                newest = self.boots.rows[-1]
                if await in_thread(partial(self._write, self.boots.record())):
                    self.boots.kept(newest)
            await asyncio.sleep(until_next(asyncio.get_running_loop().time(), ROUND_S))

    def finish(self) -> None:
        """At the end: also the last moment of this boot is worth a write."""
        self.look()
        self._write(self.boots.record())

    def _write(self, record: Record) -> bool:
        try:
            self._save(record)
        except StoreError as error:
            if not self._failed:
                _log.warning("time_not_kept", why=str(error))
            self._failed = True
            return False
        self._failed = False
        return True
