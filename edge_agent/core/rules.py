"""Rules that call for help by themselves: what is known of one channel or finding in, "raise it now" out. Sans-IO.

A rule has an alarm when its condition holds, and calls once it has held for `for_s`. It then rests until all has been
well for `rearm_s`: one alarm that lasts, or that comes and goes, makes one call.

Unknown is no alarm, and no all-clear either: while a channel gives no value (None), or none for `stale_s`, time counts
for neither. What was known before stands; a contact says nothing while nothing changes, so without `stale_s` the last
value holds. A channel that was never heard raises nothing: a `silent` check makes that a finding.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isnan
from typing import NamedTuple

from edge_agent.core.reading import Value


class Condition(StrEnum):
    """What makes an alarm of a value; FINDING: that a finding stands (its value is whether it does)."""

    ABOVE = "above"
    BELOW = "below"
    EQUALS = "equals"
    CHANGES = "changes"
    FINDING = "finding"


class RuleSetting(NamedTuple):
    """One `[[help.rules]]` table. `subject` is a channel, or a finding's key; `text` is what people are told."""

    name: str
    subject: str
    condition: Condition
    text: str
    value: Value | None = None
    hysteresis: float = 0.0
    for_s: float = 0.0
    rearm_s: float = 300.0
    stale_s: float | None = None
    cancel_window_s: float = 30.0
    fall_back_at_once: bool = False


@dataclass(slots=True)
class Rule:
    """One rule at work. `raised`: it has called for its present alarm; set by whoever does the calling, and kept.

    Times are monotonic seconds. `see` takes one value, `tick` only the time, both in constant time; both answer
    whether to call now, and do so until `raised` is set or the alarm is over.
    """

    setting: RuleSetting
    raised: bool = False
    _alarm: bool | None = None  # the last that was known; None: nothing yet
    _known: bool = False
    _lasted_s: float = 0.0  # how long the last known has been known to hold
    _at: float = 0.0
    _heard_at: float = 0.0
    _before: Value | None = None

    @property
    def known(self) -> bool:
        """Whether it is known now if there is an alarm."""
        return self._known

    def see(self, value: Value | None, at: float) -> bool:
        """One value of its channel; None: there is none."""
        self._count(at)
        self._heard_at = max(at, self._heard_at)
        if isinstance(value, float) and isnan(value):
            value = None
        if value is not None and self.setting.condition is Condition.CHANGES:
            return self._changed(value)
        alarm = None if value is None else self._holds(value)
        self._known = alarm is not None
        if alarm is not None and alarm is not self._alarm:
            self._alarm, self._lasted_s = alarm, 0.0
        return self._due()

    def tick(self, now: float) -> bool:
        """Only time went on."""
        self._count(now)
        return self._due()

    def _count(self, now: float) -> None:
        """Add the time since the last look, where it was known what held."""
        stale_s = self.setting.stale_s
        until = now if stale_s is None else min(now, self._heard_at + stale_s)
        if self._known:
            self._lasted_s += max(0.0, until - self._at)
            self._known = until >= now
        self._at = max(now, self._at)

    def _due(self) -> bool:
        if not self._known:
            return False
        if self._alarm:
            return not self.raised and self._lasted_s >= self.setting.for_s
        if self.raised and self._lasted_s >= self.setting.rearm_s:
            self.raised = False
        return False

    def _changed(self, value: Value) -> bool:
        """A change is an alarm of no length; behind it all is well."""
        before, self._before = self._before, value
        changed = before is not None and value != before
        if changed or self._alarm is None:
            self._alarm, self._lasted_s = False, 0.0
        self._known = True
        return (changed and not self.raised) or self._due()

    def _holds(self, value: Value) -> bool | None:
        """Whether this value is an alarm; None where it cannot be told."""
        setting = self.setting
        match setting.condition:
            case Condition.EQUALS:
                return value == setting.value
            case Condition.FINDING:
                return bool(value)
        if isinstance(value, str) or not isinstance(setting.value, int | float):
            return None
        back = setting.hysteresis if self._alarm else 0.0
        if setting.condition is Condition.ABOVE:
            return value > setting.value - back
        return value < setting.value + back
