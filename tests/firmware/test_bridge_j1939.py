import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.reading import Codes, Frame
from firmware_bridges.canbus import MAX_SESSIONS, SILENT_S, Message, message
from firmware_bridges.j1939.words import meaning
from tests.firmware.support import codes, complete, feed, gaps, language, make, said

DM1 = 0x18FECA00
EEC1 = Frame(0x0CF00400, bytes.fromhex("207D87481400F087"))


def told(items) -> list[Codes]:
    return [i for i in items if isinstance(i, Codes)]


def parcels(pgn: int, data: bytes, source: int = 0, to: int = 0xFF, control: int = 32) -> list[Frame]:
    """A message in frames: announced to all (32), or agreed with `to` (16)."""
    count = -(-len(data) // 7)
    announce = bytes((control, len(data) & 0xFF, len(data) >> 8, count, 0xFF)) + pgn.to_bytes(3, "little")
    frames = [Frame(0x1CEC0000 | to << 8 | source, announce)]
    for number in range(count):
        part = data[7 * number : 7 * number + 7].ljust(7, b"\xff")
        frames.append(Frame(0x1CEB0000 | to << 8 | source, bytes((number + 1,)) + part))
    return frames


LIST = bytes.fromhex("10FF6E0010016F0012016400110A")


def test_an_identifier_comes_apart_as_the_standard_says() -> None:
    assert message(0x0CF00400, b"") == Message(61444, 0, 0xFF, b"")
    assert message(0x18EAFF21, b"") == Message(0xEA00, 0x21, 0xFF, b"")
    assert message(0x1DEF0B05, b"") == Message(0x1EF00, 5, 0x0B, b"")


def test_a_frame_of_the_bus_and_a_line_of_an_adapter_say_the_same() -> None:
    line = b"T0CF004008207D87481400F087\r"
    assert said(feed(make("j1939"), [EEC1])) == said(feed(make("j1939"), [line]))
    assert said(feed(make("j1939"), [line[:-1] + b"1A2B\r"])) == said(feed(make("j1939"), [line]))


def test_a_short_lawicel_frame_with_a_time_stamp_is_not_read_as_a_longer_one() -> None:
    short = feed(make("j1939"), [b"T0CF004005207D874814ABCD\r"])
    assert ("engine_speed", 649.0, "1/min") in said(short)
    assert codes(short) == []


def test_a_quantity_is_told_once_a_second_of_the_fifty_times() -> None:
    bridge = make("j1939")
    items = [i for step in range(500) for i in bridge.feed(EEC1, step * 0.02)]
    assert len([name for name, _, _ in said(items) if name == "engine_speed"]) == 10


@pytest.mark.parametrize(("to", "control"), [(0xFF, 32), (0xF9, 16)])
def test_a_long_list_in_frames_is_put_together(to: int, control: int) -> None:
    (codes_told,) = told(feed(make("j1939"), parcels(65226, LIST, to=to, control=control)))
    assert [(code.code, code.meaning) for code in codes_told.codes] == [
        ("SPN 110 FMI 16", "coolant temperature: too high"),
        ("SPN 111 FMI 18", "coolant level: too low"),
        ("SPN 100 FMI 17", "engine oil pressure: slightly too low"),
    ]


def test_two_units_that_send_at_once_do_not_mix() -> None:
    first, second = parcels(65226, LIST), parcels(65226, LIST[:10], source=11)
    mixed = [frame for pair in zip(first, second, strict=True) for frame in pair]
    lists = {codes_told.memory: len(codes_told.codes) for codes_told in told(feed(make("j1939"), mixed))}
    assert lists == {"0": 3, "11": 2}


def test_a_lost_frame_costs_its_list_and_is_a_fault() -> None:
    frames = parcels(65226, LIST)
    items = feed(make("j1939"), [*frames[:1], *frames[2:]])
    assert told(items) == []
    assert codes(items) == ["sequence"]
    bridge = make("j1939")
    late = [i for step, frame in enumerate(frames) for i in bridge.feed(frame, step * 2.0)]
    assert told(late) == []


def test_joining_in_the_middle_of_a_list_is_no_fault() -> None:
    assert feed(make("j1939"), parcels(65226, LIST)[1:]) == []


def test_an_abort_ends_a_list() -> None:
    frames = parcels(65226, LIST, to=0xF9, control=16)
    abort = Frame(0x1CECF900, bytes.fromhex("FF01FFFFFFCAFE00"))
    assert feed(make("j1939"), [*frames[:2], abort, *frames[2:]]) == []


def test_announcements_without_end_keep_no_memory() -> None:
    bridge = make("j1939")
    for source in range(254):
        for to in range(20):
            list(bridge.feed(parcels(65226, LIST, source=source, to=to, control=16)[0], 0.0))
    assert len(bridge._transport._sessions) == MAX_SESSIONS


@pytest.mark.parametrize(
    ("lamps", "severity"),
    [(0x00, Severity.NOTICE), (0x04, Severity.WARNING), (0x40, Severity.WARNING), (0x10, Severity.ALARM)],
)
def test_the_lamps_say_how_bad_it_is(lamps: int, severity: Severity) -> None:
    (codes_told,) = told(feed(make("j1939"), [Frame(DM1, bytes((lamps, 0xFF, 0x6F, 0, 0x12, 1, 0xFF, 0xFF)))]))
    assert [code.severity for code in codes_told.codes] == [severity]


@pytest.mark.parametrize("nothing", ["00FF00000000FFFF", "C3FF00000000FFFF", "00FFFFFFFFFFFFFF"])
def test_no_codes_are_an_empty_list(nothing: str) -> None:
    (codes_told,) = told(feed(make("j1939"), [Frame(DM1, bytes.fromhex(nothing))]))
    assert codes_told.codes == ()


# A body controller and an instrument cluster of a real truck, asked by a workshop's tool
# (github.com/Equipment-and-Tool-Institute/j1939-84 issue 949).
DM2_OF_33, DM2_OF_23 = (
    Frame(0x18FECB21, bytes.fromhex("00FF0A080E07FFFF")),
    Frame(0x18FECB17, b"\0\xff\0\0\0\0\xff\xff"),
)


def test_codes_that_were_active_before_are_told_with_their_number_and_are_no_findings() -> None:
    items = feed(make("j1939"), [DM2_OF_33, DM2_OF_23])
    assert said(items) == [
        ("earlier_codes_33", 1, ""),
        ("earlier_code_list_33", "SPN 2058 FMI 14 (parameter 2058: see the maker's manual, 7 times)", ""),
        ("earlier_codes_23", 0, ""),
        ("earlier_code_list_23", "none", ""),
    ]
    assert told(items) == []


def test_earlier_codes_of_the_engine_in_a_longer_message_are_read_as_active_ones_are() -> None:
    items = feed(make("j1939"), parcels(65227, LIST))
    listed = {name: value for name, value, _ in said(items)}["earlier_code_list"]
    (active,) = told(feed(make("j1939"), parcels(65226, LIST)))
    assert [part.partition(" (")[0] for part in listed.split("; ")] == [code.code for code in active.codes]
    assert listed.startswith("SPN 110 FMI 16 (coolant temperature: too high); ")
    assert listed.endswith("(engine oil pressure: slightly too low, 10 times)")


def test_a_long_list_of_earlier_codes_says_how_many_more_there_are() -> None:
    codes_of_maker = b"".join((520192 + n).to_bytes(3, "little")[:2] + bytes((0xE0 | 5, 0x7F)) for n in range(100))
    items = feed(make("j1939"), parcels(65227, b"\0\xff" + codes_of_maker))
    listed = {name: value for name, value, _ in said(items)}["earlier_code_list"]
    assert len(listed) < 420
    assert "times" not in listed  # 127: the unit does not count
    assert listed.endswith(f"; and {100 - listed.count('SPN')} more")


def test_a_list_that_is_cut_short_is_a_fault_and_says_nothing() -> None:
    items = feed(make("j1939"), [Frame(DM1, b"\x00\xff\x6f")])
    assert codes(items) == ["malformed"]
    assert told(items) == []


def test_the_engine_speaks_for_the_vehicle_where_two_units_tell_the_same() -> None:
    other = Frame(EEC1.can_id | 5, bytes.fromhex("207D87000000F087"))
    items = feed(make("j1939", every_s=0.0), [other, EEC1, other])
    assert [value for name, value, _ in said(items) if name == "engine_speed"] == [0.0, 649.0]


def speeds(items) -> list[float]:
    return [value for name, value, _ in said(items) if name == "engine_speed"]


def test_a_unit_that_falls_silent_gives_way_to_one_that_tells_the_same() -> None:
    other = Frame(EEC1.can_id | 5, bytes.fromhex("207D87000000F087"))
    bridge = make("j1939", every_s=0.0)
    assert speeds(bridge.feed(EEC1, 0.0)) == [649.0]
    assert speeds(bridge.feed(other, SILENT_S - 1.0)) == []
    assert speeds(bridge.feed(other, SILENT_S + 1.0)) == [0.0]
    assert speeds(bridge.feed(EEC1, SILENT_S + 2.0)) == [649.0]


def test_a_sensor_that_is_faulty_gives_way_at_once_to_one_that_is_not_and_does_not_take_its_place_again() -> None:
    faulty, sound = Frame(0x18FEEE00, b"\xfe" + b"\xff" * 7), Frame(0x18FEEE05, b"\x82" + b"\xff" * 7)
    bridge = make("j1939", every_s=0.0)
    items = [i for step in range(4) for frame in (faulty, sound) for i in bridge.feed(frame, float(step))]
    assert said(items) == [("coolant_temperature", 90, "Cel")] * 4
    assert [name for name, _ in gaps(items)] == ["coolant_temperature"]  # once, before the sound one was heard


def test_what_is_not_there_is_nothing_and_what_is_faulty_is_a_gap() -> None:
    items = feed(make("j1939"), [Frame(0x18FEF100, bytes.fromhex("FB00FEFFFFFFFFFF")), Frame(0x18FEF700, b"\xff" * 8)])
    assert {name for name, _ in gaps(items)} == {"parking_brake", "speed"}
    assert said(items) == []


def test_a_lawicel_adapter_is_opened_and_again_when_nothing_is_heard() -> None:
    assert make("j1939").next(0.0) == (None, None)
    bridge = make("j1939", open="listen")
    deadline, send = bridge.next(0.0)
    assert send is not None
    assert send.payload == b"\rC\rS5\rL\r"
    assert bridge.next(1.0) == (deadline, None)
    list(bridge.feed(b"T0CF004008207D87481400F087\r", 20.0))
    assert bridge.next(31.0) == (50.0, None)
    assert bridge.next(50.0)[1] is not None


def test_what_adapters_print_besides_frames_is_no_fault() -> None:
    chatter = b"z\rV1013\rN1234\r\x07\rt1008AABBCCDDEEFF0011\rR18FECA008\r# comment\rcan0 123#00\r  \r"
    assert feed(make("j1939"), [b"x\r", chatter]) == []


@pytest.mark.parametrize(("option", "value"), [("open", "wide"), ("every_s", -1.0)])
def test_options_that_make_no_sense_are_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError):
        language("j1939").make("engine", complete(language("j1939"), {option: value}))


def test_codes_are_told_in_words() -> None:
    assert meaning(110, 0) == "coolant temperature: far too high"
    assert meaning(653, 5) == "injector 3: current too low, or circuit open"
    assert meaning(520890, 13) == "part defined by the maker: out of calibration"
    assert meaning(9999, 29) == "parameter 9999"
