"""Blocks: what goes in comes out, in few bytes; garbage gives the named error."""

import contextlib
import math
import tracemalloc
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.block import MAX_COLUMNS_BYTES, fits, pack, unpack
from edge_agent.core.errors import WireError
from edge_agent.core.reading import Channel, ChannelKind, Reading, Value

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


ANYTHING = VALUES | st.integers(-(2**65), 2**65) | st.integers() | st.text(st.characters(exclude_categories=()))


@given(st.none() | ANYTHING)
def test_what_fits_is_packed_and_what_does_not_cannot_be(value: Value | None) -> None:
    try:
        pack([Reading(PRESSURE, value, 0.0)], 0.0)
    except (OverflowError, UnicodeEncodeError):
        assert not fits(value)
    else:
        assert fits(value)


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
    with pytest.raises(WireError, match="version 3"):
        unpack(msgpack.packb([3, []]), 0.0)


# 20 seconds of two channels, as written by zlib 1.3 at level 6. Another deflater may find other bytes for the same
# readings: these are to be read for ever, not to be written again.
GOLDEN_PLAIN = bytes.fromhex(
    "92019296b36f7574736964652e74656d7065726174757265a343656ca567617567659200cd03e8dc0015ffcbbff8000000000000cbbf"
    "f6666666666666cbbff4cccccccccccdcbbff4cccccccccccdcbbff199999999999acbbff0000000000000cbbfeccccccccccccdcbbf"
    "e999999999999acbbfe6666666666666cbbfe3333333333333cbbfe0000000000000cbbfd9999999999998cbbfd3333333333334cbbf"
    "c9999999999998cbbfb99999999999a0cb0000000000000000cb3fb99999999999a0cb3fc9999999999998cb3fd3333333333334cb3f"
    "d99999999999988103a46c6f737495ad626f696c65722e6275726e6572a0a573746174659204cd03e8dc0015ffc3c2c2c2c2c3c2c2c2"
    "c2c3c2c2c2c2c3c2c2c2c2"
)
GOLDEN_DEFLATED = bytes.fromhex(
    "9202c4af789c9b346d737e694971664aaa5e496a6e416a5162496951ea62e7d49ca5e989a5e9a99318ce32bfb8c320fafff4fe1f0c60"
    "707affb7343038bdffcb1910388bc4f8381304669ddeff01a6f80d4cea254cea194cfb63633038bdff014cf14db09a19a7f75f06cb98"
    "9cde7f1226b213cc58709a010a4edbc344ec616aec61baeca1e634322fc9c92f2e99ba36293f3327b5482fa9b4282fb568c1d2e292c4"
    "92d4492c509f1d3e04046804000b0f929a"
)


def golden() -> list[Reading]:
    outside, burner = Channel("outside.temperature", "Cel"), Channel("boiler.burner", "", ChannelKind.STATE)
    cold = [Reading(outside, None if i == 3 else -1.5 + i / 10, 100.0 + i, "" if i != 3 else "lost") for i in range(20)]
    return cold + [Reading(burner, i % 5 == 0, 100.004 + i) for i in range(20)]


@pytest.mark.parametrize("payload", [GOLDEN_PLAIN, GOLDEN_DEFLATED])
def test_a_block_of_either_version_is_read_for_ever(payload: bytes) -> None:
    back = unpack(payload, 100.0)
    assert [(r.channel, r.value, round(r.at, 3), r.reason) for r in back] == [
        (r.channel, r.value, round(r.at, 3), r.reason) for r in golden()
    ]


def test_a_block_is_deflated_where_that_makes_it_smaller() -> None:
    assert pack(golden(), 100.0)[:2] == b"\x92\x02"
    assert len(pack(golden(), 100.0)) < len(GOLDEN_PLAIN)
    assert pack(golden()[:3], 100.0)[:2] == b"\x92\x01"


def test_a_block_too_long_to_be_inflated_is_not_deflated() -> None:
    text = Channel("log.line", "", ChannelKind.TEXT)
    long = [Reading(text, f"{i}" + "x" * 1000, float(i)) for i in range(MAX_COLUMNS_BYTES // 1000)]
    assert pack(long, 0.0)[:2] == b"\x92\x01"
    assert len(unpack(pack(long, 0.0), 0.0)) == len(long)
    assert pack(long[:-2], 0.0)[:2] == b"\x92\x02"
    assert unpack(pack(long[:-2], 0.0), 0.0) == long[:-2]


@given(st.binary(max_size=200))
def test_any_deflated_bytes_give_readings_or_the_named_error(columns: bytes) -> None:
    for hostile in (columns, zlib.compress(columns)):
        with contextlib.suppress(WireError):
            unpack(msgpack.packb([2, hostile]), 0.0)


@pytest.mark.parametrize("cut", [0, 1, 10, -5, -1])
def test_deflated_columns_that_are_cut_off_are_refused(cut: int) -> None:
    _, deflated = msgpack.unpackb(GOLDEN_DEFLATED)
    with pytest.raises(WireError):
        unpack(msgpack.packb([2, deflated[:cut]]), 0.0)


def test_deflated_columns_with_something_after_them_are_refused() -> None:
    _, deflated = msgpack.unpackb(GOLDEN_DEFLATED)
    with pytest.raises(WireError, match="followed"):
        unpack(msgpack.packb([2, deflated + b"x"]), 0.0)


@pytest.mark.parametrize("what", [[], "text", None, 7, {"a": 1}])
def test_what_is_not_bytes_is_not_inflated(what: object) -> None:
    with pytest.raises(WireError):
        unpack(msgpack.packb([2, what]), 0.0)


@pytest.mark.parametrize("filling", [b"\x00", b"\x90", b"\x80", b"\xc4\x00", b"\x91"])
def test_a_hundred_kilobytes_that_claim_a_hundred_megabytes_are_refused_in_little_memory(filling: bytes) -> None:
    columns = b"\xdd" + (100_000_000).to_bytes(4, "big") + filling * (100_000_000 // len(filling))
    payload = msgpack.packb([2, zlib.compress(columns, 9)])
    assert len(payload) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            unpack(payload, 0.0)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("filling", [b"\x00", b"\x90", b"\x80", b"\xa1x"])
def test_the_most_that_can_be_inflated_stays_within_bounds(filling: bytes) -> None:
    count = (MAX_COLUMNS_BYTES - 5) // len(filling)
    payload = msgpack.packb([2, zlib.compress(b"\xdd" + count.to_bytes(4, "big") + filling * count, 9)])
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            unpack(payload, 0.0)
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


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
