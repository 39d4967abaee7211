"""Events in parts: what they are made of, and how the drain sees all of them over."""

import asyncio

import pytest
from helpers_uplink import event, running, until
from hypothesis import given
from hypothesis import strategies as st
from test_uplink_drain import Bench, HeldLink

from edge_agent.core.errors import LinkRefusedError
from edge_agent.core.event import EventKind, Lane
from edge_agent.uplink.parts import MAX_PAYLOAD_BYTES, PART_BYTES, Piece, cut, divisible
from edge_agent.uplink.reasons import LinkLostError


@given(st.binary(max_size=20_000))
def test_parts_joined_are_the_payload_and_no_part_is_empty_or_too_long(payload):
    one = event(payload=payload)
    pieces = cut(one)
    assert b"".join(piece.payload for piece in pieces) == payload
    assert all(0 < len(piece.payload) <= PART_BYTES for piece in pieces) or payload == b""
    assert [piece.part for piece in pieces] == list(range(1, len(pieces) + 1))
    assert divisible(one) == (len(pieces) > 1)


def test_a_part_says_what_it_is_of_and_the_whole_says_nothing():
    one = event(payload=bytes(PART_BYTES + 1))
    attributes = {"id": one.id_text, "sequence": "7"}
    assert Piece(one).told(attributes) == attributes
    first, second = (piece.told(attributes) for piece in cut(one))
    assert first == {"id": f"{one.id_text}-1", "sequence": "7", "part": "1", "parts": "2"}
    assert second["id"] == f"{one.id_text}-2"


def joined(sent) -> dict[str, bytes]:
    """What a receiver has: payloads by event id, those in parts only when all are there."""
    parts: dict[str, dict[int, bytes]] = {}
    found: dict[str, bytes] = {}
    for _, payload, attributes, _ in sent:
        if "part" not in attributes:
            found[attributes["id"]] = payload
            continue
        ident = attributes["id"].rpartition("-")[0]
        have = parts.setdefault(ident, {})
        assert have.setdefault(int(attributes["part"]), payload) == payload
        if len(have) == int(attributes["parts"]):
            found[ident] = b"".join(have[n] for n in sorted(have))
    return found


async def test_on_a_link_of_unknown_speed_a_large_block_goes_in_parts_and_is_released_with_the_last():
    bench, link = Bench(), HeldLink(hold=True)
    payload = bytes(range(256)) * 50
    await bench.put(event(payload=payload))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: link.flying == 2)  # 2,048 bytes at first, and the last may reach beyond
        await asyncio.sleep(0.01)
        assert (len(link.sent), bench.left) == (2, 1)
        link.let_go()
        await until(lambda: bench.left == 0)
    assert list(joined(link.sent).values()) == [payload]
    assert {attributes["sequence"] for _, _, attributes, _ in link.sent} == {"1"}
    assert len(bench.delivered) == 1
    assert bench.drain.counts["delivered"] == 1
    assert bench.drain.counts["bytes"] == len(payload)


async def test_a_link_that_is_known_to_be_fast_gets_it_whole():
    bench, link = Bench(), HeldLink()
    await bench.put(*(event(payload=bytes(1000)) for _ in range(100)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
        await bench.put(event(payload=bytes(20_000)))
        await until(lambda: bench.left == 0)
    assert len(link.sent[-1][1]) == 20_000
    assert "part" not in link.sent[-1][2]


async def test_parts_that_arrived_are_not_sent_again_on_the_next_link():
    bench, link = Bench(), HeldLink()
    payload = bytes(range(200)) * 100
    arrived, dies_after = [], 5

    async def publish(topic, payload, attributes, *, retain=False, expiry_s=None):
        await asyncio.sleep(0)
        if len(arrived) >= dies_after:
            raise LinkLostError("gone", word="lost")
        arrived.append((topic, payload, dict(attributes), retain))

    link.publish = publish
    await bench.put(event(payload=payload))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: len(arrived) == 5)
        await asyncio.sleep(0.02)
        bench.drain.down("lost")
        dies_after = 1000
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
    assert len(arrived) == len(cut(event(payload=payload)))
    assert list(joined(arrived).values()) == [payload]


async def test_a_press_goes_before_the_next_part():
    bench, link = Bench(), HeldLink(hold=True)
    await bench.put(event(payload=bytes(50_000)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: link.flying == 2)
        await bench.put(event(EventKind.HELP, bytes(2500)))
        await until(lambda: link.flying == 3)
        assert len(link.sent[-1][1]) == 2500  # whole: nothing goes before it anyway
        link.let_go()
        await until(lambda: bench.left == 0)


@pytest.mark.parametrize("limit", [2000, 40_000])
async def test_what_a_broker_finds_too_large_goes_in_parts_and_nothing_is_given_up(limit):
    bench, link = Bench(), HeldLink()
    refused = 0
    take = link.publish

    async def publish(topic, payload, attributes, **more):
        nonlocal refused
        if len(payload) > limit:
            refused += 1
            raise LinkRefusedError("no", reason="Packet too large")
        await take(topic, payload, attributes, **more)

    link.publish = publish
    await bench.put(*(event(payload=bytes(1000)) for _ in range(20)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
        await bench.put(*(event(payload=bytes([n]) * 60_000) for n in range(5)), event(EventKind.HELP, bytes(3000)))
        await until(lambda: bench.left == 0)
    assert refused <= 8
    assert bench.quarantined == []
    assert sorted(map(len, joined(link.sent).values()))[-6:] == [3000, *[60_000] * 5]


async def test_a_broker_that_hangs_up_over_a_large_message_gets_small_ones_on_the_next_link():
    bench, link = Bench(), HeldLink()
    take, links = link.publish, 0

    async def publish(topic, payload, attributes, **more):
        if len(payload) > 10_000:
            raise LinkLostError("the broker says that a message was too large", word="too_large")
        await take(topic, payload, attributes, **more)

    link.publish = publish
    await bench.put(*(event(payload=bytes(1000)) for _ in range(20)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
        await bench.put(event(payload=bytes(60_000)))
        while bench.left and links < 10:
            await asyncio.sleep(0.02)
            bench.drain.up(link)
            links += 1
    assert bench.left == 0
    assert links <= 5


async def test_an_event_longer_than_any_message_goes_in_parts_on_any_link():
    bench, link = Bench(), HeldLink()
    await bench.put(event(payload=bytes(MAX_PAYLOAD_BYTES + 1)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
    assert [len(p) for p in joined(link.sent).values()] == [MAX_PAYLOAD_BYTES + 1]


async def test_a_part_that_is_refused_is_sent_again_and_the_event_is_given_up_once():
    bench, link = Bench(), HeldLink()
    refuse, take = True, link.publish

    async def publish(topic, payload, attributes, **more):
        await take(topic, payload, attributes, **more)
        if refuse and attributes.get("part") == "3":
            raise LinkRefusedError("no", reason="Payload format invalid")

    link.publish = publish
    bad = event(payload=bytes(20_000))
    await bench.put(bad, event(payload=bytes(100)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
        assert [e.id for e, _ in bench.quarantined] == [bad.id]
        refuse = False
        await bench.put(event(payload=bytes(20_000)))
        await until(lambda: bench.left == 0)
    assert len(bench.delivered) == 2
    assert not bench.drain._lanes[-1].landed


async def test_a_quota_that_is_used_up_gives_up_nothing():
    bench, link = Bench(), HeldLink()
    link.refuse["telemetry"] = "Quota exceeded"
    await bench.put(*(event() for _ in range(5)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: len(link.sent) >= 9)
        link.refuse.clear()
        await until(lambda: bench.left == 0)
    assert bench.quarantined == []
    assert len(bench.delivered) == 5


async def test_commits_while_an_event_goes_in_parts_send_no_part_twice():
    bench, link = Bench(), HeldLink()
    await bench.put(event(payload=bytes(30_000)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        for _ in range(20):
            bench.drain.wake(Lane.TELEMETRY)
            await asyncio.sleep(0)
        await until(lambda: bench.left == 0)
    assert len({attributes["id"] for _, _, attributes, _ in link.sent}) == len(link.sent) == 20


async def test_messages_a_second_are_bounded_and_help_is_not():
    bench, link = Bench(messages_per_s=50.0), HeldLink()
    await bench.put(*(event() for _ in range(100)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await asyncio.sleep(0.5)
        assert 20 <= len(link.sent) <= 32
        await bench.put(*(event(EventKind.HELP, b"help") for _ in range(10)))
        await until(lambda: sum(p == b"help" for _, p, *_ in link.sent) == 10, 0.1)
