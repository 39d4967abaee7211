"""Channel settings: what of a channel is stored, and that nothing is lost that a deadband does not cover."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.reading import Channel, ChannelKind, Reading, Value
from edge_agent.core.thinning import MAX_CHANNELS, Thinning, ThinSetting

PRESSURE = Channel("boiler.pressure", "bar")
METER = Channel("meter.energy", "kWh", ChannelKind.COUNTER)
DOOR = Channel("door.open", "", ChannelKind.STATE)
HEADING = Channel("boat.heading", "deg", ChannelKind.ANGLE)

ROWS = st.lists(
    st.tuples(st.floats(0.01, 40.0), st.none() | st.integers(0, 40).map(lambda v: v / 10) | st.just(math.nan)),
    max_size=60,
)


def band(width: float, every_s: float = 60.0, channel: str = "*") -> ThinSetting:
    return ThinSetting(channel, deadband=width, at_least_every_s=every_s)


def windows(seconds: float) -> ThinSetting:
    return ThinSetting("*", summary_s=seconds)


def series(*values: Value | None, channel: Channel = PRESSURE, step_s: float = 1.0) -> list[Reading]:
    return [Reading(channel, v, 100.0 + i * step_s, "" if v is not None else "lost") for i, v in enumerate(values)]


def walk(rows: list[tuple[float, float | None]]) -> list[Reading]:
    at, found = 100.0, []
    for step, value in rows:
        at += step
        found.append(Reading(PRESSURE, value, at, "" if value is not None else "lost"))
    return found


def stored(setting: ThinSetting, readings: list[Reading]) -> list[Reading]:
    thinning = Thinning([setting])
    found = [each for reading in readings for each in thinning.see(reading)]
    return found + thinning.finish()


def test_a_value_that_stays_within_the_deadband_is_stored_once_and_at_the_end() -> None:
    readings = series(1.5, 1.6, 1.4, 1.5, 1.5)
    assert stored(band(0.2), readings) == [readings[0], readings[-1]]


def test_a_step_is_stored_with_the_reading_before_it() -> None:
    readings = series(1.0, 1.0, 1.0, 3.0, 3.0, 3.0)
    assert stored(band(0.2), readings) == [readings[0], readings[2], readings[3], readings[5]]


def test_a_steady_value_is_stored_once_in_a_while_all_the_same() -> None:
    readings = series(*[1.5] * 25)
    assert [r.at - 100.0 for r in stored(band(0.2, every_s=10.0), readings)] == [0.0, 10.0, 20.0, 24.0]


def test_bad_data_is_always_stored_and_so_is_what_follows_it() -> None:
    readings = series(1.5, 1.5, None, None, 1.5, 1.5)
    assert stored(band(0.2), readings) == readings


def test_a_state_is_stored_when_it_changes() -> None:
    readings = series(False, False, True, True, True, channel=DOOR)
    assert stored(band(5.0), readings) == [readings[0], readings[1], readings[2], readings[4]]


def test_an_angle_goes_round_through_north() -> None:
    readings = series(359.0, 1.0, 350.0, 359.5, channel=HEADING)
    assert stored(band(3.0), readings) == readings
    assert stored(band(30.0), readings) == [readings[0], readings[-1]]


@given(ROWS, st.floats(0.0, 2.0), st.floats(1.0, 100.0))
def test_every_reading_is_stored_or_within_the_deadband_of_the_stored_one_before(
    rows: list[tuple[float, float | None]], width: float, every_s: float
) -> None:
    readings = walk(rows)
    kept = stored(band(width, every_s), readings)
    assert [id(r) for r in kept] == [id(r) for r in sorted(kept, key=lambda r: r.at)]
    assert len({id(r) for r in kept}) == len(kept)
    ids = {id(r) for r in kept}
    for reading in readings:
        if id(reading) not in ids:
            before = [r for r in kept if r.at < reading.at][-1]
            assert reading.value is not None
            assert before.value is not None
            assert abs(reading.value - before.value) <= width
            assert reading.at - before.at < every_s
    assert kept[-1:] == readings[-1:]


def test_a_gauge_becomes_mean_smallest_largest_and_count_of_each_window() -> None:
    kept = stored(windows(3.0), series(1.0, 2.0, 6.0, 4.0, 5.0))
    assert [(r.channel.name.rpartition(".")[2], r.value, r.at) for r in kept] == [
        ("mean", 3.0, 102.0),
        ("min", 1.0, 102.0),
        ("max", 6.0, 102.0),
        ("count", 3, 102.0),
        ("mean", 4.5, 104.0),
        ("min", 4.0, 104.0),
        ("max", 5.0, 104.0),
        ("count", 2, 104.0),
    ]
    assert kept[0].channel == Channel("boiler.pressure.mean", "bar")
    assert kept[3].channel == Channel("boiler.pressure.count", "")


def test_a_window_ends_with_its_time_and_not_with_the_next_reading() -> None:
    thinning = Thinning([windows(10.0)])
    assert thinning.see(Reading(PRESSURE, 1.5, 100.0)) == ()
    assert thinning.tick(109.9) == []
    assert [r.value for r in thinning.tick(110.0)] == [1.5, 1.5, 1.5, 1]
    assert thinning.tick(130.0) == []
    assert thinning.finish() == []


def test_bad_data_ends_a_window_and_is_stored_as_it_is() -> None:
    kept = stored(windows(10.0), series(1.0, 2.0, None, 3.0))
    assert [r.value for r in kept] == [1.5, 1.0, 2.0, 2, None, 3.0, 3.0, 3.0, 1]
    assert kept[4].reason == "lost"


def test_of_a_counter_the_last_reading_of_a_window_is_stored() -> None:
    readings = series(10.0, 10.1, 10.2, 10.3, 10.4, channel=METER)
    assert stored(windows(2.0), readings) == [readings[1], readings[3], readings[4]]


def test_what_has_no_mean_is_stored_when_it_changes_and_once_a_window() -> None:
    readings = series(*[False] * 7, channel=DOOR)
    assert [r.at - 100.0 for r in stored(windows(3.0), readings)] == [0.0, 3.0, 6.0]


@given(ROWS, st.floats(1.0, 200.0))
def test_a_summary_counts_every_reading_once_and_its_mean_lies_between_its_limits(
    rows: list[tuple[float, float | None]], window_s: float
) -> None:
    readings = walk(rows)
    kept = stored(windows(window_s), readings)
    by_name: dict[str, list[Value | None]] = {}
    for each in kept:
        by_name.setdefault(each.channel.name, []).append(each.value)
    finite = [r.value for r in readings if r.value is not None and math.isfinite(float(r.value))]
    assert sum(v for v in by_name.get("boiler.pressure.count", []) if isinstance(v, int)) == len(finite)
    assert len(by_name.get("boiler.pressure", [])) == len(readings) - len(finite)
    groups = zip(*(by_name.get(f"boiler.pressure.{what}", []) for what in ("min", "mean", "max")), strict=True)
    assert all(low <= mean <= high for low, mean, high in groups)  # type: ignore[operator]
    if finite:
        assert max(by_name["boiler.pressure.max"]) == max(finite)  # type: ignore[type-var]
        assert min(by_name["boiler.pressure.min"]) == min(finite)  # type: ignore[type-var]


def test_the_first_setting_that_covers_a_channel_counts_and_others_are_stored_whole() -> None:
    thinning = Thinning([band(1.0, channel="boiler.pressure"), band(0.0, channel="boiler.*")])
    other = Channel("house.temperature")
    for at in (1.0, 2.0):
        assert len(thinning.see(Reading(other, 20.0, at))) == 1
        assert len(thinning.see(Reading(PRESSURE, at / 10, at))) == (1 if at == 1.0 else 0)


def test_more_channels_than_a_house_has_take_no_more_memory() -> None:
    thinning = Thinning([band(1.0)])
    for i in range(MAX_CHANNELS):
        thinning.see(Reading(Channel(f"a.b{i}"), 1.0, 1.0))
    for at in (2.0, 3.0):
        assert len(thinning.see(Reading(PRESSURE, 1.0, at))) == 1
    assert thinning.finish() == []


@pytest.mark.parametrize(
    ("pattern", "name", "fits"), [("a.*", "a.b", True), ("a.*", "ab", False), ("a.b", "a.bc", False)]
)
def test_a_star_at_the_end_means_all_that_begin_so(pattern: str, name: str, fits: bool) -> None:
    assert ThinSetting(pattern).covers(name) is fits
