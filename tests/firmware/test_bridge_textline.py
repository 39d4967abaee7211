import pytest

from edge_agent.core.errors import ConfigError
from tests.firmware.support import codes, feed, gaps, make, said


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=1", [("a", 1, "")]),
        ("a = 1 b = 2", [("a", 1, ""), ("b", 2, "")]),
        ("a=1;b=-2.5;c=1e3", [("a", 1, ""), ("b", -2.5, ""), ("c", 1000.0, "")]),
        ("T = 21.5 C, P=1013.2 hPa", [("t", 21.5, "Cel"), ("p", 1013.2, "hPa")]),
        ("2026-01-01T00:00:00 temp=4.5", [("temp", 4.5, "")]),
        ("Water level: 12 cm", [("water_level", 12, "cm")]),
        ("Temp: 3 C; Hum: 40%", [("temp", 3, "Cel"), ("hum", 40, "%")]),
        ("pump: on", [("pump", True, "")]),
        ('{"a": 1, "b": [1, 2], "c": {"d": {"e": 1}, "f": 2}}', [("a", 1, ""), ("c_f", 2, "")]),
        ('{"a": true, "b": "idle"}', [("a", True, ""), ("b", "idle", "")]),
    ],
)
def test_a_line_is_read_by_its_shape(line: str, expected: list) -> None:
    assert said(feed(make("textline"), [line.encode() + b"\n"])) == expected


@pytest.mark.parametrize(
    "line",
    [
        "WiFi connected, IP: 192.168.1.2",
        "Error: sensor not found",
        "[123] I (boot): chip revision: 3",
        "rst:0x1 (POWERON_RESET)",
        '{"a": ',
        "[1, 2]",
        "[" * 1000,
        '{"a":' * 200,
        '{"a": NaN, "b": Infinity, "c": ' + "9" * 400 + "}",
        "=",
        "===:::,,,",
        "\x1b[32mgreen=1\x1b[0m",
        "a=b",
    ],
)
def test_a_line_that_says_nothing_gives_nothing(line: str) -> None:
    items = feed(make("textline"), [line.encode() + b"\n"])
    assert said(items) == []
    assert codes(items) == []


def test_what_cannot_be_read_is_counted_but_not_the_first_line() -> None:
    bridge = make("textline")
    feed(bridge, [b"half a line\n", b"not a value\n", b"\xff\xfe\n", b"a=1\n"])
    assert bridge.faults.counts == {"garbage": 2}


def test_a_value_that_fails_is_a_gap_of_a_channel_that_is_known() -> None:
    items = feed(make("textline"), [b"temp=nan\n", b"temp=21.5\n", b"temp=nan\n", b'{"temp": "broken"}\n'])
    assert said(items) == [("temp", 21.5, "")]
    assert gaps(items) == [("temp", "the device says that it has no value")]


def test_a_channel_keeps_its_kind() -> None:
    items = feed(make("textline"), [b"door=1\n", b"door=open\n"])
    assert said(items) == [("door", 1, "")]
    assert gaps(items) == [("door", "the device sends 'True'")]


def test_names_that_never_end_are_bounded() -> None:
    bridge = make("textline", max_channels=4)
    items = feed(bridge, [f"k{n}={n}\n".encode() for n in range(100)])
    assert len(said(items)) == 4
    assert codes(items) == ["overflow"]
    assert bridge.faults.counts == {"overflow": 96}
    assert len(bridge._channels) == 4


def test_configured_units_come_before_those_of_the_line() -> None:
    bridge = make("textline", units={"T": "K", "flow": "L/min"})
    assert said(feed(bridge, [b"T: 21.5 C\n", b"flow=3\n"])) == [("t", 21.5, "K"), ("flow", 3, "L/min")]


def test_a_csv_line_with_another_number_of_values_is_left_out() -> None:
    bridge = make("textline", format="csv", columns="a,b", separator=";")
    assert said(feed(bridge, [b"1;2\n", b"1\n", b"1;2;3\n", b"3;\n"])) == [("a", 1, ""), ("b", 2, ""), ("a", 3, "")]


@pytest.mark.parametrize(
    "options",
    [{"format": "xml"}, {"format": "csv"}, {"separator": ""}, {"max_channels": 0}, {"max_channels": 100_000}],
)
def test_options_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError) as error:
        make("textline", **options)
    assert error.value.fix


@pytest.mark.parametrize("line", ["t=21,5", "t=-0,5C", "acc=1,2,3", "acc=1,2,3;", "a=1.2.3", "Temp: 21,5 C"])
def test_a_number_that_may_be_two_is_not_read_as_half_of_it(line: str) -> None:
    assert said(feed(make("textline"), [line.encode() + b"\n"])) == []


def test_numbers_with_a_decimal_comma_are_read_where_that_is_said() -> None:
    bridge = make("textline", decimal_comma=True, columns="t,h", separator=";")
    lines = b't=21,5 h=-0,25\nT: 21,5 C\n20,5;44,0\n{"t": 21.5, "list": [1,2]}\na=1,b=2\n'
    assert [value for _, value, _ in said(feed(bridge, [lines]))] == [21.5, -0.25, 21.5, 20.5, 44.0, 21.5, 1, 2]


def test_a_comma_is_not_both_separator_and_decimal() -> None:
    with pytest.raises(ConfigError, match="cannot be both"):
        make("textline", decimal_comma=True, columns="t,h")


def test_hexadecimal_numbers_are_numbers_and_no_zero_with_a_unit() -> None:
    assert said(feed(make("textline"), [b"status=0x1F mask=0Xff\n"])) == [("status", 31, ""), ("mask", 255, "")]
