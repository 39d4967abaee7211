import pytest

from edge_agent.core.finding import Severity
from edge_agent.core.reading import Codes
from tests.firmware.support import codes, feed, gaps, make, said, single_bytes


def block(*fields: tuple[str, str]) -> bytes:
    raw = b"".join(f"\r\n{label}\t{value}".encode() for label, value in fields) + b"\r\nChecksum\t"
    return raw + bytes((-sum(raw) & 0xFF,))


def frame(register: int, raw: bytes, command: str = "A", flags: int = 0) -> bytes:
    data = register.to_bytes(2, "little") + bytes((flags,)) + raw
    check = (0x55 - int(command, 16) - sum(data)) & 0xFF
    return f":{command}{data.hex().upper()}{check:02X}\n".encode()


CHARGER = block(("PID", "0xA053"), ("V", "12840"), ("I", "-200"), ("VPV", "18540"), ("CS", "3"), ("ERR", "0"))


def test_the_block_in_which_it_joins_is_passed_over_without_a_fault() -> None:
    items = feed(make("vedirect"), [CHARGER[20:] + CHARGER])
    assert codes(items) == []
    assert ("voltage", 12.84, "V") in said(items)


def test_a_frame_may_stand_between_any_two_bytes_of_a_block_and_changes_nothing() -> None:
    whole = said(feed(make("vedirect"), [CHARGER]))
    for place in range(len(CHARGER) - 1):
        raw = CHARGER[:place] + frame(0xEDDB, (2531).to_bytes(2, "little")) + CHARGER[place:]
        items = feed(make("vedirect"), single_bytes(raw))
        assert said(items) == [("charger_temperature", 25.31, "Cel"), *whole]
        assert codes(items) == []


@pytest.mark.parametrize("wanted", [0x3A, 0x0D, 0x0A, 0x09, 0x00, 0xFF])
def test_the_checksum_may_be_any_byte(wanted: int) -> None:
    words = ("".join(chr(33 + min(93, max(0, n - 93 * k))) for k in range(3)) for n in range(256))
    texts = (block(("V", "1"), ("X", word.replace(":", "9"))) for word in words)
    items = feed(make("vedirect"), [next(text for text in texts if text[-1] == wanted) + CHARGER])
    assert [value for name, value, _ in said(items) if name == "voltage"] == [0.001, 12.84]
    assert codes(items) == []


def test_a_wrong_checksum_after_the_first_block_is_a_fault() -> None:
    assert codes(feed(make("vedirect"), [CHARGER + CHARGER.replace(b"12840", b"12841")])) == ["checksum"]


@pytest.mark.parametrize("bad", [b":A\n", b":AZZ\n", b":7EDDB0000\n", b":" + b"0" * 300 + b"\n", b":\n", b":A501\n"])
def test_a_garbled_frame_is_a_fault_and_spoils_no_block(bad: bytes) -> None:
    items = feed(make("vedirect"), [CHARGER + bad + CHARGER])
    assert codes(items) in (["hex"], ["overflow"])
    assert len([name for name, _, _ in said(items) if name == "voltage"]) == 2


def test_a_register_that_nobody_knows_or_that_is_unknown_is_no_reading() -> None:
    bridge = make("vedirect")
    assert feed(bridge, [frame(0x1234, b"\0\0"), frame(0xEDDB, b"\0\0", flags=1), frame(0xEDDB, b"\0")]) == []
    assert gaps(feed(bridge, [frame(0xEDDB, b"\xff\x7f")])) == [
        ("charger_temperature", "the device has no such sensor")
    ]
    assert said(feed(bridge, [frame(0xEDEC, (29815).to_bytes(2, "little"))])) == [("battery_temperature", 25.0, "Cel")]


def test_what_the_device_does_not_know_is_none_with_a_reason() -> None:
    items = feed(make("vedirect"), [block(("SOC", "---"), ("TTG", "-1"), ("T", ""), ("CS", "x"))])
    assert dict(gaps(items)) == {
        "charge": "the device gives no value",
        "time_to_go": "the battery is not being discharged",
        "temperature": "the device gives no value",
        "state": "the device gives no value",
    }


def test_errors_and_alarms_are_trouble_codes_with_their_meaning() -> None:
    (told,) = [i for i in feed(make("vedirect"), [block(("ERR", "17"))]) if isinstance(i, Codes)]
    assert [(code.code, code.meaning, code.severity) for code in told.codes] == [
        ("Err 17", "charger too hot", Severity.ALARM)
    ]
    (told,) = [i for i in feed(make("vedirect"), [block(("AR", "5"), ("WARN", "256"))]) if isinstance(i, Codes)]
    assert [code.code for code in told.codes] == ["Alarm 1", "Alarm 4", "Alarm 256"]
    assert told.codes[1].meaning == "charge too low"
    (told,) = [i for i in feed(make("vedirect"), [block(("ERR", "222"))]) if isinstance(i, Codes)]
    assert told.codes[0].meaning == ""


def test_a_block_that_speaks_of_no_errors_says_nothing_of_them() -> None:
    items = feed(make("vedirect"), [block(("H1", "-149322"), ("H4", "3")), block(("ERR", "?"))])
    assert not [i for i in items if isinstance(i, Codes)]


def test_history_is_told_when_it_changes() -> None:
    raw = block(("V", "12840"), ("H19", "8272"))
    items = feed(make("vedirect"), [raw, raw, raw, raw.replace(b"8272", b"8273")[:-1] + bytes((raw[-1] - 1 & 0xFF,))])
    assert [value for name, value, _ in said(items) if name == "yield_total"] == [82.72, 82.73]
    assert len([name for name, _, _ in said(items) if name == "voltage"]) == 4


def test_words_say_why_a_charger_is_off() -> None:
    items = feed(make("vedirect"), [block(("CS", "0"), ("OR", "0x00000001"))])
    assert said(items) == [("state", "off", ""), ("off_reason", "no input power", "")]
    items = feed(make("vedirect"), [block(("CS", "99"), ("OR", "0x0"))])
    assert said(items) == [("state", "state 99", ""), ("off_reason", "none", "")]
