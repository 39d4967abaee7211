"""The whole agent with one device of the native link on a port, and what tests ask of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from edge_agent.app import Agent
from edge_agent.config.model import Ble, BleDevice, Config, ConsentTable, Control, Gateway, Help, Paths, SerialDevice
from edge_agent.core.finding import Finding
from edge_agent.drivers.registry import Hardware
from firmware_bridges.native.bridge import Native
from firmware_bridges.native.host import Outcome


def serial(folder: Path) -> dict[str, Any]:
    return {"serial": (SerialDevice(name="panel", port=str(folder / "panel"), language="native"),)}


@asynccontextmanager
async def running(folder: Path, **devices: Any) -> AsyncIterator[Agent]:
    """The agent with the panel at its serial port, or with these devices."""
    settings = Config(
        gateway=Gateway(id="gw"),
        paths=Paths(state=str(folder / "state")),
        consent=ConsentTable(help_ready=True, telemetry=True, findings=True),
        help=Help(button_channel="panel.help", cancel_window_s=30.0),
        control=Control(enabled=False),
        **(devices or serial(folder)),
    )
    agent, stop = Agent(settings), asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    try:
        yield agent
    finally:
        stop.set()
        await task


def running_ble(folder: Path, address: str) -> AbstractAsyncContextManager[Agent]:
    """The agent with the panel over Bluetooth LE."""
    return running(folder, ble=Ble(device=(BleDevice(name="panel", address=address, language="native"),)))


async def until(what: Callable[[], object], within_s: float = 40.0) -> None:
    async with asyncio.timeout(within_s):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def latest(agent: Agent, quantity: str) -> object:
    reading = agent.sampling.latest.get(f"panel.{quantity}")
    return None if reading is None else reading.value


def bridge(hardware: Hardware) -> Native:
    (driver,) = hardware.drivers
    found = driver._device._bridge  # type: ignore[attr-defined]
    assert isinstance(found, Native)
    return found


async def told(agent: Agent, verb: str, arguments: Any = None) -> Outcome:
    """Have the firmware do something, through the agent's own port."""
    ends: list[Outcome] = []
    await until(lambda: bridge(agent.hardware).host.hello)
    bridge(agent.hardware).host.command(verb, arguments, asyncio.get_running_loop().time(), ends.append)
    # it goes out with the bridge's next turn: behind the next beat
    await until(lambda: ends)
    return ends[0]


def crash(agent: Agent) -> Finding | None:
    found = [f for f in agent.found.register.confirmed() if f.channel == "panel.firmware.crash"]
    return found[0] if found else None
