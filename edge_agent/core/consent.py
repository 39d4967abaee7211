"""Consent: what each purpose lets out. Nothing leaves without it, but a help request that somebody asked for."""

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
PURPOSES = {
    HELP_READY: "stay connected: heartbeat, daily test, automatic help requests",
    "telemetry": "readings go to the service",
    "findings": "what the checks found goes to the service",
    "diagnostics": "log and self-test go to the service, and readings around a press",
    "assist": "a helper may be let in for a session",
    "effort": "a day after a help request the desk may ask how easy it was to get help",
}


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
