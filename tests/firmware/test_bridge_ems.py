"""EMS: marks of breaks, the CRC, telegrams in parts, and what the display says when a boiler fails."""

import pytest

from edge_agent.core.finding import Severity
from edge_agent.core.reading import Codes
from firmware_bridges.ems.bridge import MAX_TELEGRAM, crc8
from firmware_bridges.ems.telegrams import FAULTS, TELEGRAMS
from firmware_bridges.registry import language
from tests.firmware.support import codes, feed, gaps, make, random_pieces, said, single_bytes

BREAK = b"\xff\x00\x00"


def wire(body: str, *, crc: bool = True) -> bytes:
    """A telegram as the port gives it: ff doubled, and the break behind it marked."""
    raw = bytes.fromhex(body)
    return (raw + bytes([crc8(raw) ^ (not crc)])).replace(b"\xff", b"\xff\xff") + BREAK


def fast(**at: int) -> str:
    """UBAMonitorFast of 25 bytes with some of them set: `_5=0x20`."""
    data = bytearray(25)
    for place, value in at.items():
        data[int(place.removeprefix("_"))] = value
    return "08001800" + data.hex()


def troubles(items) -> list[list[tuple[str, str, Severity]]]:
    return [[(c.code, c.meaning, c.severity) for c in i.codes] for i in items if isinstance(i, Codes)]


def test_the_port_of_this_language_marks_breaks() -> None:
    assert language("ems").marks_breaks


def test_a_zero_or_ff_among_the_data_is_no_break() -> None:
    stream = wire("0800D100FF38")
    assert stream == bytes.fromhex("0800D100FFFF38") + bytes([crc8(bytes.fromhex("0800D100FF38"))]) + BREAK
    assert said(feed(make("ems"), single_bytes(stream))) == [("outside_temperature", -20.0, "Cel")]


def test_polls_and_acknowledgements_are_passed_over() -> None:
    assert feed(make("ems"), [b"\x8b" + BREAK + b"\x0b" + BREAK + b"\x01" + BREAK + BREAK]) == []


def test_a_telegram_with_a_wrong_crc_gives_nothing() -> None:
    items = feed(make("ems"), [wire("0800D1000038", crc=False)])
    assert (said(items), codes(items)) == ([], ["checksum"])


def test_a_character_that_came_damaged_costs_its_telegram_alone() -> None:
    good = wire("0800D1000038")
    items = feed(make("ems"), [good[:4] + b"\xff\x00\x41" + good[4:] + good])
    assert said(items) == [("outside_temperature", 5.6, "Cel")]
    assert codes(items)[0] == "framing"


def test_without_breaks_nothing_is_kept() -> None:
    bridge = make("ems")
    items = feed(bridge, random_pieces(bytes(range(255)) * 20, 1))
    assert codes(items) == ["overflow"]
    assert len(bridge._frame) <= MAX_TELEGRAM


def test_a_telegram_in_parts_is_read_by_the_place_of_each() -> None:
    first, second = wire("08001800" + "0501980000000000"), wire("08001811" + "12000000CB")
    items = feed(make("ems"), [first + second])
    told = {name: value for name, value, _ in said(items)}
    assert (told["flow_temperature"], told["pressure"], told["service_code"]) == (40.8, 1.8, "203")
    assert troubles(items) == []  # the byte of the boiler's state was in neither with the code


def test_what_a_boiler_does_not_have_gives_nothing_and_what_it_had_a_gap() -> None:
    bridge = make("ems")
    assert said(feed(bridge, [wire("0800D1008000")])) == []
    feed(bridge, [wire("0800D1000038")])
    assert gaps(feed(bridge, [wire("0800D1008000")])) == [("outside_temperature", "the boiler has no value")]


def test_others_on_the_bus_and_questions_are_not_read() -> None:
    for body in ("1800D1000038", "0888D1000038", "0B88180020"):
        assert feed(make("ems"), [wire(body)]) == []


def test_an_ems_plus_type_is_read_from_two_bytes() -> None:
    assert feed(make("ems"), [wire("0800FF0001B9" + "0038")]) == []
    assert feed(make("ems"), [wire("0800FF0001B9")]) == []


@pytest.mark.parametrize("number", sorted(FAULTS))
def test_a_boiler_that_is_locked_says_why_in_words(number: int) -> None:
    body = fast(_5=0x20, _18=0x36, _19=0x41, _20=number >> 8, _21=number & 0xFF)
    assert troubles(feed(make("ems"), [wire(body)])) == [[(f"6A {number}", FAULTS[number], Severity.ALARM)]]


def test_a_boiler_that_is_blocked_is_a_warning_and_one_that_works_has_no_codes() -> None:
    bridge = make("ems")
    blocked = feed(bridge, [wire(fast(_5=0x40, _18=0x32, _19=0x45, _21=0x0A))])
    assert troubles(blocked) == [[("2E 10", "", Severity.WARNING)]]
    assert troubles(feed(bridge, [wire(fast(_5=0x09, _18=0x2D, _19=0x48, _21=200))])) == [[]]


def test_a_wish_for_maintenance_is_a_notice() -> None:
    assert troubles(feed(make("ems"), [wire(fast(_5=0x80))])) == [
        [("maintenance", "the boiler asks for maintenance", Severity.NOTICE)]
    ]


def test_a_boiler_with_ems_plus_has_its_code_by_the_number_alone() -> None:
    body = "0800E400" + "00" + b"6A ".hex() + "00E3" + "00" * 20
    assert troubles(feed(make("ems"), [wire(body)])) == [[("6A 227", FAULTS[227], Severity.WARNING)]]
    body = "0800E400" + "00" + b"-H ".hex() + "00C8" + "00" * 20
    assert troubles(feed(make("ems"), [wire(body)])) == [[]]


def test_a_code_that_cannot_be_printed_is_told_by_its_number() -> None:
    items = feed(make("ems"), [wire(fast(_18=0x01, _19=0x02, _21=203))])
    assert ("service_code", "203", "") in said(items)


def test_the_fields_of_a_type_lie_in_a_telegram_and_have_names_of_their_own() -> None:
    for fields in TELEGRAMS.values():
        assert len({field.name for field in fields}) == len(fields)
        assert all(field.place + field.size <= 27 for field in fields)
