"""The service that calls by every channel: all at once, each at its own pace, until one is answered."""

import asyncio
from contextlib import suppress

import pytest
from channels_scene import GATEWAY, StillClock, raised, until

from edge_agent.core.compact import unpack_call
from edge_agent.core.errors import LinkBusyError, LinkError
from edge_agent.core.health import Health
from edge_agent.services import fallback as room
from edge_agent.services.fallback import FallBack


class Channel:
    """Does with each try what `does` says: an error to raise, bytes to answer with, or None."""

    resend_s = 0.0
    must_ask = False

    def __init__(self, name, does=None):
        self.name, self.does = name, does
        self.health = Health(True, f"{name} is well")
        self.seen = []
        self.broken_off = 0

    async def run(self):
        await asyncio.Event().wait()

    async def send(self, event, compact):
        self.seen.append((event, compact))
        try:
            if self.does == "hang":
                await asyncio.sleep(60)
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        if isinstance(self.does, BaseException):
            raise self.does
        return self.does


class Scene:
    def __init__(self, *channels, resend_s=0.03):
        self.event = raised()
        self.open = True
        self.connected = False
        self.believed = []
        self.service = FallBack(
            StillClock(),
            GATEWAY,
            waiting=lambda: self.event,
            asking=lambda: raised() if self.open and self.event is None else None,
            live=lambda: self.open,
            connected=lambda: self.connected,
            believe=self._believe,
            resend=lambda *_: resend_s,
        )
        self.service.add(channels)
        self.tasks = [asyncio.create_task(self.service.serve(way)) for way in self.service.ways]

    def _believe(self, payload):
        if payload != b"signed":
            return False
        self.believed.append(payload)
        self.event = None
        self.service.look()
        return True

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_all_channels_call_at_once_and_the_first_answer_stops_them():
    slow, silent, good = Channel("slow", "hang"), Channel("silent"), Channel("good")
    async with Scene(slow, silent, good) as scene:
        await asyncio.sleep(0.05)
        assert not slow.seen, "nothing is tried before it is asked for"
        scene.service.start()
        await until(lambda: slow.seen and len(silent.seen) > 2 and good.seen)
        assert scene.service.wanted()
        good.does = b"signed"
        await until(lambda: scene.believed)
        await asyncio.sleep(0.05)
        counts = [len(each.seen) for each in (slow, silent, good)]
        await asyncio.sleep(0.2)
        assert counts == [len(each.seen) for each in (slow, silent, good)]
        assert slow.broken_off == 1
        assert [way.answered for way in scene.service.ways] == [0, 0, 1]
        assert scene.service.wanted(), "what follows on the answer may come by the same way"
        scene.open = False
        scene.service.look()
        assert not scene.service.wanted()


async def test_every_try_carries_the_event_and_its_compact_form():
    channel = Channel("one")
    async with Scene(channel) as scene:
        scene.service.start()
        await until(lambda: len(channel.seen) > 1)
    for event, compact in channel.seen:
        assert event.id == raised().id
        assert unpack_call(compact).event == event.id


async def test_an_answer_that_is_not_to_be_believed_stops_nobody():
    liar, other = Channel("liar", b"forged"), Channel("other")
    async with Scene(liar, other) as scene:
        scene.service.start()
        await until(lambda: len(liar.seen) > 2 and len(other.seen) > 2)
        assert scene.service.ways[0].answered == 0
        assert "but not by the desk" in scene.service.ways[0].told(5000.0).sentence


async def test_a_channel_that_fails_is_told_in_words_and_harms_no_other():
    bad, other = Channel("bad", LinkError("there is no network")), Channel("other")
    async with Scene(bad, other) as scene:
        scene.service.start()
        await until(lambda: len(other.seen) > 3)
        told = scene.service.ways[0].told(5000.0)
        assert told == Health(True, "bad is well; failed: there is no network 0 s ago")
        assert len(bad.seen) == 1, "a failed try is not repeated at once"


async def test_what_a_channel_raises_ends_its_own_part_and_the_next_start_goes_on_with_the_call():
    odd, other = Channel("odd", RuntimeError("a bug")), Channel("other")
    async with Scene(odd, other) as scene:
        scene.service.start()
        await until(scene.tasks[0].done)
        with pytest.raises(RuntimeError, match="a bug"):
            scene.tasks[0].result()
        seen = len(other.seen)
        await until(lambda: len(other.seen) > seen)
        odd.does = b"signed"
        scene.tasks[0] = asyncio.create_task(scene.service.serve(scene.service.ways[0]))
        await until(lambda: scene.believed)


async def test_a_busy_channel_is_left_alone_for_as_long_as_it_asks():
    busy = Channel("busy", LinkBusyError("busy", after_s=60.0))
    async with Scene(busy) as scene:
        scene.service.start()
        await asyncio.sleep(0.3)
        assert len(busy.seen) == 1


async def test_a_channel_that_costs_money_is_not_hurried():
    dear = Channel("dear")
    dear.resend_s = 60.0
    async with Scene(dear) as scene:
        scene.service.start()
        await asyncio.sleep(0.3)
        assert len(dear.seen) == 1


async def test_starting_again_changes_nothing_and_another_event_is_another_call():
    channel = Channel("one", "hang")
    async with Scene(channel) as scene:
        scene.service.start()
        await until(lambda: channel.seen)
        scene.service.start()
        scene.service.look()
        await asyncio.sleep(0.05)
        assert channel.broken_off == 0
        scene.event = type(raised())(
            b"r" * 16,
            scene.event.kind,
            "edge.help.reopened.v1",
            "XC5WNMX9",
            4996.0,
            "boot",
            raised().payload,
            sequence=9,
        )
        scene.service.start()
        await until(lambda: len(channel.seen) == 2)
        assert channel.seen[1][0].id == b"r" * 16


async def test_what_is_said_of_a_case_that_was_received_before_a_restart_is_asked_for(monkeypatch):
    monkeypatch.setattr(room, "FOLLOW_S", 0.05)
    web, phone = Channel("web", b"signed"), Channel("phone")
    web.must_ask = True
    async with Scene(web, phone) as scene:
        scene.event = None
        await until(lambda: len(scene.believed) > 1)
        assert not phone.seen, "a text message costs money, and its answers come by themselves"
        scene.open = False
        scene.service.look()


async def test_nothing_waits_and_nothing_is_called():
    channel = Channel("one")
    async with Scene(channel) as scene:
        scene.event, scene.open = None, False
        scene.service.start()
        await asyncio.sleep(0.1)
        assert not channel.seen
        assert not scene.service.wanted()


async def test_a_try_that_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(room, "TRY_S", 0.05)
    channel = Channel("one", "hang")
    async with Scene(channel) as scene:
        scene.service.start()
        with suppress(TimeoutError):
            await until(lambda: "longer than" in scene.service.ways[0].last, 3.0)
        assert "longer than" in scene.service.ways[0].last


async def test_a_channel_that_must_ask_asks_on_for_what_follows_until_mqtt_carries_or_the_case_ends(monkeypatch):
    monkeypatch.setattr(room, "FOLLOW_S", 0.05)
    monkeypatch.setattr(room, "FOLLOW_CAP_S", 0.05)
    web, phone = Channel("web", b"signed"), Channel("phone")
    web.must_ask = True
    async with Scene(web, phone, resend_s=60.0) as scene:
        scene.service.start()
        await until(lambda: len(scene.believed) > 2)
        assert len(phone.seen) == 1, "the answer stopped it"
        scene.connected = True
        await asyncio.sleep(0.1)
        count = len(web.seen)
        await asyncio.sleep(0.2)
        assert len(web.seen) == count
        scene.connected, scene.event = False, raised()
        scene.service.start()
        await until(lambda: len(phone.seen) == 2)
        await until(lambda: len(web.seen) > count + 1)
        scene.open = False
        scene.service.look()
        await asyncio.sleep(0.1)
        count = len(web.seen)
        await asyncio.sleep(0.2)
        assert len(web.seen) == count
