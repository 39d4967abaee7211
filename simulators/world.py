"""A running world: physics, devices on their real interfaces, and the list of what they sent and somebody heard."""

import asyncio
import contextlib
import os
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

from edge_agent.core.errors import DriverError
from simulators.agent_config import agent_config
from simulators.bluez import BlueZ
from simulators.devices import BleDevice, ContactDevice, SerialDevice, SimulatedDevice
from simulators.gpio.board import Board, Shown
from simulators.ledger import Emission
from simulators.rhythms import DARK, Seen, decoded
from simulators.scenario import NO_LINE, DeviceSpec, Scenario

TICK_S = 0.1
# A day and a half of the home scenario; afterwards nothing more is listed, and the notes say so.
MAX_EMISSIONS = 4_000_000
MAX_LAMP = 100_000
# The lines of a colour change one after the other, this much apart at the most.
COLOUR_CHANGE_S = 0.01
# sun_path of Linux has 108 bytes.
MAX_SOCKET_PATH = 107
COLOURS = {
    (False, False, False): "dark",
    (True, False, False): "red",
    (False, True, False): "green",
    (False, False, True): "blue",
    (True, True, False): "amber",
    (True, False, True): "magenta",
    (False, True, True): "cyan",
    (True, True, True): "white",
}


class LampColour(NamedTuple):
    """What the lamp showed from `at` on (monotonic seconds): a colour, or `dark`."""

    at: float
    colour: str


class World:
    """An async context manager that lets a scenario happen in `folder`, with chance from `seed`.

    `emitted` is THE LIST: every reading that a device sent while somebody listened. `unheard` counts emissions that
    nobody heard, by device; `notes` says in words what of the scenario could not be had here (Bluetooth without
    dbus-daemon). `fast` speeds the physics; devices and the agent's clock stay in real time. `on_news` is called with
    a sentence when something breaks. DBUS_SYSTEM_BUS_ADDRESS is set while it is open.
    """

    def __init__(self, scenario: Scenario, seed: int, folder: Path, *, fast: bool = False) -> None:
        self.scenario = scenario
        self.speed = scenario.fast_speed if fast else scenario.speed
        self.physics = scenario.physics(seed)
        self.board = Board(folder / "gpio.sock", seed)
        self.bluez: BlueZ | None = None
        self.emitted: list[Emission] = []
        self.unheard: Counter[str] = Counter()
        self.notes: list[str] = []
        self.on_news: Callable[[str], None] | None = None
        self._folder = folder
        self._seed = seed
        self._devices: list[SimulatedDevice] = []
        self._lamp: deque[LampColour] = deque(maxlen=MAX_LAMP)
        self._plan: list[tuple[float, str, str, str, bool]] = []
        self._scanners: frozenset[str] = frozenset()
        self._processes: frozenset[int] = frozenset()
        self._speaking = True
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if len(os.fsencode(self.board.path)) > MAX_SOCKET_PATH:
            raise DriverError(f"{self.board.path} is too long for a socket", fix="Use a folder with a shorter path")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.board)
            await self._open_bluetooth(stack)
            await self._make_devices(stack)
            self._stack = stack.pop_all()
        self.board.on_output = self._shown
        self.board.on_input = self._taken
        self._plan = self._planned()
        self._task = asyncio.create_task(self._run(), name="world")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        finally:
            await self._stack.aclose()

    @property
    def left_out(self) -> frozenset[str]:
        """Names of the scenario's devices that this machine cannot have; `notes` says why."""
        return frozenset(spec.name for spec in self.scenario.devices) - {made.spec.name for made in self._devices}

    @property
    def environment(self) -> dict[str, str]:
        """What an agent's process needs beside its own environment to meet this world."""
        found = {"GPIOZERO_PIN_FACTORY": "edgesim", "EDGE_SIM_GPIO": str(self.board.path)}
        if self.bluez is not None:
            found["DBUS_SYSTEM_BUS_ADDRESS"] = self.bluez.address
        return found

    @property
    def lamp_history(self) -> Sequence[LampColour]:
        """What the lamp showed, oldest first."""
        return tuple(self._lamp)

    def lamp_said(self, begin: float, end: float) -> list[Seen]:
        """What the lamp said between two monotonic times, read from what it showed: the truth log of a test."""
        shown = [change for change in self._lamp if change.at < end]
        older = [change.colour for change in shown if change.at <= begin]
        later = [(change.at, change.colour) for change in shown if change.at > begin]
        return decoded([(begin, older[-1] if older else DARK), *later], end)

    @property
    def buzzer_history(self) -> Sequence[Shown]:
        """When the buzzer sounded, oldest first."""
        return self.board.history(self.scenario.lines.buzzer)

    def agent_config(self) -> str:
        """TOML tables for the agent: its devices, lines, checks and rules; the rest of a configuration is the caller's.

        A check of a device that is left out is left out too: the agent would take its name for a mistake.
        """
        return agent_config(
            self.scenario.lines,
            [(d.spec, str(d.twin.path)) for d in self._devices if isinstance(d, SerialDevice)],
            [d.spec for d in self._devices if isinstance(d, BleDevice)],
            [d.spec for d in self._devices if isinstance(d, ContactDevice)],
            [check for check in self.scenario.checks if _device_of(check) not in self.left_out],
            [rule for rule in self.scenario.rules if _device_of(rule) not in self.left_out],
        )

    async def press(self, hold_s: float | None = None) -> None:
        """Hold the help button, as long as the story has it if nothing else is said; returns when it is let go."""
        if self.scenario.lines.button == NO_LINE:
            raise DriverError(f"the scenario {self.scenario.name} has no button", fix="Give it one under [lines]")
        await self.board.press(self.scenario.lines.button, hold_s or self.scenario.story.press_hold_s)

    def stop_emitting(self) -> None:
        """No device says anything more, so that what is on its way can arrive."""
        self._speaking = False
        for device in self._devices:
            self._list(device.hush())

    async def _open_bluetooth(self, stack: AsyncExitStack) -> None:
        if any(spec.transport == "ble" for spec in self.scenario.devices):
            try:
                self.bluez = await stack.enter_async_context(BlueZ())
            except DriverError as error:
                self.notes.append(f"Bluetooth devices are left out: {error}")

    async def _make_devices(self, stack: AsyncExitStack) -> None:
        for spec in self.scenario.devices:
            device = self._device(spec)
            if device is not None:
                self._devices.append(device)
            if isinstance(device, SerialDevice):
                await stack.enter_async_context(device.twin)

    def _device(self, spec: DeviceSpec) -> SimulatedDevice | None:
        chance = Random(f"{self._seed} device {spec.name}")
        if spec.transport == "serial":
            return SerialDevice(spec, self._folder / "serial", chance)
        if spec.transport == "gpio":
            return ContactDevice(spec, self.board)
        if self.bluez is None:
            return None
        return BleDevice(spec, self.bluez.peripheral(spec.address, spec.label or spec.name), chance)

    def _planned(self) -> list[tuple[float, str, str, str, bool]]:
        """Faults in order: when (real seconds from the start), of what, which, and whether it begins or ends."""
        pace = self.scenario.speed / self.speed
        plan = []
        for fault in self.scenario.faults:
            plan.append((fault.at_s * pace, fault.model, fault.device, fault.kind, True))
            if fault.device:
                plan.append((fault.until_s * pace, fault.model, fault.device, fault.kind, False))
        return sorted(plan)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        started = last = loop.time()
        for number, device in enumerate(self._devices):
            # Devices do not speak in step.
            device.due_at = started + TICK_S * (number % 10) / 10
        while True:
            now = loop.time()
            self.physics.advance((now - last) * self.speed)
            last = now
            self._break(now - started)
            if self._speaking:
                await self._speak_all(now)
            next_at = min((d.due_at for d in self._devices if self._speaking), default=now + TICK_S)
            await asyncio.sleep(max(0.001, min(next_at, now + TICK_S) - loop.time()))

    def _break(self, since_s: float) -> None:
        while self._plan and self._plan[0][0] <= since_s:
            _, model, name, kind, begins = self._plan.pop(0)
            for device in self._devices:
                if device.spec.name == name:
                    device.fail(kind, begins)
            if self.on_news is not None:
                self.on_news(f"{model or name}: {kind.replace('_', ' ')} {'begins' if begins else 'ends'}")

    async def _speak_all(self, now: float) -> None:
        for device in self._devices:
            if device.due_at > now or not self._speaking:
                continue
            # A contact is looked at often, others have their cadence. What was missed is not made up for.
            pause = TICK_S if isinstance(device, ContactDevice) else device.spec.cadence_s
            device.due_at = max(device.due_at + pause, now)
            if isinstance(device, BleDevice):
                await self._meet_scanners()
            values = {key: self.physics.value(source) for key, source in device.spec.values.items()}
            heard = await device.speak(values, asyncio.get_running_loop().time())
            if heard is None:
                self.unheard[device.spec.name] += 1
            else:
                self._list(heard)

    async def _meet_scanners(self) -> None:
        """A process that begins to scan has heard nothing yet, whatever another one has heard."""
        assert self.bluez is not None
        while self.bluez.clients != self._scanners:
            self._scanners = self.bluez.clients
            processes = await self.bluez.processes()
            if not processes <= self._processes:
                self._processes |= processes
                for device in self._devices:
                    if isinstance(device, BleDevice):
                        device.expectation.renew()

    def _list(self, heard: Sequence[Emission]) -> None:
        if len(self.emitted) < MAX_EMISSIONS:
            self.emitted.extend(heard)
            if len(self.emitted) >= MAX_EMISSIONS:
                self.notes.append(f"After {MAX_EMISSIONS} readings the list is full; later ones are not accounted for")

    def _taken(self, line: int) -> None:
        """A program took an input line, and reads how it stands."""
        for device in self._devices:
            if isinstance(device, ContactDevice) and device.spec.line == line:
                self._list(device.taken(asyncio.get_running_loop().time()))

    def _shown(self, line: int, _level: float, at: float) -> None:
        lines = self.scenario.lines
        colours = (lines.red, lines.green, lines.blue)
        if line not in colours:
            return
        lit = [bool(history and history[-1].level) for history in map(self.board.history, colours)]
        colour = COLOURS[lit[0], lit[1], lit[2]]
        if self._lamp and at - self._lamp[-1].at < COLOUR_CHANGE_S:
            at = self._lamp.pop().at
        if not self._lamp or self._lamp[-1].colour != colour:
            self._lamp.append(LampColour(at, colour))


def _device_of(check: Mapping[str, Any]) -> str:
    """The device in a check's channel; empty when there is none, which the agent says better."""
    return str(check.get("channel", "")).partition(".")[0]
