"""The way to the desk and back: drain and uplink, what comes in, presence, and the other ways of a call for help."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from edge_agent import __version__, settings
from edge_agent.core.command import DeskMessage
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.services.resend import Resend
from edge_agent.supervisor import Job
from edge_agent.uplink.drain import Drain
from edge_agent.uplink.inbound import Inbound
from edge_agent.uplink.mqtt import MqttLink, MqttUplink
from edge_agent.uplink.network import watch_network
from edge_agent.uplink.presence import Presence
from edge_agent.uplink.signature import load_keys
from edge_agent.ways import fall_back

if TYPE_CHECKING:
    from edge_agent.app import Agent


class Reach:
    """`drain` (vital), `inbound`, `presence`, `uplink` and `fallback` (optional), told of one another."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        config, root = agent.config, agent.config.broker.root
        self.drain = Drain(
            [*agent.outbox.lanes(), *agent.again.values()],
            agent.gateway,
            root,
            agent.clock,
            lambda: agent.consent,
            in_flight=config.outbox.in_flight,
            reserved_for_help=config.outbox.reserved_for_help,
            messages_per_s=config.outbox.messages_per_s,
            boots=agent.time.boots,
            calling=lambda: agent.help.calling,
            on_delivered=self._delivered,
        )
        self._resend = Resend(agent.again, found=self.drain.wake, on_reply=partial(self._reply, "resend"))
        self.inbound = Inbound(
            agent.gateway,
            root,
            verify=load_keys(config.desk.keys, unsigned=config.desk.unsigned),
            kids=config.desk.keys,
            clock=agent.clock,
            open_requests=lambda: [*agent.help.open_requests(), *agent.beside.test.ids()],
            replay=agent.outbox.ledger,
            on_desk_message=self._heard,
            on_again=agent.help.heard_again,
            on_reply=lambda data: self._reply("challenge" if "challenge" in data else "refused", data),
            asked_at=self._asked_at,
            on_time=agent.time.heard,
        )
        self.presence = self._presence()
        self.uplink: MqttUplink = MqttUplink(
            settings.mqtt_settings(config, agent.gateway),
            on_message=self.inbound.on_message,
            on_up=self._up,
            on_down=self._down,
            wanted=agent.standing.wanted,
            urgent=lambda: agent.help.live or agent.beside.test.asked,
            will=self.presence.will,
            farewell=self.presence.farewell,
        )
        self.fallback = fall_back(agent, self.inbound.on_answer)

    def _presence(self) -> Presence:
        agent = self._agent
        return Presence(
            agent.gateway,
            agent.config.broker.root,
            clock=agent.clock,
            consent=lambda: agent.consent,
            cases=lambda: [agent.help.case] if agent.help.case and agent.help.live else [],
            help_sequence=lambda: agent.outbox.requests.newest,
            last_down=lambda: self.inbound.last_sequence,
            challenge=self.inbound.challenge,
            heartbeat_s=agent.config.broker.heartbeat_s,
            version=__version__,
            site=agent.config.gateway.site,
        )

    def jobs(self) -> Iterator[Job]:
        """What runs beside the drain and the uplink."""
        yield "presence", self.presence.run
        yield "resend", self._resend.run
        yield "network", partial(watch_network, partial(self.uplink.wake, 1.0))
        for way in self.fallback.ways:
            name = f"channel {way.channel.name}"
            yield name, way.channel.run
            yield f"{name}, calling", partial(self.fallback.serve, way)

    def consent_changed(self) -> None:
        """More or less may leave, or the connection is not wanted any more."""
        for lane in Lane:
            self.drain.wake(lane)
        self.presence.wake()
        self.uplink.wake()

    def help_waits(self) -> None:
        """There is something in the help lane."""
        self.drain.wake(Lane.HELP)
        if self._agent.help.live:
            self.uplink.wake()

    def _delivered(self, event: Event) -> None:
        if event.lane is Lane.HELP:
            self._agent.help.taken(event)
            self._agent.beside.test.taken(event)

    def _heard(self, message: DeskMessage) -> bool:
        agent = self._agent
        return self._resend.heard(message) or agent.beside.test.heard(message) or agent.help.heard(message)

    def _reply(self, what: str, data: dict[str, Any]) -> None:
        self._agent.post.put(self._agent.events.make(EventKind.REPLY, what, data["for"], data))

    def _asked_at(self, request: bytes) -> float | None:
        """When the desk may have heard of this case first, where that was in this boot."""
        case = self._agent.help.case
        mine = case is not None and case.id == request and case.boot_id == self._agent.clock.now().boot_id
        return case.pressed_at if case and mine else None

    def _up(self, link: MqttLink) -> None:
        self.drain.up(link)
        self.presence.up(link)
        self._agent.help.link(up=True)

    def _down(self, reason: str) -> None:
        self.drain.down(reason)
        self.presence.down(reason)
        self._agent.help.link(up=False)
