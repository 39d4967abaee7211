"""From readings to blocks and findings, and the post that brings both to the store."""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from services_scene import HandClock, until

from edge_agent.core.block import unpack
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.reading import Channel, ChannelKind, Fault, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.thinning import ThinSetting
from edge_agent.core.wire import unpack as open_data
from edge_agent.services.events import EventMaker
from edge_agent.services.frames import Frames
from edge_agent.services.post import Post
from edge_agent.services.register import Register
from edge_agent.services.sampling import MAX_BLOCK_BYTES, BlockLimits, Sampling, Told
from edge_agent.services.telling import Telling
from edge_agent.services.watch import MAX_CHANNELS, CheckSetting, Watches
from edge_agent.texts import texts

PRESSURE = Channel("boiler.pressure", "bar")
NO_SETTINGS = {"min": None, "max": None, "hysteresis": 0.0, "per_s": None, "window_s": None}


def check(channel: str, kind: str, *, confirm_s: float = 0.0, **settings: Any) -> CheckSetting:
    return CheckSetting(channel, kind, NO_SETTINGS | settings, confirm_s, 0.0, Severity.WARNING)


class Disk:
    """A store that remembers what was committed, and may refuse."""

    def __init__(self) -> None:
        self.appended: list[Event] = []
        self.stored: list[Event] = []
        self.drafted: Event | None = None
        self.broken: set[Lane] = set()
        self.too_large: set[str] = set()

    def append(self, event: Event) -> Event:
        if event.subject in self.too_large:
            raise StoreError("too large to be stored")
        self.appended.append(event)
        return event

    def draft(self, event: Event) -> None:
        self.drafted = event

    async def commit(self, lane: Lane) -> None:
        if lane in self.broken:
            raise StoreError("the disk is dead", fix="Change it.")
        self.stored += [event for event in self.appended if event.lane is lane]
        self.appended = [event for event in self.appended if event.lane is not lane]


class Room:
    """A sampling service with its post."""

    def __init__(
        self,
        *checks: CheckSetting,
        age_s: float = 10.0,
        readings: int = 500,
        window_s: float = 10.0,
        allowed: bool = True,
        channels: tuple[ThinSetting, ...] = (),
    ) -> None:
        self.clock, self.disk = HandClock(), Disk()
        self.told: list[Finding] = []
        self.register = Register(self.clock, self.told.append)
        self.heard: list[Reading] = []
        self.listeners: list[str] = []
        self.post = Post(self.disk.append, self.disk.draft, self.disk.commit)
        self.sampling = Sampling(
            self.clock,
            EventMaker(self.clock),
            self.post,
            BlockLimits(age_s, readings, window_s),
            checks,
            Recorder(300.0),
            lambda _kind: allowed,
            Told(self.heard.append, self.listeners),
            self.register,
            channels,
        )
        frames = Frames(self.clock, lambda: self.sampling.recorder, self.register)
        events = EventMaker(self.clock)
        telling = Telling(self.clock, events, self.post, self.register, frames, texts("en"), lambda _kind: allowed)
        self.register.told.append(telling.see)

    def read(self, value: Any, channel: Channel = PRESSURE) -> None:
        self.sampling.deliver(Reading(channel, value, self.clock.monotonic))

    def blocks(self) -> list[list[Reading]]:
        return [unpack(e.payload, e.at) for e in self.disk.stored if e.kind is EventKind.TELEMETRY]

    def findings(self) -> list[dict[str, Any]]:
        return [open_data(e.payload) for e in self.disk.stored if e.kind is EventKind.FINDING]


async def test_a_block_is_closed_by_its_size() -> None:
    room = Room(readings=3)
    for value in range(7):
        room.read(value)
    await room.post.flush()
    assert [len(block) for block in room.blocks()] == [3, 3]
    assert room.sampling.open_readings == 1


async def test_a_block_never_gets_older_than_its_limit_between_two_ticks() -> None:
    room = Room(age_s=10.0)
    room.read(1.0)
    for tick in range(10):
        room.clock.monotonic = 1000.0 + tick
        room.sampling._tick(room.clock.monotonic, 1.0)
        assert bool(room.post._waiting) == (tick >= 9)


async def test_what_is_open_is_on_disk_as_a_draft_once_in_the_durability_window() -> None:
    room = Room(age_s=30.0, window_s=10.0)
    drafts: list[list[Any]] = []
    for second in range(30):
        room.clock.monotonic = 1000.0 + second
        room.read(second)
        room.sampling._tick(room.clock.monotonic, 1.0)
        if room.disk.drafted is not None:
            drafts.append([r.value for r in unpack(room.disk.drafted.payload, room.disk.drafted.at)])
            room.disk.drafted = None
    await room.post.flush()
    assert drafts == [list(range(10)), list(range(20))]
    assert [[r.value for r in block] for block in room.blocks()] == [list(range(30))]


async def test_an_open_block_too_large_for_a_message_is_closed_and_not_drafted() -> None:
    room = Room(age_s=30.0)
    text = Channel("meter.text", "", ChannelKind.TEXT)
    for number in range(300):
        room.read(f"{number:04d}" * 250, text)
    room.sampling._tick(room.clock.monotonic + 9.5, 1.0)
    assert room.disk.drafted is None
    await room.post.flush()
    assert sum(len(block) for block in room.blocks()) == 300


async def test_a_draft_never_goes_before_what_was_put_before_it() -> None:
    room = Room(readings=2, age_s=30.0)
    for value in range(3):
        room.read(value)
    room.sampling._tick(room.clock.monotonic + 9.5, 1.0)
    assert [event.count for event in room.disk.appended] == [2]
    assert room.disk.drafted is not None
    assert room.disk.drafted.count == 1


async def test_readings_are_told_at_once_and_only_while_somebody_listens() -> None:
    room = Room()
    room.read(1.0)
    room.listeners.append("console")
    room.read(2.0)
    room.listeners.clear()
    room.read(3.0)
    assert [reading.value for reading in room.heard] == [2.0]


@pytest.mark.parametrize("urgent", [False, True])
async def test_a_short_durability_window_is_kept_even_while_urgent_events_keep_coming(urgent: bool) -> None:
    room = Room(age_s=0.2)
    loop = asyncio.get_running_loop()
    start = loop.time()
    room.clock.now = lambda: HandClock().now()._replace(monotonic=loop.time())  # type: ignore[method-assign]
    task = asyncio.create_task(room.sampling.run(lambda: None))
    room.sampling.deliver(Reading(PRESSURE, 1.0, start))
    while not room.blocks():
        assert loop.time() - start < 0.35
        if urgent:
            room.post.put(room.sampling._events.make(EventKind.STATE, "test", "x", {}))
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_block_too_large_for_a_message_is_split() -> None:
    room = Room(readings=300)
    text = Channel("meter.text", "", ChannelKind.TEXT)
    for number in range(300):
        room.read(f"{number:04d}" * 250, text)
    await room.post.flush()
    assert len(room.blocks()) > 2
    assert all(len(event.payload) <= MAX_BLOCK_BYTES for event in room.disk.stored)
    assert [r.value[:4] for block in room.blocks() for r in block] == [f"{n:04d}" for n in range(300)]  # type: ignore[index]


async def test_without_consent_nothing_is_stored_and_all_is_still_seen() -> None:
    room = Room(check("boiler.pressure", "range", min=1.0), readings=1, allowed=False)
    room.read(0.5)
    await room.sampling.finish()
    assert room.disk.stored == []
    assert room.sampling.latest["boiler.pressure"].value == 0.5
    assert [finding.state for finding in room.told] == [FindingState.CONFIRMED]


async def test_faults_are_counted_and_not_stored() -> None:
    room = Room(readings=1)
    room.sampling.deliver(Fault("boiler", "garbage", "This is no reading.", 1.0))
    await room.sampling.finish()
    assert (room.sampling.faults, room.sampling.readings, room.disk.stored) == (1, 0, [])


async def test_what_the_disk_refused_goes_with_the_next_commit_and_health_says_so() -> None:
    room = Room(readings=1)
    room.disk.broken = {Lane.TELEMETRY}
    room.read(1.0)
    await room.post.flush()
    assert not room.post.health.ready
    assert room.post.health.fix == "Change it."
    room.read(2.0)
    await room.post.flush()
    assert room.blocks() == []
    room.disk.broken.clear()
    await room.post.flush()
    assert [block[0].value for block in room.blocks()] == [1.0, 2.0]
    assert room.post.health.ready


async def test_a_lane_that_fails_holds_up_no_other() -> None:
    room = Room(check("boiler.pressure", "range", min=1.0), readings=1)
    room.disk.broken = {Lane.FINDING}
    room.read(0.5)
    await room.post.flush()
    assert len(room.blocks()) == 1
    assert room.findings() == []


async def test_an_event_that_the_store_never_takes_stops_no_other() -> None:
    room = Room(readings=1)
    room.disk.too_large = {"huge"}
    room.post.put(room.sampling._events.make(EventKind.STATE, "dropped", "huge", {}))
    room.read(1.0)
    await room.post.flush()
    assert len(room.blocks()) == 1
    assert room.post.given_up == 1
    assert room.post.health.ready


async def test_a_finding_is_stored_at_once_with_its_freeze_frame() -> None:
    room = Room(check("boiler.*", "range", min=1.0))
    task = asyncio.create_task(room.sampling.run(lambda: None))
    for value in (1.4, 1.2, 0.9):
        room.clock.monotonic += 1
        room.read(value)
    await until(room.findings, 0.5)
    task.cancel()
    (found,) = room.findings()
    assert found["kind"] == "range"
    assert "0.9 bar" in found["sentence"]
    assert [value for _, value in found["freeze_frame"]] == [1.4, 1.2, 0.9]
    room.read(1.3)
    await room.post.flush()
    first, last = room.findings()
    assert (last["state"], last["id"]) == ("cleared", first["id"])
    assert [e.type for e in room.disk.stored] == ["edge.finding.confirmed.v1", "edge.finding.cleared.v1"]


# --- watches ---


def watches(*settings: CheckSetting) -> tuple[Watches, HandClock, list[Finding]]:
    clock, changes, ids = HandClock(), [], count(1)
    return Watches(settings, clock, lambda: next(ids).to_bytes(16), Register(clock, changes.append)), clock, changes


def test_a_channel_that_is_never_heard_is_missed() -> None:
    room, clock, changes = watches(check("meter.power", "silent", window_s=30.0))
    room.tick(clock.monotonic + 29)
    assert changes == []
    room.tick(clock.monotonic + 31)
    assert "never been heard" in changes[0].sentence


def test_a_wildcard_watches_every_channel_by_itself() -> None:
    room, clock, changes = watches(check("flat.*", "range", max=30.0), check("flat.hall", "range", max=20.0))
    for name, value in (("flat.hall", 25.0), ("flat.bath", 31.0), ("van.cab", 99.0)):
        room.see(Reading(Channel(name), value, clock.monotonic))
    assert [finding.channel for finding in changes] == ["flat.hall", "flat.bath"]
    assert len(room._register.confirmed()) == 2


def test_a_device_that_invents_channels_does_not_fill_the_memory() -> None:
    room, clock, _ = watches(check("mad.*", "range", max=30.0))
    for number in range(MAX_CHANNELS + 100):
        room.see(Reading(Channel(f"mad.c{number}"), 99.0, clock.monotonic))
    assert len(room._of) == MAX_CHANNELS


def test_findings_that_are_over_are_kept_for_a_while_only() -> None:
    room, clock, changes = watches(check("flat.*", "range", max=30.0))
    for number in range(300):
        for value in (31.0, 1.0):
            room.see(Reading(Channel(f"flat.c{number}"), value, clock.monotonic))
    assert len(changes) == 600
    assert len(room._register.findings()) == 200


async def test_a_channel_setting_thins_out_what_is_stored_and_nothing_else() -> None:
    room = Room(check("boiler.pressure", "range", max=2.0), channels=(ThinSetting("boiler.*", deadband=5.0),))
    for value in (1.0, 1.1, 3.0, 1.2):
        room.read(value)
        room.clock.monotonic += 1.0
    assert (room.sampling.readings, len(room.sampling.recorder)) == (4, 4)
    assert room.told, "the check saw what was not stored"
    assert room.sampling.latest["boiler.pressure"].value == 1.2
    await room.sampling.finish()
    assert [[r.value for r in block] for block in room.blocks()] == [[1.0, 1.2]]


async def test_a_window_is_stored_when_its_time_is_over_though_nothing_more_is_said() -> None:
    room = Room(channels=(ThinSetting("boiler.*", summary_s=5.0),), age_s=1.0)
    for value in (1.0, 2.0, 3.0):
        room.read(value)
    room.clock.monotonic += 5.0
    room.sampling._tick(room.clock.monotonic, 0.5)
    room.clock.monotonic += 1.0
    room.sampling._tick(room.clock.monotonic, 0.5)
    await room.post.flush()
    assert [[(r.channel.name, r.value) for r in block] for block in room.blocks()] == [
        [
            ("boiler.pressure.mean", 2.0),
            ("boiler.pressure.min", 1.0),
            ("boiler.pressure.max", 3.0),
            ("boiler.pressure.count", 3),
        ]
    ]


async def test_a_reading_that_was_held_back_for_long_does_not_close_its_block_early() -> None:
    room = Room(channels=(ThinSetting("*", deadband=0.5),))
    room.read(1.0)
    room.sampling._tick(room.clock.monotonic + 9.0, 1.0)
    room.clock.monotonic += 1.0
    room.read(1.1)
    room.clock.monotonic += 100.0
    room.read(9.0)
    room.sampling._tick(room.clock.monotonic, 1.0)
    assert room.sampling.open_readings == 3
