"""Checks on channels: each reading is seen by the checks configured for its channel, and findings get their life."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from edge_agent.core.causes import AWAY, SILENT, Causes, Root
from edge_agent.core.checks.around import Around
from edge_agent.core.checks.base import Check, Words
from edge_agent.core.checks.guarded import Guarded
from edge_agent.core.checks.registry import LEARNED, make
from edge_agent.core.finding import Change, Finding, FindingState, Severity, Tracker, Verdict
from edge_agent.core.guard import Guard
from edge_agent.core.health import Health
from edge_agent.core.learning.crowd import Crowd
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Reading
from edge_agent.core.severity import usual_severity
from edge_agent.services.lessons import Lessons
from edge_agent.services.register import Register
from edge_agent.texts import Texts
from edge_agent.texts import texts as texts_of

# Channels that are watched; more of them is a device gone mad.
MAX_CHANNELS = 2000
# What was bad for so long before it counted is told with it.
TOLD_FROM_S = 60.0
_CLEARED = FindingState.CLEARED
ENGLISH = texts_of("en")


@dataclass(frozen=True, slots=True)
class CheckSetting:
    """One `[[check]]` table, or one of a playbook; `channel` may end in `*`.

    Without a `severity` the channel says how much it matters. `name` is the kind of its findings where that is not the
    check's; it counts only while the guard holds.
    """

    channel: str
    kind: str
    settings: Mapping[str, Any]
    confirm_s: float
    clear_s: float
    severity: Severity | None
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
    # All is well, and a verdict said so since it was last cleared: then there is no life to lead.
    quiet: bool = False
    ready: bool = False


class Readiness(NamedTuple):
    """Whether a check has come to a verdict since the start, or since its finding was cleared by hand."""

    channel: str
    kind: str
    ready: bool


class Watches:
    """All checks at work; what changes is told to the register.

    What has a cause is told too, for rules and playbooks; people are told of its cause. `quiet_since(subject)` is
    when a device or a channel last gave a value, `texts` are the household's. What is
    learned lives on in `lessons`.
    """

    def __init__(
        self,
        settings: Iterable[CheckSetting],
        clock: Clock,
        new_id: Callable[[], bytes],
        register: Register,
        quiet_since: Callable[[str], float | None] = lambda _: None,
        texts: Texts = ENGLISH,
        lessons: Lessons | None = None,
    ) -> None:
        self._settings = tuple(settings)
        self._clock = clock
        self._new_id = new_id
        self._register = register
        self._of: dict[str, list[_Watch]] = {}
        self._words = Words(texts.say, texts.get)
        self._own = texts.own
        self._lessons = lessons
        local_s = lessons.local_s if lessons else lambda _: None
        self._around = Around(self._words, local_s, Crowd())
        self.buses: dict[str, str] = {}
        self._causes = Causes(self.buses, quiet_since, self._watched, register.before)
        self._causes.resume([f for f in register.findings() if f.stands])
        register.forget.append(self._forget)
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
            # nearly always all is well and was so before
            if not watch.quiet or (verdict is not None and verdict.bad):
                self._judge(watch, verdict, reading.at)

    def tick(self, now: float) -> None:
        """Let time speak: silence, and delays of confirming and clearing."""
        for watch in self._each():
            verdict = watch.check.tick(now)
            if not watch.quiet or (verdict is not None and verdict.bad):
                self._judge(watch, verdict, now)
        for finding in self._causes.tick(now):
            self._register.tell(finding)

    def condition(self, subject: str, health: Health) -> None:
        """How a bus or a device is, by its driver; of a bus before its devices. `buses` names the bus of a device."""
        told = Health(health.ready, self._own(health.sentence), self._own(health.fix))
        root = self._causes.condition(subject, told, self._clock.now().monotonic)
        if root is not None:
            self._tell_root(root)

    def looks_for(self, finding: Finding) -> bool:
        """Whether any check of ours could say that this finding is over."""
        if "." not in finding.channel:
            device, silences = f"{finding.channel}.", [s for s in self._settings if s.kind == SILENT]
            return finding.kind == SILENT and any(s.covers(device) or s.channel.startswith(device) for s in silences)
        return any(s.covers(finding.channel) and (s.name or s.kind) == finding.kind for s in self._settings)

    def pending(self) -> list[Finding]:
        """What is bad now and not yet for long enough."""
        waiting = [w for w in self._each() if w.tracker.state is FindingState.PENDING]
        return [self._finding(w, Change(w.tracker.state, w.tracker.sentence, w.tracker.since)) for w in waiting]

    def readiness(self) -> list[Readiness]:
        """Each check, and whether it has come to a verdict."""
        return [Readiness(watch.channel, watch.kind, watch.ready) for watch in self._each()]

    def report(self, subject: str, kind: str, sentence: str) -> None:
        """A finding that no check makes: the gateway found something wrong with itself. It stands until a restart."""
        now = self._clock.now()
        confirmed, severity = FindingState.CONFIRMED, Severity.WARNING
        finding = Finding(self._new_id(), subject, kind, confirmed, severity, sentence, now.monotonic, now.boot_id)
        self._register.tell(finding)

    def _each(self) -> Iterator[_Watch]:
        """Every watch once: one with a guard sees two channels, and is of one."""
        for channel, of in self._of.items():
            yield from (watch for watch in of if watch.channel == channel)

    def _watches_of(self, channel: str) -> list[_Watch]:
        if channel not in self._of:
            if len(self._of) >= MAX_CHANNELS:
                return []
            own = self._of[channel] = []
            own.extend(self._watch(channel, setting) for setting in self._settings if setting.covers(channel))
        return self._of[channel]

    def _watch(self, channel: str, setting: CheckSetting) -> _Watch:
        now = self._clock.now().monotonic
        kind = setting.name or setting.kind
        check = make(setting.kind, channel, setting.settings, now, self._around)
        before = self._register.before(f"{channel}:{kind}")
        if setting.kind == LEARNED:
            self._learn(check, f"{channel}:{kind}", before is not None and before.stands, now)
        guard = setting.only_while
        if guard is not None:
            check = Guarded(check, guard)
        tracker = Tracker.after(before, setting.confirm_s, setting.clear_s)
        severity = setting.severity or usual_severity(channel, setting.kind)
        watch = _Watch(channel, kind, severity, check, tracker)
        if guard is not None:
            # it sees the readings of both channels
            self._watches_of(guard.channel).append(watch)
        return watch

    def _learn(self, check: Check, key: str, stands: bool, now: float) -> None:
        """A learned check goes on with what was learned, and with a finding that stands."""
        from edge_agent.core.checks.learned import Learned  # noqa: PLC0415 - 0.9 MB, only where something learns

        if not isinstance(check, Learned):
            return
        if self._lessons is not None:
            self._lessons.begin(key, check)
        if stands:
            check.stand(now)

    def _watched(self, device: str) -> int:
        """On how many channels of this device silence is looked for."""
        return len({w.channel for w in self._each() if w.kind == SILENT and w.channel.partition(".")[0] == device})

    def _judge(self, watch: _Watch, verdict: Verdict | None, now: float) -> None:
        change = watch.tracker.judge(verdict, now)
        watch.ready = watch.ready or verdict is not None
        watch.quiet = watch.ready and watch.tracker.state is _CLEARED
        if change is None:
            return
        finding, root = self._causes.sort(self._finding(watch, change), now)
        if root is not None:
            self._tell_root(root)
        self._register.tell(finding)

    def _finding(self, watch: _Watch, change: Change) -> Finding:
        before = self._register.before(f"{watch.channel}:{watch.kind}")
        again, now = before is not None and before.stands, self._clock.now()
        sentence, lasted = change.sentence, now.monotonic - change.since
        if change.state is FindingState.CONFIRMED and lasted >= TOLD_FROM_S:
            sentence = self._words.say("finding.lasts", said=sentence, length=self._words.length(lasted))
        return Finding(
            id=before.id if before is not None and again else self._new_id(),
            channel=watch.channel,
            kind=watch.kind,
            state=change.state,
            severity=watch.severity,
            sentence=sentence,
            since=change.since,
            boot_id=now.boot_id,
            count=watch.tracker.count,
            side=watch.tracker.side,
            permanent=watch.severity is Severity.ALARM and change.state is FindingState.CONFIRMED,
        )

    def _forget(self, key: str) -> None:
        """A finding was cleared by hand: what is bad from now on is another one, and its check has said nothing yet."""
        self._causes.forget(key)
        for watch in self._of.get(key.rpartition(":")[0], ()):
            if f"{watch.channel}:{watch.kind}" == key:
                watch.tracker.forget()
                watch.ready = watch.quiet = False

    def _tell_root(self, root: Root) -> None:
        """What changed of a device or a bus as a whole, and what it explains from now on."""
        if root.kind == AWAY and root.change.state is FindingState.CONFIRMED:
            standing = [f for f in self._register.findings() if f.stands]
            self._register.explain(self._causes.adopt(standing, root.key), root.key)
        before = self._register.before(root.key)
        again = before is not None and before.stands
        confirmed = root.change.state is FindingState.CONFIRMED
        said = root.change.sentence
        if root.kind == SILENT:
            said = self._words.say("finding.silent", device=self._words.name(root.subject))
        count = (before.count if before else 0) + (confirmed and not again)
        cause = root.cause if confirmed or before is None else before.cause
        self._register.tell(
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


def plain(finding: Finding) -> dict[str, Any]:
    """What travels of a finding."""
    data = asdict(finding)
    data["id"] = finding.id
    del data["side"]
    for empty in [name for name in ("cause", "permanent", "stored") if not data[name]]:
        del data[empty]
    data["since_uptime_s"] = round(data.pop("since"), 3)
    return {key: getattr(value, "value", value) for key, value in data.items()}
