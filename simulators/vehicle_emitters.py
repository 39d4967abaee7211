"""Devices of vehicles: a battery monitor that talks by itself, and two that speak only when they are asked."""

from datetime import datetime
from typing import ClassVar

from simulators.elm327 import Elm327
from simulators.emitter import Answerer, Emitter, Values


class Obd2(Answerer):
    """A vehicle behind a clone of an ELM327, with the habits that such clones have."""

    KEYS: ClassVar[frozenset[str]] = Elm327.KEYS
    REQUIRED: ClassVar[frozenset[str]] = Elm327.REQUIRED
    QUIRKS: ClassVar[frozenset[str]] = frozenset({"late_prompt", "banner_noise", "two_units", "split"})

    def __init__(self) -> None:
        self._adapter = Elm327(self.QUIRKS)

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (it has no clock)
        """Nothing: it waits to be asked."""
        self._adapter.values = values
        return b""

    def answer(self, data: bytes) -> bytes:
        """As Elm327."""
        return self._adapter.answer(data)


class Jbd(Answerer):
    """A JBD battery of four cells. `protection` are the bits that are in force."""

    KEYS: ClassVar[frozenset[str]] = frozenset(
        {"voltage", "current", "charge", "remaining", "capacity", "temperature", "cycles", "protection"}
    )
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"voltage", "current", "charge"})
    CELLS: ClassVar[int] = 4

    def __init__(self) -> None:
        self._values: Values = {}
        self._heard = b""

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (it has no clock)
        """Nothing: it waits to be asked."""
        self._values = values
        return b""

    def answer(self, data: bytes) -> bytes:
        """The basic values for a question after register 3, the cells for one after 4."""
        self._heard = (self._heard + data)[-64:]
        out = b""
        while (end := self._heard.find(b"\x77")) >= 0:
            asked, self._heard = self._heard[: end + 1], self._heard[end + 1 :]
            register = asked[-5] if len(asked) >= 7 and asked[-7:-5] == b"\xdd\xa5" else 0
            if register in {3, 4}:
                out += self._reply(register, self._basic() if register == 3 else self._cells())
        return out

    def _basic(self) -> bytes:
        def units(key: str, per_unit: float, default: float = 0.0) -> int:
            return round(float(self._values.get(key, default)) * per_unit)

        words = (units("voltage", 100), units("current", 100) & 0xFFFF, units("remaining", 100), units("capacity", 100))
        head = b"".join(word.to_bytes(2, "big") for word in (*words, units("cycles", 1), 0x2C7C, 0, 0))
        tail = bytes((0x80, units("charge", 1), 3, self.CELLS, 1))
        return (
            head
            + units("protection", 1).to_bytes(2, "big")
            + tail
            + (2731 + units("temperature", 10, 20.0)).to_bytes(2, "big")
        )

    def _cells(self) -> bytes:
        cell = round(float(self._values["voltage"]) * 1000 / self.CELLS)
        return b"".join((cell + spread).to_bytes(2, "big") for spread in (1, -1, 2, -2)[: self.CELLS])

    @staticmethod
    def _reply(register: int, data: bytes) -> bytes:
        check = -(len(data) + sum(data)) & 0xFFFF
        return bytes((0xDD, register, 0, len(data))) + data + check.to_bytes(2, "big") + b"\x77"


class VeDirect(Emitter):
    """A Victron BMV-702: a block of text a second, with its checksum."""

    KEYS: ClassVar[frozenset[str]] = frozenset({"voltage", "current", "charge", "consumed", "temperature"})
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"voltage", "current"})
    LOW_V: ClassVar[float] = 11.5
    # Label, key, units of the device in one of ours (VE.Direct 3.33, table 1).
    FIELDS: ClassVar[tuple[tuple[str, str, float], ...]] = (
        ("V", "voltage", 1000), ("T", "temperature", 1), ("I", "current", 1000), ("CE", "consumed", -1000),
        ("SOC", "charge", 10),
    )  # fmt: skip

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (it has no clock)
        """One block."""
        low = float(values["voltage"]) < self.LOW_V
        lines = ["PID\t0x204"]
        lines += [
            f"{label}\t{round(float(values[key]) * factor)}" for label, key, factor in self.FIELDS if key in values
        ]
        lines.append(f"P\t{round(float(values['voltage']) * float(values['current']))}")
        lines += [f"Alarm\t{'ON' if low else 'OFF'}", "Relay\tOFF", f"AR\t{int(low)}", "BMV\t702", "FW\t0308"]
        body = "".join(f"\r\n{line}" for line in lines).encode("ascii") + b"\r\nChecksum\t"
        return body + bytes((-sum(body) & 0xFF,))
