"""Consent: what each purpose lets out. Nothing leaves without it, but a help request that somebody asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_agent.core.event import Event, EventKind

HELP_READY = "help_ready"
PURPOSE_OF = {
    EventKind.TELEMETRY: "telemetry",
    EventKind.FINDING: "findings",
    EventKind.STATE: HELP_READY,
    EventKind.REPLY: HELP_READY,
    EventKind.SESSION: "assist",
    EventKind.LOG: "diagnostics",
}
# What is packed around a help request says more than its kind: readings, log and self-test.
EVIDENCE = "edge.finding.evidence.v1"
DIAGNOSTICS = "diagnostics"
# What each lets out is told in the household's language: texts, [consent].
PURPOSES = (HELP_READY, "telemetry", "findings", DIAGNOSTICS, "assist", "effort")


@dataclass(frozen=True, slots=True)
class Consent:
    """The purposes that the householder allowed; all default to no."""

    granted: frozenset[str] = frozenset()

    def allows(self, kind: EventKind) -> bool:
        """Whether an event of this kind may leave. A help request always may: the press is the consent."""
        return kind is EventKind.HELP or PURPOSE_OF[kind] in self.granted

    def lets_out(self, event: Event) -> bool:
        """Whether this event may leave now."""
        return DIAGNOSTICS in self.granted if event.type == EVIDENCE else self.allows(event.kind)

    @property
    def diagnostics(self) -> bool:
        """Whether readings around a press, log and self-test may go with a help request."""
        return DIAGNOSTICS in self.granted

    @property
    def help_ready(self) -> bool:
        """Whether the agent may stay connected without an open help request."""
        return HELP_READY in self.granted


@dataclass(frozen=True, slots=True)
class Decision:
    """What the household said of one purpose, `by` which means, at Unix second `wall`.

    It stands above the configuration until the household says something else.
    """

    purpose: str
    granted: bool
    by: str
    wall: float


def newest(decisions: Iterable[Decision]) -> Mapping[str, Decision]:
    """The last word of each purpose; `decisions` are in the order in which they were made."""
    return {decision.purpose: decision for decision in decisions}


def consent(configured: frozenset[str], decided: Mapping[str, Decision]) -> Consent:
    """What is allowed, by the configuration and above it by what the household decided."""
    refused = {purpose for purpose, decision in decided.items() if not decision.granted}
    return Consent(frozenset((configured | decided.keys()) - refused).intersection(PURPOSES))
