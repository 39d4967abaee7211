"""The law of a help request as one table: what comes next and what must be done, for every state and signal.

A pair that is not in it changes nothing. The law behind it is docs/help.md; core.mayday lives by it.
"""

from enum import StrEnum
from typing import NamedTuple

from edge_agent.core.request import State


class Signal(StrEnum):
    """All that can happen to a case."""

    CONTACT = "button touched"
    LET_GO = "button let go before the hold time"
    HELD = "button held"
    ONE_PRESS = "one press"
    TWO_PRESSES = "two presses"
    MORE_PRESSES = "three presses or more"
    CANCEL = "cancelled from the page or the command line"
    TRIGGERED = "a rule calls for help"
    TRIGGERED_NOW = "a rule calls for help, without a cancel window"
    WINDOW_OVER = "the cancel window is over"
    PATH = "there is a connection"
    NO_PATH = "there is no connection, or no answer from the broker"
    TAKEN = "the broker has it (PUBACK)"
    RECEIVED = "the desk acknowledged this request"
    ENGAGED = "somebody works on it"
    RESOLVED = "the desk says it is done"
    SETTLED = "the desk has all that this case said"
    UNANSWERED = "the desk has not answered in time"
    ASKED_AGAIN = "the desk asks what it has not answered"
    OTHER_WAYS = "the first channel has had its time"
    DISK_DEAD = "the disk refuses"
    ASKED = "the desk asks something"
    ANSWERED = "the household answers"
    ANSWERED_CANCEL = "the household says yes to cancelling"
    EXPIRED = "the time to answer is over"
    SAID = "the household writes"
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
    FALL_BACK = "send it over every other channel"
    RULE = "send that a rule calls too"
    ANSWER = "send the answer"
    EXPIRE = "send that nobody answered"
    SAY = "send what the household wrote"


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
    (_S.CANCEL_WINDOW, Signal.WINDOW_OVER): Row(_S.RAISED, (_E.RAISE,)),
    (_S.CANCEL_WINDOW, Signal.HELD): Row(_S.RAISED, (_E.RAISE,)),
    (_S.CANCEL_WINDOW, Signal.TWO_PRESSES): Row(_S.CANCELLED),
    (_S.CANCEL_WINDOW, Signal.CANCEL): Row(_S.CANCELLED),
    # a second rule is cancelled with the first one, unless it has no window of its own
    (_S.CANCEL_WINDOW, Signal.TRIGGERED): Row(_S.CANCEL_WINDOW),
    (_S.CANCEL_WINDOW, Signal.TRIGGERED_NOW): Row(_S.RAISED, (_E.RAISE,)),
    (_S.CANCEL_WINDOW, Signal.SAID): Row(_S.CANCEL_WINDOW),
    # what is in memory alone is sent while there is power, by every way there is
    (_S.CANCEL_WINDOW, Signal.DISK_DEAD): Row(_S.FALLBACK, (_E.RAISE, _E.FALL_BACK)),
    (_S.RAISED, Signal.PATH): Row(_S.SENDING),
    (_S.QUEUED, Signal.PATH): Row(_S.SENDING, (_E.RESEND,)),
    # other channels are tried until somebody has acknowledged it; the first one goes on beside them
    (_S.FALLBACK, Signal.PATH): Row(_S.FALLBACK, (_E.RESEND, _E.FALL_BACK)),
    (_S.FALLBACK, Signal.UNANSWERED): Row(_S.FALLBACK, (_E.RESEND, _E.FALL_BACK)),
    (_S.SENDING, Signal.UNANSWERED): Row(_S.SENDING, (_E.RESEND,)),
    (_S.QUEUED, Signal.UNANSWERED): Row(_S.QUEUED, (_E.RESEND,)),
    (_S.DELIVERED, Signal.UNANSWERED): Row(_S.SENDING, (_E.RESEND,)),
    (_S.RECEIVED, Signal.ENGAGED): Row(_S.ENGAGED),
    (_S.RESOLVED, Signal.HELD): Row(_S.RAISED, (_E.REOPEN,)),
    (_S.RESOLVED, Signal.SETTLED): Row(_S.RESOLVED),
    (_S.RESOLVED, Signal.REOPEN_OVER): Row(_S.IDLE),
    (_S.RESOLVED, Signal.SAID): Row(_S.RESOLVED, (_E.SAY,)),
    (_S.CANCELLED, Signal.SETTLED): Row(_S.IDLE),
    # who was called by other ways must hear by them too that nobody needs to come
    (_S.CANCELLED, Signal.OTHER_WAYS): Row(_S.CANCELLED, (_E.FALL_BACK,)),
}
for _state in (_S.IDLE, _S.HOLD, _S.CANCELLED):
    for _signal in (Signal.HELD, Signal.TRIGGERED, Signal.TRIGGERED_NOW):
        TABLE[_state, _signal] = Row(_S.CANCEL_WINDOW, (_E.OPEN,))
for _state in (_S.RAISED, _S.SENDING, _S.QUEUED):
    TABLE[_state, Signal.TAKEN] = Row(_S.DELIVERED)
for _state in (_S.RAISED, _S.SENDING, _S.DELIVERED):
    TABLE[_state, Signal.NO_PATH] = Row(_S.QUEUED)
for _state in (_S.RAISED, _S.SENDING, _S.QUEUED, _S.DELIVERED):
    for _signal in (Signal.OTHER_WAYS, Signal.DISK_DEAD):
        TABLE[_state, _signal] = Row(_S.FALLBACK, (_E.FALL_BACK,))
for _state in ON_THE_WAY:
    TABLE[_state, Signal.RECEIVED] = Row(_S.RECEIVED)
    TABLE[_state, Signal.ENGAGED] = Row(_S.ENGAGED)
for _state in (_S.RECEIVED, _S.ENGAGED):
    TABLE[_state, Signal.SILENCE] = Row(_state, (_E.ASK, _E.RESEND))
    TABLE[_state, Signal.PATH] = Row(_state, (_E.RESEND,))
for _state in (_S.RESOLVED, _S.CANCELLED):
    TABLE[_state, Signal.UNANSWERED] = Row(_state, (_E.RESEND,))
    TABLE[_state, Signal.PATH] = Row(_state, (_E.RESEND,))
for _state in _OPEN:
    for _signal in (Signal.ONE_PRESS, Signal.TWO_PRESSES, Signal.MORE_PRESSES):
        TABLE[_state, _signal] = Row(_state, (_E.NUDGE,))
    TABLE[_state, Signal.HELD] = Row(_state, (_E.NUDGE_URGENT,))
    TABLE[_state, Signal.CANCEL] = Row(_S.CANCELLED, (_E.RETRACT,))
    TABLE[_state, Signal.ANSWERED_CANCEL] = Row(_S.CANCELLED, (_E.ANSWER, _E.RETRACT))
    TABLE[_state, Signal.RESOLVED] = Row(_S.RESOLVED, (_E.CLOSE,))
    TABLE[_state, Signal.SAID] = Row(_state, (_E.SAY,))
for _signal, _effects in ((Signal.CANCEL, ()), (Signal.ANSWERED_CANCEL, (_E.ANSWER,))):
    TABLE[_S.FALLBACK, _signal] = Row(_S.CANCELLED, (*_effects, _E.RETRACT, _E.FALL_BACK))
# a desk that was away need not wait for the next resend
for _state in (*_OPEN[1:], _S.IDLE, _S.HOLD, _S.RESOLVED, _S.CANCELLED):
    TABLE[_state, Signal.ASKED_AGAIN] = Row(_S.SENDING if _state is _S.DELIVERED else _state, (_E.RESEND,))
for _signal in (Signal.TRIGGERED, Signal.TRIGGERED_NOW):
    TABLE[_S.RESOLVED, _signal] = Row(_S.RAISED, (_E.REOPEN, _E.RULE))
    for _state in _OPEN:
        TABLE[_state, _signal] = Row(_state, (_E.RULE,))
# one question may come after the end, so the last case is asked in these states too
for _state in (*_OPEN, _S.RESOLVED, _S.CANCELLED, _S.IDLE, _S.HOLD):
    TABLE[_state, Signal.ASKED] = Row(_state)
    TABLE[_state, Signal.ANSWERED] = Row(_state, (_E.ANSWER,))
    TABLE[_state, Signal.EXPIRED] = Row(_state, (_E.EXPIRE,))
