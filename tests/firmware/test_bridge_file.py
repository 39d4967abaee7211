"""What the kernel shows as files: 1-Wire thermometers with their traps, and plain numbers; and pulses."""

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import ChannelKind, Content, Pulses, Reading
from firmware_bridges.pulses.bridge import ALIVE_S
from tests.firmware.support import codes, feed, gaps, make, said


def slave(t: int | str, answer: str = "YES", raw: str = "72 01 4b 46 7f ff 0e 10 57") -> Content:
    return Content(f"{raw} : crc=57 {answer}\n{raw} t={t}\n".encode())


def temperature(*contents: Content) -> list:
    return feed(make("ds18b20"), contents)


@pytest.mark.parametrize(
    ("t", "value"), [(23125, 23.125), (-10062, -10.062), (0, 0.0), (125000, 125.0), (-55000, -55.0)]
)
def test_both_files_of_a_probe_are_read(t: int, value: float) -> None:
    assert said(temperature(slave(t))) == [("temperature", value, "Cel")]
    assert said(temperature(Content(f"{t}\n".encode()))) == [("temperature", value, "Cel")]


def test_an_answer_with_a_wrong_crc_is_a_gap_and_a_fault() -> None:
    items = temperature(slave(-62, "NO", "ff ff ff ff ff ff ff ff ff"))
    assert gaps(items) == [("temperature", "the probe's answer does not match its CRC")]
    assert codes(items) == ["checksum"]


def test_zeros_have_a_right_crc_and_are_no_temperature() -> None:
    items = temperature(slave(0, "YES", "00 00 00 00 00 00 00 00 00"))
    assert gaps(items) == [("temperature", "the probe's answer is all zeros: its data wire is shorted")]


def test_85_degrees_out_of_nowhere_is_a_probe_that_has_not_measured() -> None:
    for before in ([], [slave(21000)], [slave(79000)]):
        items = temperature(*before, slave(85000))
        assert gaps(items) == [("temperature", "85 degrees: the probe lost its power and has not measured")]


def test_85_degrees_on_the_way_through_them_is_a_temperature() -> None:
    items = temperature(slave(81000), slave(84500), slave(85000), slave(85000), slave(86000))
    assert [value for _, value, _ in said(items)] == [81.0, 84.5, 85.0, 85.0, 86.0]


@pytest.mark.parametrize("t", [127937, -55001, 9999999])
def test_what_no_probe_can_measure_is_a_gap(t: int) -> None:
    (gap,) = gaps(temperature(slave(t)))
    assert "more than a probe can measure" in gap[1]


def test_an_empty_file_is_a_probe_that_does_not_answer() -> None:
    assert gaps(temperature(Content(b""))) == [("temperature", "the probe does not answer")]


@pytest.mark.parametrize("text", ["hello", "23.5 C", "72 01 4b : crc=57 YES t=1", "1\n2\n", "99999999999999"])
def test_another_file_is_garbage(text: str) -> None:
    items = temperature(Content(text.encode()))
    assert (said(items), codes(items)) == ([], ["garbage"])


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("48312\n", {"scale": 0.001}, 48.312),
        (" -5 ", {}, -5.0),
        ("512", {"scale": 0.1, "offset": -40.0}, 11.2),
        ("3.30", {}, 3.3),
    ],
)
def test_a_number_is_worth_what_the_options_say(text: str, options: dict, value: float) -> None:
    (item,) = feed(make("number", unit="x", **options), [Content(text.encode())])
    assert (item.value, item.channel.unit, item.channel.kind) == (value, "x", ChannelKind.GAUGE)


@pytest.mark.parametrize("text", ["", "Discharging\n", "1 2", "1e99", "0x10", "\x00"])
def test_a_file_without_a_number_is_a_gap(text: str) -> None:
    assert gaps(feed(make("number"), [Content(text.encode())])) == [("value", "the file holds no number")]


@pytest.mark.parametrize("options", [{"quantity": "A b"}, {"kind": "state"}, {"scale": 0.0}, {"unit": "x" * 17}])
def test_options_of_a_number_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError):
        make("number", **options)


S0 = {"quantity": "energy", "unit": "kWh", "per_unit": 1000.0, "rate": "power", "rate_unit": "kW"}


def looks(bridge, *rows: tuple[float, int, float]) -> list:
    return [item for at, number, span_s in rows for item in bridge.feed(Pulses(number, span_s), at)]


def test_pulses_make_a_counter_and_their_distance_a_rate() -> None:
    items = looks(make("pulses", **S0), (0.0, 0, 0.0), (10.0, 1, 0.0), (28.0, 1, 18.0), (29.0, 10, 1.0))
    assert said(items) == [
        ("energy", 0.0, "kWh"),
        ("energy", 0.001, "kWh"),
        ("energy", 0.002, "kWh"),
        ("power", 0.2, "kW"),
        ("energy", 0.012, "kWh"),
        ("power", 36.0, "kW"),
    ]


def test_a_flow_sensor_has_a_k_factor_and_a_rate_a_minute() -> None:
    flow = {"quantity": "volume", "unit": "L", "per_unit": 450.0, "rate": "flow", "rate_unit": "L/min", "rate_s": 60.0}
    items = looks(make("pulses", **flow), (0.0, 1, 0.0), (1.0, 75, 1.0))
    assert said(items)[-2:] == [("volume", 0.168889, "L"), ("flow", 10.0, "L/min")]


def test_a_rate_is_zero_when_nothing_came_for_long_and_only_then() -> None:
    bridge = make("pulses", **S0, idle_s=100.0)
    rows = [(0.0, 1, 0.0), (10.0, 1, 10.0), *[(float(second), 0, 0.0) for second in range(11, 200)]]
    items = [item for item in looks(bridge, *rows) if item.channel.name == "thing.power"]
    assert [(item.at, item.value) for item in items] == [(10.0, 0.36), (110.0, 0.0), (110.0 + ALIVE_S, 0.0)]


def test_a_meter_that_stands_still_from_the_start_has_a_rate_of_zero_after_a_while() -> None:
    bridge = make("pulses", **S0, idle_s=100.0)
    items = looks(bridge, *[(float(second), 0, 0.0) for second in range(150)])
    assert [item.at for item in items if item.channel.name == "thing.power"] == [100.0]


def test_a_counter_that_stands_still_is_told_once_a_minute_and_counts_whole_pulses_by_default() -> None:
    items = looks(make("pulses"), *[(float(second), 0, 0.0) for second in range(181)], (181.0, 3, 1.0))
    assert [(item.at, item.value) for item in items] == [(0.0, 0), (60.0, 0), (120.0, 0), (180.0, 0), (181.0, 3)]
    assert all(isinstance(item, Reading) and item.channel.kind is ChannelKind.COUNTER for item in items)


@pytest.mark.parametrize(
    "options",
    [
        {"quantity": "A"},
        {"rate": "count"},
        {"rate": "1x"},
        {"per_unit": 0.0},
        {"rate_s": -1.0},
        {"idle_s": 0.5},
        {"unit": "x" * 17},
    ],
)
def test_options_of_pulses_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(ConfigError):
        make("pulses", **options)
