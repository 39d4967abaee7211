"""Carries out what core.mayday decides: saves the case, then shows it, then lets it be sent.

All that happens to a case passes through one inbox and one task, in order: button, desk, link and timers never meet
halfway. Only the finger's own feedback is shown at once, before anything is saved: it claims nothing.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import SystemRandom
from typing import Any, NamedTuple

import structlog

from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, EventKind
from edge_agent.core.gesture import Gesture, Touch
from edge_agent.core.health import Health
from edge_agent.core.ids import uuid_text
from edge_agent.core.lamp import RESOLVED_S, Shown, shown
from edge_agent.core.mayday import DeskWord, Effect, Mayday, Signal, Timers
from edge_agent.core.ports import Clock, RequestStore
from edge_agent.core.request import HelpRequest, State, Trigger, case_code
from edge_agent.core.wire import text_of
from edge_agent.services.events import EventMaker

_log = structlog.get_logger("help")
_random = SystemRandom()

_OF_TOUCH = {Touch.CONTACT: Signal.CONTACT, Touch.LET_GO: Signal.LET_GO, Touch.HELD: Signal.HELD}
_OF_PRESSES = {1: Signal.ONE_PRESS, 2: Signal.TWO_PRESSES}
_OF_TYPE = {
    "edge.help.received.v1": Signal.RECEIVED,
    "edge.help.engaged.v1": Signal.ENGAGED,
    "edge.help.resolved.v1": Signal.RESOLVED,
    "edge.help.message.v1": None,
    "edge.help.cancel_received.v1": None,
}
# What each effect says to the desk: the last part of the event's type, and what goes with it.
_SAYS: dict[Effect, tuple[str, dict[str, Any]]] = {
    Effect.NUDGE: ("nudged", {"urgent": False}),
    Effect.NUDGE_URGENT: ("nudged", {"urgent": True}),
    Effect.RETRACT: ("cancelled", {}),
    Effect.REOPEN: ("reopened", {}),
    Effect.CLOSE: ("closed", {}),
    Effect.ASK: ("asked", {}),
}


class Surroundings(NamedTuple):
    """What the service needs to know and to tell. `context` is the tier 0 of a first message, without the case.

    `ready` is whether help can be reached now; `show` sets the lamp; `sent` says that the help lane has something;
    `keep` brings the ids of what was heard to disk, against replay; `changed` is told of every change of the case.
    """

    context: Callable[[], Mapping[str, Any]]
    ready: Callable[[], bool]
    show: Callable[[Shown], None]
    sent: Callable[[], None]
    keep: Callable[[], Awaitable[None]]
    changed: Callable[[], None]


class Help:
    """The help service. `touch`, `link`, `taken`, `heard` and `cancel` may be called at any time from the loop."""

    def __init__(
        self, clock: Clock, store: RequestStore, events: EventMaker, timers: Timers, around: Surroundings
    ) -> None:
        self._clock = clock
        self._store = store
        self._events = events
        self._around = around
        self._mayday = Mayday(timers)
        self._inbox: deque[Callable[[], tuple[Effect, ...]]] = deque()
        self._wake = asyncio.Event()
        self._contact = False
        self._recorded = True
        self._fresh_until = 0.0
        self._heard = False
        self.health = Health(True, "the button works")

    @property
    def state(self) -> State:
        """Where the live case stands."""
        return self._mayday.state

    @property
    def case(self) -> HelpRequest | None:
        """The live case, or the last one."""
        return self._mayday.case

    @property
    def live(self) -> bool:
        """Whether a case needs a connection: one that is open, or a cancellation that nobody acknowledged yet."""
        return self.state not in (State.IDLE, State.HOLD, State.RESOLVED) or self._unsettled()

    def open_requests(self) -> list[bytes]:
        """The ids that the desk may speak about without proof of time."""
        case = self.case
        return [case.id] if case and case.state is not State.IDLE else []

    def touch(self, gesture: Gesture) -> None:
        """The finger did something."""
        if gesture.touch in (Touch.CONTACT, Touch.LET_GO, Touch.HELD):
            self._contact = gesture.touch is Touch.CONTACT
            self.refresh()
        if gesture.touch is Touch.STUCK:
            self.health = Health(False, "the help button is stuck", "Free the button, or check its wiring.")
            _log.error("button_stuck")
        elif gesture.touch is Touch.FREED:
            self.health = Health(True, "the button works")
            _log.info("button_freed")
        elif gesture.touch is Touch.PRESSES:
            self._signal(_OF_PRESSES.get(gesture.presses, Signal.MORE_PRESSES))
        else:
            self._signal(_OF_TOUCH[gesture.touch])

    def link(self, up: bool) -> None:
        """The connection to the service came or went."""
        self._put(lambda: self._mayday.link(up, self._clock.now(), _random.random()))

    def taken(self, event: Event) -> None:
        """The broker has this help event."""
        case = self.case
        if case and event.subject == case.code:
            self._signal(Signal.TAKEN)

    def cancel(self) -> None:
        """Cancelled from the page or the command line."""
        self._signal(Signal.CANCEL)

    def heard(self, message: DeskMessage) -> bool:
        """A believed message of the desk; False for a type that is not known here."""
        self._put(lambda: self._hear(message))
        return message.type in _OF_TYPE

    def refresh(self) -> None:
        """Show what is true now; call it when readiness changed."""
        fresh = self._clock.now().monotonic < self._fresh_until
        self._around.show(
            shown(self.state, recorded=self._recorded, ready=self._around.ready(), contact=self._contact, fresh=fresh)
        )

    async def run(self, beat: Callable[[], None]) -> None:
        """Resume what was open, then work through the inbox until cancelled."""
        await self._resume()
        self.refresh()
        while True:
            beat()
            while self._inbox:
                await self._step(self._inbox.popleft())
            await self._pause()

    async def _resume(self) -> None:
        try:
            cases = await self._store.load()
        except StoreError as error:
            self._disk(error)
            return
        for case in cases[-1:]:
            if case.state is not State.IDLE:
                _log.info("case_resumed", case=case.code, state=case.state.value)
                await self._step(lambda case=case: self._mayday.adopt(case, self._clock.now(), _random.random()))  # type: ignore[misc]

    async def _pause(self) -> None:
        """Sleep until something comes in or the next timer is due, at most a second: the beat must go on."""
        now = self._clock.now().monotonic
        deadline = self._mayday.deadline
        timeout = min(1.0, max(0.0, deadline[0] - now)) if deadline else 1.0
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
        now = self._clock.now().monotonic
        if deadline and deadline[0] <= now:
            self._signal(deadline[1])
        if not self._recorded:
            await self._record()
        if 0.0 < self._fresh_until <= now:
            self._fresh_until = 0.0
            self.refresh()

    def _signal(self, signal: Signal) -> None:
        self._put(lambda: self._mayday.signal(signal, self._clock.now(), _random.random()))

    def _put(self, step: Callable[[], tuple[Effect, ...]]) -> None:
        self._inbox.append(step)
        self._wake.set()

    def _unsettled(self) -> bool:
        return self.case is not None and self._store.unsettled(self.case.id) > 0

    async def _step(self, step: Callable[[], tuple[Effect, ...]]) -> None:
        """Decide, save, and only then show and send."""
        before, state = self.case, self.state
        effects = step()
        if Effect.OPEN in effects:
            self._open()
        if self.case is not None and self.case is not before:
            await self._save(self.case, self._says(effects))
        if Effect.RESEND in effects and self.case:
            self._store.resend(self.case.id)
        await self._remember()
        if self.case is before and self.state is state and not effects:
            return
        if self.state is State.RESOLVED and state is not State.RESOLVED:
            self._fresh_until = self._clock.now().monotonic + RESOLVED_S
        if self.state is not state:
            _log.info("help", state=self.state.value, case=self.case.code if self.case else "")
        self._around.sent()
        self.refresh()
        self._around.changed()

    def _open(self) -> None:
        now = self._clock.now()
        case = HelpRequest(
            id=self._events.new_id(),
            code=case_code(_random.randbytes(5)),
            trigger=Trigger.MANUAL,
            state=self.state,
            pressed_at=now.monotonic,
            boot_id=now.boot_id,
            pressed_wall=now.wall,
            clock_trusted=now.trusted,
        )
        self._mayday.open_case(case, now)

    def _says(self, effects: Sequence[Effect]) -> list[Event]:
        """The events of these effects, for the case as it is now."""
        case = self.case
        assert case is not None
        base = {"request": uuid_text(case.id), "case": case.code}
        said = []
        for effect in effects:
            if effect is Effect.RAISE:
                data = {**self._around.context(), **self._first_message(case), **base}
                said.append(self._events.make(EventKind.HELP, "raised", case.code, data, ident=case.id))
            elif effect in _SAYS:
                what, more = _SAYS[effect]
                data = {**base, **more, "count": case.nudges}
                said.append(self._events.make(EventKind.HELP, what, case.code, data))
        return said

    def _first_message(self, case: HelpRequest) -> dict[str, Any]:
        now = self._clock.now()
        age_s = now.monotonic - case.pressed_at if case.boot_id == now.boot_id else now.wall - case.pressed_wall
        return {
            "schema": 1,
            "trigger": case.trigger.value,
            "rule": case.rule,
            "pressed_time": round(case.pressed_wall, 3),
            "pressed_age_s": round(age_s, 3),
            "clock_trusted": case.clock_trusted,
        }

    async def _save(self, case: HelpRequest, said: Sequence[Event]) -> None:
        try:
            await self._store.save(case, said)
        except StoreError as error:
            self._disk(error)
            return
        self._disk_works()

    async def _record(self) -> None:
        """What the disk refused is tried again, about once a second."""
        try:
            await self._store.commit()
        except StoreError:
            return
        self._disk_works()
        self.refresh()

    def _disk_works(self) -> None:
        if not self._recorded:
            _log.info("disk_back")
            self.health = Health(True, "the button works")
        self._recorded = True

    def _disk(self, error: StoreError) -> None:
        if self._recorded:
            _log.error("help_not_on_disk", error=str(error))
        self._recorded = False
        self.health = Health(False, f"a help request would not be on disk: {error}", error.fix)

    def _hear(self, message: DeskMessage) -> tuple[Effect, ...]:
        """What the desk says: settle what it has, keep its words, move on."""
        self._heard = True
        case, data, now = self.case, message.data, self._clock.now()
        through = data.get("through")
        if message.request is not None and isinstance(through, int):
            self._store.settle(message.request, through)
        if case is None or message.request != case.id or message.type not in _OF_TYPE:
            return ()
        promised = data.get("next_word_wall")
        word = DeskWord(
            signal=_OF_TYPE[message.type],
            reference=text_of(data, "reference", 80),
            receiver=text_of(data, "receiver", 80),
            helper=text_of(data, "helper", 80),
            text=text_of(data, "text"),
            next_word_wall=float(promised) if isinstance(promised, int | float) else None,
        )
        effects = self._mayday.hear(word, now, _random.random())
        if self.state in (State.CANCELLED, State.RESOLVED) and not self._unsettled() and Effect.CLOSE not in effects:
            effects += self._mayday.signal(Signal.SETTLED, now, _random.random())
        return effects

    async def _remember(self) -> None:
        """After the case is saved: what was heard is not obeyed twice, and what it settled is settled."""
        heard, self._heard = self._heard, False
        try:
            if heard:
                await self._around.keep()
                await self._store.commit()
        except StoreError as error:
            self._disk(error)
