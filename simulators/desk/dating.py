"""When things happened, where a gateway's clock was wrong: by its boot's right time, else by arrival less age."""

import sqlite3
from typing import NamedTuple

from edge_agent.core.clock import EARLIEST
from simulators.desk.intake import DeskEvent

SCHEMA = """
CREATE TABLE IF NOT EXISTS boots (
  gateway TEXT NOT NULL, boot_id TEXT NOT NULL, known REAL, live REAL, PRIMARY KEY (gateway, boot_id));
"""
# `known`: Unix time of the boot as a trusted clock told it. `live`: by the quickest arrival of what had not waited.
_TAKE = """
INSERT INTO boots VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
  known = coalesce(?3, known), live = min(coalesce(live, ?4), coalesce(?4, live))
"""
_TRUSTED = "json_extract(e.attributes, '$.clocktrusted') = 'true'"
# Unix seconds of event `e`, with its boot `b`; NULL: nothing tells.
DATED = f"""
CASE WHEN {_TRUSTED} AND e.wall IS NOT NULL THEN e.wall
ELSE coalesce(b.known + e.uptime_s, b.live + e.uptime_s, CASE WHEN e.wall >= {EARLIEST} THEN e.wall END) END
"""
BOOT = "LEFT JOIN boots b ON b.gateway = e.gateway AND b.boot_id = e.boot_id"
_CORRECTED = f"""
SELECT e.gateway, e.id, e.wall, {DATED} AS dated,
  CASE WHEN b.known IS NOT NULL THEN 'boot' WHEN b.live IS NOT NULL THEN 'arrival' ELSE 'nothing' END
FROM events e {BOOT}
WHERE NOT coalesce({_TRUSTED} AND e.wall IS NOT NULL, 0)
  AND (e.wall IS NULL OR dated IS NULL OR abs(dated - e.wall) > 1)
ORDER BY e.number
"""  # noqa: S608 - our own words


class Corrected(NamedTuple):
    """An event whose own time was not used. `told` and `dated` are Unix seconds, None: not told, not known.

    `by`: `boot` (that boot knew the time later), `arrival` (less its age then), `nothing`.
    """

    gateway: str
    event_id: str
    told: float | None
    dated: float | None
    by: str


def take(db: sqlite3.Connection, event: DeskEvent) -> None:
    """Learn from an event when its boot began."""
    if event.uptime_s is None or not event.boot_id:
        return
    is_right = event.attributes.get("clocktrusted") == "true" and event.wall is not None
    known = event.wall - event.uptime_s if is_right and event.wall is not None else None
    # what waited arrived late, so that only what did not wait tells when it happened
    live = event.arrived - event.uptime_s if event.attributes.get("historical") == "false" else None
    if known is not None or live is not None:
        db.execute(_TAKE, (event.gateway, event.boot_id, known, live))


def corrected(db: sqlite3.Connection) -> list[Corrected]:
    """All events whose own time was not used, by what is known now."""
    return [Corrected(*row) for row in db.execute(_CORRECTED)]
