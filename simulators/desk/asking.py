"""What the desk asks gateways for again: sequences that it lacks, once a gap has lasted."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.core.event import Lane
from simulators.desk.gaps import Gap
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.voice import new_id

RESEND = "edge.command.resend.v1"
REPLY = "edge.reply.resend.v1"
# A gateway takes no more in one command; and a gap is asked for a few times, for the answer itself may be lost.
MAX_ASKED = 1000
MAX_TIMES = 3
# In one round: what comes back must fit between the round and the next one.
MAX_COMMANDS = 10
_LIFE_S = 600
# SQLite has no larger integers.
_MAX_SEQUENCE = 2**63

_SCHEMA = """
CREATE TABLE IF NOT EXISTS gone (
  number INTEGER PRIMARY KEY, gateway TEXT NOT NULL, lane TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  UNIQUE (gateway, lane, first, last))
"""
# What gateways say is gone: more than so many stretches are kept of none, the oldest go.
_MAX_GONE = 100_000

Key = tuple[str, Lane, int]


class Command(NamedTuple):
    """A signed command for a gateway."""

    gateway: str
    payload: bytes


@dataclass(slots=True)
class _Open:
    since: float
    times: int = 0
    next_at: float = 0.0


class Asking:
    """Remembers since when each gap is there. A gap that the gateway itself cannot fill is not asked for again.

    What gateways answer stands in the database `db`: it may come to another desk than the one that asked.
    """

    def __init__(self, key: DeskKey, db: sqlite3.Connection) -> None:
        self._key = key
        self._db = db
        self._open: dict[Key, _Open] = {}
        db.execute(_SCHEMA)
        self.asked = 0

    def hear(self, event: DeskEvent) -> None:
        """A gateway's answer says what is gone; within a batch of the Store."""
        if event.type != REPLY:
            return
        lanes = {lane.value: lane for lane in Lane}
        match event.data:
            case {"lane": str(lane), "gone": list(ranges)} if lane in lanes:
                for pair in ranges[:1000]:
                    match pair:
                        case [int(first), int(last)] if 0 < first <= last < _MAX_SEQUENCE:
                            self._add(event.gateway, lanes[lane], first, last)

    def _add(self, gateway: str, lane: Lane, first: int, last: int) -> None:
        columns = "(gateway, lane, first, last)"
        values = (gateway, lane.value, first, last)
        self._db.execute(f"INSERT OR IGNORE INTO gone {columns} VALUES (?,?,?,?)", values)  # noqa: S608
        self._db.execute("DELETE FROM gone WHERE number <= (SELECT max(number) FROM gone) - ?", (_MAX_GONE,))

    def _gone(self, gap: Gap) -> list[tuple[int, int]]:
        query = "SELECT first, last FROM gone WHERE gateway=? AND lane=? AND last>=? AND first<=?"
        return self._db.execute(query, (gap.gateway, gap.lane.value, gap.first, gap.last)).fetchall()

    def given_up(self, gap: Gap) -> bool:
        """Whether the gateway said that all of it is gone."""
        return _first_not_in(gap.first, self._gone(gap)) > gap.last

    def due(self, gaps: Iterable[Gap], now: float, patience_s: float) -> list[Command]:
        """What to ask for at `now` (Unix seconds): gaps that have lasted for `patience_s`, and again after as long."""
        seen: dict[Key, _Open] = {}
        commands: list[Command] = []
        for gap in gaps:
            first = _first_not_in(gap.first, self._gone(gap))
            if gap.lane is Lane.HELP or first > gap.last:
                continue  # help is sent until we acknowledge it
            key = (gap.gateway, gap.lane, first)
            state = seen[key] = self._open.get(key) or _Open(now)
            ripe = now >= state.since + patience_s and now >= state.next_at and state.times < MAX_TIMES
            if ripe and len(commands) < MAX_COMMANDS:
                state.times, state.next_at = state.times + 1, now + 2 * patience_s
                commands.append(self._command(gap._replace(first=first), now))
        self._open = seen
        return commands

    def _command(self, gap: Gap, now: float) -> Command:
        self.asked += 1
        body = {
            "id": new_id(now),
            "type": RESEND,
            "aud": gap.gateway,
            "iat": int(now),
            "exp": int(now) + _LIFE_S,
            "lane": gap.lane.value,
            "first": gap.first,
            "last": min(gap.last, gap.first + MAX_ASKED - 1),
        }
        return Command(gap.gateway, self._key.sign(body))


def _first_not_in(sequence: int, ranges: Iterable[tuple[int, int]]) -> int:
    for first, last in sorted(ranges):
        if first <= sequence <= last:
            sequence = last + 1
    return sequence
