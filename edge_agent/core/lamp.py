"""What the lamp shows and what it means: the rhythm carries the meaning, colour only helps.

Rhythms are milliseconds on, off, on, off …, repeated; never above three flashes a second (170/170), the limit for
people with photosensitive epilepsy (WCAG 2.3.1). No two rows are equal on a one-colour lamp: a test compares them.
"""

from enum import StrEnum
from typing import NamedTuple

from edge_agent.core.request import State

STEADY_MS = 1000


class Shown(StrEnum):
    """What a lamp can say."""

    READY = "ready"
    NOT_READY = "not_ready"
    HOLD = "hold"
    CANCEL_WINDOW = "cancel_window"
    SENDING = "sending"
    QUEUED = "queued"
    RECEIVED = "received"
    ENGAGED = "engaged"
    QUESTION = "question"
    RESOLVED = "resolved"


class Pattern(NamedTuple):
    """One row of the lamp card. `tone` is beeps in ms on, off, …, played once on entering; `again_s` repeats it."""

    shown: Shown
    colour: str
    rhythm_ms: tuple[int, ...]
    sentence: str
    tone: tuple[int, ...] = ()
    again_s: float | None = None


def _blinks(count: int, on_ms: int, off_ms: int, pause_ms: int) -> tuple[int, ...]:
    """`count` flashes, then a pause in place of the last dark time."""
    return (*(on_ms, off_ms) * (count - 1), on_ms, pause_ms)


PATTERNS = {
    pattern.shown: pattern
    for pattern in (
        Pattern(Shown.READY, "green", (50, 4950), "Ready. Hold the button to call for help."),
        Pattern(
            Shown.NOT_READY,
            "red",
            _blinks(2, 400, 400, 5000),
            "Not ready: help cannot be reached now. A press is kept and sent as soon as it can be.",
        ),
        Pattern(Shown.HOLD, "amber", (170, 170), "Keep holding to call for help.", (100, 900), 1.0),
        Pattern(
            Shown.CANCEL_WINDOW,
            "green",
            _blinks(3, 170, 170, 700),
            "Your request is recorded. Press twice now to cancel it.",
            (80, 80, 120, 80, 160, 0),
        ),
        Pattern(Shown.SENDING, "amber", (500, 500), "Recorded and on its way; nobody has read it yet.", (60, 0)),
        Pattern(
            Shown.QUEUED,
            "amber",
            _blinks(2, 200, 200, 1000),
            "There is no connection. It is sent as soon as there is one.",
            (300, 200, 300, 200, 300, 0),
        ),
        Pattern(Shown.RECEIVED, "green", (1500, 500), "The service desk has your request.", (100, 100, 200, 0)),
        Pattern(Shown.ENGAGED, "green", (STEADY_MS, 0), "Somebody is working on it."),
        Pattern(
            Shown.QUESTION,
            "blue",
            _blinks(4, 170, 170, 1000),
            "The service desk has asked something. Press once for yes, twice for no.",
            (150, 150, 150, 0),
        ),
        Pattern(Shown.RESOLVED, "green", _blinks(3, 1500, 500, 3000), "It is done.", (800, 0)),
    )
}
# RESOLVED is shown once round and then falls back to ready.
RESOLVED_S = sum(PATTERNS[Shown.RESOLVED].rhythm_ms) / 1000

_OF_STATE = {
    State.HOLD: Shown.HOLD,
    State.CANCEL_WINDOW: Shown.CANCEL_WINDOW,
    State.RAISED: Shown.SENDING,
    State.SENDING: Shown.SENDING,
    State.DELIVERED: Shown.SENDING,
    State.QUEUED: Shown.QUEUED,
    State.FALLBACK: Shown.QUEUED,
    State.RECEIVED: Shown.RECEIVED,
    State.ENGAGED: Shown.ENGAGED,
}


def shown(state: State, *, recorded: bool, ready: bool, contact: bool, fresh: bool, question: bool) -> Shown:
    """What the lamp says. One truth by precedence: the case, then the finger on the button, then readiness.

    `recorded` is whether this state is on disk; `fresh` whether the case was resolved a moment ago; `question` whether
    a press now answers the desk: the lamp says what the button does. What is not on disk may claim no more than QUEUED
    until the desk itself has spoken, and who asks has.
    """
    if state in _OF_STATE and state is not State.HOLD:
        said = _OF_STATE[state]
        if question and said is not Shown.CANCEL_WINDOW:
            return Shown.QUESTION
        if not recorded and said not in (Shown.RECEIVED, Shown.ENGAGED):
            return Shown.QUEUED
        return said
    if contact or state is State.HOLD:
        return Shown.HOLD
    if state is State.RESOLVED and fresh:
        return Shown.RESOLVED
    return Shown.READY if ready else Shown.NOT_READY
