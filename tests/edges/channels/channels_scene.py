"""What the tests of channels share: an event that asks for help, a modem's channel, a certificate."""

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial

from edge_agent.core.clock import Instant
from edge_agent.core.compact import call_of
from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid_bytes, uuid_text
from edge_agent.core.wire import attributes, pack
from edge_agent.drivers.port import PortFinder, open_modem
from edge_agent.uplink.channels.pin import Pin
from edge_agent.uplink.channels.sms import SmsChannel, SmsSettings

REQUEST = uuid_bytes("01a0c450-6c00-773e-8d8f-ab5f5bdb99ec")
NOW = Instant(5000.0, "boot", 1_790_000_000.0, True)
GATEWAY, ROOT = "gw-example", "edge/v1"
DESK, PEOPLE = "+491700000001", "+491700000002"


class StillClock:
    def now(self):
        return NOW


def raised():
    data = {"request": uuid_text(REQUEST), "case": "XC5WNMX9", "trigger": "manual", "pressed_time": NOW.wall}
    return Event(REQUEST, EventKind.HELP, "edge.help.raised.v1", "XC5WNMX9", 4995.0, "boot", pack(data), sequence=7)


def compact():
    return call_of(raised(), GATEWAY, NOW).pack()


def told(event):
    return attributes(event, GATEWAY, NOW, historical=True)


def sms_channel(path, folder, *, pin_file="", heard=lambda _: None, text_number=""):
    settings = SmsSettings("phone", DESK, text_number, "12 Mill Lane")
    opened = partial(open_modem, PortFinder(str(path), folder / "none"), 115_200)
    return SmsChannel(settings, opened, Pin(pin_file, folder / "refused"), heard)


@asynccontextmanager
async def running(channel):
    task = asyncio.create_task(channel.run())
    try:
        yield channel
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
