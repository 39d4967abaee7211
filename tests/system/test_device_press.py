"""A press on a device, and an agent that is killed while it takes it over: one case, and the device lets go of it."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.config.model import Outbox as OutboxSettings
from edge_agent.core.request import HelpRequest, State
from edge_agent.store.outbox import Outbox
from simulators.ports import SerialTwin
from tests.firmware.native_c import CDevice

PATIENCE_S = 40.0
CONFIG = """\
[paths]
state = "{folder}/state"
runtime = "{folder}"
[consent]
help_ready = true
[help]
button_channel = "panel.help"
[[serial]]
name = "panel"
port = "{folder}/panel"
language = "native"
"""


class Panel:
    """The C library's device at the port `panel`; its own memory goes on whatever the agent does."""

    def __init__(self, folder: Path) -> None:
        self.device = CDevice()
        self.heard = 0
        self._twin = SerialTwin(folder / "panel", self._hear)
        self._loop = asyncio.get_running_loop()

    @property
    def now_ms(self) -> int:
        return int(self._loop.time() * 1000) & 0xFFFFFFFF

    @asynccontextmanager
    async def on(self) -> AsyncIterator["Panel"]:
        self.device.start(self.now_ms)
        async with self._twin:
            life = asyncio.create_task(self._live())
            try:
                yield self
            finally:
                life.cancel()

    def _hear(self, data: bytes) -> None:
        self.heard += len(data)
        self.device.feed(data, self.now_ms)

    async def _live(self) -> None:
        while True:
            self.device.poll(self.now_ms)
            out = self.device.take()
            if out:
                self._twin.emit(out)
            await asyncio.sleep(0.005)


async def until(what: object, within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not what():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def start(folder: Path, panel: Panel) -> asyncio.subprocess.Process:
    """An agent that has asked the panel who it is."""
    panel.heard = 0
    with (folder / "log").open("ab") as log:
        agent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge_agent", "run", "--config", str(folder / "agent.toml")), stdout=log, stderr=log
        )
    await until(lambda: panel.heard)
    return agent


async def cases(folder: Path) -> list[HelpRequest]:
    outbox = Outbox(folder / "state", OutboxSettings())
    try:
        return list(await outbox.requests.load())
    finally:
        outbox.close()


@pytest.mark.parametrize("seed", range(4))
async def test_an_agent_that_is_killed_while_a_press_arrives_makes_one_case_of_it(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    (tmp_path / "agent.toml").write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    async with Panel(tmp_path).on() as panel:
        agent = await start(tmp_path, panel)
        assert panel.device.call("help", panel.now_ms)
        await asyncio.sleep(chance.uniform(0.0, 0.15))
        agent.kill()
        await agent.wait()
        agent = await start(tmp_path, panel)
        await until(lambda: not panel.device.holding)
        agent.terminate()
        assert await agent.wait() == 0
    (case,) = await cases(tmp_path)
    assert case.state is not State.IDLE
    assert case.nudges <= 1, "an urgent word at the most, where the case was saved and its key was not"
