"""Freeze frames: the readings around the moment when a finding was confirmed, of its first time and of its latest.

From a minute before it began until ten seconds behind (what follows is there only then), out of the flight recorder and
into the notebook. The frames that stand are in memory too, for a help request.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from edge_agent.core.clock import Instant
from edge_agent.core.finding import Finding
from edge_agent.core.ports import Clock
from edge_agent.core.recorder import Recorder
from edge_agent.services.register import FIRST_FRAMES, LATEST_FRAMES, Register

BEFORE_S, AFTER_S = 60.0, 10.0
# A frame has at most so many readings before and behind: about 5 kB. Of more, the extremes stay.
MOST_BEFORE, MOST_AFTER = 60, 20
# Frames of findings that stand, in memory.
MAX_FRAMES = 100
Rows = list[list[Any]]


class _Due(NamedTuple):
    finding: Finding
    confirmed: Instant
    rows: Rows


class Frames:
    """`freeze` at each change of a finding, `tick` for what comes behind."""

    def __init__(self, clock: Clock, recorder: Callable[[], Recorder], register: Register) -> None:
        self._clock = clock
        self._recorder = recorder
        self._book = register.book
        kept = self._book.page(LATEST_FRAMES)
        self._standing: dict[str, Rows] = {
            f.key: list(kept[f.key]["rows"]) for f in register.findings() if f.stands and f.key in kept
        }
        self._due: list[_Due] = []

    def of(self, key: str) -> Rows:
        """The frame of a finding that stands: seconds of uptime and value."""
        return self._standing.get(key, [])

    def freeze(self, finding: Finding) -> Rows:
        """The readings of its channel until now. Kept where it was just confirmed."""
        now = self._clock.now()
        rows = self._rows(finding.channel, finding.since - BEFORE_S, now.monotonic, MOST_BEFORE)
        if not finding.stands:
            self._standing.pop(finding.key, None)
        elif finding.key not in self._standing:
            if len(self._standing) < MAX_FRAMES:
                self._standing[finding.key] = rows
            due = _Due(finding, now, rows)
            self._write(due)
            if len(self._due) < MAX_FRAMES:
                self._due.append(due)
        return rows

    def tick(self, now: float) -> None:
        """What came behind, where enough of it did."""
        while self._due and self._due[0].confirmed.monotonic + AFTER_S <= now:
            due = self._due.pop(0)
            at = due.confirmed.monotonic
            behind = self._rows(due.finding.channel, at, at + AFTER_S, MOST_AFTER)
            rows = [*due.rows, *[row for row in behind if not due.rows or row[0] > due.rows[-1][0]]]
            if due.finding.key in self._standing:
                self._standing[due.finding.key] = rows
            self._write(due._replace(rows=rows))

    def _write(self, due: _Due) -> None:
        key, frame = due.finding.key, {"at": list(due.confirmed), "rows": due.rows}
        self._book.write(LATEST_FRAMES, key, frame)
        if due.finding.count <= 1:
            self._book.write(FIRST_FRAMES, key, frame)

    def _rows(self, channel: str, since: float, until: float, most: int) -> Rows:
        return [[round(r.at, 3), r.value] for r in self._recorder().freeze(channel, since, most, until)]
