"""What the desk asks gateways for again: sequences that it lacks, once a gap has lasted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from edge_agent.core.event import Lane
from simulators.desk.answers import new_id
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.store import Gap

RESEND = "edge.command.resend.v1"
REPLY = "edge.reply.resend.v1"
# A gateway takes no more in one command; and a gap is asked for a few times, for the answer itself may be lost.
MAX_ASKED = 1000
MAX_TIMES = 3
# In one round: what comes back must fit between the round and the next one.
MAX_COMMANDS = 10
_LIFE_S = 600

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
    """Remembers since when each gap is there. A gap that the gateway itself cannot fill is not asked for again."""

    def __init__(self, key: DeskKey) -> None:
        self._key = key
        self._open: dict[Key, _Open] = {}
        self._gone: dict[tuple[str, Lane], list[tuple[int, int]]] = {}
        self.asked = 0

    def hear(self, event: DeskEvent) -> None:
        """A gateway's answer says what is gone."""
        if event.type != REPLY:
            return
        lanes = {lane.value: lane for lane in Lane}
        match event.data:
            case {"lane": str(lane), "gone": list(ranges)} if lane in lanes:
                gone = self._gone.setdefault((event.gateway, lanes[lane]), [])
                for pair in ranges[:1000]:
                    match pair:
                        case [int(first), int(last)] if 0 < first <= last:
                            gone.append((first, last))

    def given_up(self, gap: Gap) -> bool:
        """Whether the gateway said that all of it is gone."""
        return _first_not_in(gap.first, self._gone.get((gap.gateway, gap.lane), ())) > gap.last

    def due(self, gaps: Iterable[Gap], now: float, patience_s: float) -> list[Command]:
        """What to ask for at `now` (Unix seconds): gaps that have lasted for `patience_s`, and again after as long."""
        seen: dict[Key, _Open] = {}
        commands: list[Command] = []
        for gap in gaps:
            first = _first_not_in(gap.first, self._gone.get((gap.gateway, gap.lane), ()))
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
