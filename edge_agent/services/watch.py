"""Checks on channels: each reading is seen by the checks configured for its channel, and findings get their life."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge_agent.core.checks.base import Check
from edge_agent.core.checks.registry import make
from edge_agent.core.finding import Finding, FindingState, Severity, Tracker
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Reading

# Findings that are over are kept for the console, the newest of them.
MAX_OVER = 200
# Channels that are watched; more of them is a device gone mad.
MAX_CHANNELS = 2000
_CLEARED = FindingState.CLEARED


@dataclass(frozen=True, slots=True)
class CheckSetting:
    """One `[[check]]` table; `channel` may end in `*`."""

    channel: str
    kind: str
    settings: Mapping[str, Any]
    confirm_s: float
    clear_s: float
    severity: Severity

    def covers(self, channel: str) -> bool:
        """Whether this check is for that channel."""
        if self.channel.endswith("*"):
            return channel.startswith(self.channel[:-1])
        return channel == self.channel


@dataclass(slots=True)
class _Watch:
    channel: str
    kind: str
    severity: Severity
    check: Check
    tracker: Tracker
    finding: Finding | None = None


class Watches:
    """All checks at work. `on_change(finding)` is called when one is confirmed or cleared."""

    def __init__(
        self,
        settings: Iterable[CheckSetting],
        clock: Clock,
        new_id: Callable[[], bytes],
        on_change: Callable[[Finding], None],
    ) -> None:
        self._settings = tuple(settings)
        self._clock = clock
        self._new_id = new_id
        self._on_change = on_change
        self._of: dict[str, list[_Watch]] = {}
        self._findings: dict[str, Finding] = {}
        for setting in self._settings:
            # a channel that is never heard must be missed, so it is watched before its first reading
            if not setting.channel.endswith("*"):
                self._watches_of(setting.channel)

    def see(self, reading: Reading) -> None:
        """Show a reading to the checks of its channel."""
        name = reading.channel.name
        watches = self._of.get(name)
        if watches is None:
            watches = self._watches_of(name)
        for watch in watches:
            verdict = watch.check.see(reading)
            # nearly always all is well and was so before: then there is no life to lead
            if watch.tracker.state is not _CLEARED or (verdict is not None and verdict.bad):
                self._judge(watch, verdict, reading.at)

    def tick(self, now: float) -> None:
        """Let time speak: silence, and delays of confirming and clearing."""
        for watches in self._of.values():
            for watch in watches:
                verdict = watch.check.tick(now)
                if watch.tracker.state is not _CLEARED or (verdict is not None and verdict.bad):
                    self._judge(watch, verdict, now)

    def report(self, subject: str, kind: str, sentence: str) -> None:
        """A finding that no check makes: the gateway found something wrong with itself. It stands until a restart."""
        now = self._clock.now()
        confirmed, severity = FindingState.CONFIRMED, Severity.WARNING
        finding = Finding(self._new_id(), subject, kind, confirmed, severity, sentence, now.monotonic, now.boot_id)
        self._keep(finding)
        self._on_change(finding)

    def findings(self) -> list[Finding]:
        """Confirmed ones first, then those that are over, newest first."""
        return sorted(self._findings.values(), key=lambda f: (f.state is not FindingState.CONFIRMED, -f.since))

    def confirmed(self) -> list[Finding]:
        """The findings that stand now, newest first."""
        return [f for f in self.findings() if f.state is FindingState.CONFIRMED]

    def _watches_of(self, channel: str) -> list[_Watch]:
        if channel not in self._of:
            if len(self._of) >= MAX_CHANNELS:
                return []
            now = self._clock.now().monotonic
            self._of[channel] = [
                _Watch(
                    channel, s.kind, s.severity, make(s.kind, channel, s.settings, now), Tracker(s.confirm_s, s.clear_s)
                )
                for s in self._settings
                if s.covers(channel)
            ]
        return self._of[channel]

    def _judge(self, watch: _Watch, verdict: Any, now: float) -> None:
        change = watch.tracker.judge(verdict, now)
        if change is None:
            return
        first = watch.finding is None or watch.finding.state is FindingState.CLEARED
        watch.finding = Finding(
            id=self._new_id() if first or watch.finding is None else watch.finding.id,
            channel=watch.channel,
            kind=watch.kind,
            state=change.state,
            severity=watch.severity,
            sentence=change.sentence,
            since=change.since,
            boot_id=self._clock.now().boot_id,
            count=watch.tracker.count,
        )
        self._keep(watch.finding)
        self._on_change(watch.finding)

    def _keep(self, finding: Finding) -> None:
        self._findings.pop(finding.key, None)
        self._findings[finding.key] = finding
        over = [key for key, f in self._findings.items() if f.state is not FindingState.CONFIRMED]
        for key in over[: max(0, len(over) - MAX_OVER)]:
            del self._findings[key]


def plain(finding: Finding) -> dict[str, Any]:
    """What travels of a finding."""
    data = asdict(finding)
    data["id"] = finding.id
    data["since_uptime_s"] = round(data.pop("since"), 3)
    return {key: getattr(value, "value", value) for key, value in data.items()}
