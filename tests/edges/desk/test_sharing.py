"""Several desks share the work over one file: nothing is said twice, nothing is left, and one may die."""

import asyncio
import sqlite3
import time
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from desk_gateway import Gateway, connected, new_id, until, working

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Lane
from simulators.broker import Broker
from simulators.desk import gaps
from simulators.desk.cases import Case, Cases, CaseState
from simulators.desk.desk import Desk
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy
from simulators.desk.store import Store
from simulators.desk.words import LEASE_S, WordsTable

SCRIPT = Policy(
    received_after_s=0.0, engaged_after_s=0.3, resolved_after_s=None, asks_after_s=0.2, progress_after_s=0.1
)
HOUSES = 25


async def test_of_two_desks_and_many_gateways_no_case_is_doubled_and_none_stays_unacknowledged(tmp_path):
    path, key = str(tmp_path / "desk.sqlite"), DeskKey.make()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker.find("mosquitto"))
        desks = [Desk(broker.host, broker.port, key=key, policy=SCRIPT, db=path) for _ in range(2)]
        for desk in desks:
            await stack.enter_async_context(working(desk))
        houses = [Gateway(broker.port, f"gw-{n}", key.public) for n in range(HOUSES)]
        for house in houses:
            house.code = f"CASE{house.name[3:]:0>4}"
            await stack.enter_async_context(connected(house))
        requests = await asyncio.gather(*(house.press() for house in houses))
        # what belongs to a case comes to either desk, and twice
        for house, request in zip(houses, requests, strict=True):
            await house.help("nudged", request, urgent=False, count=1)
            await house.help("raised", request, request, sequence=1, trigger="manual", product="home")
        await until(lambda: all({"received", "engaged", "question", "progress"} <= set(h.types) for h in houses), 20)
        await asyncio.sleep(0.5)
        for desk in desks:
            assert [(case.request, case.state) for case in sorted(desk.cases, key=lambda c: int(c.gateway[3:]))] == [
                (request, CaseState.ENGAGED) for request in requests
            ]
        for house in houses:
            said = {body["id"]: body for body in house.heard}
            assert Counter(body["type"] for body in said.values())["edge.help.received.v1"] == 1
            assert [body["sequence"] for body in said.values()] == list(range(1, len(said) + 1)), "in order"
            assert max(body["through"] for body in said.values()) == 2
            assert house.forged == 0


async def test_when_one_of_two_desks_goes_the_other_gets_all_that_comes(tmp_path):
    path = str(tmp_path / "desk.sqlite")
    async with Broker.find("mosquitto") as broker:
        stays, goes = (Desk(broker.host, broker.port, policy=SCRIPT, db=path) for _ in range(2))
        async with working(stays):
            async with working(goes):
                pass
            async with connected(Gateway(broker.port, public=stays.key.public)) as gateway:
                for _ in range(10):
                    await gateway.block(count=1)
                await gateway.press()
                await until(lambda: gateway.heard and stays.events_received == 11)


async def test_what_a_desk_took_to_send_and_could_not_another_one_sends(tmp_path):
    path, key = str(tmp_path / "desk.sqlite"), DeskKey.make()
    async with Broker.find("mosquitto") as broker:
        by_hand = Policy(by_hand=True)
        # this one never connects: what is done at it goes out by the other
        lonely = Desk("127.0.0.1", 1, key=key, policy=by_hand, db=path)
        async with (
            working(Desk(broker.host, broker.port, key=key, policy=by_hand, db=path)) as desk,
            connected(Gateway(broker.port, public=key.public)) as gateway,
        ):
            await gateway.press()
            await until(lambda: lonely.cases)
            began = time.monotonic()
            lonely.hand.receive(desk.cases[0].number, time.time(), "first line")
            await until(lambda: gateway.types == ["received"])
            assert time.monotonic() - began < 1.0
        lonely.close()


def said(words, number):
    words.add("gw", "r", new_id(), "edge.help.message.v1", {"text": str(number)}, 0.0)


def test_words_are_taken_by_one_desk_in_order_and_are_free_again_when_it_dies(tmp_path):
    one, other = Store(str(tmp_path / "db")), Store(str(tmp_path / "db"))
    mine, theirs = WordsTable(one.db), WordsTable(other.db)
    with one.batch():
        said(mine, 1)
        assert len(mine.take_due(100.0)) == 1
        said(mine, 2)
    with other.batch():
        assert theirs.take_due(101.0) == [], "the second waits for the first"
        taken = theirs.take_due(100.0 + LEASE_S)
        assert [words.fields["text"] for words in taken] == ["1", "2"]
        theirs.gone_out(taken[0])
        theirs.give_back(taken[1:])
    with one.batch():
        assert [words.fields["text"] for words in mine.take_due(101.0)] == ["2"]
    one.close()
    other.close()


def test_one_desk_at_a_time_has_a_role(tmp_path):
    store = Store()
    with store.batch():
        assert store.holds("asking", "one", 100.0, 15.0)
        assert not store.holds("asking", "two", 110.0, 15.0)
        assert store.holds("asking", "one", 110.0, 15.0)
        assert store.holds("asking", "two", 126.0, 15.0)
        assert not store.holds("asking", "one", 127.0, 15.0)


def test_a_file_of_something_else_is_not_touched(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE addresses (name TEXT)")
    db.close()
    with pytest.raises(StoreError, match="another program"):
        Store(str(path))


def test_gaps_close_from_both_ends_and_in_the_middle():
    db = Store().db
    for sequence in (1, 10, 5, 4, 6, 9, 1, 0):
        gaps.take(db, "gw", Lane.FINDING, sequence)
    assert [(gap.first, gap.last) for gap in gaps.all_of(db)] == [(2, 3), (7, 8)]
    for sequence in (2, 3, 8, 7):
        gaps.take(db, "gw", Lane.FINDING, sequence)
    assert gaps.all_of(db) == []


def test_readings_of_no_case_are_forgotten_and_those_around_a_case_stay():
    store = Store()
    cases = Cases(store.db)
    for number, (gateway, arrived) in enumerate([("a", 1000.0), ("a", 9000.0), ("b", 1000.0)]):
        store.db.execute(
            "INSERT INTO events (gateway, id, lane, sequence, type, subject, boot_id, arrived, attributes, payload)"
            " VALUES (?,?,'telemetry',0,'','','',?,'{}',x'')",
            (gateway, str(number), arrived),
        )
        store.db.execute("INSERT INTO readings VALUES (last_insert_rowid(), 1, 0, 1, 0, '')")
    cases.open(Case(0, "a", "r", "CODE", "manual", CaseState.RAISED, 2000.0, 1))
    assert store.forget_readings(9000.0, 3600.0) == 1
    assert store.counts().readings == 2


async def test_readings_move_no_page_and_a_press_does():
    async with Broker.find("mosquitto") as broker:
        desk, told = Desk(broker.host, broker.port, policy=Policy(by_hand=True)), []
        desk.on_change = lambda: told.append(len(desk.cases))
        async with working(desk), connected(Gateway(broker.port)) as gateway:
            for _ in range(5):
                await gateway.block(count=1)
            await until(lambda: desk.events_received == 5)
            assert told == []
            await gateway.press()
            await until(lambda: told)
            assert told == [1]
