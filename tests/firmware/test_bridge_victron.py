"""Instant Readout: keys, trouble codes, records without their end, and what every row of bits can be."""

import struct
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.reading import Advert, Codes, Item
from firmware_bridges.payload import RefusedError
from firmware_bridges.victron.records import RECORDS
from tests.firmware.support import codes, feed, gaps, make, said

KEY = "231d39c1d7cc1ab1aee224cd096db932"


@pytest.fixture(autouse=True)
def library() -> None:
    pytest.importorskip("cryptography", reason="adverts of Victron are always encrypted")


def sealed(record: int, plain: bytes, counter: int = 7, product: int = 0xA042) -> Advert:
    """As a device sends it: AES in counter mode, the counter with its least byte first."""
    ciphers = import_module("cryptography.hazmat.primitives.ciphers")
    key = bytes.fromhex(KEY)
    blocks = b"".join((counter + block).to_bytes(16, "little") for block in range(len(plain) // 16 + 1))
    stream = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.ECB()).encryptor().update(blocks)
    body = bytes(a ^ b for a, b in zip(plain, stream, strict=False))
    head = struct.pack("<BBHBHB", 0x10, 0x02, product, record, counter, key[0])
    return Advert("C8:00:00:00:00:01", "", -60, {}, {0x02E1: head + body})


def trouble(items: list[Item]) -> list[tuple[str, str]]:
    return [(code.code, code.meaning) for item in items if isinstance(item, Codes) for code in item.codes]


SOLAR = bytes.fromhex("04006c050e000300130000fe")


def test_an_error_of_a_charger_is_a_trouble_code_and_its_end_an_empty_list() -> None:
    bridge = make("victron", key=KEY)
    hot = feed(bridge, [sealed(1, SOLAR[:1] + b"\x11" + SOLAR[2:])])
    assert trouble(hot) == [("Err 17", "charger too hot")]
    well = feed(bridge, [sealed(1, SOLAR, 8)], 10.0)
    assert [item.codes for item in well if isinstance(item, Codes)] == [()]


def test_alarms_of_a_battery_monitor_are_trouble_codes_each() -> None:
    raw = bytes.fromhex("ffffe5044100000003 0000f40140df03".replace(" ", ""))
    assert [code for code, _ in trouble(feed(make("victron", key=KEY), [sealed(2, raw)]))] == ["Alarm 1", "Alarm 64"]


def test_a_record_longer_than_one_block_opens_to_its_end() -> None:
    raw = bytes.fromhex("0000" + "00" + "0000" + "0000" + "e604" + "e504") + (2).to_bytes(4, "little") + b"\x55" * 10
    told = said(feed(make("victron", key=KEY), [sealed(9, raw)]))
    assert ("input_voltage", 12.54, "V") in told
    assert ("off_reason", "switched off", "") in told


def test_a_record_without_its_end_is_read_as_far_as_it_goes() -> None:
    whole = dict.fromkeys(name for name, _, _ in said(feed(make("victron", key=KEY), [sealed(1, SOLAR)])))
    shorter = [name for name, _, _ in said(feed(make("victron", key=KEY), [sealed(1, SOLAR[:8])]))]
    assert shorter == ["state", "voltage", "current", "yield_today", "rssi"]
    assert set(shorter) < set(whole)


def test_the_key_of_another_device_and_a_device_without_readout_are_faults() -> None:
    assert codes(feed(make("victron", key="00" * 16), [sealed(1, SOLAR)])) == ["key"]
    advert = sealed(1, SOLAR)
    bare = advert._replace(manufacturer_data={0x02E1: advert.manufacturer_data[0x02E1][:4]})
    assert codes(feed(make("victron", key=KEY), [bare])) == ["readout"]
    assert codes(feed(make("victron", key=KEY), [sealed(0x3F, SOLAR)])) == ["unsupported"]


@pytest.mark.parametrize("record", sorted(RECORDS))
def test_where_a_device_has_no_value_at_all_there_is_no_number(record: int) -> None:
    for quantity, value, reason in RECORDS[record].decode(b"\xff" * 21):
        if quantity.unit and value is not None:
            signed = quantity.name in {"voltage", "current", "ac_power", "ac_in_power", "battery_power", "dc_power"}
            assert signed or quantity.name in {"input_voltage", "starter_voltage"}, (quantity, value, reason)
            assert abs(float(value)) <= 1.0


@given(st.sampled_from(sorted(RECORDS)), st.binary(max_size=24))
def test_any_bits_in_any_record_are_values_or_gaps(record: int, raw: bytes) -> None:
    try:
        told = list(RECORDS[record].decode(raw))
    except RefusedError:
        return
    assert all((value is None) == bool(reason) for _, value, reason in told)
    RECORDS[record].codes(raw)


def test_cells_that_are_out_of_what_can_be_told_are_gaps_with_the_bound() -> None:
    bits = sum(raw << 48 + 7 * cell for cell, raw in enumerate((0x00, 0x7E, 0x7F, 0x47, 0x7F, 0x7F, 0x7F, 0x7F)))
    items = feed(make("victron", key=KEY), [sealed(5, bits.to_bytes(16, "little"))])
    assert ("cell_4_voltage", 3.31, "V") in said(items)
    assert ("cell_1_voltage", "below 2.61 V") in gaps(items)
    assert ("cell_2_voltage", "above 3.85 V") in gaps(items)
    assert "cell_3_voltage" not in {name for name, *_ in (*said(items), *gaps(items))}
