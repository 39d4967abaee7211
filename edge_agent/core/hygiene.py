"""How findings behave, over a month: against what ISA-18.2 and EEMUA 191 ask of alarms, and our own budget of notices.

The figures of those standards are for an operator at a desk; averages mislead, so peaks stand beside them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from edge_agent.core.finding import CHATTER_S, CHATTERS
from edge_agent.core.notices import A_DAY_S, A_WEEK_S, PER_DAY, PER_WEEK

DAYS = 30
# ISA-18.2: some 150 a day are good, 300 the most; more than 10 in 10 minutes are a flood, in less than 1 % of them.
GOOD_A_DAY = 150
FLOOD, FLOOD_S, FLOOD_SHARE = 10, 600.0, 0.01
# Stale: it stands for longer than a day; fewer than 5 on any day.
STALE_S, STALE_MOST = 86_400.0, 5
# 80 % of the lowest priority, 15 % of the middle, 5 % of the highest: at the most so many of those two.
WARNINGS_SHARE, ALARMS_SHARE = 0.15, 0.05
MOST_FREQUENT = 10
# Shares of less say nothing.
ENOUGH = 20


class Episode(NamedTuple):
    """A finding from when it was confirmed (Unix seconds) to when it was over (None: it stands).

    `quiet` is why nobody was told of it: `cause`, `shelved`, or empty.
    """

    key: str
    severity: str
    at: float
    until: float | None = None
    quiet: str = ""

    def record(self) -> list[Any]:
        """Plain data for the store."""
        return list(self)

    @classmethod
    def from_record(cls, plain: Any) -> "Episode":
        """Raises TypeError or ValueError when it is none."""
        key, severity, at, until, quiet = plain
        return cls(str(key), str(severity), float(at), None if until is None else float(until), str(quiet))


class Figure(NamedTuple):
    """One line of the report: what was counted, what it should be at the most, and where that is from."""

    name: str
    value: float
    limit: float | None
    source: str

    @property
    def good(self) -> bool:
        """Whether it is as it should be."""
        return self.limit is None or self.value <= self.limit


class Hygiene(NamedTuple):
    """The report. `frequent` is the keys that came most often, with how often."""

    days: float
    figures: tuple[Figure, ...]
    frequent: tuple[tuple[str, int], ...]
    chattering: tuple[str, ...]
    stale: tuple[str, ...]


def report(episodes: Sequence[Episode], notices: Sequence[float], begun: float, now: float) -> Hygiene:
    """Of the last DAYS. `notices` are the times of those told under the budget, `begun` is when this was first kept."""
    since = max(begun, now - DAYS * A_DAY_S)
    days = max((now - since) / A_DAY_S, 1.0)
    recent = sorted((e for e in episodes if since <= e.at <= now), key=lambda e: e.at)
    times = [e.at for e in recent]
    mine = [at for at in notices if since <= at <= now]
    chattering = _chattering(recent)
    stale = sorted({e.key for e in episodes if (e.until or now) - e.at > STALE_S and (e.until or now) >= since})
    standing = sum(e.until is None and now - e.at > STALE_S for e in episodes)
    figures = (
        Figure("findings", len(recent), None, ""),
        Figure("a_day", round(len(recent) / days, 2), GOOD_A_DAY, "ISA-18.2"),
        Figure("busiest_day", _most(times, A_DAY_S), None, ""),
        Figure("busiest_10_min", _most(times, FLOOD_S), FLOOD, "ISA-18.2"),
        Figure("flooded_share", round(_flooded(times) / (days * A_DAY_S / FLOOD_S), 4), FLOOD_SHARE, "ISA-18.2"),
        Figure("chattering", len(chattering), 0, "ISA-18.2"),
        Figure("stale", standing, STALE_MOST - 1, "ISA-18.2"),
        *_mix(recent),
        Figure("explained", sum(e.quiet == "cause" for e in recent), None, ""),
        Figure("shelved", sum(e.quiet == "shelved" for e in recent), None, ""),
        Figure("notices", len(mine), None, ""),
        Figure("notices_busiest_day", _most(mine, A_DAY_S), PER_DAY, "budget"),
        Figure("notices_busiest_week", _most(mine, A_WEEK_S), PER_WEEK, "budget"),
    )
    frequent = Counter(e.key for e in recent).most_common(MOST_FREQUENT)
    return Hygiene(round(days, 1), figures, tuple(frequent), chattering, tuple(stale))


def _most(times: Sequence[float], span_s: float) -> int:
    """The most within any span of this length."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= span_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def _flooded(times: Sequence[float]) -> int:
    """How many ten minutes, by the clock, had more than FLOOD."""
    return sum(count > FLOOD for count in Counter(int(at // FLOOD_S) for at in times).values())


def _chattering(episodes: Sequence[Episode]) -> tuple[str, ...]:
    """Those that came CHATTERS times within CHATTER_S."""
    times: dict[str, list[float]] = {}
    for episode in episodes:
        times.setdefault(episode.key, []).append(episode.at)
    return tuple(sorted(key for key, of in times.items() if _most(of, CHATTER_S) >= CHATTERS))


def _mix(episodes: Sequence[Episode]) -> tuple[Figure, ...]:
    of = Counter(e.severity for e in episodes)
    few = len(episodes) < ENOUGH
    return tuple(
        Figure(f"{name}_share", round(of[name] / max(len(episodes), 1), 3), None if few else limit, "ISA-18.2")
        for name, limit in (("alarm", ALARMS_SHARE), ("warning", WARNINGS_SHARE))
    )
