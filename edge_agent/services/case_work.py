"""What happens to a case, one thing after the other: decide, save, and only then show and send.

All of it passes through one inbox and one task, in order: button, desk, link and timers never meet halfway. Only the
finger's own feedback is shown at once, before anything is saved: it claims nothing. Whatever asks for the lamp while a
save is under way is shown the state before it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import SystemRandom
from typing import Any, NamedTuple

import structlog

from edge_agent.core.clock import Instant
from edge_agent.core.event import Event
from edge_agent.core.lamp import RESOLVED_S, Shown, shown
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import Words
from edge_agent.core.ports import Clock, RequestStore
from edge_agent.core.question import Question
from edge_agent.core.request import HelpRequest, State
from edge_agent.core.rhythm import until_next
from edge_agent.services.case_disk import CaseDisk
from edge_agent.services.case_events import ASKED, CaseEvents
from edge_agent.services.desk_ear import DeskEar
from edge_agent.services.desk_words import agreed_to
from edge_agent.services.earlier import Earlier
from edge_agent.services.events import EventMaker

# The loop comes round this often whatever happens: the beat, the lamp and a disk that failed are looked at.
ROUND_S = 1.0

_log = structlog.get_logger("help")
_random = SystemRandom()
Step = Callable[[], tuple[Effect, ...]]


class Surroundings(NamedTuple):
    """What the service needs to know and to tell. `context` is the tier 0 of a first message, without the case.

    `ready` is whether help can be reached now; `show` sets the lamp; `sent` says that the help lane has something;
    `keep` brings ids of what was heard to disk, against replay; `changed` is told of every change of the case.
    `fall_back` is told that the request is to go by every other channel too, and again while nobody acknowledges it;
    `may_ask_effort` is whether the household has consented to be asked after the end; `agreed` is told which
    question of the desk was answered with yes.
    """

    context: Callable[[], Mapping[str, Any]]
    ready: Callable[[], bool]
    show: Callable[[Shown], None]
    sent: Callable[[], None]
    keep: Callable[[Sequence[str]], Awaitable[None]]
    changed: Callable[[], None]
    fall_back: Callable[[], None] = lambda: None
    may_ask_effort: Callable[[], bool] = lambda: False
    agreed: Callable[[Question], None] = lambda _: None


class CaseWork:
    """The one task, and what it works on. `Help` puts steps into its inbox; a step decides and says what follows."""

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
        self._told, self._asks = State.IDLE, False
        self._contact = False
        self._disk = CaseDisk(clock, store, around.keep)
        self._earlier = Earlier(store)
        self._ear = DeskEar(self._mayday, store, self._earlier, self._disk.heard, around.may_ask_effort)
        self._fresh_until = 0.0
        self._ago_s = 0.0

    @property
    def case(self) -> HelpRequest | None:
        """The live case, or the last one."""
        return self._mayday.case

    def refresh(self) -> None:
        """Show what is true now; `run` does so at least once every ROUND_S."""
        fresh = self._clock.now().monotonic < self._fresh_until
        recorded, ready = self._disk.failure is None, self._around.ready()
        said = shown(
            self._told, recorded=recorded, ready=ready, contact=self._contact, fresh=fresh, question=self._asks
        )
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

    # -- the loop ------------------------------------------------------------------------------------------------------

    async def _resume(self) -> None:
        """Take up the open case of an earlier run, or the one that ended last: it may be opened again."""
        cases = await self._disk.load()
        chosen = self._earlier.take(cases, self.case, self._mayday.state)
        if chosen is not None:
            if chosen.state is not State.IDLE:
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
        # a timer that rings the same bell: a timeout would cancel and raise, each second
        timer = asyncio.get_running_loop().call_later(pause_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        self._wake.clear()

    def _signal(self, signal: Signal, at: Instant | None = None) -> None:
        self._put(lambda: self._mayday.signal(signal, at or self._clock.now(), _random.random()))

    def _put(self, step: Step) -> None:
        self._inbox.append(step)
        self._wake.set()

    # -- one step ------------------------------------------------------------------------------------------------------

    async def _step(self, step: Step) -> None:
        """Decide, save, and only then show and send."""
        before, state = self.case, self._mayday.state
        self._ago_s = 0.0
        effects = step()
        words = self._mayday.words
        if Effect.OPEN in effects:
            self._earlier.keep(before)
            case = self._says.new_case(self._mayday.state, self._mayday.call, self._ago_s)
            self._mayday.open_case(case, self._clock.now())
        if Effect.REOPEN in effects:
            self._mayday.reopen_as(self._store.newest + 1)
        if self.case is not None and self.case is not before:
            await self._disk.save(self.case, self._to_say(self.case, effects, words))
            effects += await self._without_disk()
        if Effect.OPEN in effects and before is not None and before.questions:
            await self._void(before)
        if Effect.RESEND in effects:
            self._earlier.send_again(self.case)
        await self._disk.remember()
        if self._earlier.owing(self.case):
            self._mayday.owe(self._clock.now(), _random.random())
        self._tell(effects, changed=self.case is not before, was=state)
        question = agreed_to(before, words)
        if question is not None:
            self._around.agreed(question)

    def _to_say(self, case: HelpRequest, effects: tuple[Effect, ...], words: Sequence[Words]) -> list[Event]:
        """The events of these effects. How it stands is asked once, and sent again, until the desk has heard that."""
        asked = Effect.ASK in effects and any(event.type == ASKED for event in self._store.unheard(case.id))
        return [event for event in self._says.of(case, effects, words) if not (asked and event.type == ASKED)]

    async def _without_disk(self) -> tuple[Effect, ...]:
        """What the disk refuses is sent while there is power, by every way there is."""
        if self._disk.failure is None:
            return ()
        effects = self._mayday.signal(Signal.DISK_DEAD, self._clock.now(), _random.random())
        if effects and self.case is not None:
            await self._disk.save(self.case, self._says.of(self.case, effects))
        return effects

    async def _void(self, case: HelpRequest) -> None:
        """A new case is open: what was asked after the end of this one is not asked any more."""
        unasked = tuple(Words(Effect.EXPIRE, {"question": question.id}) for question in case.questions)
        case = case.no_more_asked([question.id for question in case.questions])
        await self._disk.save(case, self._says.of(case, (Effect.EXPIRE,), unasked))
        self._earlier.keep(case)

    def _tell(self, effects: tuple[Effect, ...], *, changed: bool, was: State) -> None:
        """Show what is saved, and let it be sent."""
        self._told, self._asks = self._mayday.state, self._mayday.asks_button
        moved = self._told is not was
        if moved:
            _log.info("help", state=self._told.value, case=self.case.code if self.case else "")
        # from IDLE it comes by a restart: then it was shown before
        if self._told is State.RESOLVED and was not in (State.RESOLVED, State.IDLE):
            self._fresh_until = self._clock.now().monotonic + RESOLVED_S
        self.refresh()
        self._mayday.shown(self._clock.now())
        if changed or moved or effects:
            self._around.sent()
            self._around.changed()
        if Effect.FALL_BACK in effects:
            self._around.fall_back()

    def _adopt(self, case: HelpRequest) -> tuple[Effect, ...]:
        now, connected = self._clock.now(), self._mayday.connected
        effects = self._mayday.adopt(case, now, _random.random())
        if connected:
            effects += self._mayday.link(True, now, _random.random())
        return effects + self._ear.settled(now, _random.random())
