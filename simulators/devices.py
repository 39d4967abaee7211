"""A scenario's devices: each turns model values into what really travels, and knows which readings it must give.

What is expected of the agent is found by feeding the very same bytes to a bridge of the same language, so that names
and values never diverge. What nobody heard is not fed.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from edge_agent.core.ports import Bridge
from edge_agent.core.reading import Advert, Chunk, Level, Reading, Value
from firmware_bridges.registry import language
from simulators.bluez import Peripheral
from simulators.emitter import Answerer
from simulators.emitters import BTHOME_SERVICE, EMITTERS
from simulators.gpio.board import Board
from simulators.ledger import Emission
from simulators.ports import SerialTwin
from simulators.scenario import DeviceSpec

RSSI_DBM = -62
# Well below what makes BlueZ report a repetition (8 dB), as of a device that lies still.
RSSI_SPREAD_DB = 3
NOISE_BYTES = 24
# A door that is opened stays so for a moment; shorter than what the agent's debounce could swallow it never is.
HOLD_S = 0.5

Values = Mapping[str, Value]


class Expectation:
    """The agent's bridge for this device, once more."""

    def __init__(self, spec: DeviceSpec) -> None:
        self._spec = spec
        self._bridge = self._made()

    def renew(self) -> None:
        """The listener is a new one that has heard nothing yet."""
        self._bridge = self._made()

    def feed(self, chunk: Chunk, at: float) -> list[Emission]:
        """The readings in what was heard `at`. A gap (no value) is nothing that a device sends."""
        return [
            Emission(item.channel.name, item.value, at)
            for item in self._bridge.feed(chunk, at)
            if isinstance(item, Reading) and item.value is not None
        ]

    def _made(self) -> Bridge:
        spec = language(self._spec.language)
        defaults = {name: option.default for name, option in spec.options.items()}
        return spec.make(self._spec.name, {**defaults, **self._spec.options})


class SimulatedDevice(ABC):
    """One device of a running world. `faults` are its transport's: silent, unplugged, garbage."""

    def __init__(self, spec: DeviceSpec) -> None:
        self.spec = spec
        self.expectation = Expectation(spec)
        self.faults: set[str] = set()
        self.due_at = 0.0

    def fail(self, fault: str, on: bool) -> None:
        """A transport fault begins or ends."""
        if on:
            self.faults.add(fault)
        else:
            self.faults.discard(fault)

    def hush(self) -> Sequence[Emission]:
        """Answer nobody until it is to speak again: the readings in what it has answered since it last spoke."""
        return ()

    @abstractmethod
    async def speak(self, values: Values, at: float) -> Sequence[Emission] | None:
        """Say these values: the readings that somebody heard; None when it spoke and nobody listened."""


class SerialDevice(SimulatedDevice):
    """A device on a pty."""

    def __init__(self, spec: DeviceSpec, folder: Path, chance: Random) -> None:
        super().__init__(spec)
        self.twin = SerialTwin(folder / "by-id" / f"usb-Simulated_{spec.name}-if00-port0", self._asked)
        self._emitter = EMITTERS[spec.language]()
        self._chance = chance
        self._answered: list[Emission] = []
        self._hushed = False

    def fail(self, fault: str, on: bool) -> None:
        """As every device; unplugged, its path is gone too."""
        super().fail(fault, on)
        if "unplugged" in self.faults:
            self.twin.unplug()
        else:
            self.twin.plug()

    def hush(self) -> Sequence[Emission]:
        """As every device."""
        self._hushed = True
        answered, self._answered = self._answered, []
        return answered

    async def speak(self, values: Values, at: float) -> Sequence[Emission] | None:
        """One frame, behind noise if the line is bad."""
        if self.faults & {"silent", "unplugged"}:
            return ()
        data = self._emitter.frame(values, datetime.now(UTC))
        if isinstance(self._emitter, Answerer):
            answered = self.hush()
            self._hushed = False
            return answered
        data = self._noisy(data)
        return self.expectation.feed(data, at) if self.twin.emit(data) else None

    def _noisy(self, data: bytes) -> bytes:
        return self._chance.randbytes(NOISE_BYTES) + data if "garbage" in self.faults else data

    def _asked(self, data: bytes) -> None:
        """The agent wrote this: a device that answers does so at once."""
        if self._hushed or "silent" in self.faults or not isinstance(self._emitter, Answerer):
            return
        answer = self._noisy(self._emitter.answer(data))
        if answer and self.twin.emit(answer):
            self._answered += self.expectation.feed(answer, asyncio.get_running_loop().time())


class BleDevice(SimulatedDevice):
    """A device that advertises."""

    def __init__(self, spec: DeviceSpec, peripheral: Peripheral, chance: Random) -> None:
        super().__init__(spec)
        self._peripheral = peripheral
        self._emitter = EMITTERS[spec.language]()
        self._chance = chance

    async def speak(self, values: Values, at: float) -> Sequence[Emission] | None:
        """One advertisement; garbage is one that is cut short, as a length byte that lies would have it."""
        if self.faults & {"silent", "unplugged"}:
            return ()
        payload = self._emitter.frame(values, datetime.now(UTC))
        if "garbage" in self.faults:
            payload = payload[: self._chance.randrange(len(payload))]
        rssi_dbm = RSSI_DBM + self._chance.randint(-RSSI_SPREAD_DB, RSSI_SPREAD_DB)
        if not self._peripheral.advertise({BTHOME_SERVICE: payload}, None, rssi_dbm):
            return None
        advert = Advert(self.spec.address, self.spec.label, rssi_dbm, {BTHOME_SERVICE: payload}, {})
        return self.expectation.feed(advert, at)


class ContactDevice(SimulatedDevice):
    """A contact on a GPIO line. It speaks when it changes, and to whoever takes the line."""

    def __init__(self, spec: DeviceSpec, board: Board) -> None:
        super().__init__(spec)
        self._board = board
        self._active = False
        self._still_at = 0.0
        board.drive(spec.line, self._level())

    def taken(self, at: float) -> Sequence[Emission]:
        """A program took the line as input and reads it: what it reads."""
        self._still_at = at
        return self.expectation.feed(Level(self._active), at)

    async def speak(self, values: Values, at: float) -> Sequence[Emission] | None:
        """Follow the model, with bounce; nothing is said while it stays as it is."""
        active = bool(values["active"])
        if active == self._active or self.faults or at - self._still_at < HOLD_S:
            return ()
        heard = self._board.connected(self.spec.line)
        self._active, self._still_at = active, at
        at = await self._board.switch(self.spec.line, self._level())
        return self.expectation.feed(Level(active), at) if heard else None

    def _level(self) -> bool:
        return self._active == (self.spec.active == "high")
