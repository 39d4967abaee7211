"""Battery management: JBD and Daly, over a wire and over BLE."""

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.reading import Codes, Notify, uuid
from firmware_bridges.checksums import crc16_modbus
from firmware_bridges.daly.bridge import FIRMWARES, NEW, OLD
from firmware_bridges.daly.registers import MAPS
from firmware_bridges.jbd.bridge import request
from tests.firmware.support import codes, complete, feed, language, make, random_pieces, said, vectors

JBD = {v.name: v.chunk for v in vectors("jbd")}
BASIC = JBD["basic values of a battery of four cells"]
CELLS = JBD["its cells"]
OLD_ANSWER, NEW_FIRST, NEW_SECOND = (v.chunk for v in vectors("daly"))


def sealed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


def jbd(register: int, data: bytes, status: int = 0) -> bytes:
    check = -(status + len(data) + sum(data)) & 0xFFFF
    return bytes((0xDD, register, status, len(data))) + data + check.to_bytes(2, "big") + b"\x77"


def in_force(items) -> list[tuple[str, str, Severity]]:
    (told,) = [i for i in items if isinstance(i, Codes)]
    return [(code.code, code.meaning, code.severity) for code in told.codes]


def asked(name: str, seconds: float, answers: dict[bytes, bytes] | None = None) -> list[tuple[float, bytes]]:
    """What a bridge asks in so many seconds, of a device that gives these answers at once."""
    bridge = make(name)
    now, sent = 0.0, []
    while now < seconds:
        deadline, send = bridge.next(now)
        assert deadline is not None
        if send is None:
            now = deadline
            continue
        sent.append((now, send.payload))
        if answers and send.payload in answers:
            list(bridge.feed(answers[send.payload], now))
        else:
            now = deadline
    return sent


def test_a_battery_is_asked_for_its_values_and_then_for_its_cells() -> None:
    answers = {request(3): BASIC, request(4): CELLS}
    assert request(3).hex() == "dda50300fffd77"
    sent = asked("jbd", 29.0, answers)
    assert [payload for _, payload in sent] == [request(3), request(4)] * 3
    assert [at for at, _ in sent] == [0, 0, 10, 10, 20, 20]


def test_a_battery_that_sleeps_is_asked_twice_and_then_left_until_the_next_round() -> None:
    assert asked("jbd", 9.0) == [(0, request(3)), (1, request(3)), (2, request(4)), (3, request(4))]


def test_over_ble_an_answer_comes_in_pieces() -> None:
    bridge = make("jbd")
    items = feed(bridge, (Notify(uuid(0xFF01), piece) for piece in (BASIC[:20], BASIC[20:], CELLS)))
    assert said(items) == said(feed(make("jbd"), [BASIC + CELLS]))
    assert codes(items) == []


def test_protections_that_are_in_force_are_trouble_codes() -> None:
    data = bytearray(BASIC[4:-3])
    data[16:18] = (1 << 1 | 1 << 10).to_bytes(2, "big")
    assert in_force(feed(make("jbd"), [jbd(3, bytes(data))])) == [
        ("P1", "a cell's voltage is too low", Severity.WARNING),
        ("P10", "short circuit", Severity.ALARM),
    ]
    assert in_force(feed(make("jbd"), [BASIC])) == []


def test_a_refusal_and_a_wrong_length_are_faults() -> None:
    assert codes(feed(make("jbd"), [jbd(3, b"", 0x80)])) == ["refused"]
    assert codes(feed(make("jbd"), [jbd(3, BASIC[4:-5])])) == ["malformed"]
    assert codes(feed(make("jbd"), [jbd(4, b"\x0d")])) == ["malformed"]


def test_answers_of_the_same_length_are_read_by_the_map_of_their_firmware() -> None:
    assert len(OLD_ANSWER) == len(NEW_SECOND)
    old = MAPS[OLD, len(OLD_ANSWER) - 5]
    assert int.from_bytes(NEW_FIRST[3 + 2 * old.current :][:2], "big") == 0  # by the older map: 3000 A of discharge
    right = {name: value for name, value, _ in said(feed(make("daly"), [NEW_FIRST + NEW_SECOND]))}
    assert right["current"] == -8.9
    assert right["remaining"] == 271.2


def test_both_firmwares_are_asked_until_one_answers_and_then_only_that() -> None:
    old, (new, new_second) = FIRMWARES[OLD][0], FIRMWARES[NEW]
    assert old.payload.hex() == "d2030000003ed7b9"
    assert new.payload.hex() == "8103000000405bfa"
    assert new_second.payload.hex() == "81030041003e8bce"
    sent = [payload for _, payload in asked("daly", 45.0, {new.payload: NEW_FIRST, new_second.payload: NEW_SECOND})]
    assert sent == [old.payload] * 2 + [new.payload, new_second.payload] * 4
    assert {payload for _, payload in asked("daly", 45.0, {old.payload: OLD_ANSWER})} == {old.payload}


def test_questions_of_somebody_else_on_the_line_are_passed_over() -> None:
    assert feed(make("daly"), [FIRMWARES[OLD][0].payload, FIRMWARES[NEW][0].payload]) == []


def test_alarm_bits_of_the_older_firmware_are_trouble_codes() -> None:
    body = bytearray(OLD_ANSWER[:-2])
    place = 3 + 2 * 0x3A
    body[place : place + 6] = bytes.fromhex("020100200010")
    assert in_force(feed(make("daly"), [sealed(bytes(body))])) == [
        ("A0", "a cell's voltage is too high", Severity.NOTICE),
        ("A9", "too hot to charge", Severity.WARNING),
        ("A21", "charge too high", Severity.WARNING),
        ("A36", "charging switch stuck on", Severity.ALARM),
    ]


def test_numbers_of_cells_that_cannot_be_are_bounded() -> None:
    body = bytearray(NEW_FIRST[:-2])
    body[3 + 2 * 0x3C : 3 + 2 * 0x3E] = b"\xff\xff\xff\xff"
    names = [name for name, _, _ in said(feed(make("daly"), [sealed(bytes(body))]))]
    assert sum(name.startswith("cell_") for name in names) == 48
    assert sum(name.startswith("temperature_") for name in names) == 8


@pytest.mark.parametrize("name", ["jbd", "daly"])
def test_a_good_answer_inside_noise_is_found_however_it_is_cut(name: str) -> None:
    answer = BASIC if name == "jbd" else OLD_ANSWER
    raw = b"\xdd\x03\x00\xd2\x03\x51" + answer + b"\xdd\xd2\x03\x7c" + answer
    whole = feed(make(name), [raw])
    assert len([n for n, _, _ in said(whole) if n == "voltage"]) == 2
    assert feed(make(name), random_pieces(raw, 3)) == whole


@pytest.mark.parametrize("name", ["jbd", "daly"])
def test_asking_all_the_time_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        language(name).make("battery", complete(language(name), {"every_s": 0.1}))
