"""The whole of it for a test: real broker, cable, desk, devices on their interfaces, and the agent as a process."""

import asyncio
import inspect
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_agent.control.client import Client, ControlError
from edge_agent.control.types import Help, Status
from simulators.broker import Broker
from simulators.demo.agent import AgentProcess, configuration
from simulators.desk.cases import Case
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.ledger import Account, Emission, Held, account
from simulators.network import Cable
from simulators.scenario import load_scenario
from simulators.world import LampColour, World

HOUSE = Path(__file__).parent / "house.toml"
# Quick, within the ranges of the law, so that a case takes seconds; ack_wait_s has no less.
QUICK_HELP = {"hold_s": 1.0, "cancel_window_s": 1.0, "ack_wait_s": 5.0, "queued_after_s": 1.0}
BLOCK_AGE_S = 0.5
# What the configuration promises for a crash (durability_window_s), and the time that a commit takes.
CRASH_WINDOW_S = 2.0 + 0.3
# What each pattern of docs/help.md looks like in seconds: colour, on and off. Timers of a busy machine are late.
FLASHES = {
    "not ready": ("red", 0.4, 0.4),
    "hold": ("amber", 0.17, 0.17),
    "cancel window": ("green", 0.17, 0.17),
    "sending": ("amber", 0.5, 0.5),
    "queued": ("amber", 0.2, 1.0),
    "received": ("green", 1.5, 0.5),
    "ready": ("green", 0.05, 4.95),
}
LATE_S = 0.1
STEADY_S = 1.8


@dataclass
class Stage:
    """All that plays. `folder` is the agent's own."""

    folder: Path
    broker: Broker
    cable: Cable
    desk: Desk
    world: World
    agent: AgentProcess

    async def press(self, hold_s: float = 1.3) -> float:
        """Hold the button on the board; gives the monotonic time of the contact."""
        at = time.monotonic()
        await self.world.press(hold_s)
        return at

    async def press_by_command(self, hold_s: float = 1.3) -> None:
        """Press at the control socket, as the console does."""
        await self.agent.ask(lambda client: client.press(hold_s))

    async def status(self) -> Status:
        return await self.agent.ask(Client.status)

    async def help(self) -> Help:
        return await self.agent.ask(Client.help)

    async def part(self, name: str) -> Any:
        """A part of the status; of several with this name the first that is not ready."""
        parts = [part for part in (await self.status()).parts if part.name == name]
        return min(parts, key=lambda part: part.ready)

    async def is_connected(self) -> bool:
        """Whether the agent says that it reaches the broker."""
        return bool((await self.part("service")).ready)

    async def device(self, name: str) -> Any:
        return next(device for device in (await self.status()).devices if device.name == name)

    async def until_state(self, *states: str, seconds: float = 10.0) -> Help:
        """Wait until the help request stands so."""

        async def reached() -> bool:
            with suppress(ControlError):
                return (await self.help()).state in states
            return False

        await until(reached, seconds)
        return await self.help()

    async def until_drained(self, seconds: float = 20.0) -> None:
        async def drained() -> bool:
            queue = await self.agent.ask(Client.queue)
            return not (await self.status()).open_block_readings and not any(lane.events for lane in queue.lanes)

        await until(drained, seconds)

    def case(self) -> Case:
        """The one case that the desk has. Fails when there are more, or none."""
        (case,) = self.desk.cases
        return case

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """What the agent logged, or those lines of it that are about this."""
        lines = []
        for line in self.agent.log.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):
                lines.append(json.loads(line))
        return [line for line in lines if event in ("", line.get("event"))]

    def lamp(self) -> list[str]:
        """What the lamp of the board has said so far, in order."""
        return lamp_words(self.world.lamp_history)

    async def stop_and_count(self, emitted: Sequence[Emission] | None = None) -> Account:
        """Let the last reading arrive, stop the agent in good order, and compare both ends."""
        self.world.stop_emitting()
        await asyncio.sleep(0.1)
        await self.until_drained()
        with suppress(TimeoutError):
            # a broker that died forgets what the desk was not there for; the desk asks for it again
            await until(lambda: not self._account(emitted).lost, seconds=5.0)
        assert await self.agent.stop() == 0
        return await self.count(emitted)

    async def count(self, emitted: Sequence[Emission] | None = None) -> Account:
        """What the devices said (or as much of it as is given) against what the desk holds."""
        await asyncio.sleep(0.3)  # the desk takes in what came last
        return self._account(emitted)

    def _account(self, emitted: Sequence[Emission] | None) -> Account:
        held = [Held(h.channel, h.value, h.uptime_s, h.event_id) for h in self.desk.held() if h.uptime_s is not None]
        return account(self.world.emitted if emitted is None else emitted, held)


@asynccontextmanager
async def staged(
    *,
    policy: Policy | None = None,
    help_timers: Mapping[str, float] = QUICK_HELP,
    edit: Callable[[str], str] = str,
    environment: Mapping[str, str] | None = None,
    passwords: Mapping[str, str] | None = None,
    transports: Sequence[str] = ("serial", "gpio", "ble"),
    block_age_s: float = BLOCK_AGE_S,
    start: bool = True,
    scenario: Path = HOUSE,
) -> AsyncIterator[Stage]:
    """Everything runs when this is entered; `edit` changes the agent's configuration before it starts.

    `environment` is added to the agent's, `passwords` are those of the broker (the desk is `desk`), and only devices of
    `transports` are there. When a test fails, the end of the agent's log is told with it.
    """
    async with AsyncExitStack() as stack:
        # pytest's own folders are too long for a socket
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-system-")))
        broker = await stack.enter_async_context(Broker.find("mosquitto", passwords=passwords))
        cable = await stack.enter_async_context(Cable(broker.port))
        desk = await _desk(stack, broker, folder, policy, passwords)
        house = load_scenario(str(scenario))
        house = replace(house, devices=tuple(each for each in house.devices if each.transport in transports))
        world = await stack.enter_async_context(World(house, 7, folder))
        assert not world.notes
        agent = AgentProcess(folder, {**world.environment, **(environment or {})})
        stack.push_async_callback(agent.stop)
        timers = "[help]\n" + "\n".join(f"{name} = {value}" for name, value in help_timers.items())
        text = configuration("house", folder, cable.port, desk.key, f"{world.agent_config()}\n{timers}\n")
        text = text.replace("block_age_s = 2", f"block_age_s = {block_age_s}")
        agent.config.write_text(edit(text), encoding="utf-8")
        try:
            if start:
                await agent.start()
            yield Stage(folder, broker, cable, desk, world, agent)
        except BaseException as error:
            if agent.log.exists():
                error.add_note("The agent's log ends:\n" + agent.log.read_text(encoding="utf-8")[-4000:])
            raise


async def _desk(
    stack: AsyncExitStack, broker: Broker, folder: Path, policy: Policy | None, passwords: Mapping[str, str] | None
) -> Desk:
    """A desk with a name: its session at the broker outlives the broker, as that of any serious desk."""
    secret = folder / "desk.password"
    if passwords:
        secret.write_text(passwords["desk"])
        secret.chmod(0o600)
    who = {"username": "desk", "password_file": str(secret)} if passwords else {}
    desk = Desk("127.0.0.1", broker.port, policy=policy or Policy(received_after_s=0.3), name="system", **who)
    stack.callback(desk.close)
    running = asyncio.create_task(desk.run(), name="desk")
    stack.push_async_callback(_ended, running)
    await asyncio.wait_for(desk.ready.wait(), 10.0)
    return desk


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float = 10.0) -> None:
    """Look again and again until it is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.05)


async def edge_agent(*words: str, seconds: float = 60.0) -> tuple[int, str, str]:
    """Run the command line to its end: exit code, standard output, standard error."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge_agent", *words), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        out, error = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), error.decode()


def lamp_words(history: Sequence[LampColour]) -> list[str]:
    """The lamp's history in words, each change once. A flash cut short by the next pattern is nothing."""
    words: list[str] = []
    for shown, after, then in zip(history, history[1:], [*history[2:], None], strict=False):
        if shown.colour == "dark":
            continue
        on_s, off_s = after.at - shown.at, None if then is None else then.at - after.at
        word = "engaged" if shown.colour == "green" and on_s > STEADY_S else _nearest(shown.colour, on_s, off_s)
        if word and words[-1:] != [word]:
            words.append(word)
    if history and history[-1].colour == "green" and time.monotonic() - history[-1].at > STEADY_S:
        words.append("engaged")
    return words


def _nearest(colour: str, on_s: float, off_s: float | None) -> str:
    if off_s is None:
        return ""
    found = [
        (abs(on_s - on) + abs(off_s - off), word)
        for word, (wanted, on, off) in FLASHES.items()
        if colour == wanted and abs(on_s - on) < LATE_S and abs(off_s - off) < LATE_S
    ]
    return min(found)[1] if found else ""


def in_order(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Whether these words come in this order, whatever stands between them."""
    rest = iter(words)
    return all(word in rest for word in wanted)
