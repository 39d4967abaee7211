"""Everything that arrived at the desk, in SQLite: events, the readings of their blocks, and what is missing."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Lane
from edge_agent.core.reading import Channel, Value
from simulators.desk import cases, dating, gaps, questions, words
from simulators.desk.gaps import Gap
from simulators.desk.intake import DeskEvent

# Of the schema; there is no way from an older one.
_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, id TEXT NOT NULL, lane TEXT NOT NULL, sequence INTEGER NOT NULL,
  type TEXT NOT NULL, subject TEXT NOT NULL, boot_id TEXT NOT NULL, uptime_s REAL, wall REAL, arrived REAL NOT NULL,
  attributes TEXT NOT NULL, payload BLOB NOT NULL, again INTEGER NOT NULL DEFAULT 0, UNIQUE (gateway, id));
CREATE INDEX IF NOT EXISTS events_in_lane ON events (gateway, lane, sequence) WHERE sequence > 0;
CREATE TABLE IF NOT EXISTS channels (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (name, unit, kind));
CREATE TABLE IF NOT EXISTS readings (
  event INTEGER NOT NULL REFERENCES events, channel INTEGER NOT NULL REFERENCES channels, after_s REAL NOT NULL,
  value, is_truth INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_arrival ON events (gateway, arrived);
CREATE INDEX IF NOT EXISTS events_about ON events (gateway, subject) WHERE lane IN ('help', 'finding');
CREATE INDEX IF NOT EXISTS readings_of ON readings (event);
"""
# What every desk of this database tells: the others see at once that something changed, and who asks for gaps.
_SHARED = """
CREATE TABLE IF NOT EXISTS roles (name TEXT PRIMARY KEY, desk TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS revision (n INTEGER NOT NULL);
INSERT INTO revision SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM revision);
"""
_TELL = "CREATE TRIGGER IF NOT EXISTS {0}_{1} AFTER {1} ON {0} BEGIN UPDATE revision SET n = n + 1; END;"
_TOLD = [_TELL.format(table, act) for table in ("cases", "words", "questions", "tests") for act in ("INSERT", "UPDATE")]
_HELD = f"""
SELECT r.is_truth, e.gateway, c.name, r.value, r.reason, {dating.DATED} + r.after_s, e.uptime_s + r.after_s,
  e.boot_id, e.id
FROM readings r JOIN events e ON e.number = r.event JOIN channels c ON c.number = r.channel {dating.BOOT}
ORDER BY r.rowid
"""  # noqa: S608 - our own words
# Two blocks round a reading's time to a millisecond each: one reading in both differs by at most that much.
_TWICE = """
WITH held AS (
  SELECT r.is_truth, e.gateway, c.name, r.value, r.reason, e.wall + r.after_s AS wall, e.uptime_s + r.after_s AS uptime,
    e.boot_id, e.id FROM readings r JOIN events e ON e.number = r.event JOIN channels c ON c.number = r.channel),
pairs AS (
  SELECT *, lag(id) OVER same AS id_before, lag(uptime) OVER same AS uptime_before FROM held
  WINDOW same AS (PARTITION BY gateway, boot_id, name, value, is_truth ORDER BY uptime))
SELECT is_truth, gateway, name, value, reason, wall, uptime, boot_id, id FROM pairs
WHERE id_before != id AND uptime - uptime_before < 0.0015
"""


class Held(NamedTuple):
    """One reading that the desk has. `wall` is Unix seconds, `uptime_s` seconds of boot `boot_id`; None: not told.

    Where the gateway's clock was not known to be right, `wall` is by what else tells (desk/dating.py).
    """

    gateway: str
    channel: str
    value: Value | None
    reason: str
    wall: float | None
    uptime_s: float | None
    boot_id: str
    event_id: str


class Counts(NamedTuple):
    """Totals: events stored, arrivals of an id that was here already, and readings stored."""

    events: int
    redelivered: int
    readings: int


def _held(is_truth: int, *row: Any) -> Held:
    """A row of the database; SQLite has no truth values."""
    held = Held(*row)
    return held._replace(value=bool(held.value)) if is_truth else held


def _for_its_owner_alone(path: str) -> None:
    """Make a new file that nobody else may read: it tells of people's homes. SQLite's own beside it follow its mode."""
    with suppress(OSError):  # it is there already, or SQLite says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class Store:
    """One database, in memory or in a file; every call raises StoreError when the disk fails."""

    def __init__(self, path: str = ":memory:") -> None:
        self._channels: dict[Channel, int] = {}
        try:
            if path != ":memory:":
                _for_its_owner_alone(path)
            self.db = sqlite3.connect(path, isolation_level=None)
            # several desks share one file; each waits for the others, which write for milliseconds
            self.db.execute("PRAGMA busy_timeout=10000")
            self.db.execute("PRAGMA journal_mode=WAL")
            # what the desk signs for is on its disk first: a gateway forgets what was acknowledged
            self.db.execute("PRAGMA synchronous=FULL")
            # in one statement: another desk may be making the tables
            found = "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)"
            version, tables = self.db.execute(found).fetchone()
            if version != _VERSION and tables:
                raise sqlite3.DatabaseError("it is of another version of the desk, or of another program")
            parts = (_SCHEMA, dating.SCHEMA, gaps.SCHEMA, cases.SCHEMA, words.SCHEMA, questions.SCHEMA, _SHARED, *_TOLD)
            self.db.executescript("BEGIN IMMEDIATE;" + "".join(parts) + f"PRAGMA user_version={_VERSION};COMMIT")
        except sqlite3.Error as error:
            fix = "Name another file with --db"
            raise StoreError(f"the desk's database {path} cannot be opened: {error}", fix=fix) from error

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """All within is one transaction, undone when it fails. Raises StoreError."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._channels.clear()
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"the desk's database failed: {error}") from error

    def take(self, arrivals: Sequence[DeskEvent]) -> list[bool]:
        """Store events, within a batch. Says of each whether it is new; what was here already is only counted."""
        return [self._take_one(arrival) for arrival in arrivals]

    def _take_one(self, new: DeskEvent) -> bool:
        is_block = bool(new.readings)
        row = self.db.execute(
            "INSERT INTO events (gateway, id, lane, sequence, type, subject, boot_id, uptime_s, wall, arrived,"
            " attributes, payload) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET again = again + 1 RETURNING number, again",
            (
                *(new.gateway, new.id, new.lane.value, new.sequence, new.type, new.subject, new.boot_id),
                *(new.uptime_s, new.wall, new.arrived, json.dumps(dict(new.attributes))),
                b"" if is_block else new.payload,
            ),
        ).fetchone()
        number, again = row
        if again == 0:
            dating.take(self.db, new)
            gaps.take(self.db, new.gateway, new.lane, new.sequence)
        if again == 0 and is_block:
            self.db.executemany(
                "INSERT INTO readings VALUES (?,?,?,?,?,?)",
                [
                    (number, self._channel(r.channel), r.at, r.value, isinstance(r.value, bool), r.reason)
                    for r in new.readings
                ],
            )
        return bool(again == 0)

    def _channel(self, channel: Channel) -> int:
        number = self._channels.get(channel)
        if number is None:
            key = (channel.name, channel.unit, channel.kind.value)
            self.db.execute("INSERT OR IGNORE INTO channels (name, unit, kind) VALUES (?,?,?)", key)
            row = self.db.execute("SELECT number FROM channels WHERE name=? AND unit=? AND kind=?", key).fetchone()
            number = self._channels[channel] = int(row[0])
        return number

    def counts(self) -> Counts:
        """Totals so far."""
        events, again = self.db.execute("SELECT count(*), coalesce(sum(again), 0) FROM events").fetchone()
        return Counts(events, again, self.db.execute("SELECT count(*) FROM readings").fetchone()[0])

    def held(self) -> list[Held]:
        """Every reading, as it came."""
        return [_held(*row) for row in self.db.execute(_HELD)]

    def corrected(self) -> list[dating.Corrected]:
        """Events whose own time is not used."""
        return dating.corrected(self.db)

    def twice(self) -> list[Held]:
        """Readings that are here under two ids: the later of each pair."""
        return [_held(*row) for row in self.db.execute(_TWICE)]

    def gaps(self) -> list[Gap]:
        """What each lane lacks below the newest that came."""
        return gaps.all_of(self.db)

    def revision(self) -> int:
        """A number that is another one once anything about help requests changed, by whichever desk."""
        return int(self.db.execute("SELECT n FROM revision").fetchone()[0])

    def changed_by_others(self) -> int:
        """A number that is another one once another desk wrote to the file."""
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def holds(self, role: str, desk: str, now: float, for_s: float) -> bool:
        """Whether this desk has a role that only one has at a time, from `now` on for `for_s`; within a batch."""
        query = (
            "INSERT INTO roles VALUES (?1,?2,?3+?4) ON CONFLICT DO UPDATE SET desk=?2, until=?3+?4"
            " WHERE desk=?2 OR until<?3"
        )
        return self.db.execute(query, (role, desk, now, for_s)).rowcount == 1

    def forget_readings(self, before: float, margin_s: float) -> int:
        """Drop readings that came before (Unix seconds), but those within the margin of a case; says how many."""
        done = self.db.execute(
            "DELETE FROM readings WHERE event IN (SELECT e.number FROM events e WHERE e.arrived < ?1"
            " AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.gateway = e.gateway"
            "  AND e.arrived BETWEEN c.opened - ?2 AND coalesce(c.resolved, c.cancelled, c.opened) + ?2))",
            (before, margin_s),
        )
        return done.rowcount

    def unbroken_from(self, gateway: str, lane: Lane, first: int, subject: str) -> int:
        """The last sequence up to which nothing is missing, from `first` on; `first` - 1 when that is missing.

        Only what came since the first event of this subject counts: a gateway that lost its disk counts from 1 again,
        and what it sent in its life before is not what it sends now.
        """
        rows = self.db.execute(
            "SELECT DISTINCT sequence FROM events WHERE gateway=? AND lane=? AND sequence>=? AND sequence>0"
            " AND number >= coalesce("
            "  (SELECT min(number) FROM events WHERE gateway=? AND lane=? AND sequence>0 AND subject=?), 0)"
            " ORDER BY sequence",
            (gateway, lane.value, first, gateway, lane.value, subject),
        )
        last = first - 1
        for (sequence,) in rows:
            if sequence != last + 1:
                break
            last = sequence
        return last

    def any_later(self, gateway: str, subject: str, types: Sequence[str], sequence: int) -> bool:
        """Whether an event of one of these types and of this subject is here with a higher sequence."""
        marks = ",".join("?" * len(types))
        query = f"SELECT 1 FROM events WHERE gateway=? AND lane=? AND sequence>? AND subject=? AND type IN ({marks})"  # noqa: S608
        found = self.db.execute(query + " LIMIT 1", (gateway, Lane.HELP.value, sequence, subject, *types))
        return found.fetchone() is not None
