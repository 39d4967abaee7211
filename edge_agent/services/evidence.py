"""Tier 1 of a help request: what goes with a case by standing consent to `diagnostics`.

When a case is raised: the flight recorder's readings (`before`), the freeze frames of open findings (`freeze`), the
recent log (`log`) and the self-test (`selftest`); a minute later the readings since then (`after`). All are events of
the finding lane about the case, which want of space does not take while the case is open.

It waits until the request itself has left, or cannot for now, and packs little by little: tier 0 is never delayed.
Without consent nothing is packed; the readings of before stay in memory for as long as the case is open, and go if
consent comes. They do not outlive a restart: after one the rest is told again, as it is then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import structlog

from edge_agent.core.block import pack
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid_text
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Reading
from edge_agent.core.request import HelpRequest, State
from edge_agent.core.rhythm import until_next
from edge_agent.services.events import EventMaker
from edge_agent.threads import in_thread

ROUND_S = 1.0
# The request itself gets a head start of at most so long.
HEAD_START_S = 5.0
# So many readings are packed at a time, some milliseconds of a small computer.
SLICE = 1000
# One message, and all that is sent of one stage; readings cost some 3 bytes each: the whole recorder fits.
MAX_MESSAGE_BYTES = 48 * 1024
MAX_STAGE_BYTES = 512 * 1024
# After a start the open case must have been found by then; what was kept for one that is over goes.
FOUND_S = 60.0
_ON_ITS_WAY = frozenset({State.RAISED, State.SENDING})
_NOT_RAISED = frozenset({State.IDLE, State.HOLD, State.CANCEL_WINDOW})

_log = structlog.get_logger("evidence")


class Sources(NamedTuple):
    """Where evidence is from: `readings(since)` of the flight recorder, and what can be told of now as plain data.

    The self-test takes some seconds.
    """

    readings: Callable[[float], Sequence[Reading]]
    freeze: Callable[[], Sequence[Mapping[str, Any]]]
    log: Callable[[], Sequence[str]]
    selftest: Callable[[], Awaitable[Mapping[str, Any]]]


class Kept(NamedTuple):
    """Whose evidence is kept: the case's id as text, and sequences of the finding lane."""

    request: str = ""
    sequences: tuple[int, ...] = ()

    @classmethod
    def from_record(cls, plain: object) -> "Kept":
        """From the store. Raises ValueError."""
        match plain:
            case [str(request), list(sequences)] if all(type(sequence) is int for sequence in sequences):
                return cls(request, tuple(sequences))
        raise ValueError("not a list of what is kept")


class Store(NamedTuple):
    """`append` gives an event its sequence, `commit` brings the finding lane to disk; both raise StoreError.

    `keep` spares these sequences; `remember` brings that to disk, from a thread, and raises StoreError.
    """

    append: Callable[[Event], Event]
    commit: Callable[[], Awaitable[None]]
    keep: Callable[[Collection[int]], None]
    remember: Callable[[Kept], None]


@dataclass(slots=True)
class _Case:
    id: bytes
    code: str
    since: float
    readings: Sequence[Reading] = ()
    told: bool = False
    followed: bool = False
    sequences: list[int] = field(default_factory=list)

    @property
    def request(self) -> str:
        return uuid_text(self.id)


class Evidence:
    """`case_changed` is told of every change that is on disk, `run` (optional) packs and stores."""

    def __init__(
        self,
        clock: Clock,
        events: EventMaker,
        store: Store,
        sources: Sources,
        *,
        allowed: Callable[[], bool],
        after_s: float,
        kept: Kept,
    ) -> None:
        self._clock = clock
        self._events = events
        self._store = store
        self._sources = sources
        self._allowed = allowed
        self._after_s = after_s
        self._kept = kept
        self._case: _Case | None = None
        self._state = State.IDLE
        self._started_at = clock.now().monotonic
        store.keep(kept.sequences)

    def case_changed(self, case: HelpRequest | None, state: State) -> None:
        """Take hold of what was before, as soon as a case is raised; let go of it when it is over."""
        self._state = state
        if case is None or not case.open or state in _NOT_RAISED:
            self._case = None
        elif self._case is None or self._case.id != case.id:
            now = self._clock.now()
            mine = case.boot_id == now.boot_id and case.pressed_at >= self._started_at
            old = list(self._kept.sequences) if self._kept.request == uuid_text(case.id) else []
            readings = self._sources.readings(float("-inf")) if mine else ()
            self._case = _Case(case.id, case.code, now.monotonic, readings, followed=not mine, sequences=old)

    async def run(self) -> None:
        """Pack what is due, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(until_next(self._clock.now().monotonic, ROUND_S))

    async def look(self) -> None:
        """What is due now: the first pieces, those that follow, or to forget a case that is over."""
        case, now = self._case, self._clock.now().monotonic
        if case is None:
            if self._kept.sequences and now - self._started_at >= FOUND_S:
                await self._keep(Kept())
        elif self._allowed():
            waits = self._state in _ON_ITS_WAY and now - case.since < HEAD_START_S
            if not case.told and not waits:
                case.told = True
                selftest = await self._sources.selftest()
                await self._tell(case, self._first(case, selftest))
                case.readings = ()
            elif case.told and not case.followed and now - case.since >= self._after_s:
                case.followed = True
                readings = [r for r in self._sources.readings(case.since) if r.at < case.since + self._after_s]
                await self._tell(case, self._blocks(case, "after", readings))

    async def _tell(self, case: _Case, pieces: Iterator[Event | None]) -> None:
        """Put these in the lane, spare them, and only then to disk: together, and within bounds."""
        found: list[Event] = []
        size = 0
        for piece in pieces:
            await asyncio.sleep(0)
            if piece is not None and size + len(piece.payload) <= MAX_STAGE_BYTES:
                size += len(piece.payload)
                found.append(piece)
        # blocks were packed from the newest back, so that what is too old is what is left out
        found.sort(key=lambda event: event.at)
        try:
            case.sequences += [self._store.append(event).sequence for event in found]
            await self._keep(Kept(case.request, tuple(case.sequences)))
            await self._store.commit()
        except StoreError as error:
            _log.error("evidence_not_on_disk", case=case.code, error=str(error))
        _log.info("evidence", case=case.code, messages=len(found), bytes=size)

    async def _keep(self, kept: Kept) -> None:
        self._kept = kept
        self._store.keep(kept.sequences)
        with suppress(StoreError):
            await in_thread(partial(self._store.remember, kept))

    def _first(self, case: _Case, selftest: Mapping[str, Any]) -> Iterator[Event | None]:
        yield self._piece(case, "selftest", dict(selftest))
        yield from self._lists(case, "freeze", "findings", self._sources.freeze())
        yield from self._lists(case, "log", "lines", self._sources.log())
        yield from self._blocks(case, "before", case.readings)

    def _blocks(self, case: _Case, part: str, readings: Sequence[Reading]) -> Iterator[Event | None]:
        """Readings as blocks, the newest first; their times count from the event's own."""
        for end in range(len(readings), 0, -SLICE):
            yield from self._block(case, part, readings[max(0, end - SLICE) : end])

    def _block(self, case: _Case, part: str, readings: Sequence[Reading]) -> Iterator[Event | None]:
        base = readings[0].at
        payload = pack(readings, base)
        if len(payload) > MAX_MESSAGE_BYTES and len(readings) > 1:
            half = len(readings) // 2
            yield from self._block(case, part, readings[half:])
            yield from self._block(case, part, readings[:half])
            return
        yield replace(self._piece(case, part, {"block": payload}), at=base)

    def _lists(self, case: _Case, part: str, name: str, rows: Sequence[Any]) -> Iterator[Event | None]:
        """Rows in as many messages as they need; nothing where there are none."""
        if not rows:
            return
        piece = self._piece(case, part, {name: list(rows)})
        if len(piece.payload) > MAX_MESSAGE_BYTES and len(rows) > 1:
            yield from self._lists(case, part, name, rows[: len(rows) // 2])
            yield from self._lists(case, part, name, rows[len(rows) // 2 :])
            return
        yield piece

    def _piece(self, case: _Case, part: str, data: Mapping[str, Any]) -> Event:
        told = {"request": case.request, "case": case.code, "part": part, **data}
        return self._events.make(EventKind.FINDING, "evidence", case.code, told)
