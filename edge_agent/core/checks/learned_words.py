"""What the learned check says: what happened, how far from usual, since when, and how rare that is on this channel."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from edge_agent.core.checks.base import Words
from edge_agent.core.learning.averages import Averages
from edge_agent.core.learning.channel import SEASONAL, TREND, VALUE, Learner
from edge_agent.core.learning.grid import CELLS
from edge_agent.core.learning.maps import DAYTIME, RESTLESS, VIEWS, Seen
from edge_agent.core.reading import Channel, ChannelKind

# Numbers of one sentence are written with so many digits after the point at the most.
_MOST_DIGITS = 6
_HOUR_S, _DAY_S, _YEAR_S = 3600.0, 86400.0, 365 * 86400.0
# The quantities of the maps, in their order; the first is the tick's own value.
_AVERAGES: tuple[Callable[[Averages], float], ...] = (
    lambda e: e.e3, lambda e: e.e6, lambda e: e.e12, lambda e: e.e25, lambda e: e.e100,
)  # fmt: skip


class Teller:
    """Sentences of one channel. `turn` is the mean direction of an angle, whose numbers are distances from it."""

    def __init__(self, words: Words, channel: Channel, turn: float = 0.0) -> None:
        self._words, self._channel, self._turn = words, channel, turn

    def alert(self, learner: Learner, local_s: float | None) -> str:
        """The alert that the learner has just made, by its strongest reason."""
        if not learner.why:
            return self._joined(self._run(learner), self._since(local_s, learner.runs.length))
        first = max(learner.why)
        return self._joined(self._first(first, learner), self._since(local_s), self._rare(first, learner))

    def level(self, value: float, learner: Learner, local_s: float | None) -> str:
        """It has left its level, at this local time."""
        return self._joined(self._of("level", value=value, usual=learner.calm.level), self._since(local_s))

    def _first(self, first: Seen, learner: Learner) -> str:
        if self._channel.kind is ChannelKind.STATE:
            return self._say("state")
        e = learner.averages
        if first.view == VALUE:
            low, high = (first.b, learner.value.high) if first.a < first.b else (learner.value.low, first.b)
            return self._of("value", value=first.a, low=low, high=high)
        if first.view == SEASONAL:
            return self._of("seasonal", value=learner.tick, usual=learner.tick - first.a)
        if first.view == TREND:
            return self._of("trend", value=e.e25, usual=e.e300)
        if first.view == DAYTIME:
            return self._of("daytime", value=e.e6)
        return self._pair(first, learner)

    def _pair(self, first: Seen, learner: Learner) -> str:
        one, other = VIEWS[first.view]
        numbers = [learner.tick, *(of(learner.averages) for of in _AVERAGES)]
        if other == RESTLESS:
            return self._of("restless" if first.b >= CELLS / 2 else "still", value=numbers[one])
        if other < 0:
            span = self._words.length(round(-other * learner.step_s / 60.0) * 60.0)
            before = learner.maps.middle(first.view, first.b)
            return self._of("step", {"span": span}, value=learner.tick, before=before)
        return self._of("average", value=numbers[one], usual=numbers[other])

    def _run(self, learner: Learner) -> str:
        runs = learner.runs
        if learner.too_long:
            longest = runs.longest if runs.on else runs.longest_rest
            said = {"length": _span(runs.length), "longest": _span(longest.length)}
            return self._say("on" if runs.on else "off", **said)
        said = {"length": _span(runs.length), "usual": _span(runs.lengths.usual())}
        return self._say("amount" if said["length"] == said["usual"] else "run", **said)

    def _rare(self, first: Seen, learner: Learner) -> str:
        """Once in so long, as firsts came so far; never a longer time than the channel was watched."""
        watched = learner.alarm.n * learner.step_s
        once = learner.step_s * 10.0 ** min(first.surprise, 9.0)
        if once >= watched:
            return self._words.say("learned.never_" + _unit(watched), n=self._count(watched))
        return self._words.say("learned.rare_" + _unit(once), n=self._count(once))

    def _count(self, seconds: float) -> str:
        return self._words.about(max(2.0, seconds / (_DAY_S if _unit(seconds) == "days" else _HOUR_S)))

    def _since(self, local_s: float | None, before_s: float = 0.0) -> str:
        if local_s is None:
            return ""
        minutes = int((local_s - before_s) % _DAY_S // 60.0)
        return self._words.say("learned.since", clock=f"{minutes // 60:02}:{minutes % 60:02}")

    def _of(self, key: str, more: dict[str, str] | None = None, **numbers: float) -> str:
        said = dict(zip(numbers, self._amounts(*numbers.values()), strict=True))
        return self._say(key, **said, **(more or {}))

    def _amounts(self, *numbers: float) -> Sequence[str]:
        """Written alike, with as few digits as tell them apart."""
        kind, unit = self._channel.kind, self._channel.unit
        if kind is ChannelKind.ANGLE:
            numbers = tuple((number + self._turn) % 360.0 for number in numbers)
        digits = _digits(numbers)
        said = [self._words.amount(number, unit, digits) for number in numbers]
        return [f"{each}/h" for each in said] if kind is ChannelKind.COUNTER else said

    def _say(self, key: str, **fields: str) -> str:
        return self._words.say(f"learned.{key}", channel=self._words.name(self._channel.name), **fields)

    @staticmethod
    def _joined(*sentences: str) -> str:
        return " ".join(filter(None, sentences))


def _digits(numbers: Sequence[float]) -> int | None:
    """Digits after the point that tell these apart; None: one number alone, or they are too near to one another."""
    gaps = [after - before for before, after in pairwise(sorted(numbers)) if after > before]
    if not gaps:
        return None
    digits = -math.floor(math.log10(min(gaps)))
    return max(0, digits) if digits <= _MOST_DIGITS else None


def _unit(seconds: float) -> str:
    return "days" if seconds >= 2 * _DAY_S else "hours"


def _span(seconds: float) -> str:
    """A length of time with a symbol that is the same in every language."""
    for size, name in ((5400.0, "h"), (90.0, "min")):
        if seconds >= size:
            return f"{seconds / (3600.0 if name == 'h' else 60.0):.2g} {name}"
    return f"{seconds:.0f} s"
