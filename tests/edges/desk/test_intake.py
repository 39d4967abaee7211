"""Garbage and lies at the desk: counted, shown, and nothing stops."""

import struct

import msgpack
import pytest
from desk_gateway import Gateway, connected, until, working
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core import block
from edge_agent.core.errors import WireError
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.wire import ROOT, pack
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.intake import DeskEvent, read
from simulators.desk.news import plain
from simulators.desk.policy import Policy
from simulators.desk.store import Store

GOOD = {
    "specversion": "1.0",
    "id": "0190a3b0-0000-7000-8000-000000000001",
    "source": "edge:gw-1",
    "type": "edge.telemetry.block.v1",
    "sequence": "7",
    "uptime": "12.5",
    "time": "2026-01-02T03:04:05.000Z",
}
BLOCK = block.pack([Reading(Channel("a.b"), 1.5, 0.0), Reading(Channel("a.b"), None, 1.0, "too short")], 0.0)
HELP = {**GOOD, "type": "edge.help.raised.v1"}
TELEMETRY = f"{ROOT}/gw-1/up/telemetry"


def kept(topic, payload, attributes):
    """Read and store as the desk does; WireError is the only way to say no."""
    store = Store()
    try:
        with store.batch():
            store.take([read(ROOT, topic, payload, attributes, 0.0)])
        return store.held()
    finally:
        store.close()


def test_a_good_event_is_taken():
    event = read(ROOT, TELEMETRY, BLOCK, GOOD, 1.0)
    assert isinstance(event, DeskEvent)
    assert (event.gateway, event.sequence, event.uptime_s, event.wall) == ("gw-1", 7, 12.5, 1767323045.0)
    assert [(held.value, held.reason) for held in kept(TELEMETRY, BLOCK, GOOD)] == [(1.5, ""), (None, "too short")]


@pytest.mark.parametrize(
    "lie",
    [
        {"specversion": "0.3"},
        {"id": "not-a-uuid"},
        {"id": ""},
        {"source": "edge:gw-2"},
        {"type": "edge.help.raised.v1"},
        {"sequence": "-1"},
        {"sequence": "٣"},
        {"sequence": "9" * 30},
        {"uptime": "nan"},
        {"uptime": "soon"},
        {"time": "yesterday"},
    ],
)
def test_an_attribute_that_lies_is_refused(lie):
    with pytest.raises(WireError):
        read(ROOT, TELEMETRY, BLOCK, {**GOOD, **lie}, 0.0)


@pytest.mark.parametrize("topic", ["x", f"{ROOT}/gw-1/up/gossip", f"{ROOT}/gw-1/down/help", f"{ROOT}//up/help", ROOT])
def test_a_topic_of_another_kind_is_refused(topic):
    with pytest.raises(WireError):
        read(ROOT, topic, BLOCK, GOOD, 0.0)


@pytest.mark.parametrize(
    "values",
    [[0, 2**63], [0, 1, 2**62, 2**62, 2**62], [-1, float("nan")], [-1, {"a": 1}], [-1, b"x"], [0, [1]], [-1, [1]]],
)
def test_a_block_with_values_that_nobody_can_have_measured_is_refused(values):
    with pytest.raises(WireError):
        read(ROOT, TELEMETRY, msgpack.packb([1, [["a.b", "", "gauge", [0, 1], values]]]), GOOD, 0.0)


@pytest.mark.parametrize("bad", [[0], {0: 5}, "0", 3])
def test_a_block_whose_reasons_are_none_is_refused(bad):
    with pytest.raises(WireError):
        read(ROOT, TELEMETRY, msgpack.packb([1, [["a.b", "", "gauge", [0], [0, 1], bad]]]), GOOD, 0.0)


def test_data_nested_without_end_is_refused():
    with pytest.raises(WireError):
        read(ROOT, f"{ROOT}/gw-1/up/help", b"\x81\xa1a" + b"\x91" * 5000 + b"\x00", HELP, 0.0)


def test_a_payload_beyond_the_wire_s_limit_is_refused():
    with pytest.raises(WireError):
        read(ROOT, f"{ROOT}/gw-1/up/help", pack({"a": b"x" * 200_000}), HELP, 0.0)


@given(st.binary(max_size=200))
def test_any_payload_is_either_kept_or_refused(payload):
    for topic, told in ((TELEMETRY, GOOD), (f"{ROOT}/gw-1/up/help", HELP)):
        try:
            kept(topic, payload, told)
        except WireError:
            continue


@given(st.integers(0, len(BLOCK) - 1), st.integers(0, 255))
def test_any_changed_byte_of_a_block_is_either_kept_or_refused(index, byte):
    changed = bytearray(BLOCK)
    changed[index] = byte
    try:
        kept(TELEMETRY, bytes(changed), GOOD)
    except WireError:
        return


@given(
    st.dictionaries(st.sampled_from([*GOOD, "other"]), st.text(max_size=30)),
    st.text(st.characters(exclude_characters="#+"), max_size=40),
)
def test_any_attributes_and_topic_are_either_taken_or_refused(told, topic):
    for name in (topic, TELEMETRY):
        try:
            read(ROOT, name, BLOCK, {**GOOD, **told}, 0.0)
        except WireError:
            continue


def test_a_line_cannot_move_the_terminal_s_cursor():
    assert plain("a\x1b[2Jb\nc") == "a?[2Jb?c"


async def test_a_desk_that_gets_garbage_counts_it_and_goes_on():
    told = []
    async with (
        Broker.find("mosquitto") as broker,
        working(Desk(broker.host, broker.port, policy=Policy(0.0), tell=told.append)) as desk,
        connected(Gateway(broker.port, public=desk.key.public)) as gateway,
    ):
        garbage = [b"", b"\xff" * 50, pack([1, 2]), pack({"request": "x"}), pack({1: 2}), struct.pack("<d", 1.0)]
        for payload in garbage:
            await gateway.publish("help", payload, gateway.attributes("edge.help.nudged.v1"))
            await gateway.publish("telemetry", payload, gateway.attributes("edge.telemetry.block.v1"))
            await gateway.publish("gossip", payload, {})
            await gateway.publish("finding", payload, {"id": "0"} if payload else {})
        await until(lambda: desk.refused == 4 * len(garbage))
        await gateway.press()
        await until(lambda: gateway.types)
    assert 1 <= sum(news.kind == "refused" for news in told) <= 10
    assert len(desk.complaints) == 24
    assert gateway.types == ["received"]


def test_a_line_that_is_cut_says_so_and_one_that_fits_is_whole() -> None:
    assert plain("a" * 400) == "a" * 400
    assert plain("a" * 1000).endswith("a …")
    assert len(plain("a" * 1000)) == 500
