"""The C device over Bluetooth LE as Nordic UART Service: the agent's driver and bleak on BlueZ's bus, no radio."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.core.request import State
from firmware_bridges.native.bridge import NUS_RX, NUS_TX
from simulators.bluez import BlueZ, Peripheral
from tests.firmware.native_agent import crash, latest, running_ble, until
from tests.firmware.native_c import CDevice

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs Debian's package dbus-daemon")

ADDRESS = "C0:11:22:33:44:55"
SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
SMALLEST = 20  # what a notification holds where nobody asked for a larger MTU (23)


class Panel:
    """The C library behind the two characteristics of the service."""

    def __init__(self, peripheral: Peripheral) -> None:
        self.peripheral = peripheral
        self.device = CDevice()
        self._tx = peripheral.characteristic(SERVICE, NUS_TX, b"", ("notify",))
        self._rx = peripheral.characteristic(SERVICE, NUS_RX, b"", ("write", "write-without-response"))

    async def live(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            now_ms = int((loop.time() - start) * 1000)
            if not self.peripheral.connected:
                self.peripheral.advertise(manufacturer_data={0x59: b"panel"})
            while self._rx.written:
                self.device.feed(self._rx.written.popleft(), now_ms)
            self.device.poll(now_ms)
            if now_ms % 500 < 20:
                self.device.data(now_ms, 21.5)
            out = self.device.take()
            for begin in range(0, len(out), SMALLEST):
                self._tx.notify(out[begin : begin + SMALLEST])
            await asyncio.sleep(0.02)


@asynccontextmanager
async def panel_of(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Panel]:
    monkeypatch.setattr("edge_agent.drivers.ble.SHARE_S", 0.0)
    monkeypatch.setattr(logging.getLogger("bleak"), "level", logging.CRITICAL)
    async with BlueZ() as bluez:
        panel = Panel(bluez.peripheral(ADDRESS, "panel"))
        life = asyncio.create_task(panel.live())
        try:
            yield panel
        finally:
            life.cancel()


async def test_values_a_press_and_a_crash_over_a_link_that_is_lost_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with panel_of(monkeypatch) as panel, running_ble(tmp_path, ADDRESS) as agent:
        await until(lambda: latest(agent, "temperature") == 21.5)
        await until(lambda: latest(agent, "firmware") == "Acme panel 1.0")
        assert panel.device.call("help", 0)
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        await until(lambda: not panel.device.holding)
        # in the middle of a frame, and with something that it holds
        panel.peripheral.disconnect()
        panel.device.crash(0x123C, 0x1251, [1, 2, 3], 5)
        panel.device.start(0, b"fault")
        await until(lambda: crash(agent))
        await until(lambda: not panel.device.holding)
        await until(lambda: latest(agent, "reset_reason") == "fault")
        assert agent.help.case is not None
        assert agent.help.case.nudges == 0
