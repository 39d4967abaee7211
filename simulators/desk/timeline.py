"""A case as it went, line by line: what the household did and said, what the desk said."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edge_agent.core.errors import WireError
from edge_agent.core.wire import text_of, unpack
from simulators.desk import voice
from simulators.desk.cases import Case
from simulators.desk.questions import Question
from simulators.desk.words import Words

MAX_EVENTS = 1000
_HOUSEHOLD = {
    "raised": "The household asked for help.",
    "reopened": "The household asked for help again.",
    "cancelled": "The household took the request back.",
    "closed": "The gateway knows that it is done.",
    "asked": "The gateway asks for the word that was promised.",
}
_DESK = {
    voice.RECEIVED: "acknowledged the request",
    voice.ENGAGED: "works on it",
    voice.RESOLVED: "said that it is done",
    voice.CANCEL_RECEIVED: "acknowledged that it was taken back",
}


class Line(NamedTuple):
    """`who` is `household` or `desk`; `kind` is `act` (told in our words) or `said` (in theirs). `at` is Unix seconds.

    `sent`: a word of the desk went out; `next_word`: when it promised the next one.
    """

    at: float
    who: str
    kind: str
    text: str
    sent: bool = True
    next_word: float | None = None


def timeline(
    db: sqlite3.Connection, case: Case, words: Sequence[Words], questions: Sequence[Question]
) -> list[dict[str, Any]]:
    """All lines, oldest first."""
    asked = {question.id: question.text for question in questions}
    lines = [*_household(db, case, asked), *(line for each in words if (line := _desk(each)))]
    return [line._asdict() for line in sorted(lines, key=lambda line: line.at)]


def _household(db: sqlite3.Connection, case: Case, asked: Mapping[str, str]) -> list[Line]:
    rows = db.execute(
        "SELECT type, payload, arrived FROM events WHERE gateway=? AND subject=?"
        " AND lane IN ('help', 'finding') AND lane='help' ORDER BY number LIMIT ?",
        (case.gateway, case.code, MAX_EVENTS),
    )
    lines = []
    for type_, payload, arrived in rows:
        try:
            data = unpack(payload)
        except WireError:
            continue
        if isinstance(data, dict) and text_of(data, "request") in ("", case.request):
            what = type_.removeprefix("edge.help.").removesuffix(".v1")
            lines.append(_of_event(what, data, arrived, asked))
    return lines


def _of_event(what: str, data: Mapping[str, Any], at: float, asked: Mapping[str, str]) -> Line:
    if what in ("said", "answered"):
        return Line(at, "household", "said", text_of(data, "text" if what == "said" else "answer"))
    act = _HOUSEHOLD.get(what, f"The gateway says: {what.replace('_', ' ')}.")
    if what == "expired":
        act = f"No answer came in time: {asked.get(text_of(data, 'question', 64), '')}"
    elif what == "nudged":
        act = f"The household pressed again{', urgently' if data.get('urgent') is True else ''}."
    elif what == "triggered" or text_of(data, "trigger", 20) == "automatic":
        act = f"A rule called for help: {text_of(data, 'text', 200) or text_of(data, 'rule', 200)}"
    return Line(at, "household", "act", act)


def _desk(words: Words) -> Line | None:
    """A word of the desk; one that only confirmed an arrival is none."""
    said, promised = text_of(words.fields, "text"), words.fields.get("next_word_wall")
    # what was promised last stands above the case; here only where the promise was the word
    next_word = float(promised) if words.type == voice.PROGRESS and isinstance(promised, int | float) else None
    if words.type in _DESK:
        who = text_of(words.fields, "helper", 80) or text_of(words.fields, "receiver", 80) or "The desk"
        return Line(words.at, "desk", "act", f"{who} {_DESK[words.type]}. {said}".rstrip(), words.sent > 0)
    return Line(words.at, "desk", "said", said, words.sent > 0, next_word) if said else None
