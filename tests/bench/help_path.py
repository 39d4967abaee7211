"""help: from a finger on the contact to lamp, disk and desk, against a bare MQTT round trip and one fdatasync.

Real daemons, a real mosquitto, a desk, and a GPIO header in user space, which stamps every edge and every change of the
lamp. The lamp turns green for the cancel window only when the request is on disk: that change is the measure of it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from edge_agent.core.errors import AgentError
from simulators.agent_config import table
from simulators.broker import Broker
from simulators.demo.agent import AgentProcess
from simulators.desk.desk import Desk
from simulators.desk.news import News
from simulators.desk.policy import Policy
from simulators.gpio.board import Board
from tests.bench.limits import RawFile, RawPublisher
from tests.bench.measure import Figure, Found, Remark, Run, percentile

AGENTS = 4
SECONDS = 18.0
HOLD_S = 1.0
DEBOUNCE_S = 0.05
BUTTON, RED, GREEN = 17, 5, 6
_PAYLOAD = bytes(600)
_SHARES = (0.5, 0.99)
_CONFIG = """\
gateway.id = "{name}"
paths = {{ state = "{folder}/state", runtime = "{folder}" }}
consent = {{ help_ready = true, telemetry = true, findings = true, diagnostics = true, assist = true }}
broker = {{ host = "127.0.0.1", port = {port}, tls.enabled = false }}
help = {{ hold_s = {hold_s}, cancel_window_s = 0.0, reopen_s = 0.0 }}
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
        text = _CONFIG.format(name=name, folder=folder, port=port, hold_s=HOLD_S, key=desk.key.toml)
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
            self._raised.clear()
            self._over.clear()
            pressed_at = self.board.drive(BUTTON, False)
            await asyncio.wait_for(self._raised.wait(), HOLD_S + 5.0)
            await asyncio.sleep(0.1)
            self.board.drive(BUTTON, True)
            self.lit.append(self._first(RED, pressed_at) - pressed_at - DEBOUNCE_S)
            over_at = pressed_at + HOLD_S
            self.recorded.append(self._first(GREEN, over_at, alone=True) - over_at)
            self.at_desk.append(self._raised_at - over_at)
            await asyncio.wait_for(self._over.wait(), 5.0)
            await asyncio.sleep(self._rest_s)

    def _first(self, line: int, since: float, *, alone: bool = False) -> float:
        """When this line was lit first; `alone`: while red was dark."""
        red = self.board.history(RED)
        for shown in self.board.history(line):
            if shown.at >= since and shown.level:
                level = [change.level for change in red if change.at <= shown.at][-1:]
                if not alone or not any(level):
                    return shown.at
        return float("nan")


def run(run: Run) -> Iterator[Found]:
    try:
        yield from asyncio.run(_measure(run))
    except AgentError as error:
        yield Remark(f"not measured: {error}")


async def _measure(run: Run) -> list[Found]:
    seconds = SECONDS / 4 if run.quick else SECONDS
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker.find())
        households: dict[str, Household] = {}
        policy = Policy(received_after_s=0.0, engaged_after_s=None, resolved_after_s=0.15)
        desk = Desk(
            "127.0.0.1",
            broker.port,
            policy=policy,
            tell=lambda news: households[news.gateway].hear(news) if news.gateway in households else None,
        )
        stack.callback(desk.close)
        running = asyncio.create_task(desk.run())
        stack.push_async_callback(ended, running)
        await desk.ready.wait()
        for number in range(AGENTS):
            home = Household(f"home{number}", run.new_folder(), desk, broker.port)
            households[home.name] = home
            await stack.enter_async_context(home.board)
            stack.push_async_callback(home.agent.stop)
            await home.agent.start()
        await asyncio.sleep(1.0)
        until = time.monotonic() + seconds
        homes = list(households.values())
        # they do not press in step, as neighbours would not
        await asyncio.gather(*(_later(number * 0.37, home.live, until) for number, home in enumerate(homes)))
        presses = sum(len(home.lit) for home in homes)
        trips = await asyncio.to_thread(_bare, run, broker.port, max(presses, 20))
    return list(_figures(homes, trips, presses))


def _figures(homes: list[Household], trips: list[tuple[float, float]], presses: int) -> Iterator[Found]:
    both = [published + synced for published, synced in trips]
    least: dict[str, tuple[list[float], str]] = {
        "lit": ([published for published, _ in trips], "a bare MQTT round trip"),
        "recorded": ([synced for _, synced in trips], "one fdatasync"),
        "at_desk": (both, "MQTT round trip + fdatasync"),
    }
    names = {
        "lit": "contact to lamp, less the debounce",
        "recorded": "hold over to on disk and lamp",
        "at_desk": "window over to the desk has it",
    }
    for key, (limits, against) in least.items():
        seen = [taken for home in homes for taken in getattr(home, key)]
        for share in _SHARES:
            value, limit = (1000 * percentile(some, share) for some in (seen, limits))
            note = f"{presses} presses at {AGENTS} agents" if key == "lit" else ""
            yield Figure(f"help.{names[key]}, p{100 * share:.0f}", value, limit, "ms", against, note=note)


def _bare(run: Run, port: int, times: int) -> list[tuple[float, float]]:
    """Seconds of a publish to its PUBACK, and of a pwrite with fdatasync, of a message as long as a first one."""
    file, socket = RawFile(run.new_folder() / "raw", times * 1024), RawPublisher(port, "edge/v1/bench/up/help")
    found = []
    for packet in socket.packets([_PAYLOAD] * times):
        began = time.perf_counter()
        socket.publish([packet])
        sent = time.perf_counter()
        file.commit([_PAYLOAD])
        found.append((sent - began, time.perf_counter() - sent))
        time.sleep(0.01)
    file.close()
    socket.close()
    return found


async def _later(seconds: float, what: Callable, *args: object) -> None:
    await asyncio.sleep(seconds)
    await what(*args)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
