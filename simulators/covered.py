"""What the agent's `[[channel]]` settings keep back on purpose: readings that whoever has the rest can do without."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from edge_agent.core.reading import Channel, Reading, Value
from edge_agent.core.thinning import STATISTICS, ThinSetting, differs

# Values that went through packing are equal in all decimals that sensors have.
_ALMOST = 1e-9


class At(NamedTuple):
    """A value of a channel and when."""

    at: float
    value: Value | None


class Settings:
    """The settings, and the summaries that the desk holds under names of their own."""

    def __init__(self, settings: Sequence[ThinSetting]) -> None:
        self._settings = settings
        self._counted: dict[str, int] = {}

    def of(self, channel: str) -> ThinSetting | None:
        """The first that covers this channel."""
        return next((each for each in self._settings if each.covers(channel)), None)

    def summarises(self, channel: str, value: Value | None) -> bool:
        """Whether this row of the desk is a summary's; a count is remembered."""
        name, _, what = channel.rpartition(".")
        setting = self.of(name) if what in STATISTICS else None
        if setting is None or setting.summary_s is None:
            return False
        if what == STATISTICS[-1] and isinstance(value, int | float):
            self._counted[name] = self._counted.get(name, 0) + int(value)
        return True

    def lost(self, channel: str, missing: Iterable[At], held: Iterable[At], tolerance_s: float) -> list[At]:
        """Those of `missing`, in order, that nothing held stands for."""
        setting, rows = self.of(channel), sorted(held, key=lambda row: row.at)
        times = [row.at for row in rows]
        gone = sorted(missing, key=lambda each: each.at)
        if setting is None:
            return gone
        if setting.deadband is None and channel in self._counted:
            bad = [each for each in gone if each.value is None]
            numbers = [each for each in gone if each.value is not None]
            return sorted(numbers[self._counted[channel] :] + bad, key=lambda each: each.at)
        return [each for each in gone if not _stands(setting, each, rows, times, tolerance_s)]


def _stands(setting: ThinSetting, one: At, rows: Sequence[At], times: Sequence[float], tolerance_s: float) -> bool:
    """Whether a held row says what this emission said: the last one before it, or one of the same moment.

    With a summary of a channel that has no mean: the last reading of its window, or no change since.
    """
    if one.value is None:
        return False
    width = (setting.deadband or 0.0) + _ALMOST
    longest_s = setting.summary_s if setting.deadband is None else setting.at_least_every_s
    first = max(0, bisect_right(times, one.at - tolerance_s) - 1)
    near = rows[first : bisect_right(times, one.at + tolerance_s)]
    if any(one.at - row.at <= (longest_s or 0.0) + tolerance_s and not _apart(row, one, width) for row in near):
        return True
    if setting.deadband is not None or isinstance(one.value, bool | str):
        return False
    after = bisect_right(times, one.at - tolerance_s)
    return after < len(rows) and times[after] <= one.at + (longest_s or 0.0) + tolerance_s


def _apart(one: At, other: At, width: float) -> bool:
    channel = Channel("")
    return differs(Reading(channel, one.value, one.at), Reading(channel, other.value, other.at), width)
