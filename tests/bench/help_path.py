"""help: from a finger on the contact to lamp, disk and desk, against a bare MQTT round trip and one fdatasync.

Real daemons, a real mosquitto, a desk, and a GPIO header in user space, which stamps every edge and every change of the
lamp. That the request is on disk is told by the daemon's log: the lamp may have to wait before it may flash again. The
limit is measured by a process of its own all the time that presses are; it does both, one after the other.

Once with nothing else to do, and once while each daemon drains a backlog; when that is out, a fresh daemon has another.
"""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from edge_agent.control.client import Client
from edge_agent.core.errors import AgentError
from simulators.agent_config import table
from simulators.broker import Broker
from simulators.demo.agent import AgentProcess
from simulators.desk.desk import Desk
from simulators.desk.news import News
from simulators.desk.policy import Policy
from simulators.gpio.board import Board
from tests.bench import traces
from tests.bench.agent_path import config, push, running
from tests.bench.limits import RawFile, RawPublisher
from tests.bench.measure import Figure, Found, Remark, Run, percentile
from tests.bench.peer.rig import Helper

# Idle agents share a machine well; one that drains fills most of a core.
IDLE_AGENTS, IDLE_S = 6, 60.0
DRAINING_AGENTS, DRAINING_S = 2, 180.0
# Presses count while at least BACKLOG readings wait. Blocks are small, so that it lasts; at the usual 2,000 it is sent
# within a second or two.
PREFILLED, BACKLOG, BLOCK_READINGS = 4_000_000, 1_000_000, 100
HOLD_S, WINDOW_S = 1.0, 0.3
DEBOUNCE_S = 0.05
# docs/help.md: the first feedback
LIT_GOAL_S = 0.1
BUTTON, RED, GREEN = 17, 5, 6
_PAYLOAD = bytes(600)
_EVERY_S = 0.25
_SHARES = (0.5, 0.99)
_CONFIG = """\
gateway.id = "{name}"
paths = {{ state = "{folder}/state", runtime = "{folder}" }}
consent = {{ help_ready = true, telemetry = true, findings = true, diagnostics = true, assist = true }}
broker = {{ host = "127.0.0.1", port = {port}, tls.enabled = false }}
log = {{ level = "info", format = "json" }}
help = {{ hold_s = {hold_s}, cancel_window_s = {window_s}, reopen_s = 0.0 }}
{key}
"""


class Household:
    """One daemon with its own header; `presses` it as fast as the life of a case allows."""

    def __init__(self, name: str, folder: Path, desk: Desk, port: int, *, rest_s: float = 0.3) -> None:
        self.name = name
        self._rest_s = rest_s  # until the end of a case has come here too, and the finger is gone
        self.lit: list[float] = []
        self.recorded: list[float] = []
        self.at_desk: list[float] = []
        self.board = Board(folder / "gpio.sock", 1)
        self.agent = AgentProcess(folder, {"GPIOZERO_PIN_FACTORY": "edgesim", "EDGE_SIM_GPIO": str(self.board.path)})
        self._raised = asyncio.Event()
        self._over = asyncio.Event()
        self._raised_at = 0.0
        text = _CONFIG.format(name=name, folder=folder, port=port, hold_s=HOLD_S, window_s=WINDOW_S, key=desk.key.toml)
        text += table("[gpio.button]", {"line": BUTTON}) + table("[gpio.lamp]", {"red": RED, "green": GREEN})
        self.agent.config.write_text(text, encoding="utf-8")

    def hear(self, news: News) -> None:
        """What the desk says of this gateway."""
        if news.kind == "case" and news.data.get("state") == "raised":
            self._raised_at = time.monotonic()
            self._raised.set()
        elif news.kind == "case":
            self._over.set()

    async def live(self, until: float) -> None:
        while time.monotonic() < until:
            await self.press()

    async def press(self) -> None:
        """One call for help, to its end."""
        self._raised.clear()
        self._over.clear()
        pressed_at = self.board.drive(BUTTON, False)
        await asyncio.sleep(HOLD_S + 0.1)
        self.board.drive(BUTTON, True)
        await asyncio.wait_for(self._raised.wait(), WINDOW_S + 5.0)
        self.lit.append(self._first(RED, pressed_at) - pressed_at)
        over_at = pressed_at + HOLD_S
        self.recorded.append(self._logged("CANCEL_WINDOW") - over_at)
        self.at_desk.append(self._raised_at - over_at - WINDOW_S)
        await asyncio.wait_for(self._over.wait(), 5.0)
        await asyncio.sleep(self._rest_s)

    async def backlog(self) -> int:
        """Readings that wait."""
        queue = await self.agent.ask(Client.queue)
        return BLOCK_READINGS * sum(lane.events for lane in queue.lanes if lane.name == "telemetry")

    def _first(self, line: int, since: float) -> float:
        """When this line was lit first."""
        return next(shown.at for shown in self.board.history(line) if shown.at >= since and shown.level)

    def _logged(self, state: str) -> float:
        """When the agent wrote last that help stands so, which it does as soon as that is on disk."""
        lines = [json.loads(line) for line in self.agent.log.read_text().splitlines() if f'"{state}"' in line]
        told = datetime.fromisoformat(lines[-1]["timestamp"]).timestamp()
        return told - time.time() + time.monotonic()


def run(run: Run) -> Iterator[Found]:
    try:
        yield from asyncio.run(_measure(run))
    except AgentError as error:
        yield Remark(f"not measured: {error}")


async def _measure(run: Run) -> list[Found]:
    share = 0.15 if run.quick else 1.0
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker.find())
        street = Street(run, broker.port)
        await stack.enter_async_context(street.desk_at_work())
        until = time.monotonic() + IDLE_S * share
        idle, trips = await street.beside_limit(IDLE_AGENTS, lambda number: street.idle(number, until))
        found = list(_figures("idle", idle, trips))
        folder = run.new_folder()
        await _prefill(folder, run.some(PREFILLED))
        until = time.monotonic() + DRAINING_S * share
        busy, trips = await street.beside_limit(DRAINING_AGENTS, lambda n: street.draining(n, folder, until))
        return [*found, *_figures(f"{BACKLOG:,} readings draining", busy, trips)]


async def _prefill(folder: Path, many: int) -> None:
    """A state folder with so many readings that nobody has sent."""
    plain = config(folder)
    blocks = msgspec.structs.replace(plain.outbox, block_readings=BLOCK_READINGS)
    readings = traces.repeated(traces.home(600), min(many, 500_000))
    async with running(msgspec.structs.replace(plain, outbox=blocks)) as agent:
        for _ in range(-(-many // len(readings))):
            await push(agent, readings, 25_000)


class Street:
    """Households at one broker, with one desk, which is not told of telemetry: that is another program's work."""

    def __init__(self, run: Run, port: int) -> None:
        self._run = run
        self._port = port
        self._homes: dict[str, Household] = {}
        policy = Policy(received_after_s=0.0, engaged_after_s=None, resolved_after_s=0.15)
        self._desk = Desk("127.0.0.1", port, policy=policy, tell=self._tell, hears="help")

    def _tell(self, news: News) -> None:
        if news.gateway in self._homes:
            self._homes[news.gateway].hear(news)

    @asynccontextmanager
    async def desk_at_work(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self._desk.run())
        try:
            await self._desk.ready.wait()
            yield
        finally:
            await ended(running)
            self._desk.close()

    async def beside_limit(
        self, many: int, live: Callable[[int], Awaitable[None]]
    ) -> tuple[list[Household], list[tuple[float, float]]]:
        """So many of them live; gives them, and what a bare round trip and an fdatasync took meanwhile."""
        self._homes.clear()
        bare = Helper(_bare, self._run.new_folder() / "raw", self._port)
        try:
            await asyncio.gather(*(live(number) for number in range(many)))
            return list(self._homes.values()), await asyncio.to_thread(bare.ask)
        finally:
            bare.stop()

    @asynccontextmanager
    async def _home(self, name: str, folder: Path) -> AsyncIterator[Household]:
        home = self._homes[name] = Household(name, folder, self._desk, self._port)
        async with home.board:
            try:
                await home.agent.start()
                yield home
            finally:
                home.agent.kill()
                await home.agent.stop()

    async def idle(self, number: int, until: float) -> None:
        async with self._home(f"home{number}", self._run.new_folder()) as home:
            # they do not press in step, as neighbours would not
            await asyncio.sleep(1.0 + 0.37 * number)
            await home.live(until)

    async def draining(self, number: int, prefilled: Path, until: float) -> None:
        """One daemon with a backlog after the other."""
        life = 0
        while time.monotonic() < until:
            folder = self._run.new_folder()
            await asyncio.to_thread(shutil.copytree, prefilled, folder / "state")
            async with self._home(f"busy{number}-{life}", folder) as home:
                await asyncio.sleep(0.37 * number)
                least = min(BACKLOG, await home.backlog() // 4)
                while await home.backlog() > least and time.monotonic() < until:
                    await home.press()
            life += 1
            await asyncio.to_thread(shutil.rmtree, folder / "state")


def _figures(when: str, homes: list[Household], trips: list[tuple[float, float]]) -> Iterator[Found]:
    both = [published + synced for published, synced in trips]
    window = HOLD_S + WINDOW_S
    lit, recorded, at_desk = ([each for home in homes for each in getattr(home, key)] for key in _SEEN)
    limit = "MQTT round trip + fdatasync"
    told = {
        "contact to the lamp's first change, less the debounce": ([each - DEBOUNCE_S for each in lit], both, limit),
        "hold over to on disk": (recorded, both, limit),
        "window over to the desk has it": (at_desk, both, limit),
        "contact to the desk has it": (
            [window + each for each in at_desk],
            [window + each for each in both],
            "hold, window, MQTT round trip, fdatasync",
        ),
    }
    for name, (values, limits, against) in told.items():
        for share in _SHARES:
            value, least = (1000 * percentile(some, share) for some in (values, limits))
            note = f"{len(values)} presses" if values is recorded else ""
            yield Figure(f"help.{when}: {name}, p{100 * share:.0f}", value, least, "ms", against, note=note)
    yield Figure(f"help.{when}: contact to the lamp, longest", 1000 * max(lit), 1000 * LIT_GOAL_S, "ms", "the goal")


_SEEN = ("lit", "recorded", "at_desk")


def _bare(pipe: Connection, path: Path, port: int) -> None:
    """Until asked: seconds of a publish to its PUBACK, and of a pwrite with fdatasync, as long as a first message."""
    most = 5000
    file, socket = RawFile(path, most * 1024), RawPublisher(port, "edge/v1/bench/up/session")
    found = []
    for packet in socket.packets([_PAYLOAD] * most):
        began = time.perf_counter()
        socket.publish([packet])
        sent = time.perf_counter()
        file.commit([_PAYLOAD])
        found.append((sent - began, time.perf_counter() - sent))
        if pipe.poll(_EVERY_S):
            break
    pipe.recv()
    pipe.send(found)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
