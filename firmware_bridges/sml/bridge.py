"""SML: what German electricity meters send at their optical port, to readings.

A frame begins with 1b1b1b1b 01010101 and ends with 1b1b1b1b 1a, the number of padding bytes and a CRC (SML 1.04 §8).
Inside it are messages, each a list of values with a type and length before them; the readings are in GetListResponse.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import Item
from firmware_bridges.checksums import crc16_kermit, crc16_x25
from firmware_bridges.framed import FramedBridge
from firmware_bridges.framing import DAMAGED, MORE
from firmware_bridges.obis import ELECTRICITY, UNITS

HEAD = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
# The longest frames seen have 700 bytes; the standard has no limit.
MAX_FRAME = 4096
# Lists in lists; a GetListResponse has five levels, with its times (SML 1.04 §6).
MAX_DEPTH = 12
GET_LIST_RESPONSE = 0x0701
_RUN = re.compile(rb"\x1b{4,}")

# DLMS unit codes (IEC 62056-6-2, table 5) as meters write them in text telegrams.
_UNIT_CODES = {
    8: "deg", 27: "W", 28: "VA", 29: "var", 30: "Wh", 32: "varh", 33: "A", 35: "V", 44: "Hz", 255: "",
}  # fmt: skip

# DZG DVS74 with these serial numbers send a positive power of one to three bytes as if it were signed, so that 356.24 W
# reads -299.12 W; negative ones have always four. Ranges and rule: libsml, sml_list.c, detect_buggy_dzg_dvs74.
_DZG = b"\x0a\x01DZG"
_DZG_WRONG = (range(42_000_000, 49_000_000), range(55_000_000, 59_000_000))
_POWER = "16.7.0"
# EMH eHZ361 send the power, with its sign, under a code of their own (libsml-testing, EMH_eHZ361L5R).
_QUANTITIES = {**ELECTRICITY, "1.7.1": ELECTRICITY[_POWER]}


class _BrokenError(Exception):
    """These bytes are no SML."""


class _Integer(int):
    """A number, and how many bytes it had if it was signed (0: it was not)."""

    signed_bytes = 0


class Sml(FramedBridge):
    """Frames in, readings of channel 1 (electricity) out, in the order of the list."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device, HEAD, _judge, MAX_FRAME)

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """The readings in its messages."""
        body = _unescaped(frame[len(HEAD) : -8])
        body = body[: len(body) - frame[-3]] if frame[-3] < 4 else body
        place = 0
        try:
            while place < len(body):
                message, place = _value(body, place, MAX_DEPTH)
                if message is not None:
                    yield from self._message(message, at)
        except (_BrokenError, IndexError):
            yield from self.faults.say("garbage", "a frame holds something that is no SML", at)

    def _message(self, message: Any, at: float) -> Iterator[Item]:
        match message:
            case [_, _, _, [tag, [_, server, _, _, [*entries], *_]], *_] if tag == GET_LIST_RESPONSE:
                for entry in entries:
                    yield from self._entry(entry, _is_wrong_dzg(server), at)

    def _entry(self, entry: Any, wrong_dzg: bool, at: float) -> Iterator[Item]:
        match entry:
            case [bytes(name), _, _, int() | None as code, int() | None as scaler, _Integer() as number, *_] if (
                len(name) == 6 and name[0] == 1
            ):
                obis = f"{name[2]}.{name[3]}.{name[4]}"
                quantity = _QUANTITIES.get(obis)
                known, shift = UNITS.get(_UNIT_CODES.get(code or 255, "?"), ("", 0))
                exponent = (scaler or 0) - shift
                if quantity is None or quantity.unit != known or not -12 <= exponent <= 9:
                    return
                if wrong_dzg and obis == _POWER and number.signed_bytes in (1, 2, 3) and number < 0:
                    number = _Integer(number + (1 << 8 * number.signed_bytes))
                yield self.present(self.channel(*quantity), round(float(f"{number}e{exponent}"), max(0, -exponent)), at)


def _judge(data: bytes) -> int:
    """Length of the frame at the beginning (see FrameHunter).

    Four escape bytes within a frame are sent twice, so the length of a run of them tells a value from the end.
    """
    place = len(HEAD)
    while run := _RUN.search(data, place):
        place = run.end()
        if place + 4 > len(data):
            return MORE
        if (place - run.start()) % 8 < 4:
            continue
        if data[place] != 0x1A:
            return DAMAGED
        end = place + 4
        crc = int.from_bytes(data[end - 2 : end], "little")
        # Holley's meters have the other CRC, some of them over messages only, some over frames too.
        return end if crc in (crc16_x25(data[: end - 2]), crc16_kermit(data[: end - 2])) else DAMAGED
    return MORE


def _unescaped(body: bytes) -> bytes:
    return body.replace(b"\x1b" * 8, b"\x1b" * 4)


def _value(data: bytes, place: int, depth: int) -> tuple[Any, int]:
    """The value at `place` (None: an end of message), and where the next begins. Raises _BrokenError or IndexError."""
    if depth == 0:
        raise _BrokenError
    first = data[place]
    if first == 0:
        return None, place + 1
    kind, size, start = first >> 4 & 7, first & 15, place
    place += 1
    while data[place - 1] & 0x80:
        size = size << 4 | data[place] & 15
        place += 1
        if place - start > 4:
            raise _BrokenError
    if kind == 7:
        return _list(data, place, size, depth)
    end = start + size
    if end < place or end > len(data):
        raise _BrokenError
    return _scalar(kind, data[place:end]), end


def _list(data: bytes, place: int, size: int, depth: int) -> tuple[Sequence[Any], int]:
    values = []
    for _ in range(size):
        value, place = _value(data, place, depth - 1)
        values.append(value)
    return values, place


def _scalar(kind: int, raw: bytes) -> Any:
    if kind == 0:
        return raw
    if kind == 4:
        return any(raw)
    if kind in (5, 6) and 1 <= len(raw) <= 8:
        number = _Integer(int.from_bytes(raw, "big", signed=kind == 5))
        number.signed_bytes = len(raw) if kind == 5 else 0
        return number
    raise _BrokenError


def _is_wrong_dzg(server: Any) -> bool:
    if not isinstance(server, bytes) or len(server) != 10 or not server.startswith(_DZG):
        return False
    serial = int.from_bytes(server[len(_DZG) :], "big")
    return any(serial in wrong for wrong in _DZG_WRONG)


SPEC = LanguageSpec(
    name="sml",
    transports=frozenset({"serial"}),
    make=Sml,
    options={},
    doc="SML: German electricity meters, read at their optical port",
)
