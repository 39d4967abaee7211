"""Checks on channels: each reading is seen by the checks configured for its channel, and findings get their life."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edge_agent.core.causes import SILENT, Causes, Root
from edge_agent.core.checks.base import Check, spoken
from edge_agent.core.checks.guarded import Guarded
from edge_agent.core.checks.learned import Around, Learned
from edge_agent.core.checks.registry import make
from edge_agent.core.finding import Finding, FindingState, Severity, Tracker
from edge_agent.core.guard import Guard
from edge_agent.core.health import Health
from edge_agent.core.learning.crowd import Crowd
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Reading
from edge_agent.services.lessons import Lessons
from edge_agent.texts import texts

# Findings that are over are kept for the console, the newest of them.
MAX_OVER = 200
# Channels that are watched; more of them is a device gone mad.
MAX_CHANNELS = 2000
_CLEARED = FindingState.CLEARED
ENGLISH = texts("en")


@dataclass(frozen=True, slots=True)
class CheckSetting:
    """One `[[check]]` table, or one of a playbook; `channel` may end in `*`.

    `name` is the kind of its findings where that is not the check's; it counts only while the guard holds.
    """

    channel: str
    kind: str
    settings: Mapping[str, Any]
    confirm_s: float
    clear_s: float
    severity: Severity
    name: str = ""
    only_while: Guard | None = None

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
    """All checks at work. `on_change(finding)` is called when one is confirmed or cleared.

    One that has a cause is told too, for rules and playbooks; people are told of its cause. `quiet_since(subject)` is
    when a device or a channel last gave a value, `say` makes the sentences that no check makes. What is
    learned lives on in `lessons`.
    """

    def __init__(
        self,
        settings: Iterable[CheckSetting],
        clock: Clock,
        new_id: Callable[[], bytes],
        on_change: Callable[[Finding], None],
        quiet_since: Callable[[str], float | None] = lambda _: None,
        say: Callable[..., str] = ENGLISH.say,
        lessons: Lessons | None = None,
    ) -> None:
        self._settings = tuple(settings)
        self._clock = clock
        self._new_id = new_id
        self._on_change = on_change
        self._of: dict[str, list[_Watch]] = {}
        self._findings: dict[str, Finding] = {}
        self._say = say
        self._lessons = lessons
        local_s = lessons.local_s if lessons else lambda _: None
        self._around = Around(say, local_s, Crowd())
        self.buses: dict[str, str] = {}
        self._causes = Causes(self.buses, quiet_since, self._watched)
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
        for finding in self._causes.tick(now):
            self.tell(finding)

    def condition(self, subject: str, health: Health) -> None:
        """How a bus or a device is, by its driver; of a bus before its devices. `buses` names the bus of a device."""
        root = self._causes.condition(subject, health, self._clock.now().monotonic)
        if root is not None:
            self._tell_root(root)

    def explain(self, keys: Collection[str], cause: str) -> None:
        """These findings are explained by this one (empty: by none any more). Nobody is told: they were already."""
        for key in keys:
            finding = self._findings.get(key)
            if finding is not None and finding.state is FindingState.CONFIRMED and key != cause:
                self._findings[key] = replace(finding, cause=cause)

    def report(self, subject: str, kind: str, sentence: str) -> None:
        """A finding that no check makes: the gateway found something wrong with itself. It stands until a restart."""
        now = self._clock.now()
        confirmed, severity = FindingState.CONFIRMED, Severity.WARNING
        finding = Finding(self._new_id(), subject, kind, confirmed, severity, sentence, now.monotonic, now.boot_id)
        self.tell(finding)

    def tell(self, finding: Finding) -> None:
        """A finding that was confirmed or cleared, whoever made it."""
        self._keep(finding)
        self._on_change(finding)

    def findings(self) -> list[Finding]:
        """Confirmed ones first, then those that are over, newest first."""
        return sorted(self._findings.values(), key=lambda f: (f.state is not FindingState.CONFIRMED, -f.since))

    def confirmed(self) -> list[Finding]:
        """The findings that stand now and have no cause among them, newest first."""
        return [f for f in self.findings() if f.state is FindingState.CONFIRMED and not f.cause]

    def _watches_of(self, channel: str) -> list[_Watch]:
        if channel not in self._of:
            if len(self._of) >= MAX_CHANNELS:
                return []
            own = self._of[channel] = []
            own.extend(self._watch(channel, setting) for setting in self._settings if setting.covers(channel))
        return self._of[channel]

    def _watch(self, channel: str, setting: CheckSetting) -> _Watch:
        now = self._clock.now().monotonic
        check = make(setting.kind, channel, setting.settings, now, self._around)
        if self._lessons is not None and isinstance(check, Learned):
            self._lessons.teach(f"{channel}:{setting.name or setting.kind}", check)
        guard = setting.only_while
        if guard is not None:
            check = Guarded(check, guard)
        kind, tracker = setting.name or setting.kind, Tracker(setting.confirm_s, setting.clear_s)
        watch = _Watch(channel, kind, setting.severity, check, tracker)
        if guard is not None:
            # it sees the readings of both channels
            self._watches_of(guard.channel).append(watch)
        return watch

    def _watched(self, device: str) -> int:
        """On how many channels of this device silence is looked for."""
        of = [watches for channel, watches in self._of.items() if channel.partition(".")[0] == device]
        return sum(any(watch.kind == SILENT for watch in watches) for watches in of)

    def _judge(self, watch: _Watch, verdict: Any, now: float) -> None:
        change = watch.tracker.judge(verdict, now)
        if change is None:
            return
        first = watch.finding is None or watch.finding.state is FindingState.CLEARED
        finding = Finding(
            id=self._new_id() if first or watch.finding is None else watch.finding.id,
            channel=watch.channel,
            kind=watch.kind,
            state=change.state,
            severity=watch.severity,
            sentence=change.sentence,
            since=change.since,
            boot_id=self._clock.now().boot_id,
            count=watch.tracker.count,
            side=watch.tracker.side,
        )
        watch.finding, root = self._causes.sort(finding, now)
        if root is not None:
            self._tell_root(root)
        self.tell(watch.finding)

    def _tell_root(self, root: Root) -> None:
        """What changed of a device or a bus as a whole."""
        before = self._findings.get(root.key)
        again = before is not None and before.state is FindingState.CONFIRMED
        confirmed = root.change.state is FindingState.CONFIRMED
        said = root.change.sentence if root.kind != SILENT else self._say("finding.silent", device=spoken(root.subject))
        count = (before.count if before else 0) + (confirmed and not again)
        cause = root.cause if confirmed or before is None else before.cause
        self.tell(
            Finding(
                id=before.id if before is not None and again else self._new_id(),
                channel=root.subject,
                kind=root.kind,
                state=root.change.state,
                severity=Severity.WARNING,
                sentence=said,
                since=root.change.since,
                boot_id=self._clock.now().boot_id,
                count=count,
                cause=cause,
            )
        )

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
    del data["side"]
    for empty in [name for name in ("cause", "permanent", "stored") if not data[name]]:
        del data[empty]
    data["since_uptime_s"] = round(data.pop("since"), 3)
    return {key: getattr(value, "value", value) for key, value in data.items()}
