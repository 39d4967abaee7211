"""What of a channel is stored, where not every reading is: report by exception, or a summary of each window.

Checks and flight recorder see every reading all the same: this stands before the block alone.

* **Deadband** (report by exception): a reading is stored when it differs from the last stored one by more than the
  deadband, or when that one is `at_least_every_s` old; the one before a change goes with it, so that a step stays a
  step and does not look like a slope. States and texts are stored when they change. Whoever draws a value on until
  the next one is off by at most the deadband.
* **Summary**: a gauge becomes `name.mean`, `name.min`, `name.max` and `name.count`, stamped with the last reading of
  the window; a counter its last reading; what has no mean (states, texts, angles) is stored when it changes, and once
  a window. A window begins with a reading: nothing is said of windows without any.

A reading without a value is always stored, and so is the one after it. What was held back last is stored at the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, Protocol

from edge_agent.core.reading import Channel, ChannelKind, Reading

# A channel more than this is a device gone mad; its readings are stored as they come.
MAX_CHANNELS = 2000
STATISTICS = ("mean", "min", "max", "count")
_NUMBERS = (int, float)
_TURN = 360.0


class ThinSetting(NamedTuple):
    """One `[[channel]]` table: `channel` may end in `*`; one of `deadband`, in the channel's unit, and `summary_s`."""

    channel: str
    deadband: float | None = None
    at_least_every_s: float = 600.0
    summary_s: float | None = None

    def covers(self, channel: str) -> bool:
        """Whether this setting is for that channel."""
        if self.channel.endswith("*"):
            return channel.startswith(self.channel[:-1])
        return channel == self.channel


class _Rule(Protocol):
    due: float

    def see(self, reading: Reading) -> Sequence[Reading]: ...

    def close(self) -> Sequence[Reading]: ...


class Thinning:
    """All channel settings at work; the first that covers a channel counts."""

    def __init__(self, settings: Iterable[ThinSetting] = ()) -> None:
        self._settings = tuple(settings)
        self._of: dict[Channel, _Rule | None] = {}

    def __bool__(self) -> bool:
        """Whether there is any setting at all."""
        return bool(self._settings)

    def see(self, reading: Reading) -> Sequence[Reading]:
        """What is to be stored now that this reading came, oldest first: often nothing."""
        channel = reading.channel
        if channel not in self._of:
            if len(self._of) >= MAX_CHANNELS:
                return (reading,)
            self._of[channel] = self._rule(channel)
        rule = self._of[channel]
        return (reading,) if rule is None else rule.see(reading)

    def tick(self, now: float) -> list[Reading]:
        """Windows that are over by now, whether or not another reading ever comes."""
        return [each for rule in self._of.values() if rule and now >= rule.due for each in rule.close()]

    def finish(self) -> list[Reading]:
        """All that is held back, before the end: nothing remains."""
        return [each for rule in self._of.values() if rule for each in rule.close()]

    def _rule(self, channel: Channel) -> _Rule | None:
        setting = next((each for each in self._settings if each.covers(channel.name)), None)
        if setting is None:
            return None
        if setting.deadband is not None:
            return _Deadband(setting.deadband, setting.at_least_every_s)
        if setting.summary_s is None:
            return None
        if channel.kind is ChannelKind.GAUGE:
            named = (Channel(f"{channel.name}.{what}", channel.unit) for what in STATISTICS[:-1])
            return _Summary(setting.summary_s, (*named, Channel(f"{channel.name}.{STATISTICS[-1]}")))
        if channel.kind is ChannelKind.COUNTER:
            return _Summary(setting.summary_s, ())
        return _Deadband(0.0, setting.summary_s)


def differs(one: Reading, other: Reading, deadband: float) -> bool:
    """Whether two readings of a channel are further apart than the deadband; angles go round."""
    a, b = one.value, other.value
    if type(a) not in _NUMBERS or type(b) not in _NUMBERS:
        return type(a) is not type(b) or a != b
    apart = abs(a - b)  # type: ignore[operator]
    if one.channel.kind is ChannelKind.ANGLE:
        apart = min(apart % _TURN, _TURN - apart % _TURN)
    return not apart <= deadband  # so that not-a-number differs from everything


@dataclass(slots=True)
class _Deadband:
    width: float
    every_s: float
    due: float = float("inf")  # time alone says nothing
    _last: Reading | None = None
    _held: Reading | None = None

    def see(self, reading: Reading) -> Sequence[Reading]:
        last, held = self._last, self._held
        changed = last is None or reading.value is None or differs(last, reading, self.width)
        if not changed and last is not None and reading.at - last.at < self.every_s:
            self._held = reading
            return ()
        self._last, self._held = reading, None
        return (held, reading) if changed and held is not None else (reading,)

    def close(self) -> Sequence[Reading]:
        held, self._held = self._held, None
        if held is None:
            return ()
        self._last = held
        return (held,)


@dataclass(slots=True)
class _Summary:
    """`named` are the channels of STATISTICS; without them the last reading stands for its window."""

    window_s: float
    named: tuple[Channel, ...]
    due: float = float("inf")
    _mean: float = 0.0
    _low: float = 0.0
    _high: float = 0.0
    _count: int = 0
    _last: Reading | None = None

    def see(self, reading: Reading) -> Sequence[Reading]:
        value = reading.value
        if not isinstance(value, _NUMBERS) or isinstance(value, bool) or not isfinite(value):
            return (*self.close(), reading)
        over = self.close() if reading.at >= self.due else ()
        if not self._count:
            self.due = reading.at + self.window_s
            self._mean = self._low = self._high = value
        self._count += 1
        # a running mean: a sum of many would lose digits
        self._mean += (value - self._mean) / self._count
        self._low, self._high, self._last = min(self._low, value), max(self._high, value), reading
        return over

    def close(self) -> Sequence[Reading]:
        last, count = self._last, self._count
        self.due, self._count, self._last = float("inf"), 0, None
        if last is None:
            return ()
        if not self.named:
            return (last,)
        # seven digits are what a 32-bit float has; sensors have fewer, and what is beyond costs bytes and says nothing
        mean = min(self._high, max(self._low, float(f"{self._mean:.7g}")))
        values = (mean, self._low, self._high, count)
        return tuple(Reading(channel, value, last.at) for channel, value in zip(self.named, values, strict=True))
