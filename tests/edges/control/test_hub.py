"""The live stream's source: each listener hears what it asked for, and nothing grows."""

import asyncio
from contextlib import aclosing

from edge_agent.control.types import Lamp, Live
from edge_agent.hub import MAX_WAITING, Hub

DARK = Lamp(pattern="off", colour="", rhythm=[], sentence="dark")


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
        assert await first == Live("lamp", DARK)
    assert not hub.listeners("lamp")


async def test_one_event_reaches_all_who_want_its_kind():
    hub = Hub()
    (one, first), (two, second) = await listening(hub, ["lamp"]), await listening(hub, ["lamp", "finding"])
    async with aclosing(one), aclosing(two):
        hub.tell("lamp", DARK)
        assert await first == await second == Live("lamp", DARK)
    assert not hub.listeners("finding")


async def test_a_slow_listener_misses_the_oldest():
    hub = Hub()
    stream, first = await listening(hub, ["queue"])
    async with aclosing(stream):
        for number in range(MAX_WAITING + 5):
            hub.tell("queue", number)
        assert (await first).data == 5
