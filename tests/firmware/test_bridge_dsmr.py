import pytest

from edge_agent.core.reading import ChannelKind, Reading
from firmware_bridges.checksums import crc16_arc
from firmware_bridges.dsmr.bridge import MAX_TELEGRAM
from firmware_bridges.obis import ELECTRICITY
from tests.firmware.support import codes, feed, gaps, make, said, single_bytes


def telegram(*lines: str, crc: bool = True) -> bytes:
    body = "\r\n".join(["/EDG5\\made-for-a-test", "", *lines, "!"]).encode()
    return body + (f"{crc16_arc(body):04X}".encode() if crc else b"") + b"\r\n"


POWER = telegram("1-0:1.7.0(00.244*kW)")


def test_the_crc_is_the_one_of_the_catalogue() -> None:
    assert crc16_arc(b"123456789") == 0xBB3D  # CRC-16/ARC, check value of the RevEng catalogue


def test_a_crc_without_its_leading_zeros_is_right_too() -> None:
    body = next(t for t in (telegram(f"1-0:1.7.0({n:06.3f}*kW)") for n in range(100)) if t[-6:-5] == b"0")
    assert len(said(feed(make("dsmr"), [body[:-6] + body[-6:].lstrip(b"0")]))) == 1


@pytest.mark.parametrize("place", range(0, len(POWER) - 8, 5))
def test_one_wrong_bit_anywhere_costs_the_telegram_and_no_other(place: int) -> None:
    wrong = bytearray(POWER)
    wrong[place] ^= 0x04
    items = feed(make("dsmr"), [POWER, bytes(wrong), POWER, POWER])
    assert 2 <= len(said(items)) <= 3
    assert {value for _, value, _ in said(items)} == {0.244}


def test_once_a_crc_was_seen_a_telegram_without_is_not_believed() -> None:
    plain = telegram("1-0:1.7.0(00.244*kW)", crc=False)
    assert len(said(feed(make("dsmr"), [plain, plain]))) == 2
    items = feed(make("dsmr"), [POWER, plain])
    assert len(said(items)) == 1
    assert codes(items) == ["checksum"]


def test_a_telegram_whose_end_is_lost_is_a_fault_and_the_next_one_is_read() -> None:
    items = feed(make("dsmr"), [POWER[:-8], b"\r\n", POWER])
    assert codes(items) == ["truncated"]
    assert said(items) == [("power_import", 0.244, "kW")]


def test_a_telegram_without_end_is_dropped_at_a_bound() -> None:
    bridge = make("dsmr")
    items = feed(bridge, [b"/EDG5\r\n"] + [b"1-0:1.7.0(00.244*kW)\r\n"] * 1000)
    assert codes(items) == ["overflow"]
    assert len(bridge._buffer) <= MAX_TELEGRAM
    assert said(feed(bridge, single_bytes(POWER + POWER)))


def test_a_garbled_line_of_an_old_meter_costs_that_line() -> None:
    items = feed(make("dsmr"), [telegram("1-0:1.7.0(00.2", "1-0:2.7.0(00.100*kW)", crc=False)])
    assert said(items) == [("power_export", 0.1, "kW")]
    assert codes(items) == ["garbage"]


@pytest.mark.parametrize("value", ["", "abc*kW", "00.244*V", "00.244*horse", "1e5*kW", "00.244", "9" * 16 + "*kW"])
def test_a_value_that_is_none_is_none(value: str) -> None:
    items = feed(make("dsmr"), [telegram(f"1-0:1.7.0({value})")])
    assert said(items) == []
    assert len(gaps(items)) == 1


def test_a_meter_behind_the_mbus_is_told_when_its_own_time_is_new() -> None:
    def hour(stamp: str, value: str) -> bytes:
        return telegram("0-1:24.1.0(003)", f"0-1:24.2.1({stamp})({value}*m3)")

    items = feed(make("dsmr"), [hour("01W", "1.5"), hour("01W", "1.5"), hour("02W", "1.5"), hour("03W", "1.75")])
    assert said(items) == [("gas", 1.5, "m3"), ("gas", 1.5, "m3"), ("gas", 1.75, "m3")]


def test_two_meters_of_a_medium_keep_their_names_by_their_place() -> None:
    gas = telegram("0-2:24.1.0(003)", "0-2:24.2.1(1)(2.000*m3)", "0-1:24.1.0(003)", "0-1:24.2.1(1)(1.000*m3)")
    assert said(feed(make("dsmr"), [gas])) == [("gas", 1.0, "m3"), ("gas_2", 2.0, "m3")]


def test_a_meter_of_an_unknown_medium_still_counts() -> None:
    items = feed(make("dsmr"), [telegram("0-1:24.1.0(099)", "0-1:24.2.1(1)(2.000*m3)")])
    assert said(items) == [("mbus", 2.0, "m3")]


def test_a_message_is_told_when_it_changes() -> None:
    hello, gone = telegram("0-0:96.13.0(48656C6C6F)"), telegram("0-0:96.13.0()")
    items = feed(make("dsmr"), [gone, hello, hello, gone, gone])
    assert said(items) == [("message", "Hello", ""), ("message", "", "")]


def test_no_two_codes_feed_one_channel() -> None:
    names = [quantity.name for quantity in ELECTRICITY.values()]
    assert len(names) == len(set(names))


def test_readings_of_a_meter_are_counters() -> None:
    items = feed(make("dsmr"), [telegram("1-0:1.8.1(1.0*kWh)", "0-1:24.1.0(7)", "0-1:24.2.1(1)(2.0*m3)")])
    assert all(i.channel.kind is ChannelKind.COUNTER for i in items if isinstance(i, Reading))
