"""Devices near by Bluetooth LE, with bleak on BlueZ: one scanner for all, and connections for those that need one.

A missing adapter, service or bus is a state with a fix, looked at again with backoff. When the radio goes and comes
back, bleak raises nothing and the adverts just stop: so bluetoothd is asked every few seconds whether it still scans,
and silence from everybody climbs the ladder.
"""

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern, OrPatternLike
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from edge_agent.core.backoff import Backoff
from edge_agent.core.health import Health
from edge_agent.core.ports import DeviceCounts
from edge_agent.drivers.air import SHARE_S, Air
from edge_agent.drivers.bluez import Adapter, Bus, choose
from edge_agent.drivers.condition import Condition
from edge_agent.drivers.device import Device
from edge_agent.drivers.heard import Survey, advert_of
from edge_agent.drivers.ladder import Ladder, Step
from edge_agent.drivers.link import NOT_HEARD, Link
from edge_agent.drivers.radio import ANSWER_S, ENDED, ERRORS, OFF, RESTARTED, RadioError, hang_up, translated
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING

STOP_S = 2.0
LOOK_S = 5.0
NO_RSSI_DBM = -127  # bleak's number for: BlueZ has withdrawn the signal strength, and nothing was heard

# An adapter or service that comes back is found in 30 s at most; one attempt costs a few D-Bus messages.
LOOK_AGAIN = Backoff(base_s=1.0, cap_s=30.0, stable_s=60.0)

# Repetitions are left out by BlueZ (bleak asks for DuplicateData=False): with them, every advert of every device in
# the street is a D-Bus message, about 0.2 ms each. A changed payload or signal strength is told all the same.

# A passive scan must say what it wants: every value of the flags that an LE advert may begin with. The kernel takes
# 16 patterns (HCI_MAX_ADV_MONITOR_NUM_PATTERNS); bits: Core Specification Supplement Part A 1.3.
_FLAGS: list[OrPatternLike] = [
    OrPattern(0, AdvertisementDataType.FLAGS, bytes([flags])) for flags in (*range(8), *range(0x18, 0x20))
]

# The radio is there and does not do its work: the ladder's matter. All else has a reason that a person mends.
_STUCK = frozenset({"busy", "hangs", "ended"})
# bleak's own connection holds a scan that hangs, or what it remembers is of a bluetoothd that is no more.
_STALE = frozenset({"busy", "hangs", "service", "restarted", "failed"})

_DEEDS: dict[Step, str] = {
    Step.SCAN: Said("radio.scanned"),
    Step.POWER: Said("radio.powered"),
    Step.SERVICE: Said("radio.serviced"),
}
_LOOK: str = Said("radio.deaf_fix")


class Nearby(NamedTuple):
    """One configured device; whether its language listens to adverts, and its connection where it needs one."""

    device: Device
    listens: bool = True
    link: Link | None = None


class BleDriver:
    """Feeds each advert to the device of its address (upper case), and runs the connections.

    `run` ends only by cancellation. `health` and that of every device say when Bluetooth cannot be used.
    """

    name = "ble"

    def __init__(
        self,
        devices: Mapping[str, Nearby],
        *,
        adapter: str = "",
        silence_s: float,
        backoff: Backoff,
        passive: bool = False,
    ) -> None:
        self.health: Health = STARTING
        self._devices = devices
        self._links = {address: each.link for address, each in devices.items() if each.link is not None}
        self._wanted = adapter
        self._passive = passive
        self._backoff = backoff
        self._bus = Bus()
        self._air = Air()
        self.survey = Survey(self._air.refresh)
        self._ladder = Ladder(silence_s)
        self._radio = Condition("bluetooth")
        self._log: Any = structlog.get_logger()
        self._adapter: Adapter | None = None
        self._deaf = False
        self._heard = False

    def devices(self) -> Sequence[DeviceCounts]:
        """One row a device."""
        return [each.device.counts() for each in self._devices.values()]

    async def run(self) -> None:
        """Scan and connect, until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._ladder.begin(self._loop.time())
        try:
            async with asyncio.TaskGroup() as group:
                for link in self._links.values():
                    group.create_task(link.run(self._air))
                while True:
                    try:
                        await self._turn()
                    except RadioError as error:
                        await self._failed(error)
                        await asyncio.sleep(self._backoff.delay(random.random()))  # noqa: S311  # jitter is no secret
        finally:
            self._bus.close()
            self._show(Health(False, Said("part.stopped")))

    async def _turn(self) -> None:
        """One scan, from its start to whatever ends it. Raises RadioError."""
        async with self._air.scan():
            objects = await self._bus.objects()
            self._adapter = choose(objects.adapters, self._wanted)
            for address, link in self._links.items():
                if address in objects.connected and not link.busy:
                    await self._bus.let_go(objects.connected[address])
            step = await self._scan(self._adapter)
            if step is not None:
                await self._climb(step)

    async def _failed(self, error: RadioError) -> None:
        now = self._loop.time()
        self._down(error)
        if error.code in _STUCK:
            step = self._ladder.due(now, gently=False)
            if step is not None:
                await self._climb(step)
        else:
            self._ladder.begin(now)
            for link in self._links.values():
                link.forget()
        if error.code in _STALE:
            await hang_up()

    async def _scan(self, adapter: Adapter) -> Step | None:
        """One scanner from start to silence, or until somebody else needs the radio. Raises RadioError."""
        self._heard = False
        scanner = await self._started(adapter)
        since = self._loop.time()
        try:
            if not self._deaf:
                self._up(adapter)
            return await self._listen(adapter, since)
        finally:
            self._backoff.stable(self._loop.time() - since)
            with contextlib.suppress(*ERRORS):
                async with asyncio.timeout(STOP_S):
                    await scanner.stop()

    async def _started(self, adapter: Adapter) -> BleakScanner:
        if self._passive:
            try:
                return await self._start(
                    BleakScanner(
                        self._hear,
                        scanning_mode="passive",
                        bluez=BlueZScannerArgs(adapter=adapter.name, or_patterns=_FLAGS),
                    )
                )
            except RadioError as error:
                self._actively(error.args[0])
        return await self._start(BleakScanner(self._hear, bluez=BlueZScannerArgs(adapter=adapter.name)))

    async def _start(self, scanner: BleakScanner) -> BleakScanner:
        try:
            async with asyncio.timeout(ANSWER_S):
                await scanner.start()
        except asyncio.CancelledError:
            await hang_up()  # the scan may be on already, and bleak does not know yet
            raise
        except ERRORS as error:
            raise translated(error) from error
        return scanner

    async def _listen(self, adapter: Adapter, since: float) -> Step | None:
        """Until a step of the ladder is due (which is given), or the radio is needed. Raises RadioError."""
        while True:
            if await self._air.asked(min(LOOK_S, self._ladder.silence_s)):
                await asyncio.sleep(since + SHARE_S - self._loop.time())
                return None
            await self._check(adapter)
            if self._heard and self._deaf:
                self._up(adapter)
            now = self._loop.time()
            if not self._deaf and self._ladder.is_deaf(now):
                self._tell(Step.SCAN, _DEEDS[Step.SCAN], _LOOK)
            step = self._ladder.due(now, gently=any(link.busy for link in self._links.values()))
            if step is not None and self._passive:
                self._actively("nothing was heard by it")
                return None
            if step is not None:
                return step

    async def _check(self, adapter: Adapter) -> None:
        """Raise RadioError when the radio went away under a running scan, of which bleak says nothing."""
        now = await self._bus.look(adapter.path)
        if now.owner != adapter.owner:
            raise RESTARTED.error()
        if not now.powered:
            raise OFF.error()
        if not now.discovering and not self._passive:
            raise ENDED.error()

    async def _climb(self, step: Step) -> None:
        """Take a step; what is more than to scan anew is said, once."""
        if step is Step.SCAN or self._adapter is None:
            return
        deed, fix = _DEEDS[step], _LOOK
        try:
            if step is Step.POWER:
                await self._bus.power_cycle(self._adapter.path)
            else:
                await self._bus.restart_service()
        except RadioError as error:
            deed, fix = Said("radio.in_vain", why=error.args[0]), error.fix
            if step is Step.SERVICE:
                deed = Said("radio.to_restart")
                fix = Said("radio.to_restart_fix")
        await hang_up()
        self._tell(step, deed, fix)

    def _tell(self, step: Step, deed: str, fix: str) -> None:
        self._deaf = True
        silent_s = self._ladder.silent_s(self._loop.time())
        self._down(RadioError(step.value, Said("radio.deaf", seconds=round(silent_s), deed=deed), fix=fix))

    def _hear(self, found: BLEDevice, data: AdvertisementData) -> None:
        """Bleak's callback, in the loop, for every device around: most are not ours."""
        if data.rssi == NO_RSSI_DBM:
            return
        self._heard = True
        at = self._loop.time()
        self._ladder.heard(at)
        if self.survey.on:
            self.survey.hear(found, data, at)
        nearby = self._devices.get(found.address)
        if nearby is None:
            return
        if nearby.link is not None:
            nearby.link.hear(found)
        elif not nearby.device.health.ready:
            nearby.device.up(Said("radio.heard"))
        if nearby.listens:
            nearby.device.feed(advert_of(found, data), at)

    def _actively(self, why: str) -> None:
        self._passive = False
        self._log.warning("passive_scan", what="bluetooth", state="scanning actively instead", reason=why)

    def _up(self, adapter: Adapter) -> None:
        self._deaf = False
        news = self._radio.up(Said("radio.scanning", adapter=adapter.name))
        self.health = self._radio.health
        if not news:
            return
        for each in self._devices.values():
            if each.link is None and each.device.counts().last_at is not None:
                each.device.up(Said("radio.heard_before"))
            elif each.link is None or not each.link.connected:
                each.device.condition.health = NOT_HEARD

    def _down(self, error: RadioError) -> None:
        self._radio.down(error.code, error.args[0], error.fix)
        self._show(self._radio.health)

    def _show(self, health: Health) -> None:
        self.health = health
        for each in self._devices.values():
            if each.link is None or not each.link.connected:
                each.device.condition.health = health
