"""Dumps of German meters decode to what their owners say, and to what a second reading of the same bytes finds."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridges.checksums import crc16_x25
from firmware_bridges.sml.bridge import HEAD
from tests.firmware.captures.table import count, names, note, path_of, stated
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures

# An entry of a value list, found by its look alone: code of channel 1, anything, unit, scaler, value.
ENTRY = re.compile(
    rb"\x77\x07\x01\x00(.)(.)(.)\xff.{1,24}?\x62([\x1b\x1e\x21\x23\x2c\x08])\x52(.)([\x52-\x59\x62-\x69])", re.DOTALL
)
UNITS = {0x1B: 1e-3, 0x1E: 1e-3, 0x21: 1.0, 0x23: 1.0, 0x2C: 1.0, 0x08: 1.0}


def frames(raw: bytes) -> Iterator[bytes]:
    """Frames found in another way than the bridge does: by their beginnings."""
    for part in raw.split(HEAD)[1:]:
        end = part.find(b"\x1b\x1b\x1b\x1b\x1a")
        if end >= 0 and len(part) >= end + 8:
            yield HEAD + part[: end + 8]


def values(frame: bytes) -> Iterator[float]:
    for match in ENTRY.finditer(frame):
        size = (match[6][0] & 15) - 1
        raw = frame[match.end() : match.end() + size]
        number = int.from_bytes(raw, "big", signed=match[6][0] < 0x60)
        yield number * 10.0 ** int.from_bytes(match[5], "big", signed=True) * UNITS[match[4][0]]


@pytest.mark.parametrize("name", names("sml/*.bin"))
def test_a_dump_decodes_to_what_is_in_it(name: str) -> None:
    raw = path_of(name).read_bytes()
    whole = list(frames(raw))
    good = [frame for frame in whole if crc16_x25(frame[:-2]) == int.from_bytes(frame[-2:], "little")]
    bridge = make("sml")
    items = feed(bridge, [raw])
    assert feed(make("sml"), random_pieces(raw, 5)) == items
    wanted = [value for frame in good for value in values(frame)]
    told = [value for _, value, unit in said(items) if unit]
    wrong = "meter_bug" in stated(name).get("expected", {})
    if wrong:
        assert min(wanted) == pytest.approx(-0.29912)
        wanted = [0.35624 if value < 0 else value for value in wanted]
        note("sml", f"{Path(name).name}: its own -299.12 W is told as the 356.24 W that it means")
    mismatches = sum(value != pytest.approx(want) for value, want in zip(told, wanted, strict=False))
    count("sml", len(whole), len(good), bridge, mismatches, compared=len(wanted))
    assert told == pytest.approx(wanted)
    assert len(codes(items)) == (1 if len(good) < len(whole) else 0)


def number(text: str) -> tuple[float, str]:
    value, unit = text.split()
    return (float(value) / 1000, f"k{unit}") if unit in {"Wh", "W"} else (float(value), unit)


@pytest.mark.parametrize("name", names("sml/*.bin"))
def test_a_dump_says_what_its_owner_says(name: str) -> None:
    raw = path_of(name).read_bytes()
    expected = stated(name).get("expected", {})
    said_first = [(value, unit) for _, value, unit in said(feed(make("sml"), [next(frames(raw))]))]
    for values_of in (expected.get("reading", {}), expected.get("first_frame", {})):
        for text in values_of.values():
            value, unit = number(text)
            assert (pytest.approx(value), unit) in said_first
