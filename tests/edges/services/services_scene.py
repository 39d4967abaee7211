"""A help service over a real store, with a scripted finger, desk, broker and disk."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

from edge_agent.config import model
from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event
from edge_agent.core.gesture import Gesture, Touch
from edge_agent.core.lamp import Shown
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.question import Purpose
from edge_agent.core.request import State
from edge_agent.core.wire import unpack
from edge_agent.services.events import EventMaker
from edge_agent.services.mayday import Help, Surroundings
from edge_agent.store.outbox import Outbox

QUICK = Timers(cancel_window_s=0.05, ack_wait_s=60.0, queued_after_s=60.0, reopen_s=3600.0, silence_s=600.0)
_ids = count(1)


class HandClock:
    """A clock that stands still unless it is moved; the loop's own time goes on."""

    def __init__(self, boot_id: str = "boot") -> None:
        self.monotonic, self.boot_id, self.wall, self.trusted = 1000.0, boot_id, 1_800_000_000.0, True

    def now(self) -> Instant:
        return Instant(self.monotonic, self.boot_id, self.wall + self.monotonic, self.trusted)


async def until(true: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait until it is true, or fail."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class Scene:
    """Use as an async context: the service runs inside. Leaving it is a crash unless `stop` was called."""

    def __init__(self, folder: Path, *, timers: Timers = QUICK, boot_id: str = "boot") -> None:
        self.clock = HandClock(boot_id)
        self.outbox = Outbox(folder, model.Outbox())
        self.store = self.outbox.requests
        self.lamps: list[Shown] = []
        self.ready = self.effort = True
        self.kept: list[State] = []
        self.fallen_back: list[State] = []
        self.agreed: list[Purpose] = []
        self.context: dict[str, Any] = {"gateway": "gw", "findings": []}
        around = Surroundings(
            context=lambda: self.context,
            ready=lambda: self.ready,
            show=self._show,
            sent=lambda: None,
            keep=self._keep,
            changed=lambda: None,
            may_ask_effort=lambda: self.effort,
            agreed=lambda question: self.agreed.append(question.purpose),
            fall_back=lambda: self.fallen_back.append(self.state),
        )
        self.help = Help(self.clock, self.store, EventMaker(self.clock), timers, around)
        self.task: asyncio.Task[None] | None = None
        self.beats = 0

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.help.run(self._beat))
        await asyncio.sleep(0)
        await until(lambda: self.beats and self.lamps)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()
        self.outbox.close()

    async def end(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
            self.task = None

    @property
    def lamp(self) -> Shown:
        return self.lamps[-1]

    @property
    def state(self) -> State:
        return self.help.state

    def finger(self, touch: Touch, presses: int = 0) -> None:
        self.help.touch(Gesture(touch, self.clock.monotonic, presses))

    async def hold(self) -> None:
        self.finger(Touch.CONTACT)
        self.finger(Touch.HELD)
        self.finger(Touch.LET_GO)
        await self.settled()

    async def settled(self) -> None:
        """All that came in is done."""
        await until(lambda: not self.help._inbox and not self._due())
        for _ in range(2):  # what is under way, and what it or the clock brings
            beats = self.beats
            self.help._wake.set()
            await until(lambda beats=beats: self.beats > beats)
        await asyncio.sleep(0.01)

    def _due(self) -> bool:
        """Whether a timer of the case has come and was not looked at yet."""
        deadline = self.help._mayday.deadline
        if deadline is None or deadline[0] > self.clock.monotonic:
            return False
        self.help._wake.set()
        return True

    async def later(self, seconds: float) -> None:
        """Let the clock of the case run on."""
        self.clock.monotonic += seconds
        await self.settled()

    def word(self, what: str, request: bytes | None = None, **data: Any) -> DeskMessage:
        ident = request or (self.help.case.id if self.help.case else b"")
        return DeskMessage(f"m{next(_ids)}", f"edge.help.{what}.v1", self.clock.now().wall, ident, data)

    def desk(self, what: str, request: bytes | None = None, **data: Any) -> bool:
        return self.obey(self.word(what, request, **data))

    def obey(self, word: DeskMessage) -> bool:
        """As uplink.inbound does it."""
        known = self.help.heard(word)
        self.outbox.ledger.remember(word.id, 2e9, done=False)
        return known

    async def says(self, what: str, request: bytes | None = None, **data: Any) -> None:
        self.desk(what, request, **data)
        await self.settled()

    def pending(self) -> list[str]:
        return [event.type.split(".")[2] for event in self.store.pending(0, 100)]

    async def broker_takes(self) -> list[Event]:
        events = self.store.pending(0, 100)
        for event in events:
            self.store.release(event)
            self.help.taken(event)
        await self.settled()
        return events

    def last_sequence(self) -> int:
        return self.store._next - 1

    async def raised(self) -> None:
        """Held, and the cancel window is over."""
        await self.hold()
        assert self.state is State.CANCEL_WINDOW
        await self.later(0.1)

    async def received(self) -> None:
        """The desk has it."""
        self.help.link(up=True)
        await self.raised()
        await self.broker_takes()
        await self.says("received", reference="C-1", receiver="desk", through=self.last_sequence())

    @contextmanager
    def dead_disk(self) -> Iterator[None]:
        """Every transaction fails."""

        async def refuse(_work: object) -> None:
            raise StoreError("the card is gone", fix="Put it back.")

        with self._disk(refuse):
            yield

    @contextmanager
    def hanging_disk(self, patience_s: float = 60.0) -> Iterator[asyncio.Event]:
        """No transaction ends before the event is set."""
        gate, real = asyncio.Event(), self.store._database.run

        async def wait(work: Any) -> Any:
            await gate.wait()
            return await real(work)

        for room in (self.store, self.outbox.ledger):
            room._commits._patience_s = patience_s
        with self._disk(wait):
            yield gate
            gate.set()

    @contextmanager
    def _disk(self, run: Any) -> Iterator[None]:
        database: Any = self.store._database
        real, database.run = database.run, run
        try:
            yield
        finally:
            database.run = real

    def _beat(self) -> None:
        self.beats += 1

    def _show(self, what: Shown) -> None:
        if not self.lamps or self.lamps[-1] is not what:
            self.lamps.append(what)

    async def _keep(self, done: Sequence[str]) -> None:
        self.kept.append(self.help._mayday.state)
        await self.outbox.ledger.keep(done)


def data_of(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = unpack(event.payload)
    return found
