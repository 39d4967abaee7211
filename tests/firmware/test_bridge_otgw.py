"""OpenTherm Gateway: who is believed of what, parity, faults and the words for them."""

from datetime import UTC, datetime

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.reading import Codes, Send
from firmware_bridges.otgw.bridge import RAW_MESSAGES, SILENCE_S
from simulators.home_emitters import Otgw
from tests.firmware.support import codes, feed, gaps, make, said


def line(who: str, kind: int, number: int, raw: int) -> bytes:
    message = kind << 28 | number << 16 | raw
    message |= (message.bit_count() % 2) << 31
    return f"{who}{message:08X}\r\n".encode()


def troubles(items) -> list[list[tuple[str, str]]]:
    return [[(code.code, code.meaning) for code in item.codes] for item in items if isinstance(item, Codes)]


@pytest.mark.parametrize("bit", range(32))
def test_a_message_with_any_bit_changed_has_wrong_parity_and_gives_nothing(bit: int) -> None:
    good = int(line("B", 4, 25, 0x1500)[1:9], 16)
    items = feed(make("otgw"), [f"B{good ^ 1 << bit:08X}\r\n".encode()])
    assert said(items) == []
    assert codes(items) == ["parity"]


@pytest.mark.parametrize(
    ("number", "raw", "reading"),
    [
        (25, 0x1580, ("flow_temperature", 21.5, "Cel")),
        (27, 0xFB80, ("outside_temperature", -4.5, "Cel")),
        (18, 0x0180, ("pressure", 1.5, "bar")),
        (33, 0xFFFF, ("exhaust_temperature", -1, "Cel")),
        (116, 0xFFFF, ("burner_starts", 65535, "")),
        (120, 1234, ("burner_hours", 1234, "h")),
    ],
)
def test_a_value_is_read_as_its_data_id_writes_it(number: int, raw: int, reading: tuple) -> None:
    assert said(feed(make("otgw"), [line("B", 4, number, raw)])) == [reading]


def test_only_the_boiler_is_believed_of_the_boiler() -> None:
    for who, kind in (("T", 0), ("R", 0), ("A", 4), ("T", 1), ("R", 1), ("B", 0), ("B", 7)):
        assert said(feed(make("otgw"), [line(who, kind, 25, 0x1500)])) == []


def test_what_the_thermostat_writes_of_the_room_is_read_from_it_alone() -> None:
    items = feed(make("otgw"), [line("T", 1, 24, 0x1480), line("R", 1, 24, 0x1280), line("B", 7, 24, 0)])
    assert said(items) == [("room_temperature", 20.5, "Cel")]


def test_a_setpoint_is_the_one_that_the_boiler_took_and_not_the_one_that_was_asked_for() -> None:
    items = feed(make("otgw"), [line("T", 1, 1, 0x3C00), line("R", 1, 1, 0x2800), line("B", 5, 1, 0x2800)])
    assert said(items) == [("control_setpoint", 40.0, "Cel")]


def test_a_value_that_the_boiler_calls_invalid_is_a_gap() -> None:
    items = feed(make("otgw"), [line("B", 6, 18, 0)])
    assert gaps(items) == [("pressure", "the boiler says that it has no valid value")]


def test_the_flags_of_a_fault_are_trouble_codes_in_words() -> None:
    bridge = make("otgw", codes={"118": "the water pressure is below 0.5 bar"})
    items = feed(bridge, [line("B", 4, 0, 1), line("B", 4, 5, 0b00000110 << 8 | 118)])
    assert troubles(items) == [
        [],
        [("ASF 2", "the water pressure is too low"), ("OEM 118", "the water pressure is below 0.5 bar")],
    ]
    assert troubles(feed(bridge, [line("B", 4, 0, 1)])) == [
        [("ASF 2", "the water pressure is too low"), ("OEM 118", "the water pressure is below 0.5 bar")]
    ]
    assert troubles(feed(bridge, [line("B", 4, 0, 0)])) == [[]]


def test_a_fault_without_a_name_is_told_when_its_name_does_not_come() -> None:
    bridge = make("otgw")
    said_of_it = [troubles(list(bridge.feed(line("B", 4, 0, 1), at)))[-1] for at in (0.0, 1.0, 14.0, 15.0, 16.0)]
    named = ("fault", "the boiler reports a fault and does not say which")
    assert said_of_it == [[], [], [], [named], [named]]


def test_a_wish_for_service_is_a_notice_and_a_code_without_words_has_none() -> None:
    (told,) = [i for i in feed(make("otgw"), [line("B", 4, 5, 1 << 8 | 42)]) if isinstance(i, Codes)]
    assert [(c.code, c.meaning, c.severity) for c in told.codes] == [
        ("ASF 0", "the boiler asks for service", Severity.NOTICE),
        ("OEM 42", "", Severity.WARNING),
    ]


def test_no_maker_code_is_0_or_255() -> None:
    for code in (0, 255):
        assert troubles(feed(make("otgw"), [line("B", 4, 5, code)])) == [[]]


@pytest.mark.parametrize("text", ["Error 01", "Error 04", "Error 3"])
def test_errors_that_the_gateway_hears_are_faults_of_the_bus(text: str) -> None:
    assert codes(feed(make("otgw"), [text.encode() + b"\r\n"])) == ["bus"]


@pytest.mark.parametrize(
    "text",
    [
        "OpenTherm Gateway 5.8",
        "PR: A=OpenTherm Gateway 5.8",
        "PS: 0",
        "TT: 20.50",
        "NG",
        "00000000/00000000,20.00,00000011/00000011,100.00,0/0,19.00,0.00,1.10,20.70",
        "Thermostat disconnected",
    ],
)
def test_answers_summaries_and_the_banner_are_passed_over(text: str) -> None:
    assert feed(make("otgw"), [text.encode() + b"\r\n"]) == []


@pytest.mark.parametrize("text", ["B4019150", "b40191500", "B401915000", "X40191500", "hello"])
def test_a_line_that_is_none_of_a_gateway_is_garbage(text: str) -> None:
    assert codes(feed(make("otgw"), [text.encode() + b"\r\n"])) == ["garbage"]


def test_a_message_with_an_error_in_it_is_not_believed() -> None:
    assert codes(feed(make("otgw"), [line("E", 4, 25, 0x1500)])) == ["parity"]


def test_a_gateway_that_is_silent_is_told_to_print_messages_and_one_that_speaks_is_not() -> None:
    bridge = make("otgw")
    assert bridge.next(0.0) == (SILENCE_S, None)
    for second in range(0, 300, 10):
        feed(bridge, [line("B", 4, 25, 0x1500)], float(second))
        assert bridge.next(float(second))[1] is None
    assert bridge.next(290.0 + SILENCE_S) == (290.0 + 2 * SILENCE_S, Send(RAW_MESSAGES))


@pytest.mark.parametrize("table", [{"x": "word"}, {"4": 5}, {"255": "word"}, {"4": "x" * 300}])
def test_words_that_are_none_are_refused(table: dict) -> None:
    with pytest.raises(ConfigError):
        make("otgw", codes=table)


def test_a_simulated_boiler_says_what_its_values_are() -> None:
    values = {"flow_temperature": 61.5, "pressure": 1.25, "flame": True, "burner_starts": 7, "fault_code": 118}
    items = feed(make("otgw"), [Otgw().frame(values, datetime.now(UTC))])
    told = {name: value for name, value, _ in said(items)}
    assert told["flow_temperature"] == 61.5
    assert (told["flame"], told["heating"], told["burner_starts"]) == (True, True, 7)
    assert troubles(items)[-1] == [("OEM 118", "")]
