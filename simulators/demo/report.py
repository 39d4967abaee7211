"""The demo's figures: what the devices sent against what the desk holds, and what the agent cost.

`rss_mb` is the agent's resident memory at the end, in MB of 10^6 bytes, with all libraries that other processes share.
`ready_s` is from its start to the first answer of its control socket. `cpu_s` is all its processor time, `start_cpu_s`
the part before it was ready, and `core_percent` the rest as a share of one core from then to the end.
"""

from dataclasses import dataclass, field
from typing import Any

from simulators.ledger import Account

AIM_RSS_MB = 40.0
AIM_READY_S = 0.5
AIM_CORE_PERCENT = 0.5


@dataclass(slots=True)
class Report:
    """Filled while the demo runs. Times are seconds since its start."""

    scenario: str
    seed: int
    broker: str = ""
    seconds: float = 0.0
    channels: int = 0
    readings: int = 0
    findings: list[dict[str, str]] = field(default_factory=list)
    help: list[dict[str, Any]] = field(default_factory=list)
    lamp: list[list[Any]] = field(default_factory=list)
    outages: list[list[float]] = field(default_factory=list)
    events_sent: int = 0
    events_received_by_desk: int = 0
    redelivered: int = 0
    account: Account | None = None
    gaps: list[str] = field(default_factory=list)
    ready_s: float = 0.0
    rss_mb: float = 0.0
    cpu_s: float = 0.0
    start_cpu_s: float = 0.0
    start_uptime_s: float = 0.0
    uptime_s: float = 0.0
    exit_code: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Nothing lost, nothing doubled, no gap, and a clean end."""
        counted = self.account is not None and self.account.lost == 0 and self.account.duplicates == 0
        return counted and not self.gaps and self.exit_code == 0

    @property
    def core_percent(self) -> float:
        """Share of one core that the agent used once it was ready."""
        steady_s = self.uptime_s - self.start_uptime_s
        return 100 * (self.cpu_s - self.start_cpu_s) / steady_s if steady_s > 0 else 0.0

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        counted = self.account
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "broker": self.broker,
            "seconds": round(self.seconds, 1),
            "channels": self.channels,
            "readings": self.readings,
            "findings": self.findings,
            "help": self.help,
            "lamp": self.lamp,
            "outages": self.outages,
            "events_sent": self.events_sent,
            "events_received_by_desk": self.events_received_by_desk,
            "lost": counted.lost if counted else None,
            "duplicates": counted.duplicates if counted else None,
            "redelivered": self.redelivered,
            "unexpected": counted.unexpected if counted else None,
            "losses": counted.losses() if counted else [],
            "gaps": self.gaps,
            "ready_s": round(self.ready_s, 3),
            "rss_mb": self.rss_mb,
            "cpu_s": self.cpu_s,
            "start_cpu_s": self.start_cpu_s,
            "core_percent": round(self.core_percent, 2),
            "exit_code": self.exit_code,
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """The summary for people."""
        plain, counted = self.plain(), self.account
        lost = counted.lost if counted else 0
        doubled = counted.duplicates if counted else 0
        return [
            (
                f"{self.readings} readings of {self.channels} channels reached the desk in "
                f"{self.events_received_by_desk} messages; "
                f"lost: {lost}, doubled: {doubled}, sent again: {self.redelivered}"
            ),
            *(f"  {loss}" for loss in plain["losses"]),
            *(f"  gap: {gap}" for gap in self.gaps),
            *(f"found: {finding['sentence']}" for finding in self.findings),
            *(f"help {case['case']}: {_way(case['states'])}" for case in self.help),
            *(f"the network was away from {began:.0f} s to {ended:.0f} s" for began, ended in self.outages),
            (
                f"the agent: ready after {self.ready_s:.2f} s (aim {AIM_READY_S}), {self.rss_mb:.1f} MB "
                f"(aim {AIM_RSS_MB:.0f}), {self.core_percent:.2f} % of a core (aim {AIM_CORE_PERCENT})"
            ),
            *(f"note: {note}" for note in self.notes),
        ]


def _way(states: list[list[Any]]) -> str:
    return ", ".join(f"{name} {at:.1f} s" for name, at in states)
