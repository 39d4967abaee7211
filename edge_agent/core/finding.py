"""Findings: what checks say of a channel, with a life and one plain sentence.

Hysteresis is here and nowhere else: a check says good or bad for each reading; a finding is confirmed after
`confirm` seconds of bad and cleared after `clear` seconds of good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, NamedTuple

# Three alarms within a minute are chatter, and told as one that lasts (ISA-18.2 calls it chattering).
CHATTERS = 3
CHATTER_S = 60.0
# What chattered is over when it was quiet for so long.
CALM_S = 300.0
# The kind of a finding that a device tells of itself by a trouble code.
CODE = "code"


class FindingState(StrEnum):
    """The life of a finding."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    CLEARED = "cleared"


class Severity(StrEnum):
    """How much it matters to a person."""

    NOTICE = "notice"
    WARNING = "warning"
    ALARM = "alarm"

    @property
    def gravity(self) -> int:
        """The greater, the graver."""
        return tuple(Severity).index(self)


class Confidence(StrEnum):
    """How sure something is; the word that people are told."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    @classmethod
    def of(cls, share: float) -> "Confidence":
        """The word for a share of such findings that are real: certain is all, likely is more often than not."""
        if share >= 1.0:
            return cls.CERTAIN
        return cls.LIKELY if share >= 0.5 else cls.POSSIBLE


class Verdict(NamedTuple):
    """What a check says of its channel now: bad or not, and why in one plain sentence (empty when good).

    `side` is `low` or `high` where a value left its limits that way. `confidence` is the share of such verdicts that
    turn out to be real, 0 to 1; `Confidence.of` makes it a word. A limit that a person set is certain.
    """

    bad: bool
    sentence: str = ""
    side: str = ""
    confidence: float = 1.0


GOOD = Verdict(False)


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is the check's name; `key` is `channel:kind`. Times are monotonic seconds of `boot_id`.

    `id` is the 16-byte UUIDv7 of its first event, the same for all events of this finding. Of a device or a bus,
    `channel` is its name. `cause` is the key of the finding that explains this one: then only that one is told.
    One that is `permanent` is cleared by its own check alone, never by hand. `stored` is the freeze frame that the
    device itself kept: rows of quantity, value and unit.
    """

    id: bytes
    channel: str
    kind: str
    state: FindingState
    severity: Severity
    sentence: str
    since: float
    boot_id: str
    count: int = 1
    side: str = ""
    cause: str = ""
    permanent: bool = False
    stored: tuple[tuple[str, float | int | bool | str, str], ...] = ()

    @property
    def key(self) -> str:
        """What makes it the same finding."""
        return f"{self.channel}:{self.kind}"

    @property
    def device(self) -> str:
        """The device it is of: all before the first dot."""
        return self.channel.partition(".")[0]

    @property
    def stands(self) -> bool:
        """Whether it is confirmed and not over."""
        return self.state is FindingState.CONFIRMED

    def record(self) -> dict[str, Any]:
        """Plain data for the store; `from_record` reads it back."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        return data | {"state": self.state.value, "severity": self.severity.value, "stored": [*map(list, self.stored)]}

    @classmethod
    def from_record(cls, plain: Mapping[str, Any]) -> "Finding":
        """A finding from the store; fields of later versions are ignored.

        Raises KeyError, TypeError or ValueError when it is none.
        """
        found = {each.name: plain[each.name] for each in fields(cls) if each.name in plain}
        found["state"], found["severity"] = FindingState(plain["state"]), Severity(plain["severity"])
        found["stored"] = tuple((name, value, unit) for name, value, unit in plain["stored"])
        return cls(**found)


class Change(NamedTuple):
    """A finding came into this state at this time."""

    state: FindingState
    sentence: str
    since: float


@dataclass(slots=True)
class Tracker:
    """The life of one finding: verdicts and times in, changes out.

    Bad for `confirm_s` makes it CONFIRMED, good for `clear_s` after that CLEARED. A check's silence (None) leaves its
    last word standing, so that time goes on confirming or clearing. One that is confirmed CHATTERS times within
    CHATTER_S is cleared only by CALM_S of good.
    """

    confirm_s: float = 0.0
    clear_s: float = 0.0
    state: FindingState = FindingState.CLEARED
    sentence: str = ""
    side: str = ""
    count: int = 0
    since: float = 0.0
    _turned: float | None = None
    _confirmed: list[float] = field(default_factory=list)

    @classmethod
    def after(cls, before: Finding | None, confirm_s: float = 0.0, clear_s: float = 0.0) -> "Tracker":
        """One that goes on with a finding from before a restart; None: there was none."""
        tracker = cls(confirm_s, clear_s)
        if before is not None:
            tracker.count = before.count
            if before.state is FindingState.CONFIRMED:
                tracker.state, tracker.since = before.state, before.since
                tracker.sentence, tracker.side = before.sentence, before.side
        return tracker

    def forget(self) -> None:
        """Somebody cleared it by hand: what is bad from now on is another one."""
        self.state, self._turned, self._confirmed = FindingState.CLEARED, None, []

    def judge(self, verdict: Verdict | None, now: float) -> Change | None:
        """Take the check's word, or only the time, and say what changed."""
        if verdict is not None:
            self._hear(verdict, now)
        if self._turned is None:
            return None
        if self.state is FindingState.PENDING and now - self._turned >= self.confirm_s:
            self.state, self._turned, self.count = FindingState.CONFIRMED, None, self.count + 1
            self._confirmed = [*self._confirmed, now][-CHATTERS:]
            return Change(self.state, self.sentence, self.since)
        if self.state is FindingState.CONFIRMED and now - self._turned >= self._quiet_s():
            self.state, self._turned = FindingState.CLEARED, None
            return Change(self.state, self.sentence, now)
        return None

    def _quiet_s(self) -> float:
        """How long it has to be good before it is over."""
        last = self._confirmed
        chatters = len(last) == CHATTERS and last[-1] - last[0] <= CHATTER_S
        return max(self.clear_s, CALM_S) if chatters else self.clear_s

    def _hear(self, verdict: Verdict, now: float) -> None:
        if verdict.bad:
            self.sentence, self.side = verdict.sentence, verdict.side
            if self.state is FindingState.CLEARED:
                self.state, self.since, self._turned = FindingState.PENDING, now, now
            elif self.state is FindingState.CONFIRMED:
                self._turned = None
        elif self.state is FindingState.PENDING:
            self.state, self._turned = FindingState.CLEARED, None
        elif self.state is FindingState.CONFIRMED and self._turned is None:
            self._turned = now
