"""What the native link's bridge makes of what a device says."""

from typing import Any

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.reading import Channel, ChannelKind, Code, Codes, Fault, Handover, Item, Notify, Reading, Send
from firmware_bridges.native.bodies import body_of, parse
from firmware_bridges.native.bridge import ASK_AGAIN_S, COMING_S, CRASH_OVER_MS, NUS_TX, RENAMED, Native
from firmware_bridges.native.messages import (
    Ack,
    Beat,
    Channels,
    Crash,
    Data,
    Described,
    Event,
    Hello,
    Log,
    Message,
    Time,
    Type,
)
from firmware_bridges.native.wire import Decoder, Frame, encode
from tests.firmware.support import codes, gaps, make, said

HELLO = Hello(1, 0, "Acme", "panel", "1.0", "b1", b"\1", 7, "power", 248, beat_ms=5000)
TEMPERATURE = Channels({0: Described("temperature", "Cel")})


def native(**options: Any) -> Native:
    bridge = make("native", **options)
    assert isinstance(bridge, Native)
    return bridge


def tell(bridge: Native, *messages: Message, at: float = 0.0) -> list[Item]:
    return list(bridge.feed(wire(*messages), at))


def wire(*messages: Message) -> bytes:
    return b"".join(encode(kind, number, body) for number, (kind, body) in enumerate(map(body_of, messages)))


def asked(item: object) -> list[Message]:
    assert isinstance(item, Send)
    return [parse(each.type, each.body) for each in Decoder().feed(item.payload) if isinstance(each, Frame)]


def met(bridge: Native) -> Native:
    tell(bridge, HELLO, TEMPERATURE)
    return bridge


def test_the_first_thing_is_to_ask_who_is_there() -> None:
    deadline, item = native().next(0.0)
    assert deadline == 1.0
    assert asked(item) == [Hello(1, 0)]


def test_values_of_all_kinds_and_those_that_do_not_fit() -> None:
    bridge = native()
    kinds = {
        n: Described(name, "", kind)
        for n, (name, kind) in enumerate(
            {"gauge": 0, "counter": 1, "state": 2, "angle": 3, "text": 4, "later": 9}.items()
        )
    }
    tell(bridge, HELLO, Channels(kinds))
    items = tell(bridge, Data(0, {0: -1.5, 1: 7, 2: 1, 3: 90, 4: "on", 5: 3}))
    assert said(items) == [
        ("gauge", -1.5, ""), ("counter", 7, ""), ("state", True, ""), ("angle", 90, ""), ("text", "on", ""),
        ("later", 3, ""),
    ]  # fmt: skip
    assert [i.channel.kind for i in items if isinstance(i, Reading)][:2] == [ChannelKind.GAUGE, ChannelKind.COUNTER]
    wrong = tell(bridge, Data(0, {0: True, 1: "x", 2: 0.5, 3: float("nan"), 4: 5}), at=1.0)
    assert [name for name, _ in gaps(wrong)] == ["gauge", "counter", "state", "angle", "text"]
    assert gaps(wrong)[3] == ("angle", "the device says that it has no value")


def test_a_value_is_dated_by_the_devices_clock_where_that_is_known() -> None:
    bridge = met(native())
    (question,) = [each for each in asked(bridge.next(10.0)[1]) if isinstance(each, Time)]
    tell(bridge, Time(question.host_ms, 5000), at=10.0)
    (reading,) = tell(bridge, Data(7500, {0: 21.0}), at=14.0)
    assert isinstance(reading, Reading)
    assert reading.at == pytest.approx(12.5)


def test_a_channel_that_was_not_described_is_asked_for_once_in_a_while() -> None:
    bridge = met(native())
    assert tell(bridge, Data(0, {9: 1}), at=COMING_S - 1.0) == [], "its description may still be on its way"
    assert codes(tell(bridge, Data(0, {9: 1}), at=40.0)) == ["channel"]
    assert Hello(1, 0) in asked(bridge.next(40.0)[1])
    tell(bridge, HELLO, Channels({9: Described("late")}), at=41.0)
    assert said(tell(bridge, Data(0, {9: 1}), at=42.0)) == [("late", 1, "")]
    tell(bridge, Data(0, {8: 1}), at=42.0 + ASK_AGAIN_S)
    tell(bridge, Data(0, {8: 1}), at=43.0 + ASK_AGAIN_S)
    assert bridge.faults.counts["channel"] == 2, "it was asked for just now"


def test_more_channels_than_allowed_are_left_out_and_named() -> None:
    bridge = native(max_channels=2)
    items = tell(bridge, HELLO, Channels({n: Described(f"c{n}") for n in range(3)}))
    (fault,) = [i for i in items if isinstance(i, Fault)]
    assert "'c2' is left out" in fault.text
    with pytest.raises(ConfigError):
        native(max_channels=0)


def test_a_device_that_renames_its_channels_for_ever_is_heard_no_more_and_said_so() -> None:
    bridge = native(max_channels=2)
    items = [
        item for n in range(50) for item in tell(bridge, HELLO, Channels({0: Described(f"c{n}")}), Data(0, {0: n}))
    ]
    names = {item.channel.name for item in items if isinstance(item, Reading)}
    assert {name for name in names if name.startswith("thing.c")} == {f"thing.c{n}" for n in range(2 * RENAMED)}
    assert "renamed" in {item.code for item in items if isinstance(item, Fault)}


def test_names_of_the_device_are_made_fit_for_a_channel() -> None:
    bridge = native()
    tell(bridge, HELLO, Channels({0: Described("Boiler Temp!", "Cel\n"), 1: Described("9"), 2: Described("x" * 90)}))
    items = tell(bridge, Data(0, {0: 1, 1: 2, 2: 3}))
    assert said(items) == [("boiler_temp", 1, ""), ("c_9", 2, ""), ("x" * 32, 3, "")]


def test_another_firmware_has_other_channels() -> None:
    bridge = met(native())
    tell(bridge, Hello(1, 0, build="b2", uid=b"\1", boot=8), Channels({0: Described("temperature", "[degF]")}), at=9.0)
    (reading,) = tell(bridge, Data(0, {0: 70}), at=10.0)
    assert isinstance(reading, Reading)
    assert reading.channel == Channel("thing.temperature", "[degF]", ChannelKind.GAUGE)


def test_an_event_is_handed_over_with_its_name_for_ever_its_finding_and_its_receipt() -> None:
    bridge = met(native())
    event = Event(b"\1\2", 7, 3, "pump", 1500, 3, "E5", "the pump\tis blocked")
    (handover,) = tell(bridge, event, at=10.0)
    assert isinstance(handover, Handover)
    assert (handover.channel, handover.key, handover.at) == ("thing.pump", "thing:0102:7:e3", 8.5)
    code = Code("E5", "the pump is blocked", severity=Severity.ALARM)
    assert handover.codes == Codes("thing", (code,), 8.5, "pump")
    assert asked(handover.receipt) == [Ack(Type.EVENT, 3, boot=7)]
    (over,) = tell(bridge, Event(b"\1\2", 7, 4, "pump", level=0), at=11.0)
    assert isinstance(over, Handover)
    assert over.codes == Codes("thing", (), 11.0, "pump")
    assert [tell(native(), event, at=10.0)[-1]] == [handover._replace(receipt=tell(native(), event)[-1].receipt)]  # type: ignore[union-attr]


def test_a_crash_record_says_where_and_is_over_when_it_has_run_for_a_day() -> None:
    bridge = met(native())
    (handover,) = tell(bridge, Crash(b"\1", 6, 0, 0x123C, 0x1251, what="hard fault", build="b1"), at=5.0)
    assert isinstance(handover, Handover)
    assert handover.key == "thing:01:6:c0"
    assert handover.codes is not None
    (code,) = handover.codes.codes
    assert code.meaning == "the firmware crashed at 0x0000123c, called from 0x00001251 (hard fault)"
    assert ("pc", "0x0000123c", "") in code.frame
    assert asked(handover.receipt) == [Ack(Type.CRASH, 0, boot=6)]
    (mistake,) = tell(bridge, Crash(b"\1", 6, 1, 0, 0, what="OSError: gone"), at=6.0)
    assert isinstance(mistake, Handover)
    assert mistake.codes is not None
    assert mistake.codes.codes[0].meaning == "the firmware ended by itself (OSError: gone)"
    assert Codes("thing", (), 7.0, "firmware") not in tell(bridge, Beat(CRASH_OVER_MS - 1), at=7.0)
    assert Codes("thing", (), 7.0, "firmware") in tell(bridge, Beat(CRASH_OVER_MS), at=7.0)


def test_a_device_of_another_major_version_is_read_and_told_of() -> None:
    bridge = native()
    items = tell(bridge, Hello(2, 0), TEMPERATURE, Data(0, {0: 5}))
    assert codes(items) == ["version"]
    assert ("temperature", 5, "Cel") in said(items)


def test_what_it_logs_and_prints_is_ten_lines_a_second_at_the_most_and_may_be_left_out() -> None:
    lines = b"\0" + b"hello\r\n" * 50 + b"\0"
    bridge = native()
    assert len(list(bridge.feed(lines, 5.1))) == 10
    assert len(list(bridge.feed(lines, 5.9))) == 0
    assert said(bridge.feed(b"\0hi\0", 6.0)) == [("console", "hi", "")]
    assert said(tell(bridge, Log(9, 0, "much\x07too grave"), at=7.0))[-1] == ("log", "error: much too grave", "")
    quiet = native(log=False)
    assert said([*quiet.feed(lines, 0.0), *tell(quiet, Log(1, 0, "x"))]) == [("alive", True, "")]


def test_silence_is_a_reading_and_a_fault_and_is_over_with_the_next_frame() -> None:
    bridge = met(native())
    for now in (0.0, 5.0, 14.9):
        assert not isinstance(bridge.next(now)[1], Fault | Reading)
    deadline, gone = bridge.next(15.0)
    assert isinstance(gone, Reading)
    assert (gone.channel.name, gone.value) == ("thing.alive", False)
    fault = bridge.next(15.0)[1]
    assert isinstance(fault, Fault)
    assert fault.code == "silent"
    assert not isinstance(bridge.next(15.0)[1], Fault | Reading)
    assert deadline == 15.0
    assert said(tell(bridge, Log(1, 0, "back"), at=60.0))[0] == ("alive", True, "")


def test_notifications_of_the_uart_service_are_the_same_stream() -> None:
    raw = wire(HELLO, TEMPERATURE, Data(0, {0: 21.5}))
    pieces = [Notify(NUS_TX, raw[place : place + 20]) for place in range(0, len(raw), 20)]
    bridge = native()
    assert [i for piece in pieces for i in bridge.feed(piece, 0.0)] == tell(
        native(), HELLO, TEMPERATURE, Data(0, {0: 21.5})
    )
