"""In the guest: the CAN driver on vcan0 with J1939, for some seconds; says what it hears and how it is, a line each."""

import asyncio
import sys

from edge_agent.config.model import CanDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Reading
from edge_agent.drivers.can import CanDriver
from edge_agent.drivers.device import Device
from firmware_bridges.j1939.bridge import SPEC

LOOK_S = 0.1


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the test reads it


def told(item: object) -> None:
    if isinstance(item, Reading):
        say(f"{item.channel.name}={item.value}")


async def main(seconds: float) -> None:
    """For so long; a change of health is said when it is seen."""
    bridge = SPEC.make("engine", {"every_s": 0.0, "open": ""})
    settings = CanDevice(name="engine", interface="vcan0", language="j1939")
    driver = CanDriver(settings, Device("engine", bridge, told), backoff=Backoff(base_s=0.1, cap_s=0.2))
    task = asyncio.create_task(driver.run())
    before = ""
    for _ in range(int(seconds / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        health = driver.devices()[0].health
        if health.sentence != before:
            before = health.sentence
            say(f"health: {'ready' if health.ready else 'away'}: {before}")
    task.cancel()


asyncio.run(main(float(sys.argv[1])))
