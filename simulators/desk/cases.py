"""Help requests as the desk knows them: their states, what it said in them, and what it has to say again."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from edge_agent.core.errors import WireError
from edge_agent.core.wire import pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, request TEXT NOT NULL, code TEXT NOT NULL, trigger TEXT NOT NULL,
  state TEXT NOT NULL, opened REAL NOT NULL, first_sequence INTEGER NOT NULL, received REAL, engaged REAL,
  resolved REAL, cancelled REAL, nudges INTEGER NOT NULL DEFAULT 0, said INTEGER NOT NULL DEFAULT 0,
  data BLOB NOT NULL, UNIQUE (gateway, request));
CREATE TABLE IF NOT EXISTS words (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, request TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
  type TEXT NOT NULL, fields BLOB NOT NULL, at REAL NOT NULL, due INTEGER NOT NULL DEFAULT 1,
  sent INTEGER NOT NULL DEFAULT 0, UNIQUE (gateway, seq));
CREATE INDEX IF NOT EXISTS words_due ON words (due) WHERE due;
"""
_CASE = (
    "number, gateway, request, code, trigger, state, opened, first_sequence, received, engaged, resolved,"
    " cancelled, nudges, said, data"
)
_WORD = "number, gateway, request, seq, id, type, fields, at, sent"


class CaseState(StrEnum):
    """Where a case stands at the desk."""

    RAISED = "raised"
    RECEIVED = "received"
    ENGAGED = "engaged"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


OPEN = (CaseState.RAISED, CaseState.RECEIVED, CaseState.ENGAGED)


@dataclass(frozen=True, slots=True)
class Case:
    """One help request. `request` is the id of the event that raised it, as text; `data` is what came with it.

    `number` is the desk's own (0: not stored yet). `opened`, `received`, `engaged`, `resolved` and `cancelled` are
    Unix seconds of the desk's clock, None: not yet. `first_sequence` is the help lane's number from which
    on this case is acknowledged, 0: only nudges came yet.
    """

    number: int
    gateway: str
    request: str
    code: str
    trigger: str
    state: CaseState
    opened: float
    first_sequence: int
    received: float | None = None
    engaged: float | None = None
    resolved: float | None = None
    cancelled: float | None = None
    nudges: int = 0
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

    def seconds_to(self, state: CaseState) -> float | None:
        """Seconds from the request's arrival at the desk until it was received, engaged, resolved or cancelled."""
        reached: float | None = getattr(self, state.value, None)
        return None if reached is None else reached - self.opened


class Words(NamedTuple):
    """One message of the desk to a gateway. `seq` counts from 1 per gateway; `sent` is how often it went out."""

    number: int
    gateway: str
    request: str
    seq: int
    id: str
    type: str
    fields: Mapping[str, Any]
    at: float
    sent: int


class Cases:
    """Cases and words in the desk's database; changes stand within a batch of the Store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(_SCHEMA)

    def open(self, case: Case) -> None:
        """A new case."""
        self._db.execute(
            "INSERT INTO cases (gateway, request, code, trigger, state, opened, first_sequence, data)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (
                *(case.gateway, case.request, case.code, case.trigger, case.state.value, case.opened),
                *(case.first_sequence, pack(dict(case.data))),
            ),
        )

    def move(self, case: Case, state: CaseState, at: float) -> None:
        """The case is in this state since `at`; the first time counts."""
        column = state.value
        self._db.execute(
            f"UPDATE cases SET state=?, {column}=coalesce({column}, ?) WHERE gateway=? AND request=?",  # noqa: S608
            (state.value, at, case.gateway, case.request),
        )

    def reopen(self, case: Case, at: float) -> None:
        """The household came back to a case that was over: it starts again."""
        self._db.execute(
            "UPDATE cases SET state='raised', opened=?, received=NULL, engaged=NULL, resolved=NULL, cancelled=NULL,"
            " said=0 WHERE gateway=? AND request=?",
            (at, case.gateway, case.request),
        )

    def describe(self, case: Case, told: Case) -> None:
        """What the request says of itself, where something else of its case came first."""
        self._db.execute(
            "UPDATE cases SET code=?, trigger=?, data=? WHERE gateway=? AND request=?",
            (told.code, told.trigger, pack(dict(told.data)), case.gateway, case.request),
        )

    def begin(self, case: Case, first_sequence: int) -> None:
        """From this number on the case's events are acknowledged. It stays: a lower one later may never close up."""
        self._db.execute(
            "UPDATE cases SET first_sequence=? WHERE gateway=? AND request=?",
            (first_sequence, case.gateway, case.request),
        )

    def nudged(self, case: Case) -> None:
        """One more press."""
        self._db.execute("UPDATE cases SET nudges=nudges+1 WHERE gateway=? AND request=?", (case.gateway, case.request))

    def scripted(self, case: Case) -> None:
        """One more of the policy's sentences was said."""
        self._db.execute("UPDATE cases SET said=said+1 WHERE gateway=? AND request=?", (case.gateway, case.request))

    def find(self, gateway: str, request: str) -> Case | None:
        """One case, or None."""
        found = self._cases("WHERE gateway=? AND request=?", (gateway, request))
        return found[0] if found else None

    def all(self) -> list[Case]:
        """All, oldest first."""
        return self._cases("ORDER BY number", ())

    def all_open(self) -> list[Case]:
        """Those that are not over, oldest first."""
        return self._cases("WHERE state IN (?,?,?) ORDER BY number", [state.value for state in OPEN])

    def _cases(self, where: str, values: Iterable[str]) -> list[Case]:
        rows = self._db.execute(f"SELECT {_CASE} FROM cases {where}", tuple(values))  # noqa: S608  constants
        return [_case(row) for row in rows]

    def say(self, case: Case, ident: str, type_: str, fields: Mapping[str, Any], at: float) -> None:
        """Write down a message that has to go out."""
        self._db.execute(
            "INSERT INTO words (gateway, request, seq, id, type, fields, at)"
            " SELECT ?,?,coalesce(max(seq), 0)+1,?,?,?,? FROM words WHERE gateway=?",
            (case.gateway, case.request, ident, type_, pack(dict(fields)), at, case.gateway),
        )

    def say_again(self, gateway: str, request: str, after_seq: int = 0) -> None:
        """What was said in a case behind this number of the gateway's goes out again, with the same ids."""
        self._db.execute(
            "UPDATE words SET due=1 WHERE gateway=? AND request=? AND seq>?", (gateway, request, after_seq)
        )

    def newest_seq(self, gateway: str) -> int:
        """The number of the last message to a gateway; 0 when there was none."""
        row = self._db.execute("SELECT coalesce(max(seq), 0) FROM words WHERE gateway=?", (gateway,)).fetchone()
        return int(row[0])

    def due(self, limit: int = 100) -> list[Words]:
        """What has to go out, in order."""
        rows = self._db.execute(f"SELECT {_WORD} FROM words WHERE due ORDER BY number LIMIT ?", (limit,))  # noqa: S608
        return [_words(row) for row in rows]

    def words(self, case: Case) -> list[Words]:
        """All that was said in a case."""
        where = "WHERE gateway=? AND request=? ORDER BY number"
        rows = self._db.execute(f"SELECT {_WORD} FROM words {where}", (case.gateway, case.request))  # noqa: S608
        return [_words(row) for row in rows]

    def gone_out(self, words: Words) -> None:
        """The broker has it."""
        self._db.execute("UPDATE words SET due=0, sent=sent+1 WHERE number=?", (words.number,))


def _case(row: tuple[Any, ...]) -> Case:
    told = dict(zip(_CASE.replace(",", " ").split(), row, strict=True))
    return Case(**told | {"state": CaseState(told["state"]), "data": _data(told["data"])})


def _words(row: tuple[Any, ...]) -> Words:
    told = dict(zip(_WORD.replace(",", " ").split(), row, strict=True))
    return Words(**told | {"fields": _data(told["fields"])})


def _data(packed: bytes) -> dict[str, Any]:
    data = unpack(packed)
    if not isinstance(data, dict):
        raise WireError("the desk's database holds a case that it cannot have written")
    return data
