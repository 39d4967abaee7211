"""The native link for MicroPython: frames and msgpack (SPEC.md). Also runs in CPython; needs `binascii` and `struct`.

wire = frame(DATA, 1, pack({0: time.ticks_ms(), 1: {0: 21.5}}))
for kind, number, body in receiver.feed(uart.read() or b""): ...
"""

import struct
from binascii import crc32

HELLO, BEAT, DATA, EVENT, LOG, CRASH, CHANNELS = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07
COMMAND, ACK, TIME, CREDIT, CHUNK, SMP = 0x10, 0x11, 0x12, 0x13, 0x14, 0x20
MAJOR, MINOR = 1, 0
MAX_FRAME = 254
OVERHEAD = 6
MAX_BODY = MAX_FRAME - OVERHEAD
MAX_DEPTH = 8

_TAILS = {  # first byte: how many bytes of length or number follow, and how struct reads them
    0xC4: ">B", 0xC5: ">H", 0xD9: ">B", 0xDA: ">H", 0xDC: ">H", 0xDE: ">H", 0xCA: ">f", 0xCB: ">d",
    0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip

_FIXED = {0xC0: None, 0xC2: False, 0xC3: True}


def frame(kind, number, body):
    """The bytes of a frame on the wire. Raises ValueError where the body is too long."""
    if len(body) > MAX_BODY:
        raise ValueError("body too long")
    raw = bytes((kind, number & 0xFF)) + body
    raw += struct.pack("<I", crc32(raw) & 0xFFFFFFFF)
    out = bytearray(len(raw) + 3)
    code = 1
    place = 2
    for byte in raw:
        if byte:
            out[place] = byte
        else:
            out[code] = place - code
            code = place
        place += 1
    out[code] = place - code
    return bytes(out)


class Receiver:
    """A stream in any pieces to frames; `good` and `bad` count them. Keeps at most one frame."""

    def __init__(self):
        self.good = 0
        self.bad = 0
        self._code = bytearray()
        self._spoiled = False

    def feed(self, data):
        """The frames that `data` completes, each as (type, number, body)."""
        found = []
        for byte in data:
            if byte:
                if len(self._code) <= MAX_FRAME:
                    self._code.append(byte)
                else:
                    self._spoiled = True
                continue
            if self._code:
                raw = None if self._spoiled else _frame(self._code)
                if raw is None:
                    self.bad += 1
                else:
                    self.good += 1
                    found.append((raw[0], raw[1], bytes(raw[2:-4])))
                self._code = bytearray()
            self._spoiled = False
        return found


def _frame(code):
    """The frame without its stuffing, None where it is none."""
    raw = bytearray()
    place = 0
    while place < len(code):
        size = code[place]
        if place + size > len(code):
            return None
        raw += code[place + 1 : place + size]
        place += size
        if size < 0xFF and place < len(code):
            raw.append(0)
    if len(raw) < OVERHEAD or struct.unpack("<I", raw[-4:])[0] != crc32(raw[:-4]) & 0xFFFFFFFF:
        return None
    return raw


def pack(value):
    """Plain data as msgpack: None, bool, int, float, str, bytes, list, dict."""
    out = bytearray()
    _put(out, value)
    return bytes(out)


def _put(out, value):
    if value is None:
        out.append(0xC0)
    elif value is True or value is False:
        out.append(0xC3 if value else 0xC2)
    elif isinstance(value, int):
        _put_int(out, value)
    elif isinstance(value, float):
        out += b"\xca" + struct.pack(">f", value)
    elif isinstance(value, str):
        raw = value.encode()
        _put_head(out, len(raw), 0xA0, 32, 0xD9)
        out += raw
    elif isinstance(value, (bytes, bytearray)):
        _put_head(out, len(value), 0, 0, 0xC4)
        out += value
    elif isinstance(value, dict):
        _put_head(out, len(value), 0x80, 16, 0xDE - 1)
        for key in value:
            _put(out, key)
            _put(out, value[key])
    else:
        _put_head(out, len(value), 0x90, 16, 0xDC - 1)
        for each in value:
            _put(out, each)


def _put_head(out, count, small, below, byte):
    """A length: in the head itself, in a byte (`byte`), or in two (the head behind that)."""
    if count < below:
        out.append(small | count)
    elif count < 256 and byte in (0xC4, 0xD9):
        out += bytes((byte, count))
    else:
        out.append(byte + 1)
        out += struct.pack(">H", count)


def _put_int(out, value):
    if -32 <= value < 128:
        out.append(value & 0xFF)
    elif value < 0:
        out += b"\xd2" + struct.pack(">i", value)
    elif value < 256:
        out += b"\xcc" + struct.pack(">B", value)
    elif value < 65536:
        out += b"\xcd" + struct.pack(">H", value)
    else:
        out += b"\xce" + struct.pack(">I", value)


def unpack(body):
    """The data of a body. Raises ValueError where it is damaged or nested too deep."""
    value, place = _take(body, 0, 0)
    if place != len(body):
        raise ValueError("more than one value")
    return value


def _take(body, place, depth):  # noqa: C901, PLR0911 - a table of first bytes
    if place >= len(body) or depth > MAX_DEPTH:
        raise ValueError("cut short, or too deep")
    first = body[place]
    place += 1
    if first < 0x80:
        return first, place
    if first >= 0xE0:
        return first - 256, place
    if first < 0x90:
        return _take_map(body, place, first & 15, depth)
    if first < 0xA0:
        return _take_list(body, place, first & 15, depth)
    if first < 0xC0:
        return _take_bytes(body, place, first & 31, True)
    if first in _FIXED:
        return _FIXED[first], place
    form = _TAILS.get(first)
    if form is None:
        raise ValueError("a form of msgpack that is not read here")
    size = struct.calcsize(form)
    if place + size > len(body):
        raise ValueError("cut short")
    value = struct.unpack(form, body[place : place + size])[0]
    place += size
    if first in (0xC4, 0xC5, 0xD9, 0xDA):
        return _take_bytes(body, place, value, first >= 0xD9)
    if first == 0xDC:
        return _take_list(body, place, value, depth)
    if first == 0xDE:
        return _take_map(body, place, value, depth)
    return value, place


def _take_bytes(body, place, size, text):
    if place + size > len(body):
        raise ValueError("cut short")
    raw = bytes(body[place : place + size])
    try:
        return raw.decode() if text else raw, place + size
    except UnicodeError as error:
        raise ValueError("not UTF-8") from error


def _take_list(body, place, count, depth):
    found = []
    for _ in range(count):
        value, place = _take(body, place, depth + 1)
        found.append(value)
    return found, place


def _take_map(body, place, count, depth):
    found = {}
    for _ in range(count):
        key, place = _take(body, place, depth + 1)
        if isinstance(key, (list, dict)):
            raise ValueError("no key of a map")  # noqa: TRY004 - the one error of damaged bodies
        value, place = _take(body, place, depth + 1)
        found[key] = value
    return found, place
