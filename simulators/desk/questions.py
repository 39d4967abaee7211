"""Questions of the desk, their answers, and the test presses of gateways."""

import base64
import os
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from edge_agent.core.wire import pack, unpack
from simulators.desk.cases import Case

SCHEMA = """
CREATE TABLE IF NOT EXISTS questions (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, request TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
  kind TEXT NOT NULL, options BLOB NOT NULL, purpose TEXT NOT NULL, asked REAL NOT NULL, expires REAL NOT NULL,
  answer TEXT NOT NULL DEFAULT '', by TEXT NOT NULL DEFAULT '', closed REAL, UNIQUE (gateway, id));
CREATE INDEX IF NOT EXISTS questions_of ON questions (gateway, request);
CREATE TABLE IF NOT EXISTS tests (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, test TEXT NOT NULL, sequence INTEGER NOT NULL,
  scheduled INTEGER NOT NULL, at REAL NOT NULL, UNIQUE (gateway, test));
"""
_QUESTION = "id, text, kind, options, purpose, asked, expires, answer, by, closed"
YES_NO = "yes_no"
OPTIONS = "options"
EFFORT = "effort"
MAX_OPTIONS = 6
# The oldest tests of all gateways go beyond so many: they say that the way was open, and nothing else.
MAX_TESTS = 10_000


class Question(NamedTuple):
    """One question. `closed` is when it was answered, or when its time ran out without one; None: it waits.

    `asked`, `expires` and `closed` are Unix seconds; `by` is `button`, `page` or `command`.
    """

    id: str
    text: str
    kind: str
    options: tuple[str, ...]
    purpose: str
    asked: float
    expires: float
    answer: str = ""
    by: str = ""
    closed: float | None = None

    @classmethod
    def make(cls, text: str, options: Sequence[str], purpose: str, asked: float, expires_s: float) -> "Question":
        """A question with an id of its own; without options the answers are yes and no."""
        ident = base64.b32encode(os.urandom(5)).decode().lower()
        kind = OPTIONS if options else YES_NO
        return cls(ident, text, kind, tuple(options), purpose, asked, asked + expires_s)

    def fields(self) -> dict[str, Any]:
        """As it stands in the signed message."""
        told: dict[str, Any] = {"question": self.id, "text": self.text, "kind": self.kind, "purpose": self.purpose}
        return told | {"options": list(self.options), "expires_s": round(self.expires - self.asked)}

    def waits(self, now: float) -> bool:
        """Whether an answer may still come."""
        return self.closed is None and now < self.expires


class PressTest(NamedTuple):
    """A test press that went the whole way."""

    gateway: str
    test: str
    sequence: int
    scheduled: bool
    at: float


class Questions:
    """Questions and tests of a Store's database; changes stand within a batch of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, case: Case, question: Question) -> None:
        """Write down that it was asked."""
        told = question._replace(options=pack(list(question.options)))  # type: ignore[arg-type]  # as it is stored
        self._db.execute(
            f"INSERT INTO questions (gateway, request, {_QUESTION}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608
            (case.gateway, case.request, *told),
        )

    def close(self, case: Case, ident: str, at: float, answer: str = "", by: str = "") -> Question | None:
        """It was answered, or its time ran out; gives it as it is then. None: unknown, or closed before."""
        query = "UPDATE questions SET answer=?, by=?, closed=? WHERE gateway=? AND request=? AND id=? AND answer=''"
        done = self._db.execute(query, (answer, by, at, case.gateway, case.request, ident))
        return next((one for one in self.of(case) if one.id == ident), None) if done.rowcount else None

    def of(self, case: Case) -> list[Question]:
        """All of a case, oldest first."""
        query = f"SELECT {_QUESTION} FROM questions WHERE gateway=? AND request=? ORDER BY number"  # noqa: S608
        rows = self._db.execute(query, (case.gateway, case.request))
        return [Question(*row)._replace(options=tuple(unpack(row[3]))) for row in rows]

    def tested(self, test: PressTest) -> None:
        """Write a test press down."""
        columns = "(gateway, test, sequence, scheduled, at)"
        self._db.execute(f"INSERT OR IGNORE INTO tests {columns} VALUES (?,?,?,?,?)", test)  # noqa: S608
        self._db.execute("DELETE FROM tests WHERE number <= (SELECT max(number) FROM tests) - ?", (MAX_TESTS,))

    def test(self, gateway: str, test: str) -> PressTest | None:
        """One test press, or None."""
        query = "SELECT gateway, test, sequence, scheduled, at FROM tests WHERE gateway=? AND test=?"
        row = self._db.execute(query, (gateway, test)).fetchone()
        return PressTest(*row) if row else None

    def last_tests(self, limit: int) -> list[PressTest]:
        """The newest test of each gateway, newest first."""
        query = (
            "SELECT gateway, test, sequence, scheduled, max(at) FROM tests GROUP BY gateway ORDER BY at DESC LIMIT ?"
        )
        return [PressTest(*row)._replace(scheduled=bool(row[3])) for row in self._db.execute(query, (limit,))]
