"""The law of a help request as a picture and as a table, made from core/mayday_table.py."""  # noqa: INP001

from collections.abc import Iterable, Iterator

from edge_agent.core.mayday_table import ON_THE_WAY, TABLE, Effect, Signal
from edge_agent.core.mayday_timers import RUNS
from edge_agent.core.request import State

OPEN = (*ON_THE_WAY, State.RECEIVED, State.ENGAGED)
# Groups in the picture, the smallest first: what all of a group have in common is drawn once.
GROUPS = {"ON_THE_WAY": ON_THE_WAY, "OPEN": OPEN}
# What a person does in the picture, short; the rest are the signals' own words.
SHORT = {
    Signal.CONTACT: "touched",
    Signal.LET_GO: "let go",
    Signal.HELD: "held",
    Signal.TWO_PRESSES: "two presses",
    Signal.CANCEL: "cancelled",
    Signal.TRIGGERED: "a rule",
    Signal.TRIGGERED_NOW: "a rule without a window",
    Signal.WINDOW_OVER: "window over",
    Signal.PATH: "a connection",
    Signal.NO_PATH: "no connection",
    Signal.TAKEN: "PUBACK",
    Signal.RECEIVED: "acknowledged",
    Signal.ENGAGED: "somebody works on it",
    Signal.RESOLVED: "resolved",
    Signal.SETTLED: "the desk has the last word",
    Signal.UNANSWERED: "no answer",
    Signal.ASKED_AGAIN: "asked for what is unanswered",
    Signal.REOPEN_OVER: "time to reopen over",
    Signal.OTHER_WAYS: "time for other ways",
    Signal.DISK_DEAD: "dead disk",
    Signal.ANSWERED_CANCEL: "yes to cancelling",
}


def picture() -> str:
    """A Mermaid state diagram of every change of state."""
    moves = {(state, signal): row.to for (state, signal), row in TABLE.items() if row.to is not state}
    drawn: dict[tuple[str, str], list[Signal]] = {}
    for name, members in reversed(GROUPS.items()):
        for signal in Signal:
            goals = {moves.get((state, signal)) for state in members}
            goal = goals.pop()
            if not goals and goal is not None:
                drawn.setdefault((name, goal.value), []).append(signal)
                for state in members:
                    del moves[state, signal]
    for (state, signal), goal in moves.items():
        drawn.setdefault((state.value, goal.value), []).append(signal)
    lines = ["stateDiagram-v2", "  [*] --> IDLE", *_nested()]
    order = list(Signal)
    for (start, goal_name), signals in drawn.items():
        label = ", ".join(SHORT.get(signal, signal.value) for signal in sorted(signals, key=order.index))
        lines.append(f"  {start} --> {goal_name} : {label}")
    return "\n".join(lines)


def _nested() -> Iterator[str]:
    yield "  state OPEN {"
    yield "    state ON_THE_WAY {"
    yield from (f"      {state.value}" for state in ON_THE_WAY)
    yield "    }"
    yield from (f"    {state.value}" for state in OPEN if state not in ON_THE_WAY)
    yield "  }"


def table() -> str:
    """Every row of the table, those that do the same in one line."""
    same: dict[tuple[Signal, str, tuple[Effect, ...]], list[State]] = {}
    for (state, signal), row in TABLE.items():
        goal = "" if row.to is state else row.to.value
        same.setdefault((signal, goal, row.effects), []).append(state)
    order = list(Signal)
    lines = ["| what happens | in | goes to | and does |", "|---|---|---|---|"]
    for (signal, goal, effects), states in sorted(same.items(), key=lambda each: order.index(each[0][0])):
        does = ", ".join(effect.value for effect in effects) or "-"
        lines.append(f"| {signal.value} | {_names(states)} | {goal or '-'} | {does} |")
    return "\n".join(lines) + "\n"


def timers() -> str:
    """What runs in each state."""
    lines = ["| state | what time brings |", "|---|---|"]
    lines += [f"| {state.value} | {', '.join(signal.value for signal in RUNS[state])} |" for state in RUNS]
    return "\n".join(lines) + "\n"


def _names(states: Iterable[State]) -> str:
    found = set(states)
    told = []
    if found >= set(OPEN):
        told.append("every open state")
        found -= set(OPEN)
    return ", ".join([*told, *(state.value for state in State if state in found)])
