"""A small program that listens to a world as an agent would, with the stock libraries, and prints what it hears.

python listener.py CONFIG.toml       one JSON line [channel, value, monotonic time] a reading
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import serial
import tomli
from bleak import BleakScanner
from gpiozero import RGBLED, DigitalInputDevice

from edge_agent.core.reading import Advert, Level, Reading
from firmware_bridges.registry import language

ASK_S = 0.02


def bridge_of(device):
    spec = language(device["language"])
    defaults = {key: option.default for key, option in spec.options.items()}
    return spec.make(device["name"], defaults | device.get("options", {})), spec


def tell(bridge, chunk, at):
    for item in bridge.feed(chunk, at):
        if isinstance(item, Reading) and item.value is not None:
            sys.stdout.write(json.dumps([item.channel.name, item.value, at]) + "\n")
            sys.stdout.flush()


def open_port(loop, device):
    bridge, spec = bridge_of(device)
    port = serial.Serial(device["port"], spec.baud, timeout=0)
    loop.add_reader(port.fd, lambda: tell(bridge, port.read(4096), time.monotonic()))
    return port, loop.create_task(ask(bridge, port))


async def ask(bridge, port):
    while True:
        _, send = bridge.next(time.monotonic())
        if send is not None:
            port.write(send.payload)
        await asyncio.sleep(ASK_S)


class Contact:
    def __init__(self, loop, device):
        self.bridge, _ = bridge_of(device)
        pull_up = device["pull"] == "up"
        self.line = DigitalInputDevice(device["line"], pull_up=pull_up, bounce_time=None)
        self.loop, self.timer, self.last = loop, None, None
        self.line.when_activated = self.line.when_deactivated = self.edge
        self.read()

    def edge(self):
        self.loop.call_soon_threadsafe(self.settle, time.monotonic())

    def settle(self, _at):
        if self.timer:
            self.timer.cancel()
        self.timer = self.loop.call_later(0.02, self.read)

    def read(self):
        active = self.line.is_active
        if active != self.last:
            self.last = active
            tell(self.bridge, Level(active), time.monotonic())


async def main(config):
    loop = asyncio.get_running_loop()
    sensors = {device["address"]: bridge_of(device)[0] for device in config.get("ble", {}).get("device", [])}

    def heard(device, advert):
        if device.address in sensors:
            chunk = Advert(device.address, "", advert.rssi, advert.service_data, advert.manufacturer_data)
            tell(sensors[device.address], chunk, time.monotonic())

    gpio = config.get("gpio", {})
    held = [open_port(loop, device) for device in config.get("serial", [])]
    held += [Contact(loop, device) for device in gpio.get("input", [])]
    if "lamp" in gpio:
        lamp = RGBLED(gpio["lamp"]["red"], gpio["lamp"]["green"], gpio["lamp"]["blue"], pwm=False)
        lamp.color = (1, 1, 0)
    async with BleakScanner(heard):
        await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(tomli.loads(Path(sys.argv[1]).read_text())))
