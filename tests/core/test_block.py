"""Blocks: what goes in comes out, in few bytes; garbage gives the named error."""

import contextlib
import math
import tracemalloc

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.block import pack, unpack
from edge_agent.core.errors import WireError
from edge_agent.core.reading import Channel, ChannelKind, Reading

PRESSURE = Channel("boiler.pressure", "bar")
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
CHANNELS = st.builds(Channel, NAMES, st.sampled_from(["", "bar", "Cel"]), st.sampled_from(list(ChannelKind)))
VALUES = st.one_of(
    st.floats(allow_nan=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.floats(-1000, 1000).map(lambda v: round(v, 2)),
)


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    channels = draw(st.lists(CHANNELS, min_size=1, max_size=4, unique=True))
    found = []
    for _ in range(draw(st.integers(1, 40))):
        value = draw(st.none() | VALUES)
        reason = draw(st.text(st.characters(codec="utf-8"), max_size=10)) if value is None else ""
        found.append(Reading(draw(st.sampled_from(channels)), value, draw(st.integers(-5000, 10**9)) / 1000, reason))
    return found


@given(readings())
def test_every_reading_comes_back_with_its_value_type_and_millisecond(given_readings: list[Reading]) -> None:
    back = unpack(pack(given_readings, 1000.0), 1000.0)
    by_channel: dict[Channel, list[Reading]] = {}
    for reading in given_readings:
        by_channel.setdefault(reading.channel, []).append(reading)
    expected = [reading for rows in by_channel.values() for reading in rows]
    assert len(back) == len(expected)
    for one, other in zip(expected, back, strict=True):
        assert other.channel == one.channel
        assert other.value == one.value
        assert isinstance(other.value, bool) == isinstance(one.value, bool)
        assert other.reason == one.reason
        assert math.isclose(other.at, one.at, abs_tol=0.00051)


def test_a_steady_sensor_costs_under_two_bytes_a_reading() -> None:
    steady = [Reading(PRESSURE, 1.5 + 0.01 * (i % 3), 100.0 + i) for i in range(100)]
    assert len(pack(steady, 100.0)) < 200


def test_not_a_number_travels_as_it_is() -> None:
    back = unpack(pack([Reading(PRESSURE, math.nan, 1.0)], 1.0), 1.0)
    assert isinstance(back[0].value, float)
    assert math.isnan(back[0].value)


@given(st.binary(max_size=200))
def test_any_bytes_give_readings_or_the_named_error(payload: bytes) -> None:
    with contextlib.suppress(WireError):
        unpack(payload, 0.0)


LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
)
PLAIN = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.integers(0, 3), inner, max_size=3)
)


@given(st.lists(PLAIN, max_size=5))
def test_any_columns_give_readings_or_the_named_error(columns: list[object]) -> None:
    with contextlib.suppress(WireError):
        unpack(msgpack.packb([1, columns]), 0.0)


def test_a_block_of_another_version_is_refused() -> None:
    with pytest.raises(WireError, match="version 2"):
        unpack(msgpack.packb([2, []]), 0.0)


def test_a_column_that_claims_a_billion_readings_is_refused() -> None:
    with pytest.raises(WireError):
        unpack(msgpack.packb([1, [["a.b", "", "gauge", [0, 1], [0, *[0] * 100_001]]]]), 0.0)


@pytest.mark.parametrize(
    ("times", "values"),
    [
        (["", "x" * 50_000], [0] * 5_001),
        (["a"] * 20_000, [0] * 20_001),
        ([0, 1], [0, *["a"] * 20_000]),
        ([0, 1], [0, *[[1]] * 10_000]),
        ([0, 0.5], [0, 1, 1]),
        ([0, 1], [0, 1.5, 1]),
        ([0, 1], [-3, 1, 1]),
        ([0, 1], [True, 1, 1]),
    ],
)
def test_what_is_no_integer_is_refused_before_it_is_added_up(times: list[object], values: list[object]) -> None:
    payload = msgpack.packb([1, [["c", "bar", "gauge", times, values]]])
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            unpack(payload, 0.0)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
