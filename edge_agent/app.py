"""Builds everything from a Config, opens one TaskGroup, and takes it down in order."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from edge_agent import __version__, settings
from edge_agent.beside import Beside
from edge_agent.config.model import Config
from edge_agent.control.paths import default_socket
from edge_agent.control.server import serve
from edge_agent.core.command import DeskMessage
from edge_agent.core.consent import PURPOSES, Consent
from edge_agent.core.errors import AgentError
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.finding import Finding
from edge_agent.core.gesture import Button
from edge_agent.core.lamp import Pattern
from edge_agent.core.reading import Fault, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.drivers import registry
from edge_agent.hub import Hub
from edge_agent.services.button import ButtonReader
from edge_agent.services.device_buttons import DeviceButton
from edge_agent.services.events import EventMaker
from edge_agent.services.indicator import Arbiter
from edge_agent.services.mayday import Help, Surroundings
from edge_agent.services.post import Post
from edge_agent.services.resend import Resend
from edge_agent.services.sampling import Sampling, Told
from edge_agent.services.speech import Speech
from edge_agent.services.timekeeping import Timekeeping
from edge_agent.standing import Standing
from edge_agent.store.again import Again
from edge_agent.store.boots import BootsFile
from edge_agent.store.identity import gateway_id
from edge_agent.store.outbox import LOG_LANES, Outbox
from edge_agent.supervisor import Supervisor, notify
from edge_agent.systemclock import SystemClock, process_age_s
from edge_agent.texts import texts
from edge_agent.uplink.drain import Drain
from edge_agent.uplink.inbound import Inbound
from edge_agent.uplink.mqtt import MqttLink, MqttUplink
from edge_agent.uplink.network import watch_network
from edge_agent.uplink.presence import Presence
from edge_agent.uplink.signature import load_keys
from edge_agent.view import View, lamp
from edge_agent.ways import fall_back

LAST_DRAIN_S = 2.0  # what is stored may still go out for so long at a stop
_log = structlog.get_logger("agent")


class Agent:
    """All rooms of one gateway. `run` lives until `stop` is set."""

    def __init__(self, config: Config, clock: SystemClock | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.started_at = self.clock.now().monotonic
        granted = frozenset(name for name in PURPOSES if getattr(config.consent, name))
        self.consent = Consent(granted)
        self.hub = Hub()
        self.standing = Standing(self)
        self.restarts: Mapping[str, int] = {}
        self._build_store()
        self._build_services()
        self._build_uplink()
        self._build_view()

    def _build_store(self) -> None:
        folder = settings.state_folder(self.config.paths.state)
        self.outbox = Outbox(folder, self.config.outbox, on_drop=self._dropped)
        self.problems: list[str] = []
        self.gateway = self.config.gateway.id or gateway_id(folder, self.problems)
        self.folder = folder
        boots = BootsFile(folder)
        self.time = Timekeeping(self.clock, boots.load(self.problems), boots.save)
        self.again = {lane: Again(folder / lane.value, lane) for lane in LOG_LANES}
        self.events = EventMaker(self.clock)
        self.post = Post(self.outbox.append, self.outbox.draft, self.commit)

    def _build_services(self) -> None:
        config = self.config
        self.sampling = Sampling(
            self.clock,
            self.events,
            self.post,
            settings.block_limits(config),
            settings.check_settings(config),
            Recorder(config.help.recorder_s),
            self.consent.allows,
            Told(
                lambda reading: self.hub.tell("reading", self.view.channel(reading)),
                self._finding,
                self.hub.listeners("reading"),
            ),
            settings.thin_settings(config),
        )
        looked_at = config.help.rules or config.help.button_channel or config.help.cancel_channel
        self.hardware = registry.build(config, self._deliver if looked_at else self.sampling.deliver)
        lamps, buzzers = self.hardware.lamp, self.hardware.buzzer
        self.texts = texts(config.gateway.language)
        self.speech = Speech(self.texts) if config.help.speech else None
        self.arbiter = Arbiter(
            [lamps] if lamps else [],
            [buzzers] if buzzers else [],
            self._lamp_changed,
            settings.outside_quiet_hours(config, self.clock),
        )
        h = config.help
        around = Surroundings(
            context=self.standing.context,
            ready=self.standing.ready,
            show=self.arbiter.show,
            sent=self._help_waits,
            keep=self.outbox.ledger.keep,
            changed=self._case_changed,
            fall_back=self._fall_back,
            may_ask_effort=lambda: "effort" in self.consent.granted,
        )
        self.help = Help(self.clock, self.outbox.requests, self.events, settings.timers(config), around)
        self.beside = Beside(self, self.folder)
        self.button = ButtonReader(Button(h.debounce_ms / 1000, h.hold_s, stuck_s=h.stuck_s), self.help.touch)
        self.button_channel = DeviceButton(h.button_channel, lambda _: self.button.look())
        self.cancel_channel = DeviceButton(h.cancel_channel, self._cancel_pressed)

    def _build_uplink(self) -> None:
        config, root = self.config, self.config.broker.root
        consent = lambda: self.consent  # noqa: E731 - consent may change while it runs
        self.drain = Drain(
            [*self.outbox.lanes(), *self.again.values()],
            self.gateway,
            root,
            self.clock,
            consent,
            in_flight=config.outbox.in_flight,
            reserved_for_help=config.outbox.reserved_for_help,
            messages_per_s=config.outbox.messages_per_s,
            boots=self.time.boots,
            on_delivered=self._delivered,
        )
        self.resend = Resend(self.again, found=self.drain.wake, on_reply=partial(self._reply, "resend"))
        self.inbound = Inbound(
            self.gateway,
            root,
            verify=load_keys(config.desk.keys, unsigned=config.desk.unsigned),
            kids=config.desk.keys,
            clock=self.clock,
            open_requests=lambda: [*self.help.open_requests(), *self.beside.test.ids()],
            replay=self.outbox.ledger,
            on_desk_message=self._desk_says,
            on_again=self.help.heard_again,
            on_reply=lambda data: self._reply("challenge" if "challenge" in data else "refused", data),
            asked_at=self._asked_at,
            on_time=self.time.heard,
        )
        self.fallback = fall_back(self)
        self.presence = Presence(
            self.gateway,
            root,
            clock=self.clock,
            consent=consent,
            cases=lambda: [self.help.case] if self.help.case and self.help.live else [],
            help_sequence=lambda: self.outbox.requests.newest,
            last_down=lambda: self.inbound.last_sequence,
            challenge=self.inbound.challenge,
            heartbeat_s=config.broker.heartbeat_s,
            version=__version__,
            site=config.gateway.site,
        )
        self.uplink = MqttUplink(
            settings.mqtt_settings(config, self.gateway),
            on_message=self.inbound.on_message,
            on_up=self._up,
            on_down=self._down,
            wanted=self.standing.wanted,
            urgent=lambda: self.help.live or self.beside.test.asked,
            will=self.presence.will,
            farewell=self.presence.farewell,
        )

    def _build_view(self) -> None:
        self.view = View(
            gateway=self.gateway,
            site=self.config.gateway.site,
            consent=sorted(self.consent.granted),
            clock=self.clock,
            outbox=self.outbox,
            sampling=self.sampling,
            drivers=self.hardware.drivers,
            help_service=self.help,
            button=self.button,
            arbiter=self.arbiter,
            drain=self.drain,
            hub=self.hub,
            test=self.beside.test,
            texts=self.texts,
            health=self.standing.health,
            ways=self.standing.ways,
            started_at=self.started_at,
        )

    # -- what rooms tell one another ---------------------------------------------------------------------------------

    async def commit(self, lane: Lane) -> None:
        """What is in this lane is on disk, and on its way. Raises StoreError."""
        await self.outbox.commit(lane)
        self.drain.wake(lane)

    def _lamp_changed(self, pattern: Pattern) -> None:
        self.hub.tell("lamp", lamp(pattern, self.texts))
        if self.speech:
            self.speech.show(pattern)

    def _deliver(self, item: Reading | Fault) -> None:
        self.beside.deliver(item)
        if type(item) is Reading:
            self.button_channel.see(item)
            self.cancel_channel.see(item)

    def _cancel_pressed(self, down: bool) -> None:
        if down and self.help.case and self.help.case.open:
            self.help.cancel()

    def _finding(self, finding: Finding) -> None:
        self.hub.tell("finding", self.view.finding(finding))
        self.beside.rules.finding(finding)

    def _desk_says(self, message: DeskMessage) -> bool:
        return self.resend.heard(message) or self.beside.test.heard(message) or self.help.heard(message)

    def _reply(self, what: str, data: dict[str, Any]) -> None:
        self.post.put(self.events.make(EventKind.REPLY, what, data["for"], data))

    def _asked_at(self, request: bytes) -> float | None:
        """When the desk may have heard of this case first, where that was in this boot."""
        case = self.help.case
        mine = case is not None and case.id == request and case.boot_id == self.clock.now().boot_id
        return case.pressed_at if case and mine else None

    def _help_waits(self) -> None:
        self.drain.wake(Lane.HELP)
        if self.help.live:
            self.uplink.wake()

    def _fall_back(self) -> None:
        self.fallback.start()

    def _case_changed(self) -> None:
        self.fallback.look()
        self.hub.tell("help", self.view.help())
        self.beside.case_changed()
        if self.speech:
            self.speech.hear(self.help.case)

    def _delivered(self, event: Event) -> None:
        if event.lane is Lane.HELP:
            self.help.taken(event)
            self.beside.test.taken(event)

    def _up(self, link: MqttLink) -> None:
        self.drain.up(link)
        self.presence.up(link)
        self.help.link(up=True)

    def _down(self, reason: str) -> None:
        self.drain.down(reason)
        self.presence.down(reason)
        self.help.link(up=False)

    def _dropped(self, lane: Lane, first: int, last: int, events: int) -> None:
        """A gap that the agent declares itself."""
        _log.warning("dropped_for_space", lane=lane.value, first=first, last=last, events=events)
        if lane is not Lane.STATE:
            data = {"lane": lane.value, "first": first, "last": last, "events": events}
            self.post.put(self.events.make(EventKind.STATE, "dropped", lane.value, data), urgent=False)

    # -- life --------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Everything, until `stop` is set. Raises what ends a vital part."""
        try:
            await self._live(stop)
        finally:
            await self._close()

    async def _live(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(group)
            self.restarts = supervisor.restarts
            vital = [
                supervisor.vital("help", self.help.run),
                supervisor.vital("sampling", self.sampling.run),
                supervisor.vital("drain", self.drain.run),
            ]
            drivers = [supervisor.optional(driver.name, driver.run) for driver in self.hardware.drivers]
            others = [group.create_task(supervisor.watchdog()), supervisor.optional("presence", self.presence.run)]
            others.append(supervisor.optional("resend", self.resend.run))
            others.append(supervisor.optional("clock", self.time.run))
            if self.speech:
                others.append(supervisor.optional("speech", self.speech.run))
            others.append(supervisor.optional("test", self.beside.test.run))
            others.append(supervisor.optional("evidence", self.beside.evidence.run))
            if self.config.help.rules:
                others.append(supervisor.optional("rules", self.beside.rules.run))
            others.append(supervisor.optional("network", partial(watch_network, partial(self.uplink.wake, 1.0))))
            for way in self.fallback.ways:
                name = f"channel {way.channel.name}"
                others.append(supervisor.optional(name, way.channel.run))
                others.append(supervisor.optional(f"{name}, calling", partial(self.fallback.serve, way)))
            uplink = supervisor.optional("uplink", self.uplink.run)
            if self.config.control.enabled:
                path = Path(self.config.control.socket or default_socket(self.config.paths.runtime))
                others.append(supervisor.optional("control", partial(serve, self.view, path)))
            if self.hardware.button:
                self.hardware.button.on_edge = self.button.edge
                self.button.connect(self.hardware.button)
            if self.button_channel.channel:
                self.button.connect(self.button_channel)
            self._say_what_was_wrong()
            await asyncio.sleep(0)
            _log.info("ready", gateway=self.gateway, version=__version__, seconds=round(process_age_s(), 3))
            notify("READY=1")
            await stop.wait()
            await self._stop(drivers, [uplink], [*others, *vital])

    def _say_what_was_wrong(self) -> None:
        """What the store found damaged at this start: in the log, and as one finding."""
        problems = self.standing.problems()
        for problem in problems:
            _log.warning("store_problem", what=problem)
        if problems:
            more = f" And {len(problems) - 1} more, see the log." if problems[1:] else ""
            self.sampling.watches.report("store", "damaged", f"On this gateway's disk {problems[0]}.{more}")

    async def _stop(self, *rounds: Sequence[asyncio.Task[None]]) -> None:
        """In order: no new readings; what is open to disk and, where there is a link, out; then goodbye."""
        notify("STOPPING=1")
        drivers, *rest = rounds
        await _end(drivers)
        await self.sampling.finish()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_DRAIN_S):
                while self.uplink.connected and any(d.events for d in self.outbox.depths().values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        for tasks in rest:
            await _end(tasks)

    async def _close(self) -> None:
        """However it ended: no lamp that promises anything, and all that is in memory to disk."""
        self.button.stop()
        try:
            await self.help.finish()
            await self.sampling.finish()
            for lane in Lane:
                with suppress(AgentError):
                    await self.outbox.commit(lane)
        finally:
            self.arbiter.dark()
            self.time.finish()
            self.outbox.close()
        _log.info("stopped")


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
