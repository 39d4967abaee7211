"""JBD battery management: answers to what is asked every few seconds, over UART, RS-485 or BLE, to readings.

A frame is DD, what was asked, a status, a length, data, a check of two bytes and 77. The same frames come over all
three ways, over BLE in pieces of 20 bytes.
"""

from collections.abc import Iterator, Mapping
from struct import unpack_from
from typing import Any

from edge_agent.core.finding import Severity
from edge_agent.core.ports import Gatt, LanguageSpec
from edge_agent.core.reading import ChannelKind, Code, Codes, Item, Reading, uuid
from firmware_bridges.asking import EVERY_S, AskingBridge, Request
from firmware_bridges.framing import DAMAGED, MORE, NONE

HEAD, TAIL = 0xDD, 0x77
READ, WRITE = 0xA5, 0x5A
BASIC, CELLS = 0x03, 0x04
GOOD, REFUSED = 0x00, 0x80
# Head, command, status, length; check of two bytes, tail.
FRAME = 7
MAX_DATA = 96
MAX_CELLS = 48
MAX_SENSORS = 8
KELVIN = 2731  # tenths
# Bits of the protection status, from the lowest (JBD register 0x03, bytes 16 and 17).
PROTECTIONS = (
    "a cell's voltage is too high",
    "a cell's voltage is too low",
    "battery voltage too high",
    "battery voltage too low",
    "too hot to charge",
    "too cold to charge",
    "too hot to discharge",
    "too cold to discharge",
    "charging current too high",
    "discharging current too high",
    "short circuit",
    "measuring chip defective",
    "switched off by its settings",
    "charging took too long",
)
SEVERE = frozenset({10, 11})


def request(register: int) -> bytes:
    """The bytes that read a register."""
    check = -register & 0xFFFF
    return bytes((HEAD, READ, register, 0, check >> 8, check & 0xFF, TAIL))


REQUESTS = (Request("03", request(BASIC)), Request("04", request(CELLS)))


def judge(data: bytes) -> int:
    """For the hunter: how long the frame is that begins here."""
    if len(data) < 4:
        return MORE
    asks = data[1] in {READ, WRITE}  # somebody else on this line: then the register is where an answer has its status
    if data[3] > MAX_DATA or not (asks or data[2] in {GOOD, REFUSED}):
        return NONE
    size = FRAME + data[3]
    if len(data) < size:
        return MORE
    if data[size - 1] != TAIL:
        return NONE
    check = -sum(data[2 : size - 3]) & 0xFFFF
    return size if int.from_bytes(data[size - 3 : size - 1], "big") == check else DAMAGED


class Jbd(AskingBridge):
    """Frames in, readings and trouble codes out; asks for the basic values and the cells."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device, options, (bytes((HEAD,)), judge, FRAME + MAX_DATA), [REQUESTS])

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """An answer, or what somebody else asks on this line."""
        if frame[1] not in {READ, WRITE}:
            yield from self._answer(frame[1], frame[2], frame[4:-3], at)

    def _answer(self, register: int, status: int, data: bytes, at: float) -> Iterator[Item]:
        if register not in {BASIC, CELLS}:
            return
        self.answered(f"{register:02d}")
        if status:
            yield from self.faults.say("refused", f"the battery refuses register {register} (status {status})", at)
        elif register == BASIC and len(data) >= 23 and len(data) >= 23 + 2 * data[22]:
            yield from self._basic(data, at)
        elif register == CELLS and data and len(data) % 2 == 0:
            for number, (raw,) in enumerate(_words(data[: 2 * MAX_CELLS]), 1):
                yield self.present(self.channel(f"cell_{number}", "V"), raw / 1000, at)
        else:
            yield from self.faults.say("malformed", f"an answer to register {register} has the wrong length", at)

    def _basic(self, data: bytes, at: float) -> Iterator[Item]:
        volts, amps, left, full, cycles = unpack_from(">HhHHH", data)
        protection = int.from_bytes(data[16:18], "big")
        yield self.present(self.channel("voltage", "V"), volts / 100, at)
        yield self.present(self.channel("current", "A"), amps / 100, at)
        yield self.present(self.channel("charge", "%"), data[19], at)
        yield self.present(self.channel("remaining", "A.h"), left / 100, at)
        yield self.present(self.channel("capacity", "A.h"), full / 100, at)
        yield self.present(self.channel("cycles", "", ChannelKind.COUNTER), cycles, at)
        yield self._state("charging_enabled", data[20] & 1, at)
        yield self._state("discharging_enabled", data[20] & 2, at)
        yield self._state("balancing", int.from_bytes(data[12:16], "big"), at)
        for number, (raw,) in enumerate(_words(data[23 : 23 + 2 * min(data[22], MAX_SENSORS)]), 1):
            yield self.present(self.channel(f"temperature_{number}", "Cel"), (raw - KELVIN) / 10, at)
        codes = tuple(
            Code(f"P{bit}", PROTECTIONS[bit] if bit < len(PROTECTIONS) else "", severity=_severity(bit))
            for bit in range(16)
            if protection >> bit & 1
        )
        yield Codes(self.device, codes, at)

    def _state(self, name: str, bits: int, at: float) -> Reading:
        return self.present(self.channel(name, "", ChannelKind.STATE), bool(bits), at)


def _words(data: bytes) -> list[tuple[int]]:
    return [unpack_from(">H", data, place) for place in range(0, len(data) - 1, 2)]


def _severity(bit: int) -> Severity:
    return Severity.ALARM if bit in SEVERE else Severity.WARNING


SPEC = LanguageSpec(
    name="jbd",
    transports=frozenset({"serial", "gatt"}),
    make=Jbd,
    options={"every_s": EVERY_S},
    doc="JBD battery management (Xiaoxiang, Overkill Solar, LiTime, Eco-Worthy and others) by UART, RS-485 or BLE",
    baud=9600,
    gatt=Gatt(subscribe=(uuid(0xFF01),), write=uuid(0xFF02)),
)
