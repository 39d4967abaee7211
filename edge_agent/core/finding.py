"""Findings: what checks say of a channel, with a life and one plain sentence.

Hysteresis is here and nowhere else: a check says good or bad for each reading; a finding is confirmed after
`confirm` seconds of bad and cleared after `clear` seconds of good.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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


class Verdict(NamedTuple):
    """What a check says of its channel now: bad or not, and why in one plain sentence (empty when good)."""

    bad: bool
    sentence: str = ""


GOOD = Verdict(False)


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is the check's name; `key` is `channel:kind`. Times are monotonic seconds of `boot_id`.

    `id` is the 16-byte UUIDv7 of its first event, the same for all events of this finding.
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

    @property
    def key(self) -> str:
        """What makes it the same finding."""
        return f"{self.channel}:{self.kind}"


class Change(NamedTuple):
    """A finding came into this state at this time."""

    state: FindingState
    sentence: str
    since: float


@dataclass(slots=True)
class Tracker:
    """The life of one finding: verdicts and times in, changes out.

    Bad for `confirm_s` makes it CONFIRMED, good for `clear_s` after that CLEARED. A check's silence (None) leaves its
    last word standing, so that time goes on confirming or clearing.
    """

    confirm_s: float = 0.0
    clear_s: float = 0.0
    state: FindingState = FindingState.CLEARED
    sentence: str = ""
    count: int = 0
    since: float = 0.0
    _turned: float | None = None

    def judge(self, verdict: Verdict | None, now: float) -> Change | None:
        """Take the check's word, or only the time, and say what changed."""
        if verdict is not None:
            self._hear(verdict, now)
        if self._turned is None:
            return None
        if self.state is FindingState.PENDING and now - self._turned >= self.confirm_s:
            self.state, self._turned, self.count = FindingState.CONFIRMED, None, self.count + 1
            return Change(self.state, self.sentence, self.since)
        if self.state is FindingState.CONFIRMED and now - self._turned >= self.clear_s:
            self.state, self._turned = FindingState.CLEARED, None
            return Change(self.state, self.sentence, now)
        return None

    def _hear(self, verdict: Verdict, now: float) -> None:
        if verdict.bad:
            self.sentence = verdict.sentence
            if self.state is FindingState.CLEARED:
                self.state, self.since, self._turned = FindingState.PENDING, now, now
            elif self.state is FindingState.CONFIRMED:
                self._turned = None
        elif self.state is FindingState.PENDING:
            self.state, self._turned = FindingState.CLEARED, None
        elif self.state is FindingState.CONFIRMED and self._turned is None:
            self._turned = now
