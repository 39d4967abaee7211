import random

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.reading import Codes, Frame
from firmware_bridges.nmea2000.fast import MAX_OPEN, FastPackets
from tests.firmware.support import codes, complete, feed, gaps, language, make, random_pieces, said
from tests.firmware.test_bridge_j1939 import parcels


def frame(pgn: int, data: bytes, source: int = 0, priority: int = 2) -> Frame:
    return Frame(priority << 26 | pgn << 8 | source, data)


def packet(pgn: int, data: bytes, source: int = 0, sequence: int = 0) -> list[Frame]:
    """A message as a fast packet."""
    parts = [bytes((len(data),)) + data[:6], *(data[i : i + 7] for i in range(6, len(data), 7))]
    return [
        frame(pgn, bytes((sequence << 5 | index,)) + part.ljust(7, b"\xff"), source) for index, part in enumerate(parts)
    ]


def ngt(pgn: int, data: bytes, source: int = 0) -> bytes:
    """A message as an NGT-1 sends it, each DLE doubled."""
    body = bytes((2,)) + pgn.to_bytes(3, "little") + bytes((255, source, 0, 0, 0, 0, len(data))) + data
    raw = bytes((0x93, len(body))) + body
    raw += bytes((-sum(raw) & 0xFF,))
    return b"\x10\x02" + raw.replace(b"\x10", b"\x10\x10") + b"\x10\x03"


def told(items) -> dict[str, list[tuple[str, str, Severity]]]:
    return {i.memory: [(c.code, c.meaning, c.severity) for c in i.codes] for i in items if isinstance(i, Codes)}


SPEED = bytes.fromhex("00341021000AFFFF")  # 1037 rpm, 3.3 kPa, 10 %; holds a DLE
GNSS = bytes.fromhex("e7953d0073d62900da0473dbc9e505807d02285fd610f69b506c050000000013fc086f00be00ddf2ffffff")
DYNAMIC = bytes.fromhex("002f06ffffe37365 05ff7f7210 0000ffffffffff 0600 0000 7f7f".replace(" ", ""))


def test_a_frame_of_the_bus_and_a_gateways_bytes_say_the_same() -> None:
    expected = [("engine_speed", 1037.0, "1/min"), ("boost_pressure", 3.3, "kPa"), ("trim", 10, "%")]
    assert said(feed(make("nmea2000"), [frame(127488, SPEED)])) == expected
    assert said(feed(make("nmea2000"), [ngt(127488, SPEED)])) == expected
    assert (
        said(feed(make("nmea2000"), [b"A000057.097 00FF2 1F200 " + SPEED.hex().upper().encode() + b"\r\n"])) == expected
    )


@pytest.mark.parametrize("seed", range(5))
def test_frames_of_several_messages_may_come_in_any_order(seed: int) -> None:
    packets = [packet(129029, GNSS, 1), packet(129029, GNSS, 2, 3), packet(127489, DYNAMIC, 1)]
    last = [frames.pop() for frames in packets]
    frames = [frame for frames in packets for frame in frames]
    random.Random(seed).shuffle(frames)
    items = feed(make("nmea2000", every_s=0.0), [*frames, *last])
    assert codes(items) == []
    assert ("oil_pressure", 158.3, "kPa") in said(items)
    assert ("latitude", 42.496768, "deg") in said(items)


def test_a_lost_frame_costs_its_message_and_is_told_when_the_next_begins() -> None:
    frames = packet(129029, GNSS)
    items = feed(make("nmea2000"), [*frames[:3], *frames[4:], *packet(129029, GNSS)])
    assert codes(items) == ["sequence"]
    assert ("latitude", 42.496768, "deg") in said(items)


def test_a_first_frame_is_not_put_in_front_of_an_earlier_messages_body() -> None:
    old, new = packet(127489, DYNAMIC), packet(127489, DYNAMIC[:1] + b"\x00\x08" + DYNAMIC[3:])
    items = feed(make("nmea2000"), [*old[1:], *new])
    assert [value for name, value, _ in said(items) if name == "oil_pressure"] == [204.8]
    assert codes(items) == ["sequence"]


def test_a_first_frame_that_is_too_short_or_too_long_begins_nothing() -> None:
    for first in (b"\x00\x08", b"\x00\xff\x01\x02\x03\x04\x05\x06"):
        items = feed(make("nmea2000"), [frame(129029, first), frame(129029, b"\x01\xaa\xbb\xcc\xdd\xee\xff\x11")])
        assert codes(items) == ["sequence"]
        assert said(items) == []


def test_messages_that_never_become_whole_keep_no_memory() -> None:
    packets = FastPackets()
    for source in range(250):
        for pgn in (129029, 127489, 126996):
            part = packet(pgn, GNSS, source)[0]
            packets.feed(make_message(part), 0.0)
    assert len(packets._open) <= MAX_OPEN
    assert packets.lost == 750 - MAX_OPEN


def make_message(part: Frame):
    from firmware_bridges.canbus import message  # noqa: PLC0415

    return message(part.can_id, part.data)


def test_longer_messages_of_the_other_kind_are_put_together_too() -> None:
    items = feed(make("nmea2000"), parcels(128275, bytes.fromhex("ffffffffffffe8030000d0070000"), 7))
    assert said(items) == [("log", 1.0, "km"), ("trip", 2.0, "km")]


def test_what_is_not_there_is_nothing_and_what_is_out_of_range_is_a_gap() -> None:
    items = feed(make("nmea2000"), [frame(127508, bytes.fromhex("00FE7FFF7FFDFF00"))])
    assert said(items) == []
    assert gaps(items) == [
        ("battery_voltage", "the sensor says that it is out of its range"),
        ("battery_temperature", "the sensor says that it is out of its range"),
    ]


def test_the_second_of_a_kind_has_a_number_and_no_instance_is_the_first() -> None:
    items = feed(make("nmea2000"), [frame(127508, bytes((i,)) + bytes.fromhex("4605FF7FFFFF00")) for i in (0, 1, 255)])
    assert [name for name, _, _ in said(items)] == ["battery_voltage", "battery_voltage_2"]


@pytest.mark.parametrize(("method", "fix"), [(0, "none"), (7, "manual"), (8, "simulated"), (15, "none")])
def test_a_position_that_was_not_measured_is_none_whichever_message_brings_it(method: int, fix: str) -> None:
    data = bytearray(GNSS)
    data[31] = method << 4 | 3
    rapid = frame(129025, bytes.fromhex("3b349816ccea08b7"))
    items = feed(make("nmea2000"), [*packet(129029, bytes(data)), rapid])
    assert [value for name, value, _ in said(items) if name == "fix"] == [fix]
    assert {name for name, _, _ in said(items)} == {"fix"}
    assert {name for name, _ in gaps(items)} == {"latitude", "longitude"}


def test_of_two_receivers_the_one_with_a_fix_is_believed_whatever_its_address() -> None:
    lost = bytearray(GNSS)
    lost[31] &= 0x0F  # no fix
    bridge = make("nmea2000", every_s=0.0)
    items = [
        item
        for step in range(5)
        for frame in (*packet(129029, bytes(lost), 1, step % 8), *packet(129029, GNSS, 2, step % 8))
        for item in bridge.feed(frame, float(step))
    ]
    assert [value for name, value, _ in said(items) if name == "latitude"] == [42.496768] * 5
    assert [value for name, value, _ in said(items) if name == "fix"] == ["none", "gps", "gps", "gps", "gps", "gps"]
    assert len([name for name, _ in gaps(items) if name == "latitude"]) == 1


def test_a_position_is_told_once_a_second_of_the_ten_times() -> None:
    bridge = make("nmea2000")
    rapid = frame(129025, bytes.fromhex("3b349816ccea08b7"))
    items = [i for step in range(100) for i in bridge.feed(rapid, step * 0.1)]
    assert len([name for name, _, _ in said(items) if name == "latitude"]) == 10


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        (0, ["true_wind_speed", "wind_direction"]),
        (2, ["wind_speed", "wind_angle"]),
        (3, ["true_wind_speed", "true_wind_angle"]),
        (6, []),
    ],
)
def test_wind_has_its_name_from_what_it_refers_to(reference: int, names: list[str]) -> None:
    items = feed(make("nmea2000"), [frame(130306, bytes.fromhex("00F4011027") + bytes((reference, 0xFF, 0xFF)))])
    assert [name for name, _, _ in said(items)] == names


def test_switches_that_exist_are_told() -> None:
    items = feed(make("nmea2000"), [frame(127501, bytes.fromhex("00F4FFFFFFFFFFFF"))])
    assert said(items) == [("switch_0_1", False, ""), ("switch_0_2", True, "")]


def test_engine_troubles_come_with_their_meaning_and_go() -> None:
    items = feed(make("nmea2000"), packet(127489, DYNAMIC))
    assert told(items) == {
        "engine": [
            ("E1", "engine too hot", Severity.ALARM),
            ("E2", "engine oil pressure too low", Severity.ALARM),
        ]
    }
    assert told(feed(make("nmea2000"), packet(127489, DYNAMIC[:20] + bytes(4) + DYNAMIC[24:]))) == {"engine": []}


def alert(state: int, number: int = 7, kind: int = 2) -> bytes:
    data = bytearray(28)
    data[0], data[1], data[27] = kind, 5, state
    data[3:5] = number.to_bytes(2, "little")
    return bytes(data)


def test_alerts_come_with_their_text_each_for_itself() -> None:
    words = b"Bilge water high"
    text = alert(0)[:16] + b"\x00" + bytes((len(words) + 2, 1)) + words + b"\x02\x01"
    bridge = make("nmea2000")
    feed(bridge, packet(126985, text))
    assert told(feed(bridge, packet(126983, alert(2), sequence=1))) == {
        "alert 5 7": [("Alert 7", "Bilge water high", Severity.ALARM)]
    }
    assert told(feed(bridge, packet(126983, alert(1), sequence=2))) == {"alert 5 7": []}
    assert told(feed(bridge, packet(126983, alert(2, 9, 8), sequence=3))) == {
        "alert 5 9": [("Alert 9", "", Severity.NOTICE)]
    }


@pytest.mark.parametrize(("status", "lost"), [(0, True), (1, True), (2, False), (3, False)])
def test_somebody_overboard_is_an_alarm(status: int, lost: bool) -> None:
    lists = told(feed(make("nmea2000"), packet(127233, bytes(5) + bytes((status,)) + bytes(29))))
    assert lists == {"overboard": [("MOB", "somebody is overboard", Severity.ALARM)] if lost else []}


def test_a_gateways_frame_with_a_wrong_sum_is_a_fault_and_the_next_is_read() -> None:
    bad = ngt(127488, SPEED)
    bad = bad[:-3] + bytes((bad[-3] ^ 1,)) + bad[-2:]
    items = feed(make("nmea2000"), [bad + ngt(127488, SPEED)])
    assert codes(items) == ["checksum"]
    assert ("engine_speed", 1037.0, "1/min") in said(items)


def test_a_frame_without_an_end_costs_itself_and_what_it_swallowed() -> None:
    cut = ngt(127488, SPEED)[:12]
    items = feed(make("nmea2000"), [cut + ngt(127488, SPEED) + ngt(127508, bytes.fromhex("004605FF7FFFFF00"))])
    assert ("battery_voltage", 13.5, "V") in said(items)
    assert set(codes(items)) <= {"garbage", "checksum"}


def test_time_stamps_of_a_log_are_passed_over_and_its_doubled_escapes_undone() -> None:
    data = bytes.fromhex("001B101B1B00FFFF")
    stamp = b"\x1b\x01\x03\xad\x59\x1b\x1b\x2c\x0a\xb2\xdb\x01\x1b\x0a"
    logged = ngt(127488, data).replace(b"\x1b", b"\x1b\x1b")
    items = feed(make("nmea2000"), [stamp + logged + stamp])
    assert codes(items) == []
    assert said(items) == said(feed(make("nmea2000"), [frame(127488, data)]))


def test_lines_and_binary_frames_in_one_stream_are_told_apart_however_it_is_cut() -> None:
    line = b"14:10:55.498 R 09F20000 " + SPEED.hex(" ").upper().encode() + b"\r\n"
    raw = line + ngt(127508, bytes.fromhex("004605FF7FFFFF00")) + line + b"!PDGY,000000,4,,,,\r\n"
    whole = feed(make("nmea2000"), [raw])
    assert {name for name, _, _ in said(whole)} == {"engine_speed", "boost_pressure", "trim", "battery_voltage"}
    assert codes(whole) == []
    assert feed(make("nmea2000"), random_pieces(raw, 4)) == whole


def test_a_gateway_that_waits_is_told_to_begin_and_again_when_it_is_silent() -> None:
    assert make("nmea2000").next(0.0) == (None, None)
    bridge = make("nmea2000", gateway="ngt1")
    deadline, send = bridge.next(0.0)
    assert send is not None
    assert send.payload.hex() == "1002a103110200491003"
    assert bridge.next(5.0) == (deadline, None)
    list(bridge.feed(ngt(127488, SPEED), 15.0))
    assert bridge.next(20.0) == (35.0, None)
    assert bridge.next(35.0)[1] is not None


@pytest.mark.parametrize(("option", "value"), [("gateway", "ngt2"), ("every_s", -1.0)])
def test_options_that_make_no_sense_are_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError):
        language("nmea2000").make("boat", complete(language("nmea2000"), {option: value}))
