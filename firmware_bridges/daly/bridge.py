"""Daly battery management: answers in the manner of Modbus, over UART, RS-485 or BLE, to readings.

Which firmware it is shows in the first byte of its answer; until then both are asked in turn.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.finding import Severity
from edge_agent.core.ports import Gatt, LanguageSpec
from edge_agent.core.reading import ChannelKind, Code, Codes, Item, Reading, Value, uuid
from firmware_bridges.asking import EVERY_S, AskingBridge, Request
from firmware_bridges.checksums import crc16_modbus
from firmware_bridges.daly.registers import ALARMS, MAPS, MAX_CELLS, MAX_SENSORS, Map
from firmware_bridges.framing import DAMAGED, MORE, NONE

# What is asked of which firmware, and with which byte it answers.
OLD, NEW = 0xD2, 0x81
READ = 0x03
HEADS = frozenset({0xD2, 0x51, 0x81})
# Address, function, length; CRC of two bytes. A request has eight bytes.
FRAME, REQUEST = 5, 8
ZERO_A = 30000  # current is in tenths of an ampere above this
ZERO_C = 40
_SEVERITIES = {1: Severity.NOTICE, 2: Severity.WARNING, 3: Severity.ALARM}
_COUNTER, _STATE = ChannelKind.COUNTER, ChannelKind.STATE


def request(head: int, first: int, count: int) -> Request:
    """A request for registers; its answer is known by its head and its number of bytes."""
    body = bytes((head, READ)) + first.to_bytes(2, "big") + count.to_bytes(2, "big")
    answer = 0x51 if head == NEW else head
    return Request(f"{answer:02x} {2 * count}", body + crc16_modbus(body).to_bytes(2, "little"))


FIRMWARES = {
    OLD: (request(OLD, 0x00, 0x3E),),
    NEW: (request(NEW, 0x00, 0x40), request(NEW, 0x41, 0x3E)),
}


def judge(data: bytes) -> int:
    """For the hunter: how long the answer is that begins here, or the request of somebody else on this line."""
    if data[0] not in HEADS or (len(data) > 1 and data[1] != READ):
        return NONE
    if len(data) < FRAME:
        return MORE
    if data[2] % 2:
        return NONE
    size = FRAME + data[2] if data[2] else REQUEST
    if len(data) < size:
        return MORE
    good = crc16_modbus(data[: size - 2]) == int.from_bytes(data[size - 2 : size], "little")
    return size if good else DAMAGED


class Daly(AskingBridge):
    """Answers in, readings and trouble codes out."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device, options, (b"", judge, FRAME + 0xFF), tuple(FIRMWARES.values()))

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """An answer, or (without data) what somebody else asks on this line."""
        if frame[2]:
            yield from self._answer(frame[0], frame[3:-2], at)

    def _answer(self, head: int, data: bytes, at: float) -> Iterator[Item]:
        self.answered(f"{head:02x} {len(data)}")
        known = MAPS.get((head, len(data)))
        if known is None:
            return  # versions, settings: asked for by somebody else
        words = [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]
        yield from self._values(known, words, MAX_CELLS[head], at)
        if known.alarms >= 0:
            yield self._codes(words[known.alarms - known.first :][:4], at)

    def _values(self, known: Map, words: list[int], max_cells: int, at: float) -> Iterator[Reading]:
        def word(register: int) -> int:
            return words[register - known.first]

        if known.voltage >= 0:
            yield self._told("voltage", "V", word(known.voltage) / 10, at)
            yield self._told("current", "A", (word(known.current) - ZERO_A) / 10, at)
            yield self._told("charge", "%", word(known.charge) / 10, at)
        if known.remaining >= 0:
            yield self._told("remaining", "A.h", word(known.remaining) / 10, at)
            yield self._told("cycles", "", word(known.cycles), at, _COUNTER)
            yield self._told("charging_enabled", "", bool(word(known.charging)), at, _STATE)
            yield self._told("discharging_enabled", "", bool(word(known.discharging)), at, _STATE)
            yield self._told("balancing", "", bool(word(known.balancing)), at, _STATE)
        if known.switch_temperature >= 0:
            yield self._told("switch_temperature", "Cel", word(known.switch_temperature) - ZERO_C, at)
        if known.cells >= 0:
            for number in range(min(word(known.sensor_count), MAX_SENSORS)):
                yield self._told(f"temperature_{number + 1}", "Cel", word(known.sensors + number) - ZERO_C, at)
            for number in range(min(word(known.cell_count), max_cells)):
                yield self._told(f"cell_{number + 1}", "V", word(known.cells + number) / 1000, at)

    def _told(self, name: str, unit: str, value: Value, at: float, kind: ChannelKind = ChannelKind.GAUGE) -> Reading:
        return self.present(self.channel(name, unit, kind), value, at)

    def _codes(self, words: list[int], at: float) -> Codes:
        bits = [8 * place + bit for place, byte in enumerate(_low_first(words)) for bit in range(8) if byte >> bit & 1]
        codes = []
        for bit in bits:
            words_of, level = ALARMS[bit] if bit < len(ALARMS) else ("", 2)
            codes.append(Code(f"A{bit}", words_of, severity=_SEVERITIES[level]))
        return Codes(self.device, tuple(codes), at)


def _low_first(words: list[int]) -> list[int]:
    return [byte for word in words for byte in (word & 0xFF, word >> 8)]


SPEC = LanguageSpec(
    name="daly",
    transports=frozenset({"serial", "gatt"}),
    make=Daly,
    options={"every_s": EVERY_S},
    doc="Daly battery management (Smart BMS, H, K, M and S series, DL series of 2026) by UART, RS-485 or BLE",
    baud=9600,
    gatt=Gatt(subscribe=(uuid(0xFFF1),), write=uuid(0xFFF2)),
)
