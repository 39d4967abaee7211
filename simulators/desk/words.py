"""What the desk said to gateways, and what it still has to send: one list for all desks that share the database."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edge_agent.core.errors import WireError
from edge_agent.core.wire import pack, unpack

SCHEMA = """
CREATE TABLE IF NOT EXISTS words (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, request TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
  type TEXT NOT NULL, fields BLOB NOT NULL, at REAL NOT NULL, due INTEGER NOT NULL DEFAULT 1,
  leased REAL NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, UNIQUE (gateway, seq));
CREATE INDEX IF NOT EXISTS words_due ON words (due) WHERE due;
CREATE INDEX IF NOT EXISTS words_of ON words (gateway, request);
"""
_WORD = "number, gateway, request, seq, id, type, fields, at, sent"
# A desk that takes messages to send them has them for itself for so long; if it dies, another one sends them then.
LEASE_S = 10.0
# What one gateway is told goes out in order: nothing of it is taken while another desk is sending an earlier one.
_TAKE = f"""
UPDATE words SET leased = :until WHERE number IN (
  SELECT number FROM words w WHERE due AND leased <= :now AND NOT EXISTS (
    SELECT 1 FROM words o WHERE o.due AND o.leased > :now AND o.gateway = w.gateway AND o.number < w.number)
  ORDER BY number LIMIT :most)
RETURNING {_WORD}
"""  # noqa: S608 - our own words


class Words(NamedTuple):
    """One message of the desk to a gateway. `seq` counts from 1 per gateway; `sent` is how often it went out.

    `request` is the id of the request, or of the test press, that it answers.
    """

    number: int
    gateway: str
    request: str
    seq: int
    id: str
    type: str
    fields: Mapping[str, Any]
    at: float
    sent: int


class WordsTable:
    """The words of a Store's database. Every change stands within a batch of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, gateway: str, request: str, ident: str, type_: str, fields: Mapping[str, Any], at: float) -> None:
        """Write down a message that has to go out."""
        self._db.execute(
            "INSERT INTO words (gateway, request, seq, id, type, fields, at)"
            " SELECT ?,?,coalesce(max(seq), 0)+1,?,?,?,? FROM words WHERE gateway=?",
            (gateway, request, ident, type_, pack(dict(fields)), at, gateway),
        )

    def again(self, gateway: str, request: str, after_seq: int = 0) -> None:
        """What was said of a request behind this number of the gateway's goes out again, with the same ids."""
        self._db.execute(
            "UPDATE words SET due=1 WHERE gateway=? AND request=? AND seq>?", (gateway, request, after_seq)
        )

    def newest_seq(self, gateway: str) -> int:
        """The number of the last message to a gateway; 0 when there was none."""
        row = self._db.execute("SELECT coalesce(max(seq), 0) FROM words WHERE gateway=?", (gateway,)).fetchone()
        return int(row[0])

    def take_due(self, now: float, limit: int = 100) -> list[Words]:
        """What has to go out, in order, taken from all other desks until `now` + LEASE_S."""
        asked = {"now": now, "until": now + LEASE_S, "most": limit}
        return sorted(_words(row) for row in self._db.execute(_TAKE, asked).fetchall())

    def give_back(self, words: Sequence[Words]) -> None:
        """What was taken and could not be sent; who can may send it at once."""
        self._db.executemany("UPDATE words SET leased=0 WHERE number=?", [(each.number,) for each in words])

    def gone_out(self, words: Words) -> None:
        """The broker has it."""
        self._db.execute("UPDATE words SET due=0, leased=0, sent=sent+1 WHERE number=?", (words.number,))

    def of(self, gateway: str, request: str) -> list[Words]:
        """All that was said of a request."""
        where = "WHERE gateway=? AND request=? ORDER BY number"
        rows = self._db.execute(f"SELECT {_WORD} FROM words {where}", (gateway, request))  # noqa: S608
        return [_words(row) for row in rows]


def _words(row: tuple[Any, ...]) -> Words:
    told = dict(zip(_WORD.replace(",", " ").split(), row, strict=True))
    return Words(**told | {"fields": map_of(told["fields"])})


def map_of(packed: bytes) -> dict[str, Any]:
    """A map that the desk packed itself. Raises WireError where it cannot have."""
    data = unpack(packed)
    if not isinstance(data, dict):
        raise WireError("the desk's database holds a map that it cannot have written")
    return data
