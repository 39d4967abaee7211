"""Stand-ins that keep the contracts of core/ports.py in memory."""

import time
from collections.abc import Sequence

from edge_agent.core.clock import Instant
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, Lane
from edge_agent.core.ports import Depth


class MemorySpool:
    """A Spool without a disk. `commits` counts commits; while `broken` every call to the disk raises StoreError."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.commits = 0
        self.broken = False
        self.released: list[Event] = []
        self._sequence = 0
        self._fresh: list[Event] = []
        self._held: dict[int, Event] = {}

    def append(self, event: Event) -> Event:
        self._sequence += 1
        stored = event.with_sequence(self._sequence)
        self._fresh.append(stored)
        return stored

    async def commit(self) -> None:
        self._check()
        self.commits += 1
        self._held.update((event.sequence, event) for event in self._fresh)
        self._fresh.clear()

    def pending(self, after: int, limit: int) -> Sequence[Event]:
        self._check()
        found: list[Event] = []
        for sequence in range(max(after + 1, next(iter(self._held), 1)), self._sequence + 1):
            if len(found) >= limit:
                break
            if sequence in self._held:
                found.append(self._held[sequence])
        return found

    def release(self, event: Event) -> None:
        if self._held.pop(event.sequence, None) is not None:
            self.released.append(event)

    def depth(self) -> Depth:
        oldest = next(iter(self._held.values()), None)
        size = sum(len(event.payload) for event in self._held.values())
        at, boot = (oldest.at, oldest.boot_id) if oldest else (None, None)
        return Depth(len(self._held), size, at, boot, 0)

    def close(self) -> None:
        self._held.clear()

    def _check(self) -> None:
        if self.broken:
            raise StoreError("the disk failed")


class MemoryReplay:
    """The ids of messages that were acted on, without a disk."""

    def __init__(self) -> None:
        self.until: dict[str, float] = {}
        self.done: set[str] = set()

    def seen(self, ident: str) -> bool:
        return ident in self.until

    def remember(self, ident: str, until_wall: float, *, done: bool = True) -> None:
        self.until[ident] = until_wall
        if done:
            self.done.add(ident)


class SteppedClock:
    """The real monotonic clock plus `ahead_s`; the wall clock is `wall` at its start, trusted or not."""

    def __init__(self, wall: float | None = None, *, trusted: bool = True, boot_id: str = "boot") -> None:
        self._start = time.monotonic()
        self._wall = time.time() if wall is None else wall
        self.ahead_s = 0.0
        self.trusted = trusted
        self.boot_id = boot_id

    def now(self) -> Instant:
        monotonic = time.monotonic() + self.ahead_s
        return Instant(monotonic, self.boot_id, self._wall + monotonic - self._start, self.trusted)
