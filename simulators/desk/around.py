"""The readings around a press: what telemetry brought and what came as evidence, by channel, thinned to be drawn."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, NamedTuple

from edge_agent.core import block
from edge_agent.core.errors import WireError
from edge_agent.core.reading import Value
from simulators.desk import dating

BEFORE_S = 900.0
AFTER_S = 900.0
MAX_ROWS = 60_000
MAX_CHANNELS = 40
# A picture of a channel is some 600 points wide.
MAX_POINTS = 600
_READINGS = f"""
SELECT c.name, c.unit, {dating.DATED} + r.after_s AS at, r.value, r.is_truth
FROM events e JOIN readings r ON r.event = e.number JOIN channels c ON c.number = r.channel {dating.BOOT}
WHERE e.gateway = ?1 AND e.number IN (
  SELECT number FROM events WHERE gateway = ?1 AND arrived >= ?2 AND lane = 'telemetry' ORDER BY arrived LIMIT 20000)
AND at BETWEEN ?2 AND ?3 ORDER BY abs(at - ?4) LIMIT {MAX_ROWS}
"""  # noqa: S608 - our own words
_DATED = f"SELECT {dating.DATED} FROM events e {dating.BOOT} WHERE e.gateway=? AND e.id=?"  # noqa: S608


class Point(NamedTuple):
    """A value, seconds after the press (before it: negative)."""

    at: float
    value: Value


class Track(NamedTuple):
    """One channel. Only numbers and truths can be drawn; `words` are the texts that it told instead."""

    channel: str
    unit: str
    points: list[Point]
    words: list[Point]


def dated(db: sqlite3.Connection, gateway: str, ident: str) -> float | None:
    """When an event happened (Unix seconds), by all that is known now."""
    row = db.execute(_DATED, (gateway, ident)).fetchone()
    return None if row is None else row[0]


def tracks(
    db: sqlite3.Connection, gateway: str, pressed: float, evidence: Iterable[tuple[float, bytes]]
) -> list[Track]:
    """Channels with their readings from 15 minutes before `pressed` (Unix seconds) to 15 minutes after it.

    `evidence` are blocks that came with the case, each with the time that its own times count from.
    """
    rows = db.execute(_READINGS, (gateway, pressed - BEFORE_S, pressed + AFTER_S, pressed))
    told = ((name, unit, at - pressed, bool(v) if truth else v) for name, unit, at, v, truth in rows)
    points: defaultdict[tuple[str, str], dict[float, Value]] = defaultdict(dict)
    for name, unit, at, value in (*told, *_of_blocks(evidence, pressed)):
        if value is not None and -BEFORE_S <= at <= AFTER_S:
            # a reading that came both ways is one reading
            points[name, unit][round(at, 2)] = value
    named = sorted(points.items())[:MAX_CHANNELS]
    return [_track(name, unit, sorted(found.items())) for (name, unit), found in named]


def _of_blocks(evidence: Iterable[tuple[float, bytes]], pressed: float) -> Iterator[tuple[str, str, float, Any]]:
    for base, payload in evidence:
        try:
            readings = block.unpack(payload, base - pressed)
        except (WireError, AttributeError):
            continue  # the case is shown without it
        yield from ((r.channel.name, r.channel.unit, r.at, r.value) for r in readings[:MAX_ROWS])


def _track(name: str, unit: str, found: list[tuple[float, Value]]) -> Track:
    numbers = [Point(at, float(value)) for at, value in found if not isinstance(value, str) and isfinite(value)]
    words = [Point(at, value) for at, value in found if isinstance(value, str)]
    return Track(name, unit, _thinned(numbers), words[-20:])


def _thinned(points: list[Point]) -> list[Point]:
    """At most MAX_POINTS, with the lowest and the highest of each stretch: a spike is not lost."""
    if len(points) <= MAX_POINTS:
        return points
    width = -(-len(points) // (MAX_POINTS // 2))
    kept: list[Point] = []
    for start in range(0, len(points), width):
        part = points[start : start + width]
        ends = {min(part, key=lambda point: point.value), max(part, key=lambda point: point.value)}
        kept += sorted(ends)
    return kept
