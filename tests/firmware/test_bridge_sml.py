"""SML: escapes, both CRCs, meters that lie, and lists that are none."""

from datetime import UTC, datetime

import pytest

from firmware_bridges.checksums import crc16_kermit, crc16_x25
from firmware_bridges.sml.bridge import HEAD, MAX_DEPTH, MAX_FRAME
from simulators.home_emitters import Sml, sml_frame, sml_list, sml_message, sml_number, sml_octets
from tests.firmware.support import codes, feed, make, random_pieces, said, single_bytes

ABSENT = b"\x01"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Sml().frame({"import": 1.5, "power": -0.25}, NOW)
SAID = [("energy_import", 1.5, "kWh"), ("power", -0.25, "kW")]


def entry(code: tuple[int, int, int], unit: int, scaler: int, value: bytes, channel: int = 1) -> bytes:
    name = sml_octets(bytes([channel, 0, *code, 255]))
    return sml_list(name, ABSENT, ABSENT, sml_number(unit, 1), sml_number(scaler, 1, signed=True), value, ABSENT)


def listed(*entries: bytes, server: bytes = b"\x0a\x01SIM\x00\x00\x00\x00\x01") -> bytes:
    values = sml_list(*entries)
    return sml_frame(sml_message(0x0701, sml_list(ABSENT, sml_octets(server), ABSENT, ABSENT, values, ABSENT, ABSENT)))


def dzg(serial: int, power: bytes) -> bytes:
    return listed(entry((16, 7, 0), 27, -2, power), server=b"\x0a\x01DZG" + serial.to_bytes(5, "big"))


def test_the_crcs_have_the_check_values_of_the_catalogue() -> None:
    assert (crc16_x25(b"123456789"), crc16_kermit(b"123456789")) == (0x906E, 0x2189)


@pytest.mark.parametrize("power", [b"\x53\x8b\x28", b"\x52\xc8", b"\x54\x8b\x28\x00"])
def test_a_dzg_meter_of_a_wrong_series_means_a_positive_power(power: bytes) -> None:
    watts = int.from_bytes(power[1:], "big") / 100
    for serial in (42_000_000, 48_999_999, 55_000_000):
        assert said(feed(make("sml"), [dzg(serial, power)])) == [("power", pytest.approx(watts / 1000), "kW")]


@pytest.mark.parametrize("serial", [41_999_999, 49_000_000, 60_000_000])
def test_a_dzg_meter_of_another_series_means_what_it_says(serial: int) -> None:
    assert said(feed(make("sml"), [dzg(serial, b"\x53\x8b\x28")])) == [("power", -0.29912, "kW")]


def test_a_dzg_meter_of_a_wrong_series_that_feeds_in_sends_four_bytes() -> None:
    assert said(feed(make("sml"), [dzg(42_000_000, b"\x55\xff\xfe\x13\x93")])) == [("power", -1.26061, "kW")]


def test_the_other_crc_is_taken_too() -> None:
    frame = GOOD[:-2] + crc16_kermit(GOOD[:-2]).to_bytes(2, "little")
    assert said(feed(make("sml"), [frame])) == SAID


def test_four_escape_bytes_inside_are_a_value_and_not_an_end() -> None:
    inside = sml_message(0x0701, sml_list(ABSENT, sml_octets(b"\x1b\x1b\x1b\x1b\x1a\x1b"), ABSENT, ABSENT, sml_list(
        entry((1, 8, 0), 30, 0, sml_number(0x1B1B1B1B1B, 5))), ABSENT, ABSENT))  # fmt: skip
    frame = sml_frame(inside)
    assert frame.count(b"\x1b" * 8) == 2
    assert said(feed(make("sml"), single_bytes(frame))) == [("energy_import", 0x1B1B1B1B1B / 1000, "kWh")]


def test_a_value_that_ends_with_an_escape_byte_before_the_end_is_whole() -> None:
    for count in range(1, 4):
        message = sml_message(0x0701, ABSENT) + b"\x1b" * count
        assert codes(feed(make("sml"), [sml_frame(message)])) in ([], ["garbage"])


@pytest.mark.parametrize("place", range(8, len(GOOD), 7))
def test_a_bit_that_fell_over_gives_no_reading(place: int) -> None:
    frame = GOOD[:place] + bytes([GOOD[place] ^ 4]) + GOOD[place + 1 :]
    items = feed(make("sml"), [frame + GOOD + GOOD])
    assert said(items) in (SAID, 2 * SAID)
    assert set(codes(items)) <= {"checksum"}


def test_a_frame_that_was_cut_short_costs_itself_alone() -> None:
    for size in range(len(HEAD), len(GOOD) - 1, 5):
        items = feed(make("sml"), [GOOD[:size] + GOOD])
        assert said(items) == SAID
        assert codes(items) == ["checksum"]


def test_noise_without_a_frame_is_a_fault_and_kept_bounded() -> None:
    bridge = make("sml")
    items = feed(bridge, random_pieces(b"\x55" * (3 * MAX_FRAME), 1))
    assert codes(items) == ["garbage"]
    assert bridge.faults.counts == {"garbage": 3}
    assert len(bridge._frames._rest) < len(HEAD)
    assert said(feed(bridge, [GOOD])) == SAID


def test_a_frame_without_end_is_given_up() -> None:
    bridge = make("sml")
    feed(bridge, random_pieces(HEAD + b"\x55" * (2 * MAX_FRAME), 1))
    assert len(bridge._frames._rest) <= MAX_FRAME
    assert said(feed(bridge, [GOOD])) == SAID


@pytest.mark.parametrize(
    "body",
    [
        b"\x71" * 200,  # a list in a list in a list
        b"\xff\x8f\x8f\x8f\x0f",  # a length of more bytes than anybody has
        b"\x7f",  # a list of fifteen, and nothing
        b"\x62",  # a number without its byte
        b"\x0f\x00",
        b"\x83",
        b"\x50\x00\x00\x00",
        b"\x69" + bytes(7),
        b"\x3a\x00" + bytes(8),
    ],
)
def test_what_is_no_list_is_garbage(body: bytes) -> None:
    assert codes(feed(make("sml"), [sml_frame(body)])) == ["garbage"]
    assert MAX_DEPTH < 20


def test_entries_of_other_media_units_and_sizes_give_nothing() -> None:
    five = sml_number(5, 1)
    items = feed(
        make("sml"),
        [
            listed(
                entry((1, 8, 0), 30, 0, five, channel=7),  # gas
                entry((1, 8, 0), 27, 0, five),  # an energy in W
                entry((16, 7, 0), 27, 100, five),
                entry((16, 7, 0), 27, -100, five),
                entry((96, 50, 1), 255, 0, five),
                entry((1, 8, 0), 30, 0, sml_octets(b"five")),
                entry((2, 8, 0), 30, 1, five),
            )
        ],
    )
    assert said(items) == [("energy_export", 0.05, "kWh")]
    assert codes(items) == []


def test_a_meter_without_its_pin_tells_whole_kilowatt_hours() -> None:
    assert said(feed(make("sml"), [listed(entry((1, 8, 0), 30, 3, sml_number(2324, 4)))])) == [
        ("energy_import", 2324.0, "kWh")
    ]


@pytest.mark.parametrize("place", [3, 4])
@pytest.mark.parametrize("odd", [sml_list(ABSENT), sml_octets(b"x"), sml_list()])
def test_a_unit_or_scaler_of_another_kind_gives_no_reading_and_no_error(place: int, odd: bytes) -> None:
    name = sml_octets(b"\x01\x00\x01\x08\x00\xff")
    members = [name, ABSENT, ABSENT, b"\x62\x1e", b"\x52\xff", b"\x62\x05", ABSENT]
    members[place] = odd
    assert said(feed(make("sml"), [listed(sml_list(*members))])) == []
