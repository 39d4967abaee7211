"""Modbus RTU units on a pty: they answer whoever asks for their registers."""

import asyncio
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from firmware_bridges.modbus.codec import FUNCTIONS, Request, request_at, sealed
from simulators.ports import OnPort

MAX_HEARD = 256


def float_words(value: float) -> tuple[int, int]:
    """A 32-bit float as two registers, high first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return high, low


class Unit:
    """One slave. `registers` are its words by table and address; what is not there is an illegal data address.

    `faults` are `silent`, `crc` (its CRC is wrong), `late` (it answers after `late_s`) and `noise` (bytes before its
    answer); `exception` is the number that it answers with, if not 0.
    """

    def __init__(self, registers: Mapping[str, Mapping[int, int]]) -> None:
        self.registers = {table: dict(words) for table, words in registers.items()}
        self.faults: set[str] = set()
        self.exception = 0
        self.late_s = 0.7
        self.asked = 0

    def put(self, table: str, address: int, words: Iterable[int]) -> None:
        """Set registers."""
        self.registers.setdefault(table, {}).update(enumerate(words, address))

    def answer(self, request: Request) -> bytes:
        """The frame that answers a request."""
        self.asked += 1
        function, words = FUNCTIONS[request.table], self.registers.get(request.table, {})
        wanted = range(request.address, request.address + request.length)
        exception = self.exception or (0 if all(address in words for address in wanted) else 2)
        if exception:
            return self._sealed(bytes([request.unit, function | 0x80, exception]))
        values = [words[address] for address in wanted]
        if request.table in {"coil", "discrete"}:
            bits = sum((value & 1) << i for i, value in enumerate(values))
            data = bits.to_bytes(request.size, "little")
        else:
            data = b"".join(value.to_bytes(2, "big") for value in values)
        return self._sealed(bytes([request.unit, function, len(data)]) + data)

    def _sealed(self, body: bytes) -> bytes:
        frame = sealed(body)
        return frame[:-1] + bytes([frame[-1] ^ 1]) if "crc" in self.faults else frame


class ModbusBus(OnPort):
    """Several units behind one port. Used as an async context manager; `echo`: the adapter hears what it sends."""

    def __init__(self, path: Path, units: Mapping[int, Unit]) -> None:
        super().__init__(path, self._hear)
        self.units = dict(units)
        self.echo = False
        self._heard = b""

    def _hear(self, data: bytes) -> None:
        if self.echo:
            self.twin.emit(data)
        self._heard = (self._heard + data)[-MAX_HEARD:]
        place = 0
        while place < len(self._heard):
            found = request_at(self._heard, place)
            if isinstance(found, Request):
                place += len(found.frame)
                self._ask(found)
            elif found > 0:
                break
            else:
                place += 1
        self._heard = self._heard[place:]

    def _ask(self, request: Request) -> None:
        unit = self.units.get(request.unit)
        if unit is None or "silent" in unit.faults:
            return
        frame = (b"\x00\xff" if "noise" in unit.faults else b"") + unit.answer(request)
        wait_s = unit.late_s if "late" in unit.faults else 0.0
        asyncio.get_running_loop().call_later(wait_s, self.twin.emit, frame)
