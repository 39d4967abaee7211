"""The life of a help request as one table. Sans-IO: signals and times in; effects and the next deadline out.

`TABLE` says for every state and signal what comes next and what must be done; a pair that is not in it changes
nothing. The law behind it is docs/help.md. `Mayday` adds what a table cannot hold: the case, the timers, the resends.

Saving comes before showing: whoever carries out the effects stores the case (fsync) before the lamp tells of it.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from edge_agent.core.clock import Instant
from edge_agent.core.request import HelpRequest, Note, State


class Signal(StrEnum):
    """All that can happen to a case."""

    CONTACT = "button touched"
    LET_GO = "button let go before the hold time"
    HELD = "button held"
    ONE_PRESS = "one press"
    TWO_PRESSES = "two presses"
    MORE_PRESSES = "three presses or more"
    CANCEL = "cancelled from the page or the command line"
    WINDOW_OVER = "the cancel window is over"
    PATH = "there is a connection"
    NO_PATH = "there is no connection, or no answer from the broker"
    TAKEN = "the broker has it (PUBACK)"
    RECEIVED = "the desk acknowledged this request"
    ENGAGED = "somebody works on it"
    RESOLVED = "the desk says it is done"
    SETTLED = "the desk has all that this case said"
    UNANSWERED = "the desk has not answered in time"
    SILENCE = "the desk has not kept its word"
    REOPEN_OVER = "the time to reopen is over"


class Effect(StrEnum):
    """What must be done; saving the case goes with every change and is no effect of its own."""

    OPEN = "open a case"
    RAISE = "send the request"
    NUDGE = "send a nudge"
    NUDGE_URGENT = "send an urgent nudge"
    RETRACT = "send the cancellation"
    REOPEN = "send that it is open again"
    CLOSE = "send that the resolution arrived"
    RESEND = "send again what nobody acknowledged"
    ASK = "ask the desk how it stands"
    SHOW_READINESS = "show whether help can be reached"


class Row(NamedTuple):
    """The next state and what to do on the way."""

    to: State
    effects: tuple[Effect, ...] = ()


_S, _E = State, Effect
# Raised and not yet in the desk's hands; a nudge then only repeats what waits anyway, and says that it is urgent.
ON_THE_WAY = (_S.RAISED, _S.SENDING, _S.QUEUED, _S.FALLBACK, _S.DELIVERED)
_OPEN = (*ON_THE_WAY, _S.RECEIVED, _S.ENGAGED)

TABLE: dict[tuple[State, Signal], Row] = {
    (_S.IDLE, Signal.CONTACT): Row(_S.HOLD),
    (_S.IDLE, Signal.ONE_PRESS): Row(_S.IDLE, (_E.SHOW_READINESS,)),
    (_S.IDLE, Signal.UNANSWERED): Row(_S.IDLE, (_E.RESEND,)),
    (_S.HOLD, Signal.LET_GO): Row(_S.IDLE),
    (_S.HOLD, Signal.HELD): Row(_S.CANCEL_WINDOW, (_E.OPEN,)),
    (_S.IDLE, Signal.HELD): Row(_S.CANCEL_WINDOW, (_E.OPEN,)),
    (_S.CANCELLED, Signal.HELD): Row(_S.CANCEL_WINDOW, (_E.OPEN,)),
    (_S.CANCEL_WINDOW, Signal.WINDOW_OVER): Row(_S.RAISED, (_E.RAISE,)),
    (_S.CANCEL_WINDOW, Signal.HELD): Row(_S.RAISED, (_E.RAISE,)),
    (_S.CANCEL_WINDOW, Signal.TWO_PRESSES): Row(_S.CANCELLED),
    (_S.CANCEL_WINDOW, Signal.CANCEL): Row(_S.CANCELLED),
    (_S.RAISED, Signal.PATH): Row(_S.SENDING),
    (_S.RAISED, Signal.NO_PATH): Row(_S.QUEUED),
    (_S.SENDING, Signal.NO_PATH): Row(_S.QUEUED),
    (_S.DELIVERED, Signal.NO_PATH): Row(_S.QUEUED),
    (_S.QUEUED, Signal.PATH): Row(_S.SENDING, (_E.RESEND,)),
    (_S.FALLBACK, Signal.PATH): Row(_S.SENDING, (_E.RESEND,)),
    (_S.RAISED, Signal.TAKEN): Row(_S.DELIVERED),
    (_S.SENDING, Signal.TAKEN): Row(_S.DELIVERED),
    (_S.QUEUED, Signal.TAKEN): Row(_S.DELIVERED),
    (_S.FALLBACK, Signal.TAKEN): Row(_S.DELIVERED),
    (_S.RECEIVED, Signal.SILENCE): Row(_S.RECEIVED, (_E.ASK, _E.RESEND)),
    (_S.ENGAGED, Signal.SILENCE): Row(_S.ENGAGED, (_E.ASK, _E.RESEND)),
    (_S.RECEIVED, Signal.PATH): Row(_S.RECEIVED, (_E.RESEND,)),
    (_S.ENGAGED, Signal.PATH): Row(_S.ENGAGED, (_E.RESEND,)),
    (_S.RECEIVED, Signal.ENGAGED): Row(_S.ENGAGED),
    (_S.RESOLVED, Signal.HELD): Row(_S.RAISED, (_E.REOPEN,)),
    (_S.RESOLVED, Signal.UNANSWERED): Row(_S.RESOLVED, (_E.RESEND,)),
    (_S.RESOLVED, Signal.PATH): Row(_S.RESOLVED, (_E.RESEND,)),
    (_S.RESOLVED, Signal.SETTLED): Row(_S.RESOLVED),
    (_S.RESOLVED, Signal.REOPEN_OVER): Row(_S.IDLE),
    (_S.CANCELLED, Signal.UNANSWERED): Row(_S.CANCELLED, (_E.RESEND,)),
    (_S.CANCELLED, Signal.PATH): Row(_S.CANCELLED, (_E.RESEND,)),
    (_S.CANCELLED, Signal.SETTLED): Row(_S.IDLE),
}
for _state in _OPEN:
    for _signal in (Signal.ONE_PRESS, Signal.TWO_PRESSES, Signal.MORE_PRESSES):
        TABLE[_state, _signal] = Row(_state, (_E.NUDGE,))
    TABLE[_state, Signal.HELD] = Row(_state, (_E.NUDGE_URGENT,))
    TABLE[_state, Signal.CANCEL] = Row(_S.CANCELLED, (_E.RETRACT,))
    TABLE[_state, Signal.RESOLVED] = Row(_S.RESOLVED, (_E.CLOSE,))
for _state in ON_THE_WAY:
    TABLE[_state, Signal.RECEIVED] = Row(_S.RECEIVED)
    TABLE[_state, Signal.ENGAGED] = Row(_S.ENGAGED)
for _state in (_S.SENDING, _S.QUEUED, _S.FALLBACK, _S.DELIVERED):
    TABLE[_state, Signal.UNANSWERED] = Row(_S.SENDING if _state is _S.DELIVERED else _state, (_E.RESEND,))
_NUDGES = frozenset({Effect.NUDGE, Effect.NUDGE_URGENT})


class Timers(NamedTuple):
    """Seconds, as configured."""

    cancel_window_s: float = 5.0
    ack_wait_s: float = 10.0
    queued_after_s: float = 5.0
    reopen_s: float = 3600.0
    silence_s: float = 600.0


def resend_after(attempts: int, waited_s: float, ack_wait_s: float, share: float) -> float:
    """Seconds to wait for the desk before the next resend; `share` is random in 0..1.

    Ten in a burst at the acknowledgement time ±20 %; then random 3.5 to 4.5 minutes for an hour, as maritime DSC
    repeats a distress call; then hourly, and never giving up.
    """
    if attempts < 10 and waited_s < 120.0:
        return ack_wait_s * (0.8 + 0.4 * share)
    if waited_s < 3600.0:
        return 210.0 + 60.0 * share
    return 3600.0 * (0.9 + 0.2 * share)


class DeskWord(NamedTuple):
    """What a believed message of the desk says about the case."""

    signal: Signal | None
    reference: str = ""
    receiver: str = ""
    helper: str = ""
    text: str = ""
    next_word_wall: float | None = None


@dataclass(slots=True)
class Mayday:
    """The one live case, its state and its timers. In IDLE and HOLD `case` is the last one, which is over.

    `deadline` is (monotonic time, signal): call `signal` with it when it has come. `share` arguments are random
    numbers in 0..1 for jitter.
    """

    timers: Timers
    state: State = State.IDLE
    case: HelpRequest | None = None
    connected: bool = False
    deadlines: dict[Signal, float] = field(default_factory=dict)
    _raised_at: float = 0.0

    @property
    def deadline(self) -> tuple[float, Signal] | None:
        """The next timer and what it signals."""
        return min(((at, signal) for signal, at in self.deadlines.items()), default=None)

    def adopt(self, case: HelpRequest, now: Instant, share: float) -> tuple[Effect, ...]:
        """Go on with a case of an earlier run; one in its cancel window counts as raised, one in IDLE is over."""
        self.case, self.state, self._raised_at = case, case.state, now.monotonic
        if case.state is State.CANCEL_WINDOW:
            return self.signal(Signal.WINDOW_OVER, now, share)
        if case.state in (State.SENDING, State.DELIVERED, State.RAISED):
            # nothing is known about the connection of the new run
            self._enter(State.QUEUED, now, share)
        else:
            self._arm(now, share)
        return (Effect.RESEND,)

    def signal(self, signal: Signal, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """One thing happened: move on by the table. Gives the effects; the case in `case` is then to be saved."""
        self.deadlines.pop(signal, None)
        row = TABLE.get((self.state, signal))
        if row is None:
            return ()
        if signal is Signal.SETTLED:
            self.deadlines.pop(Signal.UNANSWERED, None)
        self._count(row.effects, now)
        if row.to is not self.state:
            self._enter(row.to, now, share)
        elif not _NUDGES.issuperset(row.effects):
            # somebody who presses again and again must not put off what the timers are for
            self._arm(now, share)
        # what follows at once: a raised case with a path is sending, a cancelled one that nobody knows of is over
        if self.state is State.RAISED and self.connected:
            self._enter(State.SENDING, now, share)
        elif self.state is State.CANCELLED and self.case and not self.case.retracted:
            self._enter(State.IDLE, now, share)
        return row.effects

    def link(self, up: bool, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """The connection came or went."""
        self.connected = up
        return self.signal(Signal.PATH if up else Signal.NO_PATH, now, share)

    def _count(self, effects: tuple[Effect, ...], now: Instant) -> None:
        """Keep in the case what these effects add up to."""
        if Effect.OPEN in effects:
            self.case = None
        if {Effect.RAISE, Effect.REOPEN} & set(effects):
            self._raised_at = now.monotonic
        if self.case is not None:
            self.case = replace(
                self.case,
                # a reopened case is as urgent as a new one: it has its own burst
                attempts=0 if Effect.REOPEN in effects else self.case.attempts + (Effect.RESEND in effects),
                nudges=self.case.nudges + (Effect.NUDGE in effects or Effect.NUDGE_URGENT in effects),
                retracted=self.case.retracted or Effect.RETRACT in effects,
            )

    def hear(self, word: DeskWord, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """The desk spoke about this case: keep what it said, then move on by the table."""
        if self.case is None or self.case.state is State.IDLE:
            return ()
        note = (Note("desk", word.text, now.wall),) if word.text else ()
        self.case = replace(
            self.case,
            reference=word.reference or self.case.reference,
            receiver=word.receiver or self.case.receiver,
            helper=word.helper or self.case.helper,
            next_word_wall=word.next_word_wall,
            notes=(*self.case.notes, *note)[-100:],
        )
        before = self.state
        effects = self.signal(word.signal, now, share) if word.signal else ()
        if self.state is before and self.state in (State.RECEIVED, State.ENGAGED):
            self._arm(now, share)
        return effects

    def open_case(self, case: HelpRequest, now: Instant) -> None:
        """The case that an OPEN effect asked for, made by the caller (ids need randomness)."""
        self.case = case.with_state(self.state, now.monotonic, now.boot_id, now.wall)

    def owe(self, now: Instant, share: float = 0.5) -> None:
        """What a case that is over said is not all acknowledged: it is sent again, though no case is live.

        To be called after each signal for as long as that is so.
        """
        if self.state in (State.IDLE, State.RESOLVED) and Signal.UNANSWERED not in self.deadlines:
            self.deadlines[Signal.UNANSWERED] = now.monotonic + self._resend_s(now, share)

    def _enter(self, state: State, now: Instant, share: float) -> None:
        self.state = state
        if self.case is not None and (state not in (State.IDLE, State.HOLD) or self.case.state is not State.IDLE):
            self.case = self.case.with_state(state, now.monotonic, now.boot_id, now.wall)
        self._arm(now, share)

    def _arm(self, now: Instant, share: float) -> None:
        """The timers of this state: a live case always has one."""
        t, at, timers = self.timers, now.monotonic, {}
        unanswered = at + self._resend_s(now, share)
        match self.state:
            case State.CANCEL_WINDOW:
                timers[Signal.WINDOW_OVER] = at + t.cancel_window_s
            case State.RAISED:
                timers[Signal.NO_PATH] = at + t.queued_after_s
            case State.SENDING:
                timers[Signal.NO_PATH] = at + t.queued_after_s
                timers[Signal.UNANSWERED] = unanswered
            case State.QUEUED | State.FALLBACK | State.DELIVERED:
                timers[Signal.UNANSWERED] = unanswered
            case State.RECEIVED | State.ENGAGED:
                timers[Signal.SILENCE] = at + self._patience(now)
            case State.RESOLVED:
                timers[Signal.REOPEN_OVER] = self.deadlines.get(Signal.REOPEN_OVER, at + t.reopen_s)
                timers[Signal.UNANSWERED] = unanswered
            case State.CANCELLED:
                timers[Signal.UNANSWERED] = unanswered
        self.deadlines = timers

    def _resend_s(self, now: Instant, share: float) -> float:
        attempts = self.case.attempts if self.case else 0
        return resend_after(attempts, now.monotonic - self._raised_at, self.timers.ack_wait_s, share)

    def _patience(self, now: Instant) -> float:
        """Until the promised next word, when one was promised for a sensible time; else the silence time."""
        promised = self.case.next_word_wall if self.case else None
        if promised is not None and now.trusted and 0.0 < promised - now.wall < 86400.0:
            return promised - now.wall
        return self.timers.silence_s
