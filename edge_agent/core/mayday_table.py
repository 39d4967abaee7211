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
NUDGES = frozenset({Effect.NUDGE, Effect.NUDGE_URGENT})
