"""The agent's BLE driver in the guest, over a real bluetoothd: what it says of each device, as JSON lines.

`near.py THERMOMETER BOX SILENCE_S`: two addresses. The box is subscribed to, read, and answered with what it says.
"""

import asyncio
import json
import sys
from dataclasses import replace

from edge_agent.config.options import complete_options
from edge_agent.core.backoff import Backoff
from edge_agent.core.ports import Gatt
from edge_agent.core.reading import Notify, Reading, Send
from edge_agent.drivers.ble import BleDriver, Nearby
from edge_agent.drivers.device import Device
from edge_agent.drivers.link import CONNECT_AGAIN, Link
from edge_agent.drivers.registry import LANGUAGES

SAYS, HEARS = "f00dcafe-0002-4000-8000-00805f9b34fb", "f00dcafe-0003-4000-8000-00805f9b34fb"
GATT = Gatt(subscribe=(SAYS,), read={SAYS: 0.0}, write=HEARS)


class Parrot:
    """Repeats to the box what it says."""

    def feed(self, chunk, _at):
        if isinstance(chunk, Notify):
            tell(said=chunk.payload.decode())
            yield Send(b"heard " + chunk.payload)

    def next(self, _now):
        return None, None


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def deliver(item):
    if isinstance(item, Reading) and item.value is not None:
        tell(channel=item.channel.name, value=item.value)


async def main(thermometer, box, silence_s):
    spec = LANGUAGES.spec("bthome")
    bthome = spec.make("kitchen", complete_options(spec, {}))
    parrot = Device("box", Parrot(), deliver)
    devices = {
        thermometer: Nearby(Device("kitchen", bthome, deliver)),
        box: Nearby(parrot, False, Link(parrot, GATT, replace(CONNECT_AGAIN, cap_s=20.0))),
    }
    driver = BleDriver(devices, silence_s=silence_s, backoff=Backoff(base_s=1.0, cap_s=5.0))
    running = asyncio.create_task(driver.run())
    last = {}
    while not running.done():
        now = {"bluetooth": driver.health} | {row.device: row.health for row in driver.devices()}
        for name, health in now.items():
            if last.get(name) != health:
                tell(what=name, ready=health.ready, sentence=health.sentence)
        last = now
        await asyncio.sleep(0.1)
    await running


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
