"""What the checks say, as the console knows it."""

from edge_agent.control import types
from edge_agent.core.finding import Finding
from edge_agent.view.seen import Seen


class FindingsView(Seen):
    """Findings."""

    __slots__ = ()

    def findings(self) -> types.Findings:
        """What the checks say, the most severe first."""
        order = ["alarm", "warning", "notice"]
        found = sorted(self.sampling.watches.findings(), key=lambda f: (bool(f.cause), order.index(f.severity.value)))
        return types.Findings([self.finding(f) for f in found])

    def finding(self, finding: Finding) -> types.Finding:
        """A finding as the console knows it."""
        return types.Finding(
            channel=finding.channel,
            kind=finding.kind,
            state=finding.state.value,
            severity=finding.severity.value,
            sentence=finding.sentence,
            since_s=round(self.clock.now().monotonic - finding.since, 1),
            count=finding.count,
            cause=finding.cause,
        )
