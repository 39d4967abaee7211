"""Root causes: a bus or a device that dies is one finding, and not one for each of its channels.

Strategy. What is away as a whole (a radio, a port) is known from its driver: a finding of that name. Else a device
that fell silent with all its channels is told by the first of them. What they explain still has its own life, for
rules and playbooks look at it; it only carries the key of its cause, and nobody is told of it twice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from edge_agent.core.finding import GOOD, Change, Finding, FindingState, Tracker, Verdict
from edge_agent.core.health import Health

SILENT = "silent"
AWAY = "away"
# A port that is opened anew and an adapter that is reset are back within this time.
AWAY_CONFIRM_S = 30.0
AWAY_CLEAR_S = 5.0
# When the cause is over, what it explained has so long to be over too, before it is told for itself.
GRACE_S = 120.0
# The device has been quiet for at least this share of the time that its silent channel has.
_TOGETHER = 0.5


class Root(NamedTuple):
    """What changed of a bus or device: `subject:kind` is the finding's key, `cause` what explains it in turn."""

    subject: str
    kind: str
    change: Change
    cause: str = ""

    @property
    def key(self) -> str:
        """The key of its finding."""
        return f"{self.subject}:{self.kind}"


@dataclass(slots=True)
class Causes:
    """Which finding explains which. `bus_of` names the bus of a device (its driver).

    `quiet_since(device)` is when any of its channels last gave a value (None: never), `watched(device)` on how many
    channels silence is looked for, `before(key)` a finding as it was last.
    """

    bus_of: Mapping[str, str]
    quiet_since: Callable[[str], float | None]
    watched: Callable[[str], int]
    before: Callable[[str], Finding | None] = lambda _: None
    _away: dict[str, Tracker] = field(default_factory=dict)
    _quiet: dict[str, set[str]] = field(default_factory=dict)
    _folded: dict[str, Finding] = field(default_factory=dict)
    _over: dict[str, float] = field(default_factory=dict)

    def resume(self, standing: Iterable[Finding]) -> None:
        """Go on after a restart with the findings that stood before."""
        for finding in standing:
            if finding.cause and finding.kind == SILENT:
                self._folded[finding.key] = finding
                if finding.cause == f"{finding.device}:{SILENT}":
                    self._quiet.setdefault(finding.device, set()).add(finding.key)

    def forget(self, key: str) -> None:
        """A finding was cleared by hand."""
        subject, _, kind = key.rpartition(":")
        self._folded.pop(key, None)
        self._over.pop(key, None)
        if kind == AWAY and subject in self._away:
            self._away[subject].forget()
        elif kind == SILENT:
            self._quiet.pop(subject, None)

    def condition(self, subject: str, health: Health, now: float) -> Root | None:
        """How a bus or a device is, by its driver; ask for the bus before its devices."""
        tracker = self._away.get(subject)
        if tracker is None:
            before = self.before(f"{subject}:{AWAY}")
            tracker = self._away[subject] = Tracker.after(before, AWAY_CONFIRM_S, AWAY_CLEAR_S)
        said = f"{health.sentence[:1].upper()}{health.sentence[1:]}.{f' {health.fix}' if health.fix else ''}"
        change = tracker.judge(GOOD if health.ready else Verdict(True, said), now)
        if change is None:
            return None
        bus = self.bus_of.get(subject, "")
        cause = f"{bus}:{AWAY}" if bus != subject and self._is_away(bus) else ""
        return Root(subject, AWAY, change, cause)

    def cause_of(self, finding: Finding) -> str:
        """The key of what explains this finding now; empty: it stands for itself."""
        if finding.kind != SILENT:
            return ""
        device = finding.device
        for subject in (self.bus_of.get(device, ""), device):
            if self._is_away(subject):
                return f"{subject}:{AWAY}"
        return f"{device}:{SILENT}" if device in self._quiet and device != finding.channel else ""

    def adopt(self, standing: Iterable[Finding], cause: str) -> list[str]:
        """The keys of those that stood for themselves until this cause showed itself."""
        found = [f for f in standing if not f.cause and self.cause_of(f) == cause]
        self._folded |= {f.key: replace(f, cause=cause) for f in found}
        return [f.key for f in found]

    def sort(self, finding: Finding, now: float) -> tuple[Finding, Root | None]:
        """A finding of a channel with its cause, and what changed of that cause by it."""
        if finding.state is FindingState.CONFIRMED:
            root = self._fell_silent(finding, now)
            finding = replace(finding, cause=self.cause_of(finding))
            if finding.cause:
                self._folded[finding.key] = finding
            return finding, root
        folded = self._folded.pop(finding.key, None)
        self._over.pop(finding.key, None)
        return (replace(finding, cause=folded.cause) if folded else finding), self._spoke(finding, now)

    def tick(self, now: float) -> list[Finding]:
        """What outlived its cause: findings that are to be told for themselves from now on."""
        told = []
        for key, finding in list(self._folded.items()):
            if self.cause_of(finding):
                self._over.pop(key, None)
            elif now - self._over.setdefault(key, now) >= GRACE_S:
                told.append(replace(finding, cause=""))
                del self._folded[key], self._over[key]
        return told

    def _is_away(self, subject: str) -> bool:
        tracker = self._away.get(subject)
        return tracker is not None and tracker.state is not FindingState.CLEARED

    def _fell_silent(self, finding: Finding, now: float) -> Root | None:
        """The first channel of a device that is silent with all of them speaks for the device."""
        device = finding.device
        if finding.kind != SILENT or device == finding.channel:
            return None
        if device in self._quiet:
            self._quiet[device].add(finding.key)
            return None
        heard, own = self.quiet_since(device), self.quiet_since(finding.channel)
        together = heard is None or (own is not None and now - heard >= _TOGETHER * (now - own))
        if self.cause_of(finding) or self.watched(device) < 2 or not together:
            return None
        self._quiet[device] = {finding.key}
        return Root(device, SILENT, Change(FindingState.CONFIRMED, finding.sentence, finding.since))

    def _spoke(self, finding: Finding, now: float) -> Root | None:
        """The device is heard again when its last silent channel is."""
        device = finding.device
        channels = self._quiet.get(device)
        if channels is None or finding.key not in channels:
            return None
        channels.discard(finding.key)
        if channels:
            return None
        del self._quiet[device]
        self._folded.pop(f"{device}:{SILENT}", None)
        return Root(device, SILENT, Change(FindingState.CLEARED, finding.sentence, now))
