"""What each lane of each gateway lacks, kept up with every event, so that asking for it costs nothing."""

import sqlite3
from typing import NamedTuple

from edge_agent.core.event import Lane

SCHEMA = """
CREATE TABLE IF NOT EXISTS lanes (
  gateway TEXT NOT NULL, lane TEXT NOT NULL, newest INTEGER NOT NULL, PRIMARY KEY (gateway, lane)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (
  gateway TEXT NOT NULL, lane TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (gateway, lane, first)) WITHOUT ROWID;
"""


class Gap(NamedTuple):
    """Sequences of a lane that the desk lacks, both ends included; a lane begins with 1."""

    gateway: str
    lane: Lane
    first: int
    last: int


def take(db: sqlite3.Connection, gateway: str, lane: Lane, sequence: int) -> None:
    """An event of this sequence (0: it has none) is here; within a batch of the Store."""
    if not sequence:
        return
    key = (gateway, lane.value)
    row = db.execute("SELECT newest FROM lanes WHERE gateway=? AND lane=?", key).fetchone()
    newest = row[0] if row else 0
    if sequence > newest:
        _lacks(db, key, newest + 1, sequence - 1)
        db.execute("INSERT OR REPLACE INTO lanes VALUES (?,?,?)", (*key, sequence))
        return
    found = "SELECT first, last FROM gaps WHERE gateway=? AND lane=? AND first<=? ORDER BY first DESC LIMIT 1"
    gap = db.execute(found, (*key, sequence)).fetchone()
    if gap and sequence <= gap[1]:
        db.execute("DELETE FROM gaps WHERE gateway=? AND lane=? AND first=?", (*key, gap[0]))
        _lacks(db, key, gap[0], sequence - 1)
        _lacks(db, key, sequence + 1, gap[1])


def _lacks(db: sqlite3.Connection, key: tuple[str, str], first: int, last: int) -> None:
    if first <= last:
        db.execute("INSERT INTO gaps VALUES (?,?,?,?)", (*key, first, last))


def all_of(db: sqlite3.Connection) -> list[Gap]:
    """What is missing below the newest that came, by gateway and lane."""
    rows = db.execute("SELECT gateway, lane, first, last FROM gaps ORDER BY gateway, lane, first")
    return [Gap(gateway, Lane(lane), first, last) for gateway, lane, first, last in rows]
