"""The desk asks for what it lacks, and a real agent answers from its recycled segments."""

import asyncio
from dataclasses import replace

from desk_gateway import Gateway, connected, until, working
from nacl.signing import VerifyKey

from edge_agent.core.event import Lane
from edge_agent.core.wire import open_envelope, unpack
from simulators.broker import Broker
from simulators.desk.asking import MAX_ASKED, MAX_COMMANDS, MAX_TIMES, Asking
from simulators.desk.desk import Desk
from simulators.desk.gaps import Gap
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy
from simulators.desk.store import Store

GAP = Gap("gw-1", Lane.TELEMETRY, 5, 9)


def bodies(key, commands):
    for command in commands:
        envelope = open_envelope(command.payload)
        VerifyKey(bytes.fromhex(key.public)).verify(envelope.body, envelope.signature)
        yield unpack(envelope.body)


def reply(asking, lane="telemetry", gone=()):
    fields = dict.fromkeys(DeskEvent._fields)
    told = {"gateway": "gw-1", "type": "edge.reply.resend.v1", "data": {"lane": lane, "gone": [list(g) for g in gone]}}
    asking.hear(DeskEvent(**fields | told))


def test_a_gap_that_lasts_is_asked_for_a_few_times_and_one_that_closes_is_not():
    key = DeskKey.make()
    asking = Asking(key, Store().db)
    assert asking.due([GAP], 100.0, 10.0) == []
    assert asking.due([], 105.0, 10.0) == []  # it came after all
    assert asking.due([GAP], 106.0, 10.0) == []
    (body,) = bodies(key, asking.due([GAP], 116.0, 10.0))
    assert body["type"] == "edge.command.resend.v1"
    assert (body["aud"], body["lane"], body["first"], body["last"]) == ("gw-1", "telemetry", 5, 9)
    assert 0 < body["exp"] - body["iat"] <= 600
    assert asking.due([GAP], 120.0, 10.0) == []
    times = 1 + sum(len(asking.due([GAP], 130.0 + 10 * n, 10.0)) for n in range(100))
    assert times == MAX_TIMES


def test_what_the_gateway_has_no_more_is_not_asked_for_again():
    key = DeskKey.make()
    asking = Asking(key, Store().db)
    asking.due([GAP], 0.0, 1.0)
    reply(asking, gone=[(5, 6)])
    asking.due([GAP], 1.0, 1.0)
    (body,) = bodies(key, asking.due([GAP], 3.0, 1.0))
    assert (body["first"], body["last"]) == (7, 9)
    assert not asking.given_up(GAP)
    reply(asking, gone=[(7, 9)])
    assert asking.given_up(GAP)
    assert asking.due([GAP], 30.0, 1.0) == []


def test_help_is_not_asked_for_and_a_round_is_bounded():
    key = DeskKey.make()
    asking = Asking(key, Store().db)
    gaps = [replace_gap(n) for n in range(50)]
    help_ = Gap("gw-1", Lane.HELP, 1, 3)
    long = Gap("gw-2", Lane.STATE, 1, 10**6)
    asking.due([help_, long, *gaps], 0.0, 1.0)
    asked = list(bodies(key, asking.due([help_, long, *gaps], 2.0, 1.0)))
    assert len(asked) == MAX_COMMANDS
    assert all(body["lane"] != "help" and body["last"] - body["first"] < MAX_ASKED for body in asked)


def replace_gap(n):
    return GAP._replace(first=10 * n + 1, last=10 * n + 3)


def test_an_answer_that_makes_no_sense_changes_nothing():
    asking = Asking(DeskKey.make(), Store().db)
    reply(asking, lane="nowhere", gone=[(1, 100)])
    reply(asking, gone=[(9, 5), (0, 5), ("a", "b"), (1,)])
    assert not asking.given_up(GAP)


async def test_over_a_broker_a_gap_is_asked_for_and_filled():
    key = DeskKey.make()
    async with Broker.find() as broker:
        desk = Desk("127.0.0.1", broker.port, key=key, policy=replace(Policy(), resend_after_s=0.2))
        async with working(desk), connected(Gateway(broker.port, public=key.public)) as gateway:
            await gateway.block(sequence=1)
            await gateway.block(sequence=3, start=10.0)
            await until(lambda: gateway.heard)
            assert (gateway.heard[0]["first"], gateway.heard[0]["last"]) == (2, 2)
            assert gateway.forged == 0
            await gateway.block(sequence=2, start=5.0)
            await until(lambda: not desk.gaps)
            await asyncio.sleep(0.3)
            assert len(gateway.heard) <= 2
