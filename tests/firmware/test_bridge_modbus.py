"""Modbus RTU: questions and answers in time, maps and their mistakes, and a tap on somebody else's bus."""

import struct
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config.mistakes import ConfigProblems
from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.reading import ChannelKind, Codes, Reading, Send
from firmware_bridges.checksums import crc16_modbus
from firmware_bridges.modbus.bridge import FIRST_S, LONGEST_S, REFUSED_EVERY_S
from firmware_bridges.modbus.codec import EXCEPTIONS, MAX_FRAME, Request, is_right, sealed
from firmware_bridges.modbus.maps import parse_map, shipped
from tests.firmware.support import ROOT, codes, feed, gaps, make, random_pieces, said, single_bytes

TOP = 'title = "made"\nsource = "made for the tests"\n'


@pytest.fixture
def own(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "own.toml"
        path.write_text(TOP + text, encoding="utf-8")
        return str(path)

    return write


class Master:
    """A bridge walked along its own deadlines; `ask` gives the next question."""

    def __init__(self, **options: Any) -> None:
        self.bridge = make("modbus", **options)
        self.now = 0.0
        self.told: list[Any] = []

    def ask(self) -> bytes:
        for _ in range(1000):
            deadline, item = self.bridge.next(self.now)
            assert deadline is not None
            if isinstance(item, Send):
                return item.payload
            if item is not None:
                self.told.append(item)
            self.now = max(self.now, deadline)
        raise AssertionError("it never asks")

    def answer(self, frame: bytes) -> list[Any]:
        self.now += 0.02
        return feed(self.bridge, [frame], self.now)


def words(unit: int, *registers: int, function: int = 4) -> bytes:
    data = b"".join(register.to_bytes(2, "big") for register in registers)
    return sealed(bytes([unit, function, len(data)]) + data)


def one(own, row: str, *registers: int, top: str = "") -> Any:
    """What a map with this one row makes of these registers."""
    master = Master(map=own(f"{top}\n[[register]]\nname = 'x'\naddress = 0\n{row}\n"))
    master.ask()
    (reading,) = master.answer(words(1, *registers))
    return reading


def test_the_crc_has_the_check_value_of_the_catalogue_and_goes_low_byte_first() -> None:
    assert crc16_modbus(b"123456789") == 0x4B37
    assert sealed(bytes.fromhex("010400000002")).hex() == "01040000000271cb"


@pytest.mark.parametrize(
    ("row", "registers", "value"),
    [
        ("type = 'u16'", (65535,), 65535),
        ("type = 's16'", (65535,), -1),
        ("type = 's16'\nscale = 0.1", (65336,), -20.0),
        ("scale = 0.1", (2301,), 230.1),
        ("scale = 0.01\noffset = -40", (2301,), -16.99),
        ("type = 'u32'", (1, 2), 65538),
        ("type = 's32'\nscale = 0.001", (0xFFFF, 0xFFFF), -0.001),
        ("type = 'u64'", (0, 1, 0, 0), 1 << 32),
        ("type = 's64'", (0xFFFF,) * 4, -1),
        ("type = 'f32'", (0x4366, 0x199A), 230.1),
        ("type = 'f64'", struct.unpack(">4H", struct.pack(">d", 1.25)), 1.25),
        ("bit = 4", (16,), True),
        ("bit = 3", (16,), False),
        ("words = { 0 = 'off', 2 = 'heating' }", (2,), "heating"),
        ("words = { 0 = 'off', 2 = 'heating' }", (9,), "unknown (9)"),
    ],
)
def test_registers_are_worth_what_the_map_says(own, row: str, registers: tuple[int, ...], value: Any) -> None:
    assert one(own, row, *registers).value == value


def test_the_low_word_may_come_first(own) -> None:
    top = "word_order = 'low_first'"
    assert one(own, "type = 'u32'", 2, 1, top=top).value == 65538
    assert one(own, "type = 'f32'", 0x199A, 0x4366, top=top).value == 230.1
    assert one(own, "type = 's64'", 0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF, top=top).value == -2


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_is_told_in_few_digits_that_are_the_same_in_32_bits(value: float) -> None:
    master = Master(map="sdm120")
    master.ask()
    data = struct.pack(">f", value) + bytes(60)
    first = master.answer(sealed(bytes([1, 4, 64]) + data))[0]
    assert struct.pack(">f", first.value) == data[:4]
    assert len(Decimal(repr(first.value)).normalize().as_tuple().digits) <= 9


@pytest.mark.parametrize("raw", [(0x7FC0, 0), (0x7F80, 0), (0xFF80, 0)])
def test_a_float_that_is_no_number_is_a_gap(own, raw: tuple[int, int]) -> None:
    reading = one(own, "type = 'f32'", *raw)
    assert (reading.value, reading.reason) == (None, "unit 1 says that it has no value")


def test_a_number_that_means_none_is_a_gap(own) -> None:
    assert one(own, "type = 's16'\nnone = [-32768]\nscale = 0.1", 0x8000).value is None


def test_bits_and_coils_are_states(own) -> None:
    rows = "".join(f"{{ name = 'c{n}', address = {n}, table = 'coil' }}, " for n in (3, 4, 11))
    master = Master(map=own(f"largest_gap = 20\nregister = [{rows}]"))
    assert master.ask() == Request(1, "coil", 3, 9).frame
    items = master.answer(sealed(bytes([1, 1, 2, 0b00000010, 1])))
    assert said(items) == [("c3", False, ""), ("c4", True, ""), ("c11", True, "")]
    assert {item.channel.kind for item in items} == {ChannelKind.STATE}


def test_registers_that_lie_together_are_read_together_and_holes_only_as_the_map_allows(own) -> None:
    rows = "".join(f"{{ name = 'r{n}', address = {n} }}, " for n in (0, 1, 4, 30))
    master = Master(map=own(f"largest_gap = 2\nregister = [{rows}]"))
    assert master.ask() == Request(1, "input", 0, 5).frame
    master.answer(words(1, 1, 2, 3, 4, 5))
    assert master.ask() == Request(1, "input", 30, 1).frame


def test_each_block_is_asked_as_often_as_the_map_says_and_the_first_is_not_asked_twice(own) -> None:
    master = Master(map=own("every_s = 10\n[[register]]\nname = 'x'\naddress = 0\n"))
    master.now = 1000.0
    asked = []
    for _ in range(4):
        master.ask()
        asked.append(master.now)
        master.answer(words(1, 1))
    assert [round(b - a, 6) for a, b in pairwise(asked)] == [10.0, 10.0, 10.0]


def test_a_fault_word_is_a_trouble_code_by_its_value(own) -> None:
    text = "[[fault]]\nname = 'fault'\naddress = 0\ncode = 'CH{:02}'\nseverity = 'alarm'\nvalues = { 5 = 'no link' }"
    master = Master(map=own(text))
    told = []
    for raw in (5, 9, 0):
        master.ask()
        told += master.answer(words(1, raw))
    assert [[(c.code, c.meaning) for c in item.codes] for item in told] == [[("CH05", "no link")], [("CH09", "")], []]
    assert told[0].codes[0].severity is Severity.ALARM
    assert {(type(item), item.memory) for item in told} == {(Codes, "")}


def test_a_fault_word_may_have_a_code_for_each_bit_and_two_words_are_told_apart(own) -> None:
    text = "[[fault]]\nname = 'a'\naddress = 0\ntype = 'u32'\ncode = 'A{}'\nbits = { 0 = 'low', 31 = 'high' }\n"
    text += "[[fault]]\nname = 'b'\naddress = 2\ncode = 'B{}'\nbits = { 1 = 'one' }\n"
    master = Master(map=own(text))
    master.ask()
    first, second = master.answer(words(1, 0x8000, 1, 4))
    assert [(c.code, c.meaning) for c in first.codes] == [("A0", "low"), ("A31", "high")]
    assert [(c.code, c.meaning) for c in second.codes] == [("B2", "")]
    assert (first.memory, second.memory) == ("a", "b")


def test_an_inverter_of_growatt_says_what_is_wrong_with_it() -> None:
    master = Master(map="growatt")
    for _ in range(3):
        request = master.ask()
        first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        items = master.answer(words(1, *(26 if first + n == 105 else 3 for n in range(count))))
    (told,) = [item for item in items if isinstance(item, Codes)]
    assert [(c.code, c.meaning) for c in told.codes] == [("E26", "the insulation of the solar array is too low")]


def test_an_answer_in_pieces_behind_an_echo_and_noise_is_found(own) -> None:
    text = "[[register]]\nname = 'x'\naddress = 0\n"
    for noise in (b"", b"\x00", b"\xff\x01", b"\x01\x04", b"\x01\x04\x02", bytes(range(40))):
        master = Master(map=own(text))
        echo = master.ask()
        items = feed(master.bridge, single_bytes(echo + noise + words(1, 777)), master.now)
        assert said(items) == [("x", 777, "")]


@pytest.mark.parametrize("wrong", [2, 3, 4, 5, 6])
def test_an_answer_with_a_bit_changed_is_no_answer(own, wrong: int) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"), retries=0)
    master.ask()
    frame = bytearray(words(1, 777))
    frame[wrong] ^= 0x10
    assert master.answer(bytes(frame)) == []
    master.ask()
    assert codes(master.told) == ["checksum"]
    assert gaps(master.told) == [("x", "unit 1 answers with a wrong CRC")]


def test_an_answer_of_another_unit_or_function_is_none_of_ours(own) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"))
    master.ask()
    for frame in (words(2, 5), words(1, 5, function=3), words(1, 5, 5)):
        assert master.answer(frame) == []
    assert said(master.answer(words(1, 6))) == [("x", 6, "")]


def test_a_silent_unit_is_asked_again_then_told_then_asked_ever_more_rarely(own) -> None:
    master = Master(map=own("every_s = 5\n[[register]]\nname = 'x'\naddress = 0\n"), timeout_s=0.5, retries=2)
    asked = []
    for _ in range(9):
        master.ask()
        asked.append(master.now)
    assert asked[0] == FIRST_S
    assert [b - a for a, b in pairwise(asked[:3])] == [1.0, 1.0]  # a silence, and a quiet bus
    assert asked[3] - asked[2] >= 10.0
    assert max(b - a for a, b in pairwise(asked)) <= 60.5
    assert codes(master.told)[0] == "timeout"
    assert gaps(master.told)[0] == ("x", "unit 1 does not answer")
    assert said(master.answer(words(1, 5))) == [("x", 5, "")]
    before = master.now
    master.ask()
    assert master.now - before == pytest.approx(5.0, abs=0.1)


def test_an_echo_alone_is_no_answer_with_a_wrong_crc(own) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"), retries=0)
    assert master.answer(master.ask()) == []
    master.ask()
    assert codes(master.told) == ["timeout"]


def test_an_answer_that_is_slow_to_come_is_waited_for_as_long_as_it_comes(own) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"), timeout_s=0.1, retries=0)
    master.ask()
    frame = words(1, 777)
    for byte in single_bytes(frame[:-1]):
        assert master.answer(byte) == []
        master.now += 0.06
        assert master.bridge.next(master.now)[1] is None
    assert said(master.answer(frame[-1:])) == [("x", 777, "")]


def test_noise_that_does_not_end_is_no_answer(own) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"), timeout_s=0.1, retries=0)
    master.ask()
    start, item = master.now, None
    while item is None:
        master.answer(b"\x55")
        item = master.bridge.next(master.now)[1]
    assert item.code == "checksum"
    assert master.now - start < LONGEST_S + 0.2


def test_bytes_that_nobody_asked_for_are_dropped_and_counted(own) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"), retries=0)
    assert codes(feed(master.bridge, [words(1, 5)])) == ["late"]
    master.ask()
    master.now += 0.6
    master.bridge.next(master.now)
    assert said(master.answer(words(1, 666))) == []  # of the question that was given up
    master.ask()
    assert said(master.answer(words(1, 7))) == [("x", 7, "")]


@pytest.mark.parametrize(("number", "name"), EXCEPTIONS.items())
def test_an_exception_is_told_by_its_name(own, number: int, name: str) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 7\n"))
    master.ask()
    items = master.answer(sealed(bytes([1, 0x84, number])))
    assert codes(items) == ["exception"]
    assert f"unit 1 refuses input registers 7 to 7: {name}" in [i.text for i in items if not isinstance(i, Reading)]
    assert gaps(items) == [("x", f"unit 1 refuses it: {name}")]


def test_a_block_that_is_refused_is_asked_one_by_one_and_what_is_not_there_an_hour_later(own) -> None:
    rows = "".join(f"{{ name = 'r{n}', address = {n} }}, " for n in range(3))
    master = Master(map=own(f"every_s = 10\nregister = [{rows}]"))
    assert master.ask() == Request(1, "input", 0, 3).frame
    assert master.answer(sealed(b"\x01\x84\x02")) == []
    told, asked = [], []
    for _ in range(9):
        frame = master.ask()
        asked.append((master.now, frame[3]))
        told += master.answer(sealed(b"\x01\x84\x02") if frame[3] == 1 else words(1, frame[3]))
    assert {name: value for name, value, _ in said(told)} == {"r0": 0, "r2": 2}
    assert gaps(told) == [("r1", "unit 1 refuses it: illegal data address")]
    assert [register for _, register in asked].count(1) == 1
    while frame[3] != 1:
        frame = master.ask()
        master.answer(words(1, frame[3]))
    assert master.now > REFUSED_EVERY_S


def test_a_line_full_of_noise_keeps_a_bounded_buffer(own) -> None:
    master = Master(map=own("[[register]]\nname = 'x'\naddress = 0\n"))
    master.ask()
    feed(master.bridge, random_pieces(b"\x01\x04\x02\x01" * 5000, 3))
    assert len(master.bridge._buffer) <= 2 * MAX_FRAME
    tap = make("modbus", map="sdm120", listen=True)
    feed(tap, random_pieces(b"\x01\x04\x02\x01" * 5000, 3))
    assert len(tap._buffer) <= MAX_FRAME


def test_a_tap_reads_pairs_of_another_master_and_asks_nothing() -> None:
    tap = make("modbus", map="sdm120", listen=True)
    assert tap.next(0.0) == (None, None)
    ask = Request(1, "input", 0, 2).frame
    other = Request(9, "input", 0, 2).frame
    reply = sealed(b"\x01\x04\x04\x43\x66\x19\x9a")
    stream = b"\x55" + ask + reply + other + sealed(b"\x09\x04\x04\x00\x00\x00\x00") + ask[:5] + ask + reply + reply
    assert said(feed(tap, single_bytes(stream))) == 2 * [("voltage", 230.1, "V")]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_map_reads_every_row_of_its_own_in_few_requests(name: str) -> None:
    master = Master(map=name)
    seen: set[str] = set()
    for number in range(6):
        request = master.ask()
        assert is_right(request)
        items = master.answer(words(1, *[0] * int.from_bytes(request[4:6], "big")))
        seen |= {item.channel.name for item in items if isinstance(item, Reading)}
        assert number < 4 or items
    assert len(seen) >= 10


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"map": "sdm630", "units": {"a": {"unit": 1, "map": "sdm120"}}},
        {"map": "sdm6300"},
        {"map": "/nowhere/at/all.toml"},
        {"map": "sdm630", "unit": 0},
        {"map": "sdm630", "unit": 248},
        {"map": "sdm630", "timeout_s": 0.0},
        {"map": "sdm630", "pause_s": -1.0},
        {"map": "sdm630", "retries": 99},
        {"units": {"a": {"unit": 1}}},
        {"units": {"a": {"unit": True, "map": "sdm120"}}},
        {"units": {"A b": {"unit": 1, "map": "sdm120"}}},
        {"units": {"a": 5}},
        {"units": {f"u{n}": {"unit": n, "map": "sdm120"} for n in range(1, 40)}},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make("modbus", **({"retries": 2} | options))


def test_an_unknown_map_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ConfigProblems, match=r"no such device map.*did you mean sdm630\?"):
        make("modbus", map="sdm360")


def test_the_shipped_maps_are_part_of_the_package() -> None:
    data = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    assert data["firmware_bridges.modbus"] == ["maps/*.toml"]


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigProblems) as caught:
        parse_map(text, "own.toml")
    return [mistake.text for mistake in caught.value.mistakes]


def test_all_mistakes_of_a_map_are_told_at_once_with_their_lines() -> None:
    text = """title = "made"
source = "made"
word_oder = "high_first"
[[register]]
name = "x"
address = 70000
[[register]]
name = "y"
address = 65535
type = "u32"
[[register]]
name = "y"
address = 1
scale = 0
table = "coil"
type = "u16"
[[register]]
name = "z"
address = 2
bit = 16
[[register]]
name = "w"
address = 2
words = { one = "on" }
unit = "V"
[[fault]]
name = "f"
address = 3
[[fault]]
name = "g"
address = 4
code = "E"
bits = { 1 = "one", 16 = "sixteen" }
values = { 1 = "one" }
"""
    assert mistakes(text) == [
        'own.toml:3: word_oder = "high_first": unknown key; did you mean word_order?',
        "own.toml:6: register[0].address = 70000: expected a whole number from 0 to 65535",
        "own.toml:9: register[1].address = 65535: it ends beyond 65535; expected a smaller address",
        'own.toml:12: register[2].name = "y": the same as in line 8; expected another name',
        "own.toml:20: register[3].bit = 16: expected a whole number from 0 to 15",
        "own.toml:24: register[4].words: words are for a plain number; expected no bit, unit, scale or offset",
        "own.toml:24: register[4].words.one: no number of the register; expected a whole number from 0 to 4294967295",
        'own.toml:26: fault[0]: it has no words for its codes; expected values or bits, { 1 = "what is wrong" }',
        'own.toml:29: fault[1]: it has both values and bits; expected values or bits, { 1 = "what is wrong" }',
        'own.toml:32: fault[1].code = "E": expected the form of a code, with one number in it: "E{}", "CH{:02}"',
        "own.toml:33: fault[1].bits.16: no number of the register; expected a whole number from 0 to 15",
    ]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("table = 'coil'\ntype = 'u16'", "a coil is one bit"),
        ("type = 'bit'", "a register has 16 bits"),
        ("scale = 0", "every value would be the same"),
        ("type = 'u32'\nbit = 3", "only a u16 has bits here"),
        ("type = 'word'", "expected bit, f32"),
    ],
)
def test_a_row_that_makes_no_sense_is_told(row: str, wrong: str) -> None:
    (text,) = mistakes(f"{TOP}[[register]]\nname = 'x'\naddress = 0\n{row}\n")
    assert wrong in text


@pytest.mark.parametrize("text", ["", TOP, "title = 'x", TOP + "[[register]]\n", "register = 5", TOP + "fault = [1]"])
def test_a_file_that_is_no_map_is_told(text: str) -> None:
    assert mistakes(text)
