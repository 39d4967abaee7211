"""What the checks say, as the console knows it, and what a person does about it."""

from typing import Any

from edge_agent.control import types
from edge_agent.core.clock import Instant, age_s
from edge_agent.core.finding import Finding, Severity
from edge_agent.core.notices import Notice
from edge_agent.services.register import FIRST_FRAMES, LATEST_FRAMES, Entry
from edge_agent.view.seen import Seen

_ORDER = list(Severity)[::-1]
ALL = "*"


class FindingsView(Seen):
    """Findings."""

    __slots__ = ()

    def findings(self) -> types.Findings:
        """What the checks say: what counts first, the most severe first, then what is pending, then what is over."""
        register = self.found.register
        known = register.findings()
        pending = [f for f in self.sampling.watches.pending() if f.key not in {k.key for k in known if k.stands}]
        waiting = {f.key for f in pending}
        found = [*[f for f in known if f.key not in waiting], *pending]
        states = ["confirmed", "pending", "cleared"]
        found.sort(key=lambda f: (states.index(f.state), bool(f.cause), _ORDER.index(f.severity)))
        return types.Findings([self.finding(f) for f in found])

    def finding(self, finding: Finding) -> types.Finding:
        """A finding as the console knows it."""
        now, entry = self.clock.now(), self.found.register.entry(finding.key)
        at = entry.at if entry is not None and entry.finding.id == finding.id else None
        since_s = now.monotonic - finding.since if at is None else _ago(at, now)
        shelving = entry.shelving if entry is not None and finding.stands else None
        return types.Finding(
            channel=finding.channel,
            kind=finding.kind,
            state=finding.state.value,
            severity=finding.severity.value,
            sentence=finding.sentence,
            since_s=round(since_s, 1),
            count=finding.count,
            cause=finding.cause,
            id=finding.key,
            permanent=finding.permanent,
            shelved_s=round(shelving.left_s(now) or 0.0) if shelving and shelving.holds(now) else None,
        )

    def notice(self, notice: Notice, sentence: str) -> types.Notice:
        """A notice as the console knows it."""
        return types.Notice(sentence, list(notice.keys), notice.digest, notice.safety)

    async def explain(self, name: str) -> types.Explained:
        """All that is known of a finding."""
        register, now = self.found.register, self.clock.now()
        pending = [f for f in self.sampling.watches.pending() if name in (f.key, f.channel)]
        finding = pending[0] if pending else register.find(name)
        entry = register.entry(finding.key)
        cause = register.before(finding.cause) if finding.cause else None
        latest = self.sampling.latest.get(finding.channel)
        return types.Explained(
            finding=self.finding(finding),
            unit=latest.channel.unit if latest else "",
            evidence=[self.finding(f) for f in register.behind(finding)],
            cause=self.finding(cause) if cause else None,
            latest=_frame(await self.found.notebook.row(LATEST_FRAMES, finding.key), now),
            first=_frame(await self.found.notebook.row(FIRST_FRAMES, finding.key), now),
            stored=[types.Stored(*row) for row in finding.stored],
            shelved=_shelved(entry, now) if entry else None,
            cleared=_cleared(entry, now) if entry else None,
            may=self.found.may(finding),
        )

    def hygiene(self) -> types.Hygiene:
        """How findings behaved in the last 30 days."""
        report = self.found.hygiene()
        return types.Hygiene(
            days=report.days,
            figures=[types.Figure(f.name, f.value, f.limit, f.source, f.good) for f in report.figures],
            frequent=[types.Often(*row) for row in report.frequent],
            chattering=list(report.chattering),
            stale=list(report.stale),
        )

    def readiness(self) -> types.Readiness:
        """Which checks have come to a verdict."""
        return types.Readiness([types.Ready(*row) for row in self.sampling.watches.readiness()])

    async def clear(self, ask: types.Clear) -> types.Findings:
        """Clear a finding by hand, or all that may be."""
        register = self.found.register
        if ask.id != ALL:
            cleared = [self.found.clear(ask.id, ask.by, ask.why)]
        else:
            standing = [f for f in register.findings() if f.stands and not f.cause]
            cleared = [self.found.clear(f.key, ask.by, ask.why) for f in standing if "clear" in self.found.may(f)]
        await self.found.notebook.commit()
        return types.Findings([self.finding(f) for f in cleared])

    async def shelve(self, ask: types.Shelve) -> types.Finding:
        """Let a finding rest."""
        finding = self.found.register.shelve(ask.id, ask.reason, ask.owner, ask.seconds)
        self.found.telling.know(finding.key)
        await self.found.notebook.commit()
        return self.finding(finding)

    async def unshelve(self, name: str) -> types.Finding:
        """Let it count again."""
        finding = self.found.register.unshelve(self.found.register.find(name).key)
        await self.found.notebook.commit()
        return self.finding(finding)

    async def normal(self, ask: types.Clear) -> types.Taught:
        """A person says that this is normal here."""
        return types.Taught(await self.found.normal(ask.id, ask.by, ask.why))


def _ago(at: Instant, now: Instant) -> float:
    return age_s(at.monotonic, at.boot_id, at.wall, now)


def _frame(plain: Any, now: Instant) -> types.Frozen | None:
    """A freeze frame from the notebook."""
    if plain is None:
        return None
    at = Instant(*plain["at"])
    rows = [(round(seconds - at.monotonic, 1), value) for seconds, value in plain["rows"]]
    return types.Frozen(round(_ago(at, now), 1), rows)


def _shelved(entry: Entry, now: Instant) -> types.Shelved | None:
    shelving = entry.shelving
    if shelving is None:
        return None
    left_s = shelving.left_s(now)
    return types.Shelved(shelving.reason, shelving.owner, None if left_s is None else round(max(0.0, left_s)))


def _cleared(entry: Entry, now: Instant) -> types.Cleared | None:
    stone = entry.tombstone
    return None if stone is None else types.Cleared(stone.by, stone.why, round(_ago(stone.at, now), 1), stone.sentence)
