"""The help service: what others tell it of button, desk, link and rules, and what they may know of the case.

It carries out what core.mayday decides; how a step is saved, shown and sent is in case_work.
"""

from random import SystemRandom

import structlog

from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.event import Event
from edge_agent.core.gesture import Gesture, Touch
from edge_agent.core.health import Health
from edge_agent.core.mayday_table import ON_THE_WAY, Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import Call
from edge_agent.core.ports import Clock, RequestStore
from edge_agent.core.request import State
from edge_agent.services.case_events import CANCELLED, URGENT
from edge_agent.services.case_work import CaseWork, Surroundings
from edge_agent.services.desk_words import is_known
from edge_agent.services.events import EventMaker
from edge_agent.texts import Said

# Messages of the desk that wait for a slow disk; beyond, the desk has to send them again.
MAX_INBOX = 200
# What the household writes at once.
MAX_TEXT = 500

_log = structlog.get_logger("help")
_random = SystemRandom()
_WELL = Health(True, Said("part.help"))
_STUCK = Health(False, Said("part.help_stuck"), Said("part.help_stuck_fix"))
_OF_PRESSES = {1: Signal.ONE_PRESS, 2: Signal.TWO_PRESSES}
_CALLING = (State.HOLD, State.CANCEL_WINDOW, State.RAISED, State.SENDING)


class Help(CaseWork):
    """The help service. What it is told (`touch`, `link`, `heard`, `answer` …) may come at any time from the loop."""

    def __init__(
        self, clock: Clock, store: RequestStore, events: EventMaker, timers: Timers, around: Surroundings
    ) -> None:
        super().__init__(clock, store, events, timers, around)
        self._stuck = False

    @property
    def health(self) -> Health:
        """Whether a press would be seen and kept."""
        failure = self._disk.failure
        if failure is not None:
            return Health(False, Said("part.help_lost", why=failure.args[0]), failure.fix)
        return _STUCK if self._stuck else _WELL

    @property
    def state(self) -> State:
        """Where the live case stands, as far as anybody may be told: a change counts when its saving is over."""
        return self._told

    @property
    def calling(self) -> bool:
        """Whether somebody calls for help just now: from the finger on the ready button until the broker has it."""
        return self._told in _CALLING

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

    def upcoming(self) -> list[tuple[Signal, float]]:
        """What only time brings, in how many seconds, in order."""
        now = self._clock.now().monotonic
        times = sorted((at, signal) for signal, at in self._mayday.deadlines.items())
        return [(signal, max(0.0, at - now)) for at, signal in times]

    def waiting_event(self) -> Event | None:
        """What has to reach the desk by any way: the event that asks for help while nobody acknowledged the case.

        Or the one that takes it back, while the desk has not said that it knows. None where nothing of the kind waits.
        """
        case, state = self.case, self._mayday.state
        if case is None or (state is not State.CANCELLED and state not in ON_THE_WAY) or case.cancel_heard:
            return None
        wanted = {CANCELLED} if state is State.CANCELLED else URGENT
        return next((e for e in reversed(self._store.unheard(case.id)) if e.type in wanted), None)

    def asking_event(self) -> Event | None:
        """The request of a case that the desk has, once more: a way that has to be asked is asked by it. Else None.

        It has the same id, so it is no other request, and comes from what is known now: the desk may have let go of
        the stored one, and so may a restart.
        """
        case = self.case
        if case is None or self._mayday.state not in (State.RECEIVED, State.ENGAGED):
            return None
        return self._says.again(case)

    # -- what it is told -----------------------------------------------------------------------------------------------

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

    def trigger(self, rule: str, text: str, cancel_window_s: float, fall_back_now: bool) -> None:
        """A rule calls for help: a case of its own, or an urgent nudge in one that is open.

        With a cancel window of 0 it is raised at once; `fall_back_now`: by every channel at once.
        """
        called = Call(rule, text, cancel_window_s, fall_back_now)
        self._put(lambda: self._mayday.trigger(called, self._clock.now(), _random.random()))

    def called(self, key: str, ago_s: float, *, again: bool) -> None:
        """A device's own help button was held `ago_s` ago; `key` names that hold and is kept with its case.

        `again`: the hold itself was seen before, and only its key is new.
        """
        self._put(lambda: self._device_called(key, ago_s, again))

    def answer(self, question: str, answer: str, by: str) -> None:
        """Answer what the desk asks; an empty `question` is the one that is asked now, or else the one after the end.

        `by` is `button`, `page` or `command`. Raises RefusedError when nothing of the kind is asked.
        """
        case = self.case
        waiting = case.questions if case else ()
        asked = next((q for q in waiting if q.id == question), None)
        if case and not question:
            asked = case.question or case.effort
        if asked is None:
            raise RefusedError("the desk asks nothing now", code="no_question")
        if answer not in asked.answers:
            raise RefusedError(f"this can be answered with: {', '.join(asked.answers)}", code="answer")
        self._put(lambda: self._mayday.answer(asked.id, answer, by, self._clock.now(), _random.random()))

    def say(self, text: str) -> None:
        """Words of the household to the desk, at most MAX_TEXT characters. Raises RefusedError without a case."""
        if self.case is None or self.state in (State.IDLE, State.HOLD, State.CANCELLED):
            raise RefusedError("there is no open help request to write to", code="no_case")
        self._put(lambda: self._mayday.say(text[:MAX_TEXT], self._clock.now(), _random.random()))

    def heard(self, message: DeskMessage) -> bool:
        """A believed message of the desk; False for a type that is not known here.

        Raises StoreError when more of them wait for the disk than may: the desk sends it again.
        """
        if len(self._inbox) >= MAX_INBOX:
            raise StoreError("the disk does not keep up with the desk's messages", fix="Is the disk failing?")
        self._put(lambda: self._ear.hear(message, self._clock.now(), _random.random()))
        return is_known(message)

    def heard_again(self, message: DeskMessage) -> None:
        """One that was here before, of an open request: it may say that the desk has more by now."""
        if len(self._inbox) < MAX_INBOX:
            self._put(lambda: self._ear.hear_again(message, self._clock.now(), _random.random()))

    def _finger_counted(self, signal: Signal, at: Instant) -> tuple[Effect, ...]:
        """Until here the lamp showed the finger: it must not fall back to *ready* while a hold waits for its turn."""
        self._contact = False
        return self._mayday.signal(signal, at, _random.random())

    def _device_called(self, key: str, ago_s: float, again: bool) -> tuple[Effect, ...]:
        self._disk.heard(key)
        self._ago_s = ago_s
        return () if again else self._mayday.signal(Signal.HELD, self._clock.now(), _random.random())

    def _linked(self, up: bool) -> tuple[Effect, ...]:
        effects = self._mayday.link(up, self._clock.now(), _random.random())
        if up and Effect.RESEND not in effects and self._earlier.owing(self.case):
            self._earlier.send_again(self.case)
            self._around.sent()
        return effects
