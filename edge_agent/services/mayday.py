"""Carries out what core.mayday decides: saves the case, then shows it, then lets it be sent.

All that happens to a case passes through one inbox and one task, in order: button, desk, link and timers never meet
halfway. Only the finger's own feedback is shown at once, before anything is saved: it claims nothing. Whatever asks
for the lamp while a save is under way is shown the state before it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from random import SystemRandom
from typing import Any, NamedTuple

import structlog

from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event
from edge_agent.core.gesture import Gesture, Touch
from edge_agent.core.health import Health
from edge_agent.core.lamp import RESOLVED_S, Shown, shown
from edge_agent.core.mayday import Mayday, Timers
from edge_agent.core.mayday_table import ON_THE_WAY, Effect, Signal
from edge_agent.core.ports import Clock, RequestStore
from edge_agent.core.request import HelpRequest, State
from edge_agent.core.rhythm import until_next
from edge_agent.services.case_disk import CaseDisk
from edge_agent.services.case_events import URGENT, CaseEvents
from edge_agent.services.desk_words import is_known, through_of, word_of
from edge_agent.services.earlier import Earlier
from edge_agent.services.events import EventMaker

# The loop comes round this often whatever happens: the beat, the lamp and a disk that failed are looked at.
ROUND_S = 1.0
# Messages of the desk that wait for a slow disk; beyond, the desk has to send them again.
MAX_INBOX = 200

_log = structlog.get_logger("help")
_random = SystemRandom()
_WELL = Health(True, "a press is recorded and sent")
_STUCK = Health(False, "the help button is stuck", "Free the button, or check its wiring.")
_OF_PRESSES = {1: Signal.ONE_PRESS, 2: Signal.TWO_PRESSES}
Step = Callable[[], tuple[Effect, ...]]


class Surroundings(NamedTuple):
    """What the service needs to know and to tell. `context` is the tier 0 of a first message, without the case.

    `ready` is whether help can be reached now; `show` sets the lamp; `sent` says that the help lane has something;
    `keep` brings ids of what was heard to disk, against replay; `changed` is told of every change of the case.
    """

    context: Callable[[], Mapping[str, Any]]
    ready: Callable[[], bool]
    show: Callable[[Shown], None]
    sent: Callable[[], None]
    keep: Callable[[Sequence[str]], Awaitable[None]]
    changed: Callable[[], None]


class Help:
    """The help service. `touch`, `link`, `taken`, `heard` and `cancel` may be called at any time from the loop."""

    def __init__(
        self, clock: Clock, store: RequestStore, events: EventMaker, timers: Timers, around: Surroundings
    ) -> None:
        self._clock = clock
        self._store = store
        self._around = around
        self._says = CaseEvents(clock, events, around.context)
        self._mayday = Mayday(timers)
        self._inbox: deque[Step] = deque()
        self._wake = asyncio.Event()
        self._told = State.IDLE
        self._contact = False
        self._stuck = False
        self._disk = CaseDisk(clock, store, around.keep)
        self._earlier = Earlier(store)
        self._fresh_until = 0.0

    @property
    def health(self) -> Health:
        """Whether a press would be seen and kept."""
        failure = self._disk.failure
        if failure is not None:
            return Health(False, f"a help request would not be on disk: {failure.args[0]}", failure.fix)
        return _STUCK if self._stuck else _WELL

    @property
    def state(self) -> State:
        """Where the live case stands, as far as anybody may be told: a change counts when its saving is over."""
        return self._told

    @property
    def case(self) -> HelpRequest | None:
        """The live case, or the last one."""
        return self._mayday.case

    @property
    def live(self) -> bool:
        """Whether a case needs a connection: one that is open, or an end that nobody acknowledged yet."""
        over = self._mayday.state in (State.IDLE, State.HOLD, State.RESOLVED)
        return not over or self._earlier.owing(self.case)

    def open_requests(self) -> list[bytes]:
        """The ids that the desk may speak about without proof of time."""
        case = self.case
        known = [case.id] if case and (case.state is not State.IDLE or self._earlier.unsettled(self.case)) else []
        return [*known, *self._earlier.ids]

    def touch(self, gesture: Gesture) -> None:
        """The finger did something. Its contact shows at once, the rest in its turn."""
        match gesture.touch:
            case Touch.CONTACT:
                self._contact = True
                self.refresh()
                self._signal(Signal.CONTACT, self._clock.now())
            case Touch.HELD:
                self._put(lambda: self._finger_counted(Signal.HELD, self._clock.now()))
            case Touch.LET_GO:
                now = self._clock.now()
                self._put(lambda: self._finger_counted(Signal.LET_GO, now))
            case Touch.PRESSES:
                self._signal(_OF_PRESSES.get(gesture.presses, Signal.MORE_PRESSES))
            case Touch.STUCK | Touch.FREED:
                self._stuck = gesture.touch is Touch.STUCK
                (_log.error if self._stuck else _log.info)(f"button_{gesture.touch.value}")
                self.refresh()

    def link(self, up: bool) -> None:
        """The connection to the service came or went."""
        self._put(lambda: self._linked(up))

    def taken(self, event: Event) -> None:
        """The broker has this help event. Only the one that asked for help says that the request is there."""
        case = self.case
        if case and event.subject == case.code and event.type in URGENT and event.sequence >= case.reopened:
            self._signal(Signal.TAKEN)

    def cancel(self) -> None:
        """Cancelled from the page or the command line."""
        self._signal(Signal.CANCEL)

    def heard(self, message: DeskMessage) -> bool:
        """A believed message of the desk; False for a type that is not known here.

        Raises StoreError when more of them wait for the disk than may: the desk sends it again.
        """
        if len(self._inbox) >= MAX_INBOX:
            raise StoreError("the disk does not keep up with the desk's messages", fix="Is the disk failing?")
        self._put(lambda: self._hear(message))
        return is_known(message)

    def heard_again(self, message: DeskMessage) -> None:
        """One that was here before, of an open request: it may say that the desk has more by now."""
        if len(self._inbox) < MAX_INBOX:
            self._put(lambda: self._hear_again(message))

    def refresh(self) -> None:
        """Show what is true now; `run` does so at least once every ROUND_S."""
        fresh = self._clock.now().monotonic < self._fresh_until
        recorded, ready = self._disk.failure is None, self._around.ready()
        said = shown(self._told, recorded=recorded, ready=ready, contact=self._contact, fresh=fresh, question=False)
        self._around.show(said)

    async def run(self, beat: Callable[[], None]) -> None:
        """Resume what was open, then work through the inbox until cancelled."""
        await self._resume()
        while True:
            beat()
            if self._inbox:
                await self._step(self._inbox.popleft())
                continue
            await self._on_time()
            self.refresh()
            await self._pause()

    async def finish(self) -> None:
        """After `run` was cancelled: decide and save what came in until then."""
        while self._inbox:
            await self._step(self._inbox.popleft())

    # -- the loop ----------------------------------------------------------------------------------------------------

    async def _resume(self) -> None:
        """Take up the open case of an earlier run, or the one that ended last: it may be opened again."""
        cases = await self._disk.load()
        chosen = self._earlier.take(cases, self.case, self._mayday.state)
        if chosen is not None:
            _log.info("case_resumed", case=chosen.code, state=chosen.state.value)
            await self._step(lambda: self._adopt(chosen))

    async def _on_time(self) -> None:
        """What only time brings: the case's next timer, and another try of a disk that failed."""
        now, deadline = self._clock.now().monotonic, self._mayday.deadline
        if deadline and deadline[0] <= now:
            await self._step(lambda: self._mayday.signal(deadline[1], self._clock.now(), _random.random()))
        if self._disk.due:
            if not self._disk.loaded:
                await self._resume()
            await self._disk.commit()

    async def _pause(self) -> None:
        """Sleep until something comes in or the next timer is due, at most ROUND_S."""
        deadline, now = self._mayday.deadline, self._clock.now().monotonic
        pause_s = until_next(now, ROUND_S)
        if deadline:
            pause_s = max(0.0, min(pause_s, deadline[0] - now))
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        self._wake.clear()

    def _signal(self, signal: Signal, at: Instant | None = None) -> None:
        self._put(lambda: self._mayday.signal(signal, at or self._clock.now(), _random.random()))

    def _put(self, step: Step) -> None:
        self._inbox.append(step)
        self._wake.set()

    async def _step(self, step: Step) -> None:
        """Decide, save, and only then show and send."""
        before, state = self.case, self._mayday.state
        effects = step()
        if Effect.OPEN in effects:
            self._earlier.keep(before)
            self._mayday.open_case(self._says.new_case(self._mayday.state), self._clock.now())
        if Effect.REOPEN in effects:
            self._mayday.reopen_as(self._store.newest + 1)
        case = self.case
        if case is not None and case is not before:
            await self._disk.save(case, self._says.of(case, effects))
        if Effect.RESEND in effects:
            self._earlier.send_again(self.case)
        await self._disk.remember()
        if self._earlier.owing(self.case):
            self._mayday.owe(self._clock.now(), _random.random())
        self._told = self._mayday.state
        if self._told is not state:
            _log.info("help", state=self._told.value, case=case.code if case else "")
        # from IDLE it comes by a restart: then it was shown before
        if self._told is State.RESOLVED and state not in (State.RESOLVED, State.IDLE):
            self._fresh_until = self._clock.now().monotonic + RESOLVED_S
        self.refresh()
        if case is not before or self._told is not state or effects:
            self._around.sent()
            self._around.changed()

    # -- steps -------------------------------------------------------------------------------------------------------

    def _finger_counted(self, signal: Signal, at: Instant) -> tuple[Effect, ...]:
        """Until here the lamp showed the finger: it must not fall back to *ready* while a hold waits for its turn."""
        self._contact = False
        return self._mayday.signal(signal, at, _random.random())

    def _linked(self, up: bool) -> tuple[Effect, ...]:
        effects = self._mayday.link(up, self._clock.now(), _random.random())
        if up and Effect.RESEND not in effects and self._earlier.owing(self.case):
            self._earlier.send_again(self.case)
            self._around.sent()
        return effects

    def _adopt(self, case: HelpRequest) -> tuple[Effect, ...]:
        now, connected = self._clock.now(), self._mayday.connected
        effects = self._mayday.adopt(case, now, _random.random())
        if connected:
            effects += self._mayday.link(True, now, _random.random())
        return effects + self._settled(now)

    def _hear(self, message: DeskMessage) -> tuple[Effect, ...]:
        """What the desk says: settle what it has, keep its words, move on."""
        self._disk.heard(message.id)
        word, now = word_of(message), self._clock.now()
        self._settle(message, acknowledges=word is not None and word.signal is not None)
        if word is None or not self._is_mine(message):
            return ()
        effects = self._mayday.hear(word, now, _random.random())
        return effects if Effect.CLOSE in effects else effects + self._settled(now)

    def _hear_again(self, message: DeskMessage) -> tuple[Effect, ...]:
        self._settle(message, acknowledges=False)
        return self._settled(self._clock.now())

    def _settle(self, message: DeskMessage, *, acknowledges: bool) -> None:
        """The desk has what it says it has.

        What waits for an acknowledgement is not settled by any other word: if the acknowledgement was lost, only
        sending again fetches it.
        """
        waits = self._is_mine(message) and self._mayday.state in ON_THE_WAY and not acknowledges
        if message.request is not None and not waits:
            self._store.settle(message.request, through_of(message))
            self._earlier.forget_settled()

    def _is_mine(self, message: DeskMessage) -> bool:
        return self.case is not None and message.request == self.case.id

    def _settled(self, now: Instant) -> tuple[Effect, ...]:
        if self._mayday.state in (State.CANCELLED, State.RESOLVED) and not self._earlier.unsettled(self.case):
            return self._mayday.signal(Signal.SETTLED, now, _random.random())
        return ()
