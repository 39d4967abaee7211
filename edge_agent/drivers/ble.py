"""Devices that advertise by Bluetooth LE: one scanner for all of them, with bleak on BlueZ.

A missing adapter, service or bus is a state with a fix, looked at again with backoff. When the radio vanishes under
a scan, bleak raises nothing and the adverts just stop, so silence from everybody restarts the scanner.
"""

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from edge_agent.core.backoff import Backoff
from edge_agent.core.health import STARTING, Health
from edge_agent.core.ports import DeviceCounts
from edge_agent.core.reading import Advert
from edge_agent.drivers.condition import Condition
from edge_agent.drivers.device import Device
from edge_agent.drivers.radio import ERRORS, RadioError, check, hang_up, translated

ANSWER_S = 10.0  # bluetoothd answers within milliseconds, or hangs
STOP_S = 2.0
LOOK_S = 5.0
MAX_PATIENCE = 8  # where nothing advertises at all, restarts become this many times rarer
NO_RSSI_DBM = -127  # bleak's number for: BlueZ has withdrawn the signal strength, and nothing was heard

# An adapter or service that comes back is found in 30 s at most; one attempt costs a few D-Bus messages.
LOOK_AGAIN = Backoff(base_s=1.0, cap_s=30.0, stable_s=60.0)

# Repetitions are left out by BlueZ (bleak asks for DuplicateData=False): with them, every advert of every device in
# the street is a D-Bus message, about 0.2 ms each. A changed payload or signal strength is told all the same.


class BleDriver:
    """Feeds each advertisement to the device of its address (upper case).

    `run` ends only by cancellation. `health` and that of every device say when Bluetooth cannot be used.
    """

    name = "ble"

    def __init__(self, devices: Mapping[str, Device], *, adapter: str, silence_s: float, backoff: Backoff) -> None:
        self.health: Health = STARTING
        self._devices = devices
        self._adapter = adapter
        self._silence_s = silence_s
        self._patience = 1
        self._backoff = backoff
        self._radio = Condition("bluetooth")
        self._silent = False
        self._heard_at = 0.0

    def devices(self) -> Sequence[DeviceCounts]:
        """One row a device."""
        return [device.counts() for device in self._devices.values()]

    async def run(self) -> None:
        """Scan, until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self._scan()
                except RadioError as error:
                    self._down(error)
                    if error.code in ("busy", "hangs"):
                        await hang_up()
                    await asyncio.sleep(self._backoff.delay(random.random()))  # noqa: S311  # jitter is no secret
        finally:
            self._show(Health(False, "stopped"))

    async def _scan(self) -> None:
        """One scanner from start to silence. Raises RadioError."""
        arguments = BlueZScannerArgs(adapter=self._adapter) if self._adapter else BlueZScannerArgs()
        scanner = BleakScanner(self._hear, bluez=arguments)
        self._heard_at = since = self._loop.time()
        try:
            async with asyncio.timeout(ANSWER_S):
                await scanner.start()
        except asyncio.CancelledError:
            await hang_up()  # the scan may be on already, and bleak does not know yet
            raise
        except ERRORS as error:
            raise translated(error, self._adapter) from error
        try:
            if not self._silent:
                self._up()
            await self._listen(since)
        finally:
            self._backoff.stable(self._loop.time() - since)
            with contextlib.suppress(*ERRORS):
                async with asyncio.timeout(STOP_S):
                    await scanner.stop()

    async def _listen(self, since: float) -> None:
        """Return after a silence from everybody. Raises RadioError when the radio is known to be gone."""
        while True:
            silence_s = self._silence_s * self._patience
            await asyncio.sleep(min(LOOK_S, silence_s))
            await check(self._adapter)
            if self._heard_at > since:
                self._patience = 1
                if self._silent:
                    self._up()
            quiet_s = self._loop.time() - self._heard_at
            if quiet_s >= silence_s:
                self._patience = min(self._patience * 2, MAX_PATIENCE)
                self._fall_silent(quiet_s)
                return

    def _hear(self, found: BLEDevice, data: AdvertisementData) -> None:
        """Bleak's callback, in the loop, for every device around: most are not ours."""
        if data.rssi == NO_RSSI_DBM:
            return
        self._heard_at = at = self._loop.time()
        device = self._devices.get(found.address)
        if device is None:
            return
        if not device.health.ready:
            device.up("heard")
        advert = Advert(
            found.address,
            data.local_name or "",
            data.rssi,
            data.service_data,
            data.manufacturer_data,
            tuple(data.service_uuids),
        )
        device.feed(advert, at)

    def _up(self) -> None:
        self._silent = False
        self._radio.up(f"scanning on {self._adapter or 'the first adapter'}")
        self.health = self._radio.health
        for device in self._devices.values():
            if device.counts().last_at is None:
                device.condition.health = Health(
                    False, "not heard yet", "Check its battery, its distance and its address in the config"
                )
            else:
                device.up("heard before")

    def _fall_silent(self, quiet_s: float) -> None:
        self._silent = True
        self._down(
            RadioError(
                "silent",
                f"No device at all was heard for {quiet_s:.0f} s, and the scanner was restarted",
                fix="Check the adapter and its antenna, and that something near it advertises",
            )
        )

    def _down(self, error: RadioError) -> None:
        self._radio.down(error.code, error.args[0], error.fix)
        self._show(self._radio.health)

    def _show(self, health: Health) -> None:
        self.health = health
        for device in self._devices.values():
            device.condition.health = health
