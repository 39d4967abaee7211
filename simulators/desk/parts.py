"""Events that came in parts: kept until all are here, over restarts and for all desks that share the database."""

import sqlite3

from edge_agent.core.errors import WireError
from edge_agent.uplink.connection import Arrival
from simulators.desk.intake import MAX_PAYLOAD_BYTES

# The agent's store takes no longer ones.
MAX_EVENT_BYTES = 1024 * 1024
# A part is 1,536 bytes; a sender that makes them smaller than a tenth of that is no agent of ours.
_MAX_PARTS = 10_000
# What waits for the rest: the oldest go when there are more. What is lost so shows as a gap, and is asked for again.
_MAX_WAITING = 20_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS parts (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, id TEXT NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL,
  payload BLOB NOT NULL, UNIQUE (gateway, id, parts, part))
"""


class Parts:
    """The parts of a Store's database. Every call stands within a batch of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute(_SCHEMA)

    def join(self, gateway: str, arrival: Arrival) -> Arrival | None:
        """Take a part; gives the whole event with the last of them. Raises WireError for what is no part."""
        ident, part, parts = _told(arrival)
        if self._db.execute("SELECT 1 FROM events WHERE gateway=? AND id=?", (gateway, ident)).fetchone():
            return None
        self._db.execute(
            "INSERT OR IGNORE INTO parts (gateway, id, part, parts, payload) VALUES (?,?,?,?,?)",
            (gateway, ident, part, parts, arrival.payload),
        )
        key = (gateway, ident, parts)
        (have,) = self._db.execute("SELECT count(*) FROM parts WHERE gateway=? AND id=? AND parts=?", key).fetchone()
        if have < parts:
            self._db.execute("DELETE FROM parts WHERE number <= (SELECT max(number) FROM parts) - ?", (_MAX_WAITING,))
            return None
        rows = self._db.execute("SELECT payload FROM parts WHERE gateway=? AND id=? AND parts=? ORDER BY part", key)
        payload = b"".join(row[0] for row in rows)
        self._db.execute("DELETE FROM parts WHERE gateway=? AND id=?", key[:2])
        attributes = {name: value for name, value in arrival.attributes.items() if name not in ("part", "parts")}
        return Arrival.of(arrival.topic, payload, attributes | {"id": ident})


def _told(arrival: Arrival) -> tuple[str, int, int]:
    """The event's id, which part this is, and of how many."""
    told = arrival.attributes
    ident, _, number = told.get("id", "").rpartition("-")
    part, parts = told.get("part", ""), told.get("parts", "")
    if not (part == number and part.isascii() and part.isdigit() and parts.isascii() and parts.isdigit()):
        raise WireError(f"no part of an event: {told.get('id', '')[:80]!r}")
    if len(parts) > 5 or not 1 <= int(part) <= int(parts) <= _MAX_PARTS or len(arrival.payload) > MAX_PAYLOAD_BYTES:
        raise WireError(f"an impossible part of an event: {part[:10]} of {parts[:10]}")
    return ident, int(part), int(parts)
