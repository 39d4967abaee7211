"""Help requests as the desk knows them: their states, times, and what of them nobody has looked at yet."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from edge_agent.core.compact import gateway_number
from edge_agent.core.wire import pack
from simulators.desk.words import map_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, request TEXT NOT NULL, code TEXT NOT NULL, twin INTEGER NOT NULL,
  trigger TEXT NOT NULL, state TEXT NOT NULL, opened REAL NOT NULL, raised REAL, first_sequence INTEGER NOT NULL,
  received REAL, engaged REAL, resolved REAL, cancelled REAL, nudges INTEGER NOT NULL DEFAULT 0,
  new_nudges INTEGER NOT NULL DEFAULT 0, new_urgent INTEGER NOT NULL DEFAULT 0, new_words INTEGER NOT NULL DEFAULT 0,
  helper TEXT NOT NULL DEFAULT '', next_word REAL, effort TEXT NOT NULL DEFAULT '', said INTEGER NOT NULL DEFAULT 0,
  data BLOB NOT NULL, UNIQUE (gateway, request));
CREATE INDEX IF NOT EXISTS cases_of_code ON cases (code);
"""
_CASE = (
    "number, gateway, request, code, twin, trigger, state, opened, raised, first_sequence, received, engaged,"
    " resolved, cancelled, nudges, new_nudges, new_urgent, new_words, helper, next_word, effort, said, data"
)


class CaseState(StrEnum):
    """Where a case stands at the desk."""

    RAISED = "raised"
    RECEIVED = "received"
    ENGAGED = "engaged"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Unseen(StrEnum):
    """What the household does that somebody at the desk has to look at; the column that counts it."""

    NUDGE = "new_nudges"
    URGENT = "new_urgent"
    WORDS = "new_words"


OPEN = (CaseState.RAISED, CaseState.RECEIVED, CaseState.ENGAGED)


@dataclass(frozen=True, slots=True)
class Case:
    """One help request. `request` is the id of the event that raised it, as text; `data` is what came with it.

    `number` is the desk's own (0: not stored yet); `twin` counts the earlier cases with the same code. `opened`,
    `received`, `engaged`, `resolved` and `cancelled` are Unix seconds of the desk's clock, None: not yet. `raised` is
    when the gateway sent it, by a clock known to be right, None: not known. `first_sequence` is the help lane's number
    from which on this case is acknowledged, 0: only nudges came yet. `new_nudges`, `new_urgent` and `new_words` count
    what the household did since a helper last did something; `next_word` is what the desk promised; `effort` is the
    answer to the question after the end.
    """

    number: int
    gateway: str
    request: str
    code: str
    trigger: str
    state: CaseState
    opened: float
    first_sequence: int
    twin: int = 0
    raised: float | None = None
    received: float | None = None
    engaged: float | None = None
    resolved: float | None = None
    cancelled: float | None = None
    nudges: int = 0
    new_nudges: int = 0
    new_urgent: int = 0
    new_words: int = 0
    helper: str = ""
    next_word: float | None = None
    effort: str = ""
    said: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether the household still waits for something."""
        return self.state in OPEN

    @property
    def is_test(self) -> bool:
        """Whether it was raised to test the way, by nobody in need."""
        return self.trigger == "test"

    @property
    def reference(self) -> str:
        """The desk's own name for it: no other case has it, whatever code the gateway made."""
        return f"SD-{self.number:05d}"

    @property
    def label(self) -> str:
        """The code, and where an earlier case has the same, which one this is: `K7MPX23Q/2`."""
        return f"{self.code}/{self.twin + 1}" if self.twin else self.code

    def seconds_to(self, state: CaseState) -> float | None:
        """Seconds from the request's arrival at the desk until it was received, engaged, resolved or cancelled."""
        reached: float | None = getattr(self, state.value, None)
        return None if reached is None else reached - self.opened


class Cases:
    """The cases of a Store's database; changes stand within a batch of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def open(self, case: Case) -> None:
        """A new case."""
        self._db.execute(
            "INSERT INTO cases (gateway, request, code, twin, trigger, state, opened, raised, first_sequence, data)"
            " VALUES (?1,?2,?3,(SELECT count(*) FROM cases WHERE code=?3),?4,?5,?6,?7,?8,?9)",
            (
                *(case.gateway, case.request, case.code, case.trigger, case.state.value, case.opened, case.raised),
                *(case.first_sequence, pack(dict(case.data))),
            ),
        )

    def move(self, case: Case, state: CaseState, at: float) -> None:
        """The case is in this state since `at`; the first time counts."""
        column = state.value
        self._set(case, f"state=?, {column}=coalesce({column}, ?)", state.value, at)

    def reopen(self, case: Case, at: float) -> None:
        """The household came back to a case that was over: it starts again."""
        fresh = "received=NULL, engaged=NULL, resolved=NULL, cancelled=NULL, said=0, helper='', next_word=NULL"
        self._set(case, f"state='raised', opened=?, raised=NULL, {fresh}", at)

    def describe(self, case: Case, told: Case) -> None:
        """What the request says of itself, where something else of its case came first."""
        twin = "twin=(SELECT count(*) FROM cases o WHERE o.code=? AND o.number<cases.number)"
        values = (told.code, told.code, told.trigger, told.raised, pack(dict(told.data)))
        self._set(case, f"code=?, {twin}, trigger=?, raised=?, data=?", *values)

    def begin(self, case: Case, first_sequence: int) -> None:
        """From this number on the case's events are acknowledged. It stays: a lower one later may never close up."""
        self._set(case, "first_sequence=?", first_sequence)

    def nudged(self, case: Case) -> None:
        """One more press."""
        self._set(case, "nudges=nudges+1")

    def unseen(self, case: Case, what: Unseen) -> None:
        """Something for a person to look at."""
        self._set(case, f"{what.value}={what.value}+1")

    def seen(self, case: Case) -> None:
        """A helper did something in the case: all that came before was looked at."""
        self._set(case, "new_nudges=0, new_urgent=0, new_words=0")

    def promised(self, case: Case, next_word: float) -> None:
        """The household waits for a word at this time."""
        self._set(case, "next_word=?", next_word)

    def helped_by(self, case: Case, helper: str) -> None:
        """Who works on it."""
        self._set(case, "helper=?", helper)

    def rated(self, case: Case, effort: str) -> None:
        """How easy it was, by the household."""
        self._set(case, "effort=?", effort)

    def scripted(self, case: Case) -> None:
        """One more of the policy's sentences was said."""
        self._set(case, "said=said+1")

    def _set(self, case: Case, what: str, *values: Any) -> None:
        query = f"UPDATE cases SET {what} WHERE gateway=? AND request=?"  # noqa: S608  constants
        self._db.execute(query, (*values, case.gateway, case.request))

    def find(self, gateway: str, request: str) -> Case | None:
        """One case, or None."""
        return next(iter(self._cases("WHERE gateway=? AND request=?", (gateway, request))), None)

    def adopt(self, told: Case) -> Case | None:
        """The case of this request that came by SMS from a gateway of which only the number was known, now its own."""
        unknown = f"number-{gateway_number(told.gateway).hex()}"
        if self.find(unknown, told.request) is None:
            return None
        for table in ("cases", "words"):
            self._db.execute(
                f"UPDATE OR IGNORE {table} SET gateway=? WHERE gateway=? AND request=?",  # noqa: S608
                (told.gateway, unknown, told.request),
            )
        return self.find(told.gateway, told.request)

    def numbered(self, number: int) -> Case | None:
        """The case of the desk's own number, or None."""
        return next(iter(self._cases("WHERE number=?", (number,))), None)

    def coded(self, code: str) -> list[Case]:
        """All cases of a code, oldest first."""
        return self._cases("WHERE code=? ORDER BY number", (code,))

    def all(self) -> list[Case]:
        """All, oldest first."""
        return self._cases("ORDER BY number", ())

    def all_open(self) -> list[Case]:
        """Those that are not over, oldest first."""
        return self._cases("WHERE state IN (?,?,?) ORDER BY number", [state.value for state in OPEN])

    def recently_over(self, limit: int) -> list[Case]:
        """The last ones that ended, newest first."""
        states = [state.value for state in OPEN]
        order = "ORDER BY coalesce(resolved, cancelled) DESC LIMIT ?"
        return self._cases(f"WHERE state NOT IN (?,?,?) {order}", [*states, limit])

    def unrated(self, purpose: str, since: float) -> list[Case]:
        """Those resolved since then whose household was not asked a question of this purpose."""
        asked = "SELECT 1 FROM questions q WHERE q.gateway=c.gateway AND q.request=c.request AND q.purpose=?"
        where = f"c WHERE state='resolved' AND resolved>? AND NOT EXISTS ({asked}) ORDER BY number"
        return self._cases(where, (since, purpose))

    def _cases(self, where: str, values: Iterable[Any]) -> list[Case]:
        rows = self._db.execute(f"SELECT {_CASE} FROM cases {where}", tuple(values))  # noqa: S608  constants
        return [_case(row) for row in rows]


def _case(row: tuple[Any, ...]) -> Case:
    told = dict(zip(_CASE.replace(",", " ").split(), row, strict=True))
    return Case(**told | {"state": CaseState(told["state"]), "data": map_of(told["data"])})
