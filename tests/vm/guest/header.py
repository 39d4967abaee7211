"""The agent's GPIO driver in the guest, with lgpio on the kernel's lines: `header.py BUTTON DOOR RED GREEN`.

JSON lines of what it sees: edges of the button, levels of the door. The lamp blinks red and green in turn.
"""

import asyncio
import json
import sys

from edge_agent.config.model import GpioButton, GpioInput, GpioOut
from edge_agent.config.options import complete_options
from edge_agent.drivers.device import Device
from edge_agent.drivers.gpio import Button, GpioDriver, Input
from edge_agent.drivers.indicators import Output
from edge_agent.drivers.registry import LANGUAGES

BLINK_S = 1.0


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main(button_line, door_line, red, green):
    button = Button(GpioButton(line=button_line))
    button.on_edge = lambda at: tell(edge=at, pressed=button.is_pressed())
    spec = LANGUAGES.spec("contact")
    bridge = spec.make("door", complete_options(spec, {"quantity": "open"}))
    door = Device("door", bridge, lambda item: tell(open=item.value, at=item.at))
    lamp = Output("lamp", GpioOut(red=red, green=green))
    settings = GpioInput(name="door", line=door_line, active="high")
    driver = GpioDriver(button, [lamp], [Input(settings, door)])
    running = asyncio.create_task(driver.run())
    while not running.done():
        for colour in ("red", "green"):
            lamp.show(True, colour)
            tell(lamp=colour, ready=driver.health.ready)
            await asyncio.sleep(BLINK_S)
    await running


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
