"""Builds everything from a Config, opens one TaskGroup, and takes it down in order."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from edge_agent import __version__, settings
from edge_agent.beside import Beside
from edge_agent.config.model import Config
from edge_agent.control.server import serve
from edge_agent.core.consent import PURPOSES, Consent
from edge_agent.core.errors import AgentError
from edge_agent.core.event import EventKind, Lane
from edge_agent.core.finding import Finding
from edge_agent.core.notices import Notice
from edge_agent.core.question import Purpose, Question
from edge_agent.core.reading import Codes, Fault, Handover, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.drivers import registry
from edge_agent.found import Found
from edge_agent.hub import Hub
from edge_agent.mending import Mending
from edge_agent.panel import Panel
from edge_agent.reach import Reach
from edge_agent.services.case_work import Surroundings
from edge_agent.services.consents import Consents
from edge_agent.services.diagnoses import own_checks
from edge_agent.services.door import Door
from edge_agent.services.events import EventMaker
from edge_agent.services.handovers import Handovers
from edge_agent.services.lessons import Lessons
from edge_agent.services.mayday import Help
from edge_agent.services.post import Post
from edge_agent.services.sampling import Sampling, Told
from edge_agent.services.timekeeping import Timekeeping
from edge_agent.standing import Standing
from edge_agent.store.again import Again
from edge_agent.store.boots import BootsFile
from edge_agent.store.identity import gateway_id
from edge_agent.store.lessons import LessonsFile
from edge_agent.store.outbox import LOG_LANES, Outbox
from edge_agent.supervisor import Job, Supervisor, end, notify
from edge_agent.systemclock import SystemClock, process_age_s
from edge_agent.texts import texts
from edge_agent.ticker import Ticker
from edge_agent.view import View, view_of

LAST_DRAIN_S = 2.0  # what is stored may still go out for so long at a stop
_log = structlog.get_logger("agent")


class Agent:
    """All rooms of one gateway. `run` lives until `stop` is set."""

    def __init__(self, config: Config, clock: SystemClock | None = None) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.started_at = self.clock.now().monotonic
        self.hub = Hub()
        self.standing = Standing(self)
        self.restarts: Mapping[str, int] = {}
        self._build_store()
        self._build_services()
        self.view: View = view_of(self)
        self.found.connect()

    def _build_store(self) -> None:
        folder = settings.state_folder(self.config.paths.state)
        self.outbox = Outbox(folder, self.config.outbox, on_drop=self._dropped)
        self.problems: list[str] = []
        self.gateway = self.config.gateway.id or gateway_id(folder, self.problems)
        self.folder = folder
        boots = BootsFile(folder)
        self.time = Timekeeping(self.clock, boots.load(self.problems), boots.save)
        lessons = LessonsFile(folder)
        self.lessons = Lessons(self.clock, lessons.load(self.problems), lessons.save)
        self.again = {lane: Again(folder / lane.value, lane) for lane in LOG_LANES}
        self.events = EventMaker(self.clock)
        configured = frozenset(name for name in PURPOSES if getattr(self.config.consent, name))
        self.consents = Consents(
            configured, self.outbox.decisions.load(self.problems), self.outbox.decisions.add, self._consent, self.clock
        )
        self.post = Post(self.outbox.append, self.outbox.draft, self.commit)

    def _build_services(self) -> None:
        config = self.config
        playbooks, self.kinds = settings.playbooks(config), settings.kinds(config)
        self.found: Found = Found(self)
        self.sampling = Sampling(
            self.clock,
            self.events,
            self.post,
            settings.block_limits(config),
            (*settings.check_settings(config), *own_checks(playbooks, self.kinds)),
            Recorder(config.help.recorder_s),
            self.consents.allows,
            Told(
                lambda reading: self.hub.tell("reading", self.view.channel(reading)),
                self.hub.listeners("reading"),
            ),
            self.found.register,
            settings.thin_settings(config),
            texts(config.gateway.language),
            self.lessons,
        )
        self.handovers = Handovers(
            self.outbox.handed,
            config.help.button_channel,
            self._called,
            self._deliver,
            self._keep_findings,
            lambda: self.clock.now().wall,
        )
        inputs = (config.help.button_channel, config.help.cancel_channel, config.console.input_channel)
        looked_at = config.help.rules or any(inputs)
        deliver = self._deliver if looked_at else self.sampling.deliver
        self.hardware = registry.build(config, deliver, keep=self.handovers.take)
        self.door = Door(self.clock, lambda: self.hub.tell("console", self.view.console()))
        self.panel: Panel = Panel(self)
        self.mending = Mending(self, playbooks, self.kinds)
        around = Surroundings(
            context=self.standing.context,
            ready=self.standing.ready,
            show=self.panel.arbiter.show,
            sent=lambda: self.reach.help_waits(),  # noqa: PLW0108 - it is built below
            keep=self._keep_heard,
            changed=self._case_changed,
            fall_back=lambda: self.reach.fallback.start(),  # noqa: PLW0108
            may_ask_effort=lambda: "effort" in self.consent.granted,
            agreed=self._agreed,
        )
        self.help: Help = Help(self.clock, self.outbox.requests, self.events, settings.timers(config), around)
        self.beside: Beside = Beside(self)
        self.reach: Reach = Reach(self)

    @property
    def consent(self) -> Consent:
        """What may leave now."""
        return self.consents.current

    # -- what rooms tell one another ---------------------------------------------------------------------------------

    async def commit(self, lane: Lane) -> None:
        """What is in this lane is on disk, and on its way. Raises StoreError."""
        await self.outbox.commit(lane)
        self.reach.drain.wake(lane)

    def _deliver(self, item: Reading | Fault | Codes) -> None:
        self.beside.deliver(item)
        if type(item) is Reading:
            self.panel.see(item)

    def found_out(self, finding: Finding) -> None:
        """A finding changed."""
        if not finding.cause:
            self.hub.tell("finding", self.view.finding(finding))
        self.beside.rules.finding(finding)
        self.mending.see(finding)

    def _called(self, handover: Handover) -> None:
        self.panel.called(handover)

    async def _keep_findings(self) -> None:
        """What was found until now is on disk. Raises StoreError."""
        await self.post.flush()
        await self.commit(Lane.FINDING)

    async def _keep_heard(self, ids: Sequence[str]) -> None:
        """The case has it: what the desk said, and what devices handed over. Raises StoreError."""
        await self.outbox.ledger.keep(ids)
        if any(self.outbox.handed.seen(ident) for ident in ids):
            await self.outbox.handed.keep(ids)

    def _consent(self) -> None:
        """The household decided: what may leave now goes, what may not stays, also the connection itself."""
        self.reach.consent_changed()
        self.hub.tell("status", self.view.status())

    def noticed(self, notice: Notice, sentence: str) -> None:
        """A person is told something."""
        self.hub.tell("notice", self.view.notice(notice, sentence))

    def _agreed(self, question: Question) -> None:
        """The household said yes to the desk."""
        if question.purpose is Purpose.PAGE:
            self.open_page("desk")
        elif question.purpose is Purpose.NORMAL:
            self.found.agreed_normal(question.about)

    def open_page(self, by: str) -> None:
        """Open the page on site as the configuration says."""
        console = self.config.console
        self.door.open(by, lan=console.lan, seconds=60.0 * console.minutes)

    def _case_changed(self) -> None:
        self.reach.fallback.look()
        self.hub.tell("help", self.view.help())
        self.beside.case_changed()
        self.panel.case_changed()

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
            self.mending.restart = supervisor.again
            vital = [
                supervisor.vital("help", self.help.run),
                supervisor.vital("sampling", self.sampling.run),
                supervisor.vital("drain", self.reach.drain.run),
            ]
            drivers = [supervisor.optional(driver.name, driver.run) for driver in self.hardware.drivers]
            others = [supervisor.optional(name, run) for name, run in self._jobs()]
            others.append(group.create_task(supervisor.watchdog()))
            uplink = supervisor.optional("uplink", self.reach.uplink.run)
            self.panel.connect()
            self._say_what_was_wrong()
            self.found.resume()
            await asyncio.sleep(0)
            _log.info("ready", gateway=self.gateway, version=__version__, seconds=round(process_age_s(), 3))
            notify("READY=1")
            await stop.wait()
            await self._stop(drivers, [uplink], [*others, *vital])

    def _jobs(self) -> Iterator[Job]:
        """What is optional, but for the drivers and the uplink, which end before the rest."""
        yield "clock", self.time.run
        yield "lessons", self.lessons.run
        yield "handovers", self.handovers.run
        yield from self.panel.jobs()
        yield from self.beside.jobs()
        yield from self.mending.jobs()
        yield from self.found.jobs()
        yield from self.reach.jobs()
        if self.config.control.enabled:
            path = settings.control_socket(self.config)
            yield "ticker", Ticker(self.hub, self.clock, self.view.status, self.view.queue).run
            yield "control", partial(serve, self.view, path, read_group=self.config.control.read_group)

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
        await end(drivers)
        await self.sampling.finish()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_DRAIN_S):
                while self.reach.uplink.connected and any(d.events for d in self.outbox.depths().values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        for tasks in rest:
            await end(tasks)

    async def _close(self) -> None:
        """However it ended: no lamp that promises anything, and all that is in memory to disk."""
        self.panel.button.stop()
        try:
            await self.help.finish()
            await self.sampling.finish()
            for lane in Lane:
                with suppress(AgentError):
                    await self.outbox.commit(lane)
            with suppress(AgentError):
                await self.outbox.handed.commit()
        finally:
            self.panel.arbiter.dark()
            self.time.finish()
            self.lessons.finish()
            self.found.finish()
            self.outbox.close()
        _log.info("stopped")
