"""The C library of the native link, built for this machine and called from Python."""

import ctypes as c
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

from tests.firmware.native_frames import NATIVE

SOURCES = [NATIVE / "c" / "edgelink.c", NATIVE / "c" / "edgedevice.c"]
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror", f"-I{NATIVE / 'c'}"]
KINDS = ("nil", "bool", "uint", "negative", "float", "text", "bytes", "array", "map", "other", "end")
DEVICE_BYTES = 4096  # more than both structs need; the C side knows their size


class Writer(c.Structure):
    _fields_ = (("out", c.c_void_p), ("capacity", c.c_uint16), ("length", c.c_uint16), ("bad", c.c_bool))


class Receiver(c.Structure):
    _fields_ = (
        ("frame", c.c_void_p),
        ("capacity", c.c_uint16),
        ("length", c.c_uint16),
        ("left", c.c_uint8),
        ("zero", c.c_bool),
        ("spoiled", c.c_bool),
        ("type", c.c_uint8),
        ("number", c.c_uint8),
        ("body", c.c_void_p),
        ("size", c.c_uint16),
        ("good", c.c_uint32),
        ("bad", c.c_uint32),
    )


class Reader(c.Structure):
    _fields_ = (("at", c.c_void_p), ("end", c.c_void_p))


class Value(c.Structure):
    _fields_ = (("kind", c.c_uint8), ("n", c.c_uint32), ("at", c.c_void_p))


class Said(NamedTuple):
    """One value as the C reader gives it; text and bytes as they are."""

    kind: str
    value: Any


def compiler() -> str:
    """This machine's own. tests/tools.sh installs one."""
    found = shutil.which("cc") or shutil.which("gcc")
    assert found, "no C compiler: run make tools"
    return found


@cache
def library() -> Any:
    """Built once a session."""
    target = Path(mkdtemp()) / "edgelink.so"
    subprocess.run(
        [compiler(), *FLAGS, "-O1", "-g", "-shared", "-fPIC", *map(str, SOURCES), "-o", str(target)], check=True
    )
    made = c.CDLL(str(target))
    made.el_end.restype = c.c_uint16
    made.el_rx_byte.restype = c.c_bool
    made.el_next.restype = c.c_uint8
    made.el_skip.restype = c.c_bool
    made.el_as_float.restype = c.c_float
    made.el_crc32.restype = c.c_uint32
    for name in ("el_send", "el_raise", "el_holding", "el_log", "el_smp", "el_chunk"):
        getattr(made, name).restype = c.c_bool
    return made


def frame(kind: int, number: int, write: Callable[[Any, Any], None], capacity: int = 257) -> bytes:
    """The wire of a frame whose body `write(library, writer)` writes; empty where it does not fit."""
    lib, out, writer = library(), c.create_string_buffer(capacity + 8), Writer()
    c.memset(out, 0xA5, capacity + 8)
    lib.el_begin(c.byref(writer), out, capacity, kind, number)
    write(lib, c.byref(writer))
    size = lib.el_end(c.byref(writer))
    assert out.raw[capacity:] == b"\xa5" * 8, "written beyond the end"
    return out.raw[:size]


def write_value(lib: Any, writer: Any, value: Any) -> None:
    """One value of Python by the C writer."""
    match value:
        case None:
            lib.el_nil(writer)
        case bool():
            lib.el_bool(writer, value)
        case int() if value >= 0:
            lib.el_uint(writer, c.c_uint32(value))
        case int():
            lib.el_int(writer, c.c_int32(value))
        case float():
            lib.el_float(writer, c.c_float(value))
        case str():
            lib.el_text(writer, value.encode())
        case bytes():
            lib.el_bytes(writer, value, len(value))
        case list():
            lib.el_array(writer, len(value))
            for each in value:
                write_value(lib, writer, each)
        case dict():
            lib.el_map(writer, len(value))
            for key, each in value.items():
                write_value(lib, writer, key)
                write_value(lib, writer, each)


class Frames:
    """A receiver of the C library with a buffer of `capacity` bytes."""

    def __init__(self, capacity: int = 254) -> None:
        self._lib = library()
        self._buffer = c.create_string_buffer(capacity + 8)
        self._capacity = capacity
        self.rx = Receiver()
        self._lib.el_rx_init(c.byref(self.rx), self._buffer, capacity)

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        for byte in data:
            if self._lib.el_rx_byte(c.byref(self.rx), byte):
                yield self.rx.type, self.rx.number, c.string_at(self.rx.body, self.rx.size)
        assert self._buffer.raw[self._capacity :] == b"\0" * 8, "written beyond the end"


def values(body: bytes) -> list[Said]:
    """Every value and head of a body, one after the other, as far as it is whole."""
    lib, reader, value = library(), Reader(), Value()
    kept = c.create_string_buffer(body, len(body))
    lib.el_read(c.byref(reader), kept, len(body))
    found = []
    while lib.el_next(c.byref(reader), c.byref(value)) != KINDS.index("end"):
        kind = KINDS[value.kind]
        said: Any = value.n
        if kind in ("text", "bytes"):
            said = c.string_at(value.at, value.n)
        elif kind in ("float", "negative"):
            said = lib.el_as_float(c.byref(value)) if kind == "float" else value.n - 2**32
        found.append(Said(kind, said))
    return found


def skipped(body: bytes) -> int | None:
    """How many bytes the first value of a body has with all in it; None where it is not whole."""
    lib, reader, value = library(), Reader(), Value()
    kept = c.create_string_buffer(body, len(body))
    lib.el_read(c.byref(reader), kept, len(body))
    lib.el_next(c.byref(reader), c.byref(value))
    if value.kind == KINDS.index("end") or not lib.el_skip(c.byref(reader), c.byref(value)):
        return None
    return int(reader.at) - c.addressof(kept)


# -- a whole device --------------------------------------------------------------------------------------------------

WRITE = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.POINTER(c.c_uint8), c.c_uint16)
OBEY = c.CFUNCTYPE(c.c_uint8, c.c_void_p, c.c_char_p, c.c_void_p)
PASS = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(c.c_uint8), c.c_uint16)


class Hooks(c.Structure):
    _fields_ = (("context", c.c_void_p), ("write", WRITE), ("command", OBEY), ("smp", PASS))


class Channel(c.Structure):
    _fields_ = (("name", c.c_char_p), ("unit", c.c_char_p), ("kind", c.c_uint8))


class Identity(c.Structure):
    _fields_ = (
        ("vendor", c.c_char_p),
        ("model", c.c_char_p),
        ("version", c.c_char_p),
        ("build", c.c_char_p),
        ("uid", c.c_char_p),
        ("uid_size", c.c_uint8),
        ("beat_ms", c.c_uint16),
        ("channels", c.c_void_p),
        ("channel_count", c.c_uint8),
    )


class CDevice:
    """A device on the C library: `out` is what it wrote, `obeyed` what it was told. Its memory outlives `start`."""

    def __init__(self, random: int = 1000) -> None:
        self._lib = library()
        self._held = c.create_string_buffer(DEVICE_BYTES)
        self._random = random
        self._channels = (Channel * 2)(Channel(b"temperature", b"Cel", 0), Channel(b"help", b"", 2))
        self._who = Identity(b"Acme", b"panel", b"1.0", b"b1", b"\1\2", 2, 1000, c.cast(self._channels, c.c_void_p), 2)
        self._hooks = Hooks(None, WRITE(self._write), OBEY(self._obey), PASS(self._pass))
        self.out = bytearray()
        self.obeyed: list[tuple[str, bytes]] = []
        self.status = 0
        self.full = False
        self.start(0)

    def start(self, now_ms: int, reason: bytes = b"power", *, power_cut: bool = False) -> None:
        """A reset; a power cut clears what else survives it."""
        if power_cut:
            c.memset(self._held, 0xFF, DEVICE_BYTES)
            self._random += 1_000_000
        self._device = c.create_string_buffer(DEVICE_BYTES)
        self._lib.el_device_init(
            self._device, c.byref(self._who), self._held, c.byref(self._hooks), reason, self._random, now_ms
        )

    def feed(self, data: bytes, now_ms: int) -> None:
        for byte in data:
            self._lib.el_device_byte(self._device, byte, now_ms)

    def poll(self, now_ms: int) -> None:
        self._lib.el_device_poll(self._device, now_ms)

    def take(self) -> bytes:
        """What it wrote since the last time."""
        out, self.out = bytes(self.out), bytearray()
        return out

    def data(self, now_ms: int, temperature: float) -> bool:
        writer = Writer()
        self._lib.el_data(self._device, c.byref(writer), 1, now_ms)
        write_value(self._lib, c.byref(writer), 0)
        write_value(self._lib, c.byref(writer), temperature)
        return bool(self._lib.el_send(self._device, c.byref(writer)))

    def log(self, level: int, text: str, now_ms: int) -> bool:
        return bool(self._lib.el_log(self._device, level, text.encode(), now_ms))

    def call(self, name: str, now_ms: int) -> bool:
        return bool(self._lib.el_raise(self._device, name.encode(), 3, name.encode(), b"held", now_ms))

    def crash(self, pc: int, lr: int, stack: list[int], now_ms: int) -> None:
        words = (c.c_uint32 * (len(stack) + 1))(*stack)
        end = c.byref(words, 4 * len(stack))
        self._lib.el_crashed(self._held, b"hard fault", pc, lr, 0x61000000, 0x10000, words, end, now_ms)

    def chunks(self, kind: int, n: int, whole: bytes, crc: int) -> None:
        for offset in range(0, len(whole), 200):
            assert self._lib.el_chunk(self._device, kind, n, whole, len(whole), crc, offset)

    @property
    def memory(self) -> Any:
        """What survives a reset, to be spoiled."""
        return self._held

    @property
    def holding(self) -> bool:
        return bool(self._lib.el_holding(self._device))

    def _write(self, _: Any, frame_at: Any, size: int) -> bool:
        if not self.full:
            self.out += c.string_at(frame_at, size)
        return not self.full

    def _obey(self, _: Any, verb: bytes, arguments: int) -> int:
        reader = Reader.from_address(arguments)
        rest = c.string_at(reader.at, int(reader.end) - int(reader.at)) if reader.at else b""
        self.obeyed.append((verb.decode(), rest))
        return self.status

    def _pass(self, _: Any, frame_at: Any, size: int) -> None:
        self._lib.el_smp(self._device, c.string_at(frame_at, size), size)
