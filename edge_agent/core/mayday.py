"""The life of a help request. Sans-IO: signals and times in; effects and the next deadline out.

core.mayday_table says what follows from what. `Mayday` adds what a table cannot hold: the case, the timers, the
resends, presses that end behind the cancel window, and which question a press answers.

Saving comes before showing: whoever carries out the effects stores the case (fsync) before the lamp tells of it.
"""

from dataclasses import dataclass, field, replace

from edge_agent.core.clock import Instant
from edge_agent.core.mayday_finger import COUNTED, Finger
from edge_agent.core.mayday_table import ON_THE_WAY, TABLE, Effect, Signal
from edge_agent.core.mayday_timers import Timers, Waits, left_s, raised_ago_s, resend_after, timers_of
from edge_agent.core.mayday_words import Call, DeskWord, Words
from edge_agent.core.question import MAX_WAITING, Purpose, Question
from edge_agent.core.request import HelpRequest, State

MAX_ALSO = 5
EPSILON_S = 0.001


@dataclass(slots=True)
class Mayday:
    """The one live case, its state and its timers. In IDLE and HOLD `case` is the last one, which is over.

    `deadline` is (monotonic time, signal): call `signal` with it when it has come. `share` arguments are random
    numbers in 0..1 for jitter. `words` belong to the effects that were given last; `call` is the rule behind an OPEN
    effect, None where it was a finger.
    """

    timers: Timers
    state: State = State.IDLE
    case: HelpRequest | None = None
    connected: bool = False
    deadlines: dict[Signal, float] = field(default_factory=dict)
    words: tuple[Words, ...] = ()
    call: Call | None = None
    _raised_at: float = 0.0
    _window_ends: float = 0.0
    _pressing: bool = False
    _asks: tuple[str, float | None] = ("", None)
    _finger: Finger = field(init=False)

    def __post_init__(self) -> None:
        """The finger's times are among the timers."""
        self._finger = Finger(self.timers.hold_s, self.timers.quiet_s)

    @property
    def deadline(self) -> tuple[float, Signal] | None:
        """The next timer and what it signals."""
        return min(((at, signal) for signal, at in self.deadlines.items()), default=None)

    @property
    def asks_button(self) -> bool:
        """Whether the lamp is to ask for a press."""
        return bool(self._asks[0])

    def shown(self, now: Instant) -> None:
        """The lamp shows what is saved: presses that begin from now on answer what it asks."""
        ident, since = self._asks
        self._asks = (ident, now.monotonic if since is None else since)

    def adopt(self, case: HelpRequest, now: Instant, share: float) -> tuple[Effect, ...]:
        """Go on with a case of an earlier run; one in its cancel window counts as raised, one in IDLE is over."""
        self.case, self.state, self.words = case, case.state, ()
        self._raised_at = now.monotonic - raised_ago_s(case, now)
        if case.state is State.CANCEL_WINDOW:
            return self.signal(Signal.WINDOW_OVER, now, share)
        if case.state in (State.SENDING, State.DELIVERED, State.RAISED):
            # nothing is known about the connection of the new run
            self._enter(State.QUEUED, now, share)
        else:
            self._arm(now, share)
        self._ask(now)
        return (Effect.RESEND, Effect.FALL_BACK) if self.state is State.FALLBACK else (Effect.RESEND,)

    def signal(self, signal: Signal, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """One thing happened: move on by the table. Gives the effects; the case in `case` is then to be saved."""
        began = self._finger.follow(signal, now.monotonic)
        asked, since = self._asks
        # a press answers only what the lamp asked before it began: one that was meant for something else is a nudge
        if asked and COUNTED.get(signal) and since is not None and began is not None and began >= since:
            return self.answer(asked, COUNTED[signal], "button", now, share)
        if self.state is State.CANCEL_WINDOW:
            signal = self._in_window(signal, now.monotonic)
        if signal is Signal.EXPIRED:
            return self._expired(now, share)
        return self._go(signal, now, share)

    def link(self, up: bool, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """The connection came or went."""
        self.connected = up
        return self.signal(Signal.PATH if up else Signal.NO_PATH, now, share)

    def trigger(self, call: Call, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """A rule calls for help."""
        if self.case is not None and self.state not in (State.IDLE, State.HOLD, State.CANCELLED):
            case = self.case.noted("rule", call.text, now.wall)
            also = (*case.also, (call.rule, call.text))[:MAX_ALSO]
            also = also if self.state is State.CANCEL_WINDOW else case.also
            self.case = replace(case, also=also, fall_back_now=case.fall_back_now or call.fall_back_now)
        signal = Signal.TRIGGERED if call.window_s > 0.0 else Signal.TRIGGERED_NOW
        effects = self._go(signal, now, share, Words(Effect.RULE, {"rule": call.rule, "text": call.text}))
        self.call = call if Effect.OPEN in effects else None
        if call.fall_back_now and self.state in ON_THE_WAY and Effect.FALL_BACK not in effects:
            words = self.words
            effects += self._go(Signal.OTHER_WAYS, now, share)
            self.words = words
        return effects

    def say(self, text: str, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """The household writes; what it wrote in the cancel window goes with the request."""
        if self.case is None or (self.state, Signal.SAID) not in TABLE:
            return ()
        self.case = self.case.noted("household", text, now.wall)
        return self._go(Signal.SAID, now, share, Words(Effect.SAY, {"text": text}))

    def answer(self, ident: str, answer: str, by: str, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """An answer to a question that waits; nothing happens where it waits no more or cannot be answered so."""
        waiting = self.case.questions if self.case else ()
        question = next((q for q in waiting if q.id == ident and answer in q.answers), None)
        cancels = question is not None and question.purpose is Purpose.CANCEL and answer == "yes"
        signal = Signal.ANSWERED_CANCEL if cancels else Signal.ANSWERED
        if self.case is None or question is None or (self.state, signal) not in TABLE:
            return ()
        self.case = self.case.no_more_asked((ident,)).noted("household", answer, now.wall)
        return self._go(signal, now, share, Words(Effect.ANSWER, {"question": ident, "answer": answer, "by": by}))

    def asked(self, question: Question, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """The desk asks. What cannot be asked any more, or not all at once, expires there and then."""
        case = self.case
        if case is None or question.id in case.asked or any(question.id == q.id for q in case.questions):
            return ()
        after = question.purpose is Purpose.EFFORT
        fits = len(case.questions) < MAX_WAITING and question.left_s(now) > 0.0
        if not fits or not (case.open or after) or self.state is State.CANCEL_WINDOW:
            self.case = case.no_more_asked((question.id,))
            return self._go(Signal.EXPIRED, now, share, Words(Effect.EXPIRE, {"question": question.id}))
        self.case = replace(case, questions=(*case.questions, question)).noted("desk", question.text, now.wall)
        return self._go(Signal.ASKED, now, share)

    def hear(self, word: DeskWord, now: Instant, share: float = 0.5) -> tuple[Effect, ...]:
        """The desk spoke about this case: keep what it said, then move on by the table."""
        if self.case is None or self.case.state is State.IDLE:
            return ()
        self.words = ()
        self.case = replace(
            self.case,
            reference=word.reference or self.case.reference,
            receiver=word.receiver or self.case.receiver,
            helper=word.helper or self.case.helper,
            next_word_wall=word.promise(self.case.next_word_wall, now),
            cancel_heard=self.case.cancel_heard or (word.cancel_heard and self.state is State.CANCELLED),
        ).noted("desk", word.text, now.wall)
        before = self.state
        # one that was said before the desk knew that the case is open again decides nothing
        knows = word.through >= self.case.reopened
        effects = self.signal(word.signal, now, share) if word.signal and knows else ()
        if self.state is before and self.state in (State.RECEIVED, State.ENGAGED):
            self.deadlines.pop(Signal.SILENCE, None)
            self._arm(now, share)
        return effects

    def open_case(self, case: HelpRequest, now: Instant) -> None:
        """The case that an OPEN effect asked for, made by the caller (ids need randomness); a rule has its window."""
        self.case = self._stepped(case, self.state, now)
        if self.call is not None:
            self.deadlines[Signal.WINDOW_OVER] = self._window_ends = now.monotonic + self.call.window_s

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

    # -- by the table ------------------------------------------------------------------------------------------------

    def _go(self, signal: Signal, now: Instant, share: float, *words: Words) -> tuple[Effect, ...]:
        """Move on; of the `words` those of the effects are kept."""
        self.deadlines.pop(signal, None)
        row = TABLE.get((self.state, signal))
        effects = row.effects if row else ()
        self.words, self.call = tuple(said for said in words if said.effect in effects), None
        if row is None:
            return ()
        if signal is Signal.SETTLED:
            self.deadlines.pop(Signal.UNANSWERED, None)
        self._count(effects, now)
        if row.to is not self.state:
            self._enter(row.to, now, share)
        elif signal in (Signal.UNANSWERED, Signal.SILENCE):
            # only time moves a timer: somebody who presses again and again must not put off what it is for
            self._arm(now, share)
        # what follows at once: a raised case with a path is sending, a cancelled one that nobody knows of is over
        if self.state is State.RAISED and self.case and self.case.fall_back_now:
            self._enter(State.FALLBACK, now, share)
            effects += (Effect.FALL_BACK,)
        elif self.state is State.RAISED and self.connected:
            self._enter(State.SENDING, now, share)
        elif self.state is State.CANCELLED and self.case and not self.case.retracted:
            self._enter(State.IDLE, now, share)
        self._ask(now)
        return effects

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
                nudges=self.case.nudges + bool({Effect.NUDGE, Effect.NUDGE_URGENT, Effect.RULE} & set(effects)),
                retracted=self.case.retracted or Effect.RETRACT in effects,
            )

    def _enter(self, state: State, now: Instant, share: float) -> None:
        self.state, self.deadlines = state, {}
        case = self.case
        if case is not None and (state not in (State.IDLE, State.HOLD) or case.state is not State.IDLE):
            if state in (State.RESOLVED, State.CANCELLED):
                case = case.no_more_asked([q.id for q in case.questions if q.purpose is not Purpose.EFFORT])
            self.case = self._stepped(case, state, now)
        self._arm(now, share)

    @staticmethod
    def _stepped(case: HelpRequest, state: State, now: Instant) -> HelpRequest:
        return case.with_state(state, now.monotonic, now.boot_id, now.wall, trusted=now.trusted)

    # -- finger ------------------------------------------------------------------------------------------------------

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

    # -- questions ---------------------------------------------------------------------------------------------------

    def _ask(self, now: Instant) -> None:
        """Which question the button answers from now on, and when the next one expires."""
        question = self.case.question if self.case else None
        ident = question.id if question and question.on_button else ""
        if ident != self._asks[0]:
            self._asks = (ident, None)
        self.deadlines.pop(Signal.EXPIRED, None)
        if self.case and self.case.questions:
            left_s = min(each.left_s(now) for each in self.case.questions)
            # a press that began in time is counted out
            self.deadlines[Signal.EXPIRED] = max(now.monotonic + left_s, self._finger.counted_by if ident else 0.0)

    def _expired(self, now: Instant, share: float) -> tuple[Effect, ...]:
        """The time of some questions is over, unless somebody is just answering."""
        waiting = self.case.questions if self.case else ()
        # sums of floats: at the very deadline there may be a little left
        due = [question for question in waiting if question.left_s(now) <= EPSILON_S]
        if self.case is None or not due or (self._asks[0] and now.monotonic < self._finger.counted_by):
            self._ask(now)
            return ()
        case = self.case.no_more_asked([question.id for question in due])
        for question in due:
            case = case.noted("expired", question.text, now.wall)
        self.case = case
        return self._go(Signal.EXPIRED, now, share, *(Words(Effect.EXPIRE, {"question": q.id}) for q in due))

    # -- timers ------------------------------------------------------------------------------------------------------

    def _arm(self, now: Instant, share: float) -> None:
        """The timers of this state; those that run go on."""
        silence_s, reopen_s = left_s(self.case, now, self.timers)
        waits = Waits(self._raised_at, self._resend_s(now, share), silence_s, reopen_s, connected=self.connected)
        self.deadlines = timers_of(self.state, now.monotonic, self.timers, waits) | self.deadlines
        if self.state is State.CANCEL_WINDOW:
            self._window_ends, self._pressing = self.deadlines[Signal.WINDOW_OVER], False

    def _resend_s(self, now: Instant, share: float) -> float:
        attempts = self.case.attempts if self.case else 0
        return resend_after(attempts, now.monotonic - self._raised_at, self.timers, share)
