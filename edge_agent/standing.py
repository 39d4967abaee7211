"""How the gateway stands, as told to the desk with a first message, to the lamp and to the console. Owns nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_agent import __version__, machine
from edge_agent.core.clock import Instant, age_s
from edge_agent.core.first_message import MAX_FINDINGS, MAX_TRIED
from edge_agent.core.health import Health
from edge_agent.core.reading import Value
from edge_agent.texts import Said

if TYPE_CHECKING:
    from edge_agent.app import Agent

# Positions are looked for so far back: a GPS that lost the sky for a while still says where it was.
POSITION_S = 300.0


class Standing:
    """Asked only when the agent is built: it looks at all rooms."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent

    def context(self) -> dict[str, object]:
        """Tier 0 of a first message, without the case (docs/help.md)."""
        agent = self._agent
        gateway, now = agent.config.gateway, agent.clock.now()
        findings = agent.found.register.confirmed()[:MAX_FINDINGS]
        over = machine.interface()
        position = self._position(now.monotonic)
        return {
            "gateway": agent.gateway,
            "site": gateway.site,
            "product": gateway.product,
            "location": gateway.location,
            "contact": gateway.contact,
            "language": gateway.language,
            "agent": __version__,
            "uptime_s": round(now.monotonic - agent.started_at, 1),
            "queue": sum(depth.events for depth in agent.outbox.depths().values()),
            "consent": sorted(agent.consent.granted),
            "path": f"{'mqtt' if agent.reach.uplink.connected else 'none'}{f' over {over}' if over else ''}",
            **machine.told(gateway.power, machine.power()),
            **({"position": position} if position else {}),
            "tried": self._tried(now),
            # `frame` is the finding's id: its event brought the freeze frame, and a case's evidence does so again
            "findings": [
                {"channel": f.channel, "kind": f.kind, "sentence": f.sentence[:120], "frame": f.id} for f in findings
            ],
        }

    def _position(self, now: float) -> list[list[float]]:
        """Latitude, longitude and age in seconds: the newest, and about one and two minutes before it. By opt-in."""
        device = self._agent.config.gateway.position_from
        if device is None:
            return []
        recorder = self._agent.sampling.recorder
        names = (f"{device}.latitude", f"{device}.longitude")
        found: dict[float, dict[str, Value]] = {}
        for reading in recorder.since(now - POSITION_S):
            if reading.channel.name in names and reading.value is not None:
                found.setdefault(reading.at, {})[reading.channel.name] = reading.value
        fixes = [(at, pair) for at, pair in sorted(found.items(), reverse=True) if len(pair) == 2]
        wanted = [next((fix for fix in fixes if fixes[0][0] - fix[0] >= ago), None) for ago in (0.0, 60.0, 120.0)]
        return [[*(float(pair[name]) for name in names), round(now - at, 1)] for at, pair in filter(None, wanted)]

    def _tried(self, now: Instant) -> list[dict[str, object]]:
        """What the gateway did by itself before somebody called: the last test of the way, and parts started again."""
        agent, test = self._agent, self._agent.beside.test.decided
        tried: list[dict[str, object]] = []
        if test is not None:
            ago_s = round(age_s(test.at, test.boot_id, test.wall, now))
            tried.append({"what": "test", "how": test.outcome.value, "ago_s": ago_s})
        tried += agent.mending.remedies.told(MAX_TRIED - len(tried))
        again = sorted(agent.restarts.items(), key=lambda part: -part[1])
        tried += [{"what": f"restart {name}", "how": f"{count} times"} for name, count in again]
        return tried[:MAX_TRIED]

    def wanted(self) -> bool:
        """Whether to be connected: a broker is known, and this household is always ready, somebody calls or tests."""
        agent = self._agent
        return bool(agent.config.broker.host) and (
            agent.consent.help_ready or agent.help.live or agent.beside.test.asked
        )

    def ready(self) -> bool:
        """Whether a press would be seen, kept and reach the service now, as far as anybody can tell."""
        agent, button = self._agent, self._agent.hardware.button
        seen = button is None or button.health.ready
        return seen and agent.help.health.ready and self._reached() and agent.beside.test.health.ready

    def _reached(self) -> bool:
        """By the broker; where none is configured, by any other way."""
        uplink = self._agent.reach.uplink
        if not self._agent.config.broker.host:
            return any(way.ready for _, way in self.ways())
        return uplink.health.ready and (uplink.connected or not self.wanted())

    def health(self) -> Sequence[tuple[str, Health]]:
        """Every part's name and health, the most important first."""
        agent = self._agent
        parts = [("help", agent.help.health), ("service", self._service()), ("store", agent.post.health)]
        if agent.config.desk.unsigned:
            parts.append(("desk", Health(False, Said("part.unsigned"), Said("part.unsigned_fix"))))
        parts += [("store", Health(False, problem)) for problem in self.problems()]
        parts += [(f"channel {name}", health) for name, health in self.ways()]
        if agent.hardware.button:
            parts.append(("button", agent.hardware.button.health))
        if agent.hardware.lamp:
            parts.append(("lamp", agent.hardware.lamp.health))
        if agent.panel.speech:
            parts.append((agent.panel.speech.name, agent.panel.speech.health))
        return [*parts, *agent.beside.health()] + [(driver.name, driver.health) for driver in agent.hardware.drivers]

    def ways(self) -> list[tuple[str, Health]]:
        """The other ways to the desk by name: how each is, and how its last try went."""
        now = self._agent.clock.now().monotonic
        return [(way.channel.name, way.told(now)) for way in self._agent.reach.fallback.ways]

    def problems(self) -> list[str]:
        """What was wrong on disk since the start, a sentence each."""
        return [*self._agent.problems, *self._agent.outbox.problems]

    def selftest(self) -> dict[str, object]:
        """What the status says, as plain data for a case's evidence: parts and devices with what is wrong of each."""
        agent = self._agent
        own = agent.panel.texts.own
        parts = [[name, each.ready, own(each.sentence), own(each.fix)] for name, each in self.health()]
        rows = [row for driver in agent.hardware.drivers for row in driver.devices()]
        return {
            "parts": parts,
            "devices": [[r.device, r.health.ready, own(r.health.sentence), r.readings, r.faults] for r in rows],
            "clock_trusted": agent.clock.now().trusted,
            "dropped": {lane.value: depth.dropped for lane, depth in agent.outbox.depths().items()},
        }

    def _service(self) -> Health:
        if self._agent.config.broker.host:
            return self._agent.reach.uplink.health
        if not self.ways():
            return Health(False, Said("part.local"), Said("part.local_fix"))
        if self._reached():
            return Health(True, Said("part.others"))
        return Health(False, Said("part.no_others"), Said("part.no_others_fix"))
