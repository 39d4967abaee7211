"""Standard characteristics: the special numbers of IEEE 11073, every flag, and values that are cut short."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.reading import Item, Notify, Reading, uuid
from firmware_bridges.gatt.bridge import GATT
from firmware_bridges.gatt.numbers import float32, sfloat
from firmware_bridges.gatt.values import VALUES
from tests.firmware.support import codes, gaps, make, said


def told(number: int, data: str | bytes, bridge: Any = None, at: float = 0.0) -> list[Item]:
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    return list((bridge or make("gatt")).feed(Notify(uuid(number), raw), at))


# IEEE 11073-20601, table of special values, and numbers of its annex.
@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0x0000, 0.0),
        (0x0072, 114.0),
        (0x07FD, 2045.0),
        (0x0803, -2045.0),
        (0xF16D, 36.5),
        (0xE16D, 3.65),
        (0x7001, 1e7),
        (0x8001, 1e-8),
        (0xF800, -204.8),  # with an exponent, this mantissa is a number
        (0xF7FF, 204.7),
    ],
)
def test_a_short_float_is_worth_its_mantissa_times_ten_to_its_exponent(raw: int, value: float) -> None:
    assert sfloat(raw) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("raw", [0x07FF, 0x0800, 0x07FE, 0x0802, 0x0801])
def test_a_short_float_that_is_special_is_a_reason(raw: int) -> None:
    assert isinstance(sfloat(raw), str)
    assert gaps(told(0x2A35, b"\x00" + raw.to_bytes(2, "little") + b"\x50\x00\x5d\x00"))[0][0] == "systolic"


@given(st.integers(0, 0xFFFF))
def test_every_short_float_is_a_number_or_a_reason(raw: int) -> None:
    value = sfloat(raw)
    assert isinstance(value, str) or abs(value) <= 2048e7


@pytest.mark.parametrize(
    ("raw", "value"), [(0xFF00016D, 36.5), (0xFE000E42, 36.5), (0x00000072, 114.0), (0xFFFFFE94, -36.4)]
)
def test_a_long_float_too(raw: int, value: float) -> None:
    assert float32(raw) == pytest.approx(value)


@pytest.mark.parametrize("raw", [0x007FFFFF, 0x00800000, 0x007FFFFE, 0x00800002, 0x00800001])
def test_a_body_temperature_that_is_special_is_a_gap(raw: int) -> None:
    items = told(0x2A1C, b"\x00" + raw.to_bytes(4, "little"))
    assert [name for name, _ in gaps(items)] == ["temperature"]
    assert said(items) == []


@pytest.mark.parametrize(("wide", "contact", "energy", "beats"), list(product((0, 1), (0, 2, 3), (0, 1), (0, 1, 2))))
def test_every_combination_of_the_flags_of_a_heart_rate(wide: int, contact: int, energy: int, beats: int) -> None:
    flags = wide | contact << 1 | energy << 3 | bool(beats) << 4
    raw = bytes([flags]) + (60).to_bytes(1 + wide, "little")
    raw += (1000).to_bytes(2, "little") if energy else b""
    raw += (1024).to_bytes(2, "little") * beats
    expected: list[Any] = [("contact", contact == 3, "")] if contact else []
    expected.append(("heart_rate", 60, "1/min"))
    expected += [("energy_expended", 1000, "kJ")] if energy else []
    expected += [("rr_interval", 1000.0, "ms"), ("rr_interval_2", 1000.0, "ms")][:beats]
    items = told(0x2A37, raw)
    assert said(items) == expected
    assert codes(items) == []
    for size in range(1 + wide):
        assert codes(told(0x2A37, raw[:size])) == ["truncated"]


def test_a_heart_rate_of_zero_is_a_gap() -> None:
    assert gaps(told(0x2A37, "0000")) == [("heart_rate", "the device measures no heart rate")]


PRESSURE = "1e 7800 5000 5d00 ea07 0b 1d 0c 1e 00 4800 01 0600"


def test_a_measurement_that_the_monitor_sends_again_is_told_once() -> None:
    bridge = make("gatt")
    assert len(said(told(0x2A35, PRESSURE, bridge))) == 11
    assert told(0x2A35, PRESSURE, bridge, 100.0) == []
    newer = PRESSURE.replace("0c 1e 00", "0c 1f 00")
    assert ("measured", "2026-11-29 12:31:00", "") in said(told(0x2A35, newer, bridge, 200.0))


def test_a_monitor_that_was_switched_to_kilopascals_says_so_in_its_unit() -> None:
    bridge = make("gatt")
    assert said(told(0x2A35, "00 7800 5000 5d00", bridge))[0] == ("systolic", 120.0, "mm[Hg]")
    assert said(told(0x2A35, "01 a0f0 6bf0 7bf0", bridge))[0] == ("systolic", 16.0, "kPa")


@pytest.mark.parametrize("size", range(17))
def test_a_blood_pressure_cut_short_tells_what_is_whole_and_is_a_fault(size: int) -> None:
    raw = bytes.fromhex(PRESSURE)[:size]
    items = told(0x2A35, raw)
    assert codes(items) == ["truncated"]
    assert len(said(items)) <= size


@pytest.mark.parametrize("percent", [101, 127, 255])
def test_a_battery_above_a_hundred_is_a_gap(percent: int) -> None:
    assert [name for name, _ in gaps(told(0x2A19, bytes([percent])))] == ["battery"]


def test_a_name_that_ends_in_zeros_is_told_without_them_and_an_endless_one_cut() -> None:
    assert said(told(0x2A29, b"Polar Electro Oy\0\0")) == [("manufacturer", "Polar Electro Oy", "")]
    assert len(said(told(0x2A29, b"x" * 500))[0][1]) == 64
    assert told(0x2A29, b"\0\0") == []


@given(st.sampled_from(sorted(VALUES)), st.binary(max_size=40))
def test_any_bytes_in_any_characteristic_raise_nothing(number: int, raw: bytes) -> None:
    for item in told(number, raw):
        assert not isinstance(item, Reading) or item.channel.device == "thing"


def test_every_characteristic_is_subscribed_to_or_read() -> None:
    assert GATT.characteristics == {uuid(number) for number in VALUES}
    assert uuid(0x2A25) not in GATT.characteristics, "serial numbers are not read"
