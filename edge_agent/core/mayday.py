"""The life of a help request. Sans-IO: signals and times in; effects and the next deadline out.

core.mayday_table says what follows from what. `Mayday` adds what a table cannot hold: the case, the timers, the
resends, and presses that end behind the cancel window.

Saving comes before showing: whoever carries out the effects stores the case (fsync) before the lamp tells of it.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from edge_agent.core.clock import Instant
from edge_agent.core.gesture import QUIET_S
from edge_agent.core.mayday_table import NUDGES, TABLE, Effect, Signal
from edge_agent.core.request import HelpRequest, Note, State


class Timers(NamedTuple):
    """Seconds, as configured; `hold_s` and `quiet_s` are those of the button (core.gesture)."""

    cancel_window_s: float = 5.0
    ack_wait_s: float = 10.0
    queued_after_s: float = 5.0
    reopen_s: float = 3600.0
    silence_s: float = 600.0
    hold_s: float = 3.0
    quiet_s: float = QUIET_S


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
    """What a believed message of the desk says about the case; `through`: it has the messages up to this sequence."""

    signal: Signal | None
    through: int = 0
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
    _window_ends: float = 0.0
    _pressing: bool = False

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
        if self.state is State.CANCEL_WINDOW:
            signal = self._in_window(signal, now.monotonic)
        self.deadlines.pop(signal, None)
        row = TABLE.get((self.state, signal))
        if row is None:
            return ()
        if signal is Signal.SETTLED:
            self.deadlines.pop(Signal.UNANSWERED, None)
        self._count(row.effects, now)
        if row.to is not self.state:
            self._enter(row.to, now, share)
        elif not NUDGES.issuperset(row.effects):
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

    def _in_window(self, signal: Signal, at: float) -> Signal:
        """What a signal amounts to while two presses can cancel.

        Presses that began within the window are counted out: its end waits until the button was let go and quiet.
        Whatever that turns out to be, only exactly two presses cancel.
        """
        over = at >= self._window_ends
        if over and signal in (Signal.CONTACT, Signal.ONE_PRESS, Signal.MORE_PRESSES):
            return Signal.WINDOW_OVER
        if signal is Signal.CONTACT:
            self._pressing = True
            self.deadlines[Signal.WINDOW_OVER] = max(self._window_ends, at + self.timers.hold_s)
        elif signal is Signal.LET_GO and self._pressing:
            # the finger that held, and so opened the window, is waited for by nobody
            self.deadlines[Signal.WINDOW_OVER] = max(self._window_ends, at + self.timers.quiet_s)
        return signal

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
        # one that was said before the desk knew that the case is open again decides nothing
        knows = word.through >= self.case.reopened
        effects = self.signal(word.signal, now, share) if word.signal and knows else ()
        if self.state is before and self.state in (State.RECEIVED, State.ENGAGED):
            self._arm(now, share)
        return effects

    def open_case(self, case: HelpRequest, now: Instant) -> None:
        """The case that an OPEN effect asked for, made by the caller (ids need randomness)."""
        self.case = self._stepped(case, self.state, now)

    def reopen_as(self, sequence: int) -> None:
        """The message that a REOPEN effect asked for will have this sequence: to be kept with the case."""
        if self.case is not None:
            self.case = replace(self.case, reopened=sequence)

    def owe(self, now: Instant, share: float = 0.5) -> None:
        """What a case that is over said is not all acknowledged: it is sent again, though no case is live.

        To be called after each signal for as long as that is so.
        """
        if self.state in (State.IDLE, State.RESOLVED) and Signal.UNANSWERED not in self.deadlines:
            self.deadlines[Signal.UNANSWERED] = now.monotonic + self._resend_s(now, share)

    def _enter(self, state: State, now: Instant, share: float) -> None:
        self.state = state
        if self.case is not None and (state not in (State.IDLE, State.HOLD) or self.case.state is not State.IDLE):
            self.case = self._stepped(self.case, state, now)
        self._arm(now, share)

    @staticmethod
    def _stepped(case: HelpRequest, state: State, now: Instant) -> HelpRequest:
        return case.with_state(state, now.monotonic, now.boot_id, now.wall, trusted=now.trusted)

    def _arm(self, now: Instant, share: float) -> None:
        """The timers of this state: a live case always has one."""
        t, at, timers = self.timers, now.monotonic, {}
        unanswered = at + self._resend_s(now, share)
        match self.state:
            case State.CANCEL_WINDOW:
                timers[Signal.WINDOW_OVER] = self._window_ends = at + t.cancel_window_s
                self._pressing = False
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
                timers[Signal.REOPEN_OVER] = self.deadlines.get(Signal.REOPEN_OVER, at + self._reopen_s(now))
                timers[Signal.UNANSWERED] = unanswered
            case State.CANCELLED:
                timers[Signal.UNANSWERED] = unanswered
        self.deadlines = timers

    def _reopen_s(self, now: Instant) -> float:
        """What is left of the time to reopen; all of it where no clock tells how long ago the case was resolved."""
        last = self.case.steps[-1] if self.case and self.case.steps else None
        ago = 0.0
        if last and last.boot_id == now.boot_id:
            ago = now.monotonic - last.at
        elif last and last.trusted and now.trusted:
            ago = now.wall - last.wall
        return self.timers.reopen_s - min(max(ago, 0.0), self.timers.reopen_s)

    def _resend_s(self, now: Instant, share: float) -> float:
        attempts = self.case.attempts if self.case else 0
        return resend_after(attempts, now.monotonic - self._raised_at, self.timers.ack_wait_s, share)

    def _patience(self, now: Instant) -> float:
        """Until the promised next word, when one was promised for a sensible time; else the silence time."""
        promised = self.case.next_word_wall if self.case else None
        if promised is not None and now.trusted and 0.0 < promised - now.wall < 86400.0:
            return promised - now.wall
        return self.timers.silence_s
