"""What the lamp shows: rhythm, colour and tone of each pattern, and which of them is true now.

Rhythms are milliseconds on, off, on, off …, repeated; never above three flashes a second (170/170), the limit for
people with photosensitive epilepsy (WCAG 2.3.1). The rhythm carries the meaning, colour only helps: a test finds every
two rows different on a one-colour lamp. What a row says in words stands in edge_agent/texts under `lamp.…`.
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


class Tone(NamedTuple):
    """Beeps in ms on, off, on …, played `times` (None: for as long as it is shown), `every_s` from start to start.

    A `reminder` does not sound on entering but when it has been shown for a while, and at most once in `every_s`
    however often it comes and goes; it keeps the household's quiet hours.
    """

    beeps_ms: tuple[int, ...] = ()
    every_s: float = 0.0
    times: int | None = 1
    reminder: bool = False


class Pattern(NamedTuple):
    """One row of the lamp card."""

    shown: Shown
    colour: str
    rhythm_ms: tuple[int, ...]
    tone: Tone = Tone()


def _blinks(count: int, on_ms: int, off_ms: int, pause_ms: int) -> tuple[int, ...]:
    """`count` flashes, then a pause in place of the last dark time."""
    return (*(on_ms, off_ms) * (count - 1), on_ms, pause_ms)


PATTERNS = {
    pattern.shown: pattern
    for pattern in (
        Pattern(Shown.READY, "green", (50, 4950)),
        Pattern(Shown.NOT_READY, "red", _blinks(2, 400, 400, 5000), Tone((60, 0), 3600.0, None, reminder=True)),
        Pattern(Shown.HOLD, "amber", (170, 170), Tone((100, 0), 1.0, None)),
        Pattern(Shown.CANCEL_WINDOW, "green", _blinks(3, 170, 170, 700), Tone((80, 80, 120, 80, 160, 0))),
        Pattern(Shown.SENDING, "amber", (500, 500), Tone((60, 0))),
        Pattern(Shown.QUEUED, "amber", _blinks(2, 200, 200, 1000), Tone((300, 200, 300, 200, 300, 0), 120.0, 2)),
        Pattern(Shown.RECEIVED, "green", (1500, 500), Tone((100, 100, 200, 0))),
        Pattern(Shown.ENGAGED, "green", (STEADY_MS, 0)),
        Pattern(Shown.QUESTION, "blue", _blinks(4, 170, 170, 1000), Tone((150, 150, 150, 0))),
        Pattern(Shown.RESOLVED, "green", _blinks(3, 1500, 500, 3000), Tone((800, 0))),
    )
}
# RESOLVED is shown once round and then falls back to ready.
RESOLVED_S = sum(PATTERNS[Shown.RESOLVED].rhythm_ms) / 1000

# An assist session: the lamp is inverted for so long, so often, over whatever else it shows; a tone at start and end.
MARK_S, MARK_EVERY_S = 0.1, 2.0
ASSIST_BEGINS, ASSIST_ENDS = Tone((100, 100, 100, 100, 400, 0)), Tone((400, 100, 100, 0))

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


def steady(pattern: Pattern) -> bool:
    """Whether the lamp just stays on."""
    return 0 in pattern.rhythm_ms


def shown(state: State, *, recorded: bool, ready: bool, contact: bool, fresh: bool, question: bool) -> Shown:
    """What the lamp says: the one place where the order of precedence stands.

    A waiting question, the open case, the finger on the button, the end of a case, readiness. An assist session takes
    no part in it: its mark lies over all of them (core.light).

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
