"""Accounting: what the devices sent against what the desk holds. Nothing here trusts a counter of the agent."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from edge_agent.core.reading import Value
from edge_agent.core.thinning import ThinSetting
from simulators.covered import At, Settings

# A reading is stamped when it arrives: after the emission by what a pty, a bus and a busy computer take.
TOLERANCE_S = 2.0
# No simulated device repeats a value of a channel within this time, and times on the wire are exact to 1 ms: closer
# together, and in two blocks, it is the same reading twice.
SAME_S = 0.02
MAX_EXAMPLES = 3
# Values that went through packing are equal in all decimals that sensors have.
_DECIMALS = 9

Key = tuple[str, type, Value | None]


class Emission(NamedTuple):
    """One reading that the agent is expected to have: a device sent it and somebody listened."""

    channel: str
    value: Value | None
    at_monotonic: float


class Held(NamedTuple):
    """One reading that the desk has. `at` is on the clock of the emissions (see `account`), `block` the event's id.

    `delivery` is 0 in the first copy of that event, 1 in the second, and so on.
    """

    channel: str
    value: Value | None
    at: float
    block: str
    delivery: int = 0


@dataclass(slots=True)
class ChannelAccount:
    """One channel's counts, and the first few of its losses; what a channel setting covers is not lost."""

    emitted: int = 0
    held: int = 0
    lost: int = 0
    covered: int = 0
    duplicates: int = 0
    unexpected: int = 0
    examples: list[Emission] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Account:
    """The result. `lost` is `missing` less what channel settings cover and less what the agent declared as dropped.

    `held` counts each reading once: neither redelivered events nor duplicates are in it. `unexpected` are readings
    that the desk has and no listed emission explains (such as those of a restarted agent, which says again how its
    contacts stand). `redelivered` counts events that came again under the same id.
    """

    emitted: int
    held: int
    missing: int
    covered: int
    lost: int
    duplicates: int
    redelivered: int
    unexpected: int
    channels: Mapping[str, ChannelAccount]

    def losses(self) -> list[str]:
        """A line for every channel that lacks something, for people."""
        return [
            f"{name}: {each.lost} of {each.emitted} missing, first "
            f"{each.examples[0].value!r} sent at {each.examples[0].at_monotonic:.3f} s"
            for name, each in sorted(self.channels.items())
            if each.lost
        ]


def account(
    emitted: Iterable[Emission],
    held: Iterable[Held],
    *,
    declared_drops: int = 0,
    offset_s: float = 0.0,
    tolerance_s: float = TOLERANCE_S,
    settings: Sequence[ThinSetting] = (),
) -> Account:
    """Match what was sent with what is held, in order, channel by channel and value by value.

    `offset_s` is added to the times of `held` where those are on another clock: with Unix times it is
    `time.monotonic() - time.time()`. Within `tolerance_s` the two times may differ. First what is held twice is put
    aside, so that a duplicate never stands in for a loss. `settings` are the agent's `[[channel]]` tables: what they
    keep back is covered where what is held says as much (simulators/covered.py).
    """
    channels: defaultdict[str, ChannelAccount] = defaultdict(ChannelAccount)
    sent: defaultdict[Key, list[Emission]] = defaultdict(list)
    for emission in emitted:
        sent[_key(emission.channel, emission.value)].append(emission)
    rows: defaultdict[Key, list[Held]] = defaultdict(list)
    again: set[tuple[str, int]] = set()
    thinned = Settings(settings)
    for row in held:
        if row.delivery:
            again.add((row.block, row.delivery))
        elif not thinned.summarises(row.channel, row.value):
            rows[_key(row.channel, row.value)].append(row._replace(at=row.at + offset_s))
    for key in sent.keys() | rows.keys():
        counts = channels[key[0]]
        fresh, twice = _without_duplicates(sorted(rows[key], key=lambda row: row.at))
        counts.duplicates += twice
        _match(sorted(sent[key], key=lambda emission: emission.at_monotonic), fresh, tolerance_s, counts)
    for name in [name for name, counts in channels.items() if counts.lost and thinned.of(name)]:
        kept = [At(row.at, row.value) for (channel, *_), same in rows.items() if channel == name for row in same]
        _cover(name, channels[name], thinned, kept, tolerance_s)
    for counts in channels.values():
        counts.examples.sort(key=lambda emission: emission.at_monotonic)
        del counts.examples[MAX_EXAMPLES:]
    covered = sum(c.covered for c in channels.values())
    missing = sum(c.lost for c in channels.values()) + covered
    return Account(
        emitted=sum(c.emitted for c in channels.values()),
        held=sum(c.held for c in channels.values()),
        missing=missing,
        covered=covered,
        lost=max(0, missing - covered - declared_drops),
        duplicates=sum(c.duplicates for c in channels.values()),
        redelivered=len(again),
        unexpected=sum(c.unexpected for c in channels.values()),
        channels=dict(channels),
    )


def _cover(name: str, counts: ChannelAccount, thinned: Settings, held: list[At], tolerance_s: float) -> None:
    """Of what is missing of a channel with a setting, keep what is lost."""
    gone = [At(each.at_monotonic, each.value) for each in counts.examples]
    lost = thinned.lost(name, gone, held, tolerance_s)
    counts.covered, counts.lost = counts.lost - len(lost), len(lost)
    counts.examples = [Emission(name, each.value, each.at) for each in lost]


def _key(channel: str, value: Value | None) -> Key:
    """What makes two values the same: 1, 1.0 and True are told apart only as truth and number."""
    if isinstance(value, bool | str) or value is None:
        return channel, type(value), value
    return channel, float, round(float(value), _DECIMALS)


def _without_duplicates(rows: Sequence[Held]) -> tuple[list[float], int]:
    """Times of the rows, in order, without those that another block holds too; and how many those are."""
    kept: list[float] = []
    twice = 0
    start = 0
    while start < len(rows):
        end = start + 1
        while end < len(rows) and rows[end].at - rows[end - 1].at <= SAME_S:
            end += 1
        first = rows[start].block
        own = [row.at for row in rows[start:end] if row.block == first]
        kept.extend(own)
        twice += end - start - len(own)
        start = end
    return kept, twice


def _match(sent: Sequence[Emission], times: Sequence[float], tolerance_s: float, counts: ChannelAccount) -> None:
    """Give each emission, in order, the earliest time that is left and near enough.

    All windows are equally long, so taking the earliest leaves the most for those that follow: no matching has more
    pairs.
    """
    counts.emitted += len(sent)
    counts.held += len(times)
    place = matched = 0
    for emission in sent:
        place = max(place, bisect_left(times, emission.at_monotonic - tolerance_s))
        if place < len(times) and times[place] <= emission.at_monotonic + tolerance_s:
            place += 1
            matched += 1
        else:
            counts.lost += 1
            counts.examples.append(emission)
    counts.unexpected += len(times) - matched
