"""What the desk's page shows, as plain data: the queue, and one case with everything that travelled."""

import math
from collections.abc import Mapping
from typing import Any

from edge_agent.core.checks.base import PLAIN
from edge_agent.core.errors import WireError
from edge_agent.core.wire import text_of, unpack
from simulators.desk import around
from simulators.desk.cases import Case, CaseState
from simulators.desk.evidence import EVIDENCE, Evidence
from simulators.desk.questions import Question
from simulators.desk.script import may_be_rated
from simulators.desk.store import Store
from simulators.desk.timeline import timeline
from simulators.desk.urgency import BREACH_S, GOAL_S, goals_of, urgency_of
from simulators.desk.voice import Voice

MAX_OVER = 50
MAX_TESTS = 50
MAX_FINDINGS = 50
# Findings of the hours before a press may explain it.
# What the household is told says no more than its findings do.
NOTICE = "edge.finding.notice.v1"
_FINDINGS_S = 6 * 3600.0
# What the first message tells, in the order in which a helper reads it.
_FACTS = (
    *("site", "location", "product", "contact", "language", "agent", "power", "path", "gateway", "uptime_s", "queue"),
    *("consent", "coordinates"),
)


class View:
    """Reads what is there now; `now` is Unix seconds."""

    def __init__(self, store: Store, voice: Voice) -> None:
        self._store = store
        self._voice = voice

    def queue(self, now: float) -> dict[str, Any]:
        """Open cases by urgency, those that are over, the last test of each gateway, and the goals."""
        open_ones = self._voice.cases.all_open()
        over = self._voice.cases.recently_over(MAX_OVER)
        shown = [self._short(case, now) for case in open_ones]
        shown.sort(key=lambda case: (case["rank"], case["opened"]))
        tests = self._voice.questions.last_tests(MAX_TESTS)
        return {
            "now": now,
            "open": shown,
            "over": [self._short(case, now) for case in over],
            "tests": [{"gateway": test.gateway, "at": test.at, "scheduled": test.scheduled} for test in tests],
            "goals": {**goals_of([*open_ones, *over], now)._asdict(), "goal_s": GOAL_S, "breach_s": BREACH_S},
        }

    def _short(self, case: Case, now: float) -> dict[str, Any]:
        urgent = urgency_of(case, now)
        return {
            "number": case.number,
            "code": case.label,
            "clash": len(self._voice.cases.coded(case.code)) > 1,
            "reference": case.reference,
            "gateway": case.gateway,
            "site": text_of(case.data, "site", 200),
            "product": text_of(case.data, "product", 200),
            "trigger": case.trigger,
            "state": case.state.value,
            "rank": urgent.rank,
            "word": urgent.word,
            "marks": urgent.marks,
            "opened": case.opened,
            "ended": case.resolved or case.cancelled,
            "nudges": case.nudges,
            "helper": case.helper,
            "next_word": case.next_word,
            "effort": case.effort,
            "summary": next(iter(_told_findings(case.data)), ""),
        }

    def case(self, number: int, now: float) -> dict[str, Any] | None:
        """Everything of a case; None where there is none of this number."""
        case = self._voice.cases.numbered(number)
        if case is None:
            return None
        evidence = Evidence.of(self._store.db, case)
        pressed = self._pressed(case)
        questions = self._voice.questions.of(case)
        return {
            **self._short(case, now),
            "now": now,
            "pressed": pressed,
            "times": _times(case, pressed),
            "facts": _facts(case.data),
            "rule": text_of(case.data, "rule", 200),
            "findings": self._findings(case, pressed),
            "tried": _tried(case.data.get("tried")),
            "suspects": _suspects(case.data),
            "tracks": around.tracks(self._store.db, case.gateway, pressed, evidence.blocks),
            "evidence": evidence.texts,
            "timeline": timeline(self._store.db, case, self._voice.words.of(case.gateway, case.request), questions),
            "questions": [_question(question, now) for question in questions],
            "twins": [other.label for other in self._voice.cases.coded(case.code) if other.number != number],
            "may_be_rated": case.state is CaseState.RESOLVED and may_be_rated(case) and not _rated(questions),
        }

    def _pressed(self, case: Case) -> float:
        """When somebody pressed, on the desk's own line of time."""
        raised = around.dated(self._store.db, case.gateway, case.request)
        age = case.data.get("pressed_age_s")
        ago_s = float(age) if isinstance(age, int | float) and 0 <= age < _FINDINGS_S else 0.0
        return (case.opened if raised is None else raised) - ago_s

    def _findings(self, case: Case, pressed: float) -> list[dict[str, Any]]:
        """What the gateway had found when it asked for help, and what it found since, in words."""
        found = [{"at": None, "state": "at the press", "text": text} for text in _told_findings(case.data)]
        rows = self._store.db.execute(
            "SELECT payload, arrived FROM events WHERE gateway=? AND arrived BETWEEN ? AND ? AND lane='finding'"
            " AND type LIKE 'edge.finding.%' AND type NOT IN (?, ?) ORDER BY arrived DESC LIMIT ?",
            (
                case.gateway,
                pressed - _FINDINGS_S,
                (case.resolved or case.opened) + _FINDINGS_S,
                EVIDENCE,
                NOTICE,
                MAX_FINDINGS,
            ),
        )
        for payload, arrived in rows:
            try:
                data = unpack(payload)
            except WireError:
                continue
            if isinstance(data, dict) and text_of(data, "sentence"):
                found.append({"at": arrived, "state": text_of(data, "state", 20), "text": text_of(data, "sentence")})
        return found


def _times(case: Case, pressed: float) -> dict[str, float | None]:
    """Seconds: from the contact to the desk, on the way from the end of the cancel window, and from the desk on."""
    reached = {state.value: case.seconds_to(state) for state in CaseState if state is not CaseState.RAISED}
    return {
        "contact_to_desk": max(0.0, case.opened - pressed),
        "way": None if case.raised is None else case.opened - case.raised,
        **reached,
    }


def _facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _plain(data[name])) for name in _FACTS if data.get(name) not in (None, "", [])]


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value[:20]))[:500]
    return str(value)[:500]


def _tried(value: object) -> list[str]:
    """What the gateway did by itself, a line each: `test: passed, 9 s before the request`."""
    return [_attempt(one) for one in value[:20]] if isinstance(value, list) else []


def _attempt(one: object) -> str:
    if not isinstance(one, dict):
        return _plain(one)
    told = ": ".join(_plain(one[key]) for key in ("what", "how") if one.get(key))
    return told + _before(one.get("ago_s"))


def _before(ago_s: object) -> str:
    if not isinstance(ago_s, int | float) or not 0 <= ago_s < math.inf:
        return ""
    return f", {PLAIN.length(ago_s)} before the request"


def _findings(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = data.get("findings")
    return [one for one in found[:5] if isinstance(one, dict)] if isinstance(found, list) else []


def _told_findings(data: Mapping[str, Any]) -> list[str]:
    return [sentence for one in _findings(data) if (sentence := text_of(one, "sentence"))]


def _suspects(data: Mapping[str, Any]) -> list[str]:
    """Channels that a finding is about: they are shown first."""
    found = data.get("findings")
    return (
        [text_of(one, "channel", 200) for one in found[:5] if isinstance(one, dict)] if isinstance(found, list) else []
    )


def _question(question: Question, now: float) -> dict[str, Any]:
    return {**question._asdict(), "waits": question.waits(now)}


def _rated(questions: list[Question]) -> bool:
    return any(question.purpose == "effort" for question in questions)
