"""Which case to look at first, in one word for people; and how the desk does against its goals."""

from collections.abc import Iterable
from typing import NamedTuple

from simulators.desk.cases import Case, CaseState

# The law of a help request: engaged within 15 s is the goal, after 40 s it is broken.
GOAL_S = 15.0
BREACH_S = 40.0


class Urgency(NamedTuple):
    """`rank` 0 comes first. `word` is one of the marks below; `marks` are all that hold, most urgent first."""

    rank: int
    word: str
    marks: tuple[str, ...]


# In the order of the queue. What nobody acknowledged comes before every word in a case that somebody has.
_ORDER = ("overdue", "urgent", "new", "promise broken", "nudged", "wrote", "waiting", "in hand", "test", "over")


def urgency_of(case: Case, now: float) -> Urgency:
    """How urgent a case is at `now` (Unix seconds)."""
    marks = sorted(_marks(case, now), key=_ORDER.index)
    return Urgency(_ORDER.index(marks[0]), marks[0], tuple(marks))


def _marks(case: Case, now: float) -> Iterable[str]:
    if not case.open or case.is_test:
        yield "over" if not case.open else "test"
        return
    late = now - case.opened > GOAL_S
    yield {CaseState.RAISED: "new", CaseState.RECEIVED: "waiting"}.get(case.state, "in hand")
    if case.engaged is None and (late if case.received is None else now - case.opened > BREACH_S):
        yield "overdue"
    if case.new_urgent:
        yield "urgent"
    if case.new_nudges:
        yield "nudged"
    if case.new_words:
        yield "wrote"
    if case.next_word is not None and now > case.next_word:
        yield "promise broken"


class Goals(NamedTuple):
    """Of `cases` that were not tests: engaged in time, too late or not at all; seconds of the middle one."""

    cases: int
    within_goal: int
    within_breach: int
    median_s: float | None


def goals_of(cases: Iterable[Case], now: float) -> Goals:
    """Against the goals. A case that still waits counts as late once it is, one that was cancelled not at all."""
    done = [case for case in cases if not case.is_test and case.state is not CaseState.CANCELLED]
    times = sorted(seconds for case in done if (seconds := case.seconds_to(CaseState.ENGAGED)) is not None)
    late = sum(case.engaged is None and now - case.opened > BREACH_S for case in done)
    middle = times[len(times) // 2] if times else None
    within = [sum(seconds <= limit for seconds in times) for limit in (GOAL_S, BREACH_S)]
    return Goals(len(times) + late, within[0], within[1], middle)
