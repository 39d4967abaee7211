"""Puts the world, the broker, the cable, the desk and the agent together, plays the story, and counts."""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from edge_agent.control.client import Client, ControlError
from edge_agent.control.types import Help, Live
from edge_agent.core.checks.base import PLAIN
from simulators.broker import Broker
from simulators.demo.agent import PIN_FACTORY, AgentProcess, configuration, install
from simulators.demo.narrator import Narrator, count
from simulators.demo.report import Report
from simulators.demo.ways import OtherWays
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.ledger import Held, account
from simulators.network import Cable
from simulators.scenario import Scenario, load_scenario
from simulators.world import World

# A shorter demo has its story brought forward: all of it fits into this long.
STORY_S = 58.0
_LAST_DRAIN_S = 30.0
# The demo does not end while somebody waits for an answer.
_WAITING = frozenset({"CANCEL_WINDOW", "RAISED", "SENDING", "QUEUED", "FALLBACK", "DELIVERED"})

_ANSWERED = frozenset({"RECEIVED", "ENGAGED", "RESOLVED"})
_BEFORE_PRESS_S = 2.0
_AFTER_ANSWER_S = 6.0


def _playbooks() -> str:
    """Those of a checkout; a package that was installed has none to show."""
    folder = Path(__file__).parents[2] / "config" / "playbooks"
    return f'[playbooks]\nfolder = "{folder}"\n\n' if folder.is_dir() else ""


class Wish(NamedTuple):
    """What was asked for on the command line."""

    scenario: str
    seconds: float | None
    seed: int
    fast: bool
    keep: Path | None
    quiet_stdout: bool = False
    no_network: bool = False


class Stage(NamedTuple):
    """All that plays."""

    world: World
    cable: Cable
    desk: Desk
    agent: AgentProcess
    broker: Broker
    ways: OtherWays | None = None


class Demo:
    """`await run()` plays it once and gives the report. Raises AgentError when it cannot start."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._scenario: Scenario = load_scenario(wish.scenario)
        self._tell = Narrator(sys.stderr if wish.quiet_stdout else None)
        self._report = Report(self._scenario.name, wish.seed)
        self._cases: dict[str, Help] = {}
        self._stop = asyncio.Event()
        self._tell.on_unread = self._stop.set

    async def run(self) -> Report:
        """From the first device to the last count."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        with tempfile.TemporaryDirectory(prefix="edge-demo-") as made:
            folder = self._wish.keep.resolve() if self._wish.keep else Path(made)
            folder.mkdir(parents=True, exist_ok=True)
            async with self._stage(folder) as stage:
                await self._play(stage)
                await self._count(stage)
        self._tell.say("demo", "the end")
        for line in self._report.lines():
            self._tell.say("", line)
        return self._report

    @asynccontextmanager
    async def _stage(self, folder: Path) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as stack:
            broker = await stack.enter_async_context(Broker.find())
            cable = await stack.enter_async_context(Cable(broker.port))
            policy = Policy(engaged_after_s=5.0, resolved_after_s=self._paced(14.0), says=((6.0, _FIRST_WORDS),))
            desk = Desk("127.0.0.1", broker.port, policy=policy, tell=self._tell.desk)
            stack.callback(desk.close)
            running = asyncio.create_task(desk.run(), name="desk")
            stack.push_async_callback(_ended, running)
            await desk.ready.wait()
            world = World(self._scenario, self._wish.seed, folder, fast=self._wish.fast)
            world.on_news = lambda what: self._tell.say("device", what)
            await stack.enter_async_context(world)
            agent = AgentProcess(folder, world.environment | PIN_FACTORY)
            stack.push_async_callback(agent.stop)
            ways = OtherWays(folder, desk, self._tell) if self._wish.no_network else None
            tables = f"{_playbooks()}{world.agent_config()}"
            if ways is not None:
                await stack.enter_async_context(ways)
                self._report.notes += ways.notes
                tables = f"{ways.toml}\n{tables}"
            toml = configuration(self._scenario.name, folder, cable.port, desk.key, tables)
            agent.config.write_text(toml, encoding="utf-8")
            self._report.broker = broker.name
            self._report.notes += world.notes
            devices = len(self._scenario.devices) - len(world.left_out)
            self._tell.say("demo", f"{self._scenario.name}: {devices} devices, {broker.name}, a desk")
            for note in world.notes:
                self._tell.say("demo", note)
            yield Stage(world, cable, desk, agent, broker, ways)

    def _paced(self, at_s: float) -> float:
        return at_s * min(1.0, (self._wish.seconds or STORY_S) / STORY_S)

    async def _play(self, stage: Stage) -> None:
        await asyncio.to_thread(install)
        began = time.monotonic()
        first = await stage.agent.start()
        self._report.ready_s = time.monotonic() - began
        self._report.start_cpu_s, self._report.start_uptime_s = first.cpu_s, first.uptime_s
        stage.agent.listen(self._heard)
        self._tell.say("demo", f"the agent is ready; ask it: edge-agent status --socket {stage.agent.socket}")
        story = [asyncio.create_task(part) for part in (self._press(stage), self._network(stage), self._values(stage))]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wish.seconds):
                    await self._stop.wait()
        finally:
            for part in story:
                part.cancel()
            await asyncio.gather(*story, return_exceptions=True)
        await stage.cable.mend()

    async def _press(self, stage: Stage) -> None:
        at_s = self._scenario.story.press_at_s
        if at_s is None:
            return
        await self._until(self._paced(at_s))
        self._tell.say("help", "somebody holds the help button")
        await stage.world.press()

    async def _network(self, stage: Stage) -> None:
        story = self._scenario.story
        if stage.ways is not None:
            await self._cut_off(stage, stage.ways)
            return
        if story.outage_from_s is None or story.outage_to_s is None:
            return
        await self._until(self._paced(story.outage_from_s))
        self._tell.say("network", "the network goes")
        await stage.cable.cut()
        await self._until(self._paced(story.outage_to_s))
        await stage.cable.mend()
        self._tell.say("network", "the network is back")

    async def _cut_off(self, stage: Stage, ways: OtherWays) -> None:
        """No network from before the press until the call was answered another way."""
        await self._until(self._paced(self._scenario.story.press_at_s or 0.0) - _BEFORE_PRESS_S)
        self._tell.say("network", "the network goes: neither the broker nor the desk's HTTPS server can be reached")
        await stage.cable.cut()
        await ways.cut()
        while not any(known.state in _ANSWERED for known in self._cases.values()):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
        await asyncio.sleep(_AFTER_ANSWER_S)
        await stage.cable.mend()
        await ways.mend()
        self._tell.say("network", "the network is back: the whole request follows")

    async def _values(self, stage: Stage) -> None:
        """Now and then what the agent reads, and what waits."""
        await self._until(self._paced(4.0))
        while True:
            with suppress(ControlError):
                channels = (await stage.agent.ask(Client.channels)).channels
                lanes = (await stage.agent.ask(Client.queue)).lanes
                waiting = sum(lane.events for lane in lanes)
                numbers = [(c.name, c.value, c.unit) for c in channels if isinstance(c.value, float)]
                shown = [f"{name} {PLAIN.amount(value, unit)}" for name, value, unit in numbers[:3]]
                such_as = f", such as {', '.join(shown)}" if shown else ""
                self._tell.say(
                    "agent", f"{count(len(channels), 'channel')}{such_as}; waiting: {count(waiting, 'message')}"
                )
            await asyncio.sleep(10.0)

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._tell.now_s))

    def _heard(self, live: Live) -> None:
        if isinstance(live.data, Help):
            self._know(live.data)
        self._tell.live(live)

    def _know(self, told: Help) -> None:
        if told.case:
            self._cases[told.case.code] = told

    async def _count(self, stage: Stage) -> None:
        """Let what is on its way arrive, stop the agent, and compare the two ends."""
        report, agent = self._report, stage.agent
        stage.world.stop_emitting()
        self._tell.say("demo", "the devices are silent; what is on its way arrives")
        with suppress(TimeoutError, ControlError):
            async with asyncio.timeout(_LAST_DRAIN_S):
                while not await self._drained(agent):  # noqa: ASYNC110 - another process says when
                    await asyncio.sleep(0.2)
        with suppress(ControlError):
            await self._ask_last(agent)
        report.seconds = self._tell.now_s
        report.exit_code = await agent.stop()
        await asyncio.sleep(0.3)  # the desk takes in what came last
        held = [Held(h.channel, h.value, h.uptime_s, h.event_id) for h in stage.desk.held() if h.uptime_s is not None]
        # the agent's stamps go on while a machine sleeps, this loop's do not
        slept_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        report.account = account(stage.world.emitted, held, offset_s=-slept_s)
        report.readings = len(held)
        report.channels = len({h.channel for h in held})
        report.events_received_by_desk = stage.desk.events_received
        report.redelivered = stage.desk.redelivered
        report.gaps = [str(gap) for gap in stage.desk.gaps]
        report.outages = [
            [self._since(o.began_at), self._since(o.ended_at or time.monotonic())] for o in stage.cable.outages
        ]
        report.lamp = [[self._since(shown.at), shown.colour] for shown in stage.world.lamp_history]

    @staticmethod
    async def _drained(agent: AgentProcess) -> bool:
        status = await agent.ask(Client.status)
        queue = await agent.ask(Client.queue)
        if (await agent.ask(Client.help)).state in _WAITING:
            return False
        return not status.open_block_readings and not any(lane.events for lane in queue.lanes)

    async def _ask_last(self, agent: AgentProcess) -> None:
        report = self._report
        status, queue = await agent.ask(Client.status), await agent.ask(Client.queue)
        found = (await agent.ask(Client.findings)).findings
        report.findings = [{"channel": f.channel, "kind": f.kind, "sentence": f.sentence} for f in found]
        self._know(await agent.ask(Client.help))
        report.events_sent, report.rss_mb = queue.sent_events, status.rss_mb
        report.cpu_s, report.uptime_s = status.cpu_s, status.uptime_s
        wall_start = time.time() - self._tell.now_s
        report.help = [
            {"case": code, "states": [[s.state, round(s.wall - wall_start, 2)] for s in known.case.steps]}
            for code, known in self._cases.items()
            if known.case
        ]

    def _since(self, at: float) -> float:
        return round(at - self._tell.started_at, 2)


_FIRST_WORDS = "We see your readings. Is everybody well?"


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
