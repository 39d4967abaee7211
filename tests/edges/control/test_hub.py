"""The live stream's source: each listener hears what it asked for, and nothing grows."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from edge_agent.control.types import GAP, Gap, Lamp
from edge_agent.hub import MAX_KEPT, MAX_WAITING, Hub

DARK = Lamp(pattern="off", colour="", rhythm=[], sentence="dark")


def plain(live):
    """Kind and data, whatever its id."""
    return live.kind, live.data


async def listening(hub, kinds):
    """A stream that hears from now on, and its first event to come."""
    stream = hub.listen(kinds)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    return stream, first


async def test_nobody_wants_readings_while_somebody_listens_to_the_lamp():
    hub = Hub()
    stream, first = await listening(hub, ["lamp", "help"])
    async with aclosing(stream):
        assert tuple(map(bool, map(hub.listeners, ("reading", "lamp", "help")))) == (False, True, True)
        hub.tell("reading", DARK)
        hub.tell("lamp", DARK)
        assert plain(await first) == ("lamp", DARK)
    assert not hub.listeners("lamp")


async def test_one_event_reaches_all_who_want_its_kind():
    hub = Hub()
    (one, first), (two, second) = await listening(hub, ["lamp"]), await listening(hub, ["lamp", "finding"])
    async with aclosing(one), aclosing(two):
        hub.tell("lamp", DARK)
        one_heard, other_heard = await first, await second
        assert one_heard == other_heard
        assert plain(one_heard) == ("lamp", DARK)
    assert not hub.listeners("finding")


async def test_a_slow_listener_misses_the_oldest_and_is_told_how_many():
    hub = Hub()
    stream, first = await listening(hub, ["queue"])
    async with aclosing(stream):
        for number in range(MAX_WAITING + 5):
            hub.tell("queue", number)
        assert plain(await first) == (GAP, Gap(5, ["queue"]))
        assert (await anext(stream)).data == 5
        for number in range(MAX_WAITING - 1):
            assert (await anext(stream)).data == 6 + number


async def heard_after(hub, kinds, after):
    """What a listener who comes back hears at once."""
    stream, found = hub.listen(kinds, after), []
    async with aclosing(stream):
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.02):
                    found.append(plain(await anext(stream)))
    return found


async def ids(hub, kinds, told):
    """The ids under which these were told to somebody who listened."""
    stream, first = await listening(hub, kinds)
    async with aclosing(stream):
        for kind, data in told:
            hub.tell(kind, data)
        return [(await first).id, *[(await anext(stream)).id for _ in told[1:]]]


async def test_who_comes_back_hears_what_came_since_and_no_gap():
    hub = Hub()
    last = (await ids(hub, ["finding", "help"], [("finding", 1), ("help", 2)]))[-1]
    hub.tell("help", 3)
    hub.tell("lamp", 4)
    hub.tell("finding", 5)
    assert await heard_after(hub, ["finding", "help"], last) == [("help", 3), ("finding", 5)]
    assert await heard_after(hub, ["lamp"], f"{last}") == [("lamp", 4)]


async def test_what_is_not_made_while_nobody_listens_is_a_gap():
    hub = Hub()
    last = (await ids(hub, ["reading"], [("reading", 1)]))[-1]
    assert await heard_after(hub, ["reading", "help"], last) == [(GAP, Gap(None, ["reading"]))]


async def test_readings_that_another_one_listened_to_all_the_time_are_no_gap():
    hub = Hub()
    other, _ = await listening(hub, ["reading"])
    async with aclosing(other):
        last = (await ids(hub, ["reading"], [("reading", 1)]))[-1]
        hub.tell("reading", 2)
        assert await heard_after(hub, ["reading"], last) == [("reading", 2)]


async def test_what_is_not_kept_any_more_is_a_gap_and_what_is_kept_follows():
    hub = Hub()
    last = (await ids(hub, ["help"], [("help", -1)]))[-1]
    for number in range(MAX_KEPT + 1):
        hub.tell("help", number)
    found = await heard_after(hub, ["help"], last)
    assert found[0] == (GAP, Gap(None, ["help"]))
    assert found[1:] == [("help", number) for number in range(1, MAX_KEPT + 1)]


@pytest.mark.parametrize("after", ["nonsense", "00000000-1", "-", "-5", "{run}-99", "{run}-1e3", "{run}-\u0661"])
async def test_an_id_of_another_run_or_of_none_is_a_gap_of_all_kinds(after):
    hub = Hub()
    run = (await ids(hub, ["help"], [("help", 1)]))[-1].partition("-")[0]
    assert await heard_after(hub, ["lamp", "help"], after.format(run=run)) == [(GAP, Gap(None, ["help", "lamp"]))]
