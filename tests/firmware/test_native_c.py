"""The C library against the gateway's codec: the vectors, any values, any stream, and its size on a Cortex-M3."""

import random
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridges.native.wire import Decoder, Frame, encode
from tests.firmware import native_c
from tests.firmware.native_frames import BAD, FRAMES, NATIVE, STREAMS, named, plain

# Issue: 1.5 kB of flash for the codec. What the device's half adds is a product's own choice, and printed beside it.
CODEC_BYTES = 1536
ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")  # where Debian has it
# ATmega328P with Arduino's boot loader (boards.txt, uno.upload.maximum_size); a stack of 384 bytes holds a frame twice.
UNO_FLASH_BYTES, UNO_RAM_BYTES, UNO_STACK_BYTES = 32256, 2048, 384
U32 = st.integers(0, 2**32 - 1) | st.integers(0, 300)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    U32,
    st.integers(-(2**31), -1) | st.integers(-40, -1),
    st.floats(width=32, allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
    st.binary(max_size=60),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=20), st.dictionaries(U32, inner, max_size=20)),
    max_leaves=20,
)


def host_frames(*pieces: bytes) -> list[tuple[int, int, bytes]]:
    decoder = Decoder()
    return [tuple(each) for piece in pieces for each in decoder.feed(piece) if isinstance(each, Frame)]  # type: ignore[misc]


@pytest.mark.parametrize("vector", **named(FRAMES))
def test_a_frame_of_the_vectors_is_read_and_written_as_it_stands(vector: dict[str, Any]) -> None:
    wire, body = bytes.fromhex(vector["wire"]), bytes.fromhex(vector["body"])
    assert list(native_c.Frames().feed(wire)) == [(vector["type"], vector["number"], body)]
    said = plain(vector["says"])
    raw = isinstance(said, bytes)
    made = native_c.frame(
        vector["type"],
        vector["number"],
        (lambda lib, w: lib.el_raw(w, said, len(said))) if raw else lambda lib, w: native_c.write_value(lib, w, said),
    )
    assert made == wire


@pytest.mark.parametrize("vector", **named(BAD))
def test_a_spoiled_frame_of_the_vectors_is_bad_and_the_next_one_is_read(vector: dict[str, Any]) -> None:
    frames = native_c.Frames()
    assert list(frames.feed(bytes.fromhex(vector["wire"]) + encode(2, 9, b""))) == [(2, 9, b"")]
    assert (frames.rx.good, frames.rx.bad) == (1, 1)


@pytest.mark.parametrize("vector", **named(STREAMS))
def test_what_stands_between_frames_spoils_none(vector: dict[str, Any]) -> None:
    numbers = [number for _, number, _ in native_c.Frames().feed(bytes.fromhex(vector["wire"]))]
    assert numbers == [each for each in vector["holds"] if isinstance(each, int)]


@settings(max_examples=300, deadline=None)
@given(value=VALUES)
def test_what_the_device_writes_the_gateway_reads(value: Any) -> None:
    wire = native_c.frame(3, 1, lambda lib, w: native_c.write_value(lib, w, value))
    if not wire:
        assert len(msgpack.packb(value, use_single_float=True)) > 200
        return
    ((kind, number, body),) = host_frames(wire)
    assert (kind, number) == (3, 1)
    assert msgpack.unpackb(body, strict_map_key=False) == value


@settings(max_examples=200, deadline=None)
@given(value=VALUES, capacity=st.integers(0, 257))
def test_no_buffer_is_too_small(value: Any, capacity: int) -> None:
    whole = native_c.frame(3, 1, lambda lib, w: native_c.write_value(lib, w, value))
    small = native_c.frame(3, 1, lambda lib, w: native_c.write_value(lib, w, value), capacity)
    assert small == (whole if len(whole) <= capacity else b"")


def said(value: Any) -> list[native_c.Said]:
    """What the C reader gives of a value, by Python's own idea of it."""
    if isinstance(value, list):
        return [native_c.Said("array", len(value)), *(each for item in value for each in said(item))]
    if not isinstance(value, dict):
        kinds = {bool: "bool", int: "uint", float: "float", str: "text", bytes: "bytes", type(None): "nil"}
        kind = "negative" if type(value) is int and value < 0 else kinds[type(value)]
        plain_value = value.encode() if isinstance(value, str) else 0 if value is None else value
        return [native_c.Said(kind, plain_value)]
    inside = [each for pair in value.items() for item in pair for each in said(item)]
    return [native_c.Said("map", len(value)), *inside]


@settings(max_examples=300, deadline=None)
@given(value=VALUES)
def test_what_the_gateway_writes_the_device_reads_and_skips(value: Any) -> None:
    body = msgpack.packb(value, use_single_float=True)
    assert native_c.values(body) == said(value)
    assert native_c.skipped(body) == len(body)


@settings(max_examples=250, deadline=None)
@given(body=st.binary(max_size=80) | VALUES.map(msgpack.packb))
def test_any_body_is_read_to_its_end_or_to_its_damage_and_not_beyond(body: bytes) -> None:
    for cut in {len(body), len(body) // 2, max(0, len(body) - 1)}:
        native_c.values(body[:cut])
        unpacker = msgpack.Unpacker(strict_map_key=False, raw=True)
        unpacker.feed(body[:cut])
        try:
            unpacker.skip()
            whole = unpacker.tell()
        except (msgpack.UnpackException, ValueError):
            whole = None
        assert native_c.skipped(body[:cut]) == whole


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_stream_has_the_same_frames_for_both_ends(data: st.DataObject) -> None:
    bodies = st.one_of(
        st.binary(max_size=248), st.lists(st.sampled_from([0, 1, 255]), min_size=200, max_size=248).map(bytes)
    )
    part = st.one_of(bodies.map(lambda body: encode(3, 1, body)), st.binary(max_size=300))
    raw = b"".join(data.draw(st.lists(part, max_size=6)))
    flips = data.draw(st.lists(st.integers(0, max(0, len(raw) - 1)), max_size=3))
    spoiled = bytearray(raw)
    for place in flips if raw else ():
        spoiled[place] ^= 0x41
    cuts = sorted({0, len(spoiled), *data.draw(st.lists(st.integers(0, len(spoiled)), max_size=4))})
    frames = native_c.Frames()
    found = [each for a, b in pairwise(cuts) for each in frames.feed(bytes(spoiled[a:b]))]
    assert found == host_frames(bytes(spoiled))


@pytest.mark.parametrize("capacity", [0, 6, 20])
def test_a_frame_that_is_longer_than_the_devices_buffer_is_bad(capacity: int) -> None:
    frames = native_c.Frames(capacity)
    assert list(frames.feed(encode(3, 1, bytes(30)))) == []
    assert frames.rx.bad == 1


def test_the_checksum_is_zlibs_in_any_pieces() -> None:
    lib = native_c.library()
    assert lib.el_crc32(0, b"123456789", 9) == 0xCBF43926
    assert lib.el_crc32(lib.el_crc32(0, b"12345", 5), b"6789", 4) == 0xCBF43926


# -- size and sanitizers ---------------------------------------------------------------------------------------------


def compiled(folder: Path, source: str, cpu: str) -> int:
    """Bytes of flash of one file, at -Os."""
    flags = [f"-mcpu={cpu}", "-mthumb", "-Os", "-ffreestanding", "-ffunction-sections"]
    target = folder / f"{source}.o"
    arm = ["arm-none-eabi-gcc", *native_c.FLAGS, *flags, "-c", str(NATIVE / "c" / source), "-o", str(target)]
    subprocess.run(arm, check=True)
    told = subprocess.run(["arm-none-eabi-size", str(target)], check=True, capture_output=True, text=True)
    text, data, *_ = told.stdout.splitlines()[1].split()
    return int(text) + int(data)


def test_the_codec_fits_into_one_and_a_half_kilobytes_of_a_cortex_m3(
    tmp_path: Path, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("no arm-none-eabi-gcc: run make tools (Debian: gcc-arm-none-eabi)")
    codec, device = compiled(tmp_path, "edgelink.c", "cortex-m3"), compiled(tmp_path, "edgedevice.c", "cortex-m3")
    small = compiled(tmp_path, "edgelink.c", "cortex-m0")
    with capsys.disabled():
        print(f"\nflash at -Os: codec {codec} B (Cortex-M0: {small} B), device's half {device} B more")  # noqa: T201 - CI shows it
    assert codec <= CODEC_BYTES


def test_the_arduino_example_builds_for_an_uno_with_arduinos_own_core_and_leaves_room_for_the_stack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("avr-g++") is None or not ARDUINO.is_dir():
        pytest.skip("no Arduino core for AVR: run make tools (Debian: arduino-core-avr)")
    # As its platform.txt has them; the standard for C++ is what Debian's compiler knows.
    flags = [
        *("-Os", "-ffunction-sections", "-fdata-sections", "-flto", "-mmcu=atmega328p", "-DF_CPU=16000000L"),
        *("-DARDUINO=10819", "-DARDUINO_AVR_UNO", "-DARDUINO_ARCH_AVR", f"-I{NATIVE / 'c'}"),
        *(f"-I{ARDUINO / 'cores' / 'arduino'}", f"-I{ARDUINO / 'variants' / 'standard'}"),
    ]
    c, cpp = ["avr-gcc", *flags, "-std=gnu11"], ["avr-g++", *flags, "-std=gnu++11", "-fno-threadsafe-statics"]
    core = sorted((ARDUINO / "cores" / "arduino").iterdir())
    own = ["-Wall", "-Wextra", "-Werror"]
    sketch = NATIVE / "c" / "examples" / "arduino" / "panel" / "panel.ino"

    def build(*words: object) -> None:
        subprocess.run([str(word) for word in words], check=True, cwd=tmp_path)

    build(*c, *own, "-c", *(NATIVE / "c" / name for name in ("edgelink.c", "edgedevice.c")))
    build(*cpp, *own, "-include", "Arduino.h", "-x", "c++", "-c", sketch, "-o", "panel.o")
    build(*c, "-w", "-c", *(source for source in core if source.suffix == ".c"))
    # the sketch has no String, and gcc 5.4 cannot compile it
    build(*cpp, "-w", "-fpermissive", "-c", *(s for s in core if s.suffix == ".cpp" and s.name != "WString.cpp"))
    build(*cpp, "-Wl,--gc-sections", *tmp_path.glob("*.o"), "-lm", "-o", "panel.elf")
    told = subprocess.run(["avr-size", tmp_path / "panel.elf"], check=True, capture_output=True, text=True)
    text, data, bss, *_ = map(int, told.stdout.splitlines()[1].split()[:3])
    with capsys.disabled():
        print(f"\nArduino Uno: {text + data} B of flash, {data + bss} B of RAM")  # noqa: T201 - CI shows it
    assert text + data <= UNO_FLASH_BYTES
    assert data + bss <= UNO_RAM_BYTES - UNO_STACK_BYTES


def test_nothing_that_arrives_makes_it_touch_what_is_not_its_own(tmp_path: Path) -> None:
    """Codec and device under the address and undefined behaviour sanitizers; `make fuzz-c` looks for longer."""
    target = tmp_path / "fuzz"
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1", "-g", "-DFUZZ_MAIN"]
    sources = [*native_c.SOURCES, NATIVE / "c" / "fuzz.c"]
    subprocess.run(
        [native_c.compiler(), *native_c.FLAGS, *sanitizers, *map(str, sources), "-o", str(target)], check=True
    )
    chance = random.Random(11)
    frames = [bytes.fromhex(vector["wire"]) for vector in FRAMES + BAD + STREAMS]
    inputs = [*frames, b"".join(frames)]
    for _ in range(3000):
        raw = bytearray(chance.choice(frames) + chance.choice(frames))
        for _ in range(chance.randrange(4)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        body = chance.randbytes(chance.randrange(40))
        inputs += [bytes(raw), encode(chance.choice((1, 16, 17, 18, 32, 4)), 1, body)]
    packed = b"".join(len(each).to_bytes(2, "little") + each for each in inputs)
    done = subprocess.run([str(target)], input=packed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert int(done.stdout) == len(inputs)
