"""The drain: against a link that the test holds in its hand, and against a real mosquitto."""

import asyncio
import time
from contextlib import ExitStack

import pytest
from helpers_uplink import GATEWAY, ROOT, Peer, event, running, until

from edge_agent.core.consent import PURPOSES, Consent
from edge_agent.core.errors import LinkError, LinkRefusedError
from edge_agent.core.event import EventKind, Lane
from edge_agent.uplink import drain as drain_module
from edge_agent.uplink import pace as pace_module
from edge_agent.uplink.drain import Drain
from tests.fakes import MemorySpool, SteppedClock

EVERYTHING = Consent(frozenset(PURPOSES))


class HeldLink:
    """A link whose acknowledgements come when the test says so; `refuse` maps a topic's end to a reason."""

    def __init__(self, *, hold: bool = False, window: int = 65535) -> None:
        self.window = window
        self.sent: list[tuple[str, bytes, dict[str, str], bool]] = []
        self.refuse: dict[str, str] = {}
        self.flying = self.most = 0
        self.dead = False
        self._gate = asyncio.Event()
        if not hold:
            self._gate.set()

    def let_go(self) -> None:
        self._gate.set()

    def die(self) -> None:
        self.dead = True
        self._gate.set()

    async def publish(self, topic, payload, attributes, *, retain=False, expiry_s=None) -> None:  # noqa: ARG002
        if self.dead:
            raise LinkError("gone")
        self.sent.append((topic, payload, dict(attributes), retain))
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await self._gate.wait()
            await asyncio.sleep(0)
        finally:
            self.flying -= 1
        if self.dead:
            raise LinkError("gone")
        reason = self.refuse.get(topic.rpartition("/")[2])
        if reason:
            raise LinkRefusedError("no", reason=reason)


@pytest.fixture
def wide(monkeypatch):
    """A link that carries any number of bytes, so that only messages are counted."""
    monkeypatch.setattr(pace_module, "FLOOR_BYTES", 1 << 30)


class Bench:
    """A drain over four spools in memory."""

    def __init__(self, **settings) -> None:
        self.spools = {lane: MemorySpool(lane) for lane in Lane}
        self.clock = SteppedClock()
        self.consent = EVERYTHING
        self.delivered: list = []
        self.quarantined: list = []
        self.drain = Drain(
            list(reversed(self.spools.values())),
            GATEWAY,
            ROOT,
            self.clock,
            lambda: self.consent,
            on_delivered=self.delivered.append,
            on_quarantine=lambda event, reason: self.quarantined.append((event, reason)),
            **({"refused_rest_s": 0.01} | settings),
        )

    async def put(self, *events) -> None:
        for one in events:
            self.spools[one.lane].append(one)
        for lane in {one.lane for one in events}:
            await self.spools[lane].commit()
            self.drain.wake(lane)

    @property
    def left(self) -> int:
        return sum(spool.depth().events for spool in self.spools.values())


async def test_an_event_leaves_its_spool_on_its_own_acknowledgement_alone():
    bench, link = Bench(), HeldLink(hold=True)
    await bench.put(event(), event())
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: len(link.sent) == 2)
        assert bench.left == 2
        link.let_go()
        await until(lambda: bench.left == 0)
    assert [e.sequence for e in bench.delivered] == [1, 2]


async def test_readings_wait_while_somebody_calls_for_help_and_nothing_else_does():
    calling = True
    bench, link = Bench(calling=lambda: calling), HeldLink()
    kinds = (EventKind.TELEMETRY, EventKind.STATE, EventKind.FINDING, EventKind.HELP)
    async with running(bench.drain.run()):
        await bench.put(*(event(kind, subject="boiler") for kind in kinds))
        bench.drain.up(link)
        await until(lambda: len(bench.delivered) == 3)
        assert [e.lane for e in bench.delivered] == [Lane.HELP, Lane.FINDING, Lane.STATE]
        assert bench.left == 1
        calling = False
        bench.drain.wake(Lane.HELP)
        await until(lambda: bench.left == 0)


async def test_attributes_are_made_when_it_is_sent_and_say_what_waited_offline():
    bench, link = Bench(), HeldLink()
    now = bench.clock.now().monotonic
    await bench.put(event(at=now - 100.0), event(at=now, boot_id="an earlier boot"))
    bench.clock._wall += 3600.0  # the clock is set after the event and before it is sent
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await bench.put(event(EventKind.FINDING, at=bench.clock.now().monotonic + 1.0, subject="boiler"))
        await until(lambda: bench.left == 0)
    sent = {attributes["subject"] + attributes["bootid"]: attributes for _, _, attributes, _ in link.sent}
    assert sent["testboot"]["historical"] == "true"
    assert abs(time.time() + 3500.0 - _unix(sent["testboot"]["time"])) < 5.0
    assert "time" not in sent["testan earlier boot"]
    assert sent["boilerboot"]["historical"] == "false"
    assert sent["boilerboot"]["sequence"] == "1"


def _unix(text: str) -> float:
    from edge_agent.core.wire import unix_seconds  # noqa: PLC0415

    return unix_seconds(text)


async def test_only_what_a_named_state_says_is_retained():
    bench, link = Bench(), HeldLink()
    await bench.put(
        event(EventKind.STATE, name="birth"),
        event(EventKind.STATE, name="heartbeat"),
        event(EventKind.STATE),
        event(EventKind.FINDING, name="f"),
    )
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
    assert [topic for topic, _, _, retain in link.sent if retain] == ["edge/v1/gw1/up/state/birth"]


async def test_in_flight_is_bounded_by_the_setting_and_by_the_link(wide):
    for window, most in ((1000, 17), (8, 5)):
        bench, link = Bench(), HeldLink(hold=True, window=window)
        await bench.put(*(event() for _ in range(100)))
        async with running(bench.drain.run()):
            bench.drain.up(link)
            await until(lambda w=most, at=link: at.flying == w)
            assert bench.drain.in_flight == most
            link.let_go()
            await until(lambda of=bench: of.left == 0)
        assert link.most == most


async def test_a_press_goes_next_though_two_thousand_wait(wide):
    bench, link = Bench(), HeldLink(hold=True)
    await bench.put(*(event() for _ in range(2000)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: link.flying == 17)
        await bench.put(event(EventKind.HELP, b"help"))
        await until(lambda: link.flying == 18)
        assert link.sent[-1][1] == b"help"
        link.let_go()
        await until(lambda: bench.left == 0)
    assert len(link.sent) == 2001


async def test_what_was_in_flight_when_the_link_died_goes_again_with_the_same_id(wide):
    bench, link = Bench(), HeldLink(hold=True)
    await bench.put(*(event() for _ in range(50)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: link.flying == 17)
        link.die()
        await until(lambda: link.flying == 0)
        await asyncio.sleep(0.01)
        assert len(link.sent) == 17  # a dead link is not tried with the rest
        bench.drain.down("lost")
        await asyncio.sleep(0.01)
        assert bench.left == 50
        again = HeldLink()
        bench.drain.up(again)
        await until(lambda: bench.left == 0)
    first = {attributes["id"] for _, _, attributes, _ in link.sent}
    second = [attributes["id"] for _, _, attributes, _ in again.sent]
    assert first <= set(second)
    assert len(second) == len(set(second)) == 50


async def test_without_consent_an_event_is_released_unsent_and_counted_but_help_always_leaves():
    bench, link = Bench(), HeldLink()
    bench.consent = Consent()
    await bench.put(*(event() for _ in range(1000)), event(EventKind.FINDING), event(EventKind.HELP))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
    assert [topic for topic, *_ in link.sent] == ["edge/v1/gw1/up/help"]
    assert bench.drain.counts["withheld"] == 1001


async def test_a_message_that_is_refused_three_times_is_given_up_and_the_others_go_on():
    bench, link = Bench(), HeldLink()
    link.refuse["bad"] = "Payload format invalid"
    bad = event(EventKind.FINDING, name="bad")
    await bench.put(event(EventKind.FINDING), bad, event(EventKind.FINDING), event())
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
    assert [(e.id, reason) for e, reason in bench.quarantined] == [(bad.id, "Payload format invalid")]
    assert sum(topic.endswith("bad") for topic, *_ in link.sent) == 3
    assert len(bench.delivered) == 3


async def test_a_lane_that_is_refused_rests_instead_of_emptying_itself_into_quarantine():
    bench, link = Bench(refused_rest_s=0.05), HeldLink()
    link.refuse["telemetry"] = "Not authorized"
    await bench.put(*(event() for _ in range(100)))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await asyncio.sleep(0.3)
        assert len(bench.quarantined) <= 2
        assert len(link.sent) <= 17 + 5
        link.refuse.clear()
        await until(lambda: bench.left == 0)
    assert len(bench.delivered) + len(bench.quarantined) == 100


async def test_a_spool_that_fails_rests_and_the_other_lanes_go_on(monkeypatch):
    monkeypatch.setattr(drain_module, "STORE_REST_S", 0.05)
    bench, link = Bench(), HeldLink()
    await bench.put(event(), event(EventKind.FINDING))
    bench.spools[Lane.TELEMETRY].broken = True
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.delivered)
        assert bench.drain.counts["store_errors"] >= 1
        bench.spools[Lane.TELEMETRY].broken = False
        await until(lambda: bench.left == 0)


@pytest.mark.parametrize(("after", "after_s"), [(10, 30.0), (10_000, 0.05)])
async def test_releases_of_a_quiet_lane_reach_the_disk(monkeypatch, after, after_s):
    monkeypatch.setattr(drain_module, "SAVE_AFTER", after)
    monkeypatch.setattr(drain_module, "SAVE_AFTER_S", after_s)
    bench = Bench()
    await bench.put(*(event() for _ in range(15)))
    spool = bench.spools[Lane.TELEMETRY]
    async with running(bench.drain.run()):
        bench.drain.up(HeldLink())
        await until(lambda: spool.commits == 2)
        spool.broken = True
        await bench.drain._save(bench.drain._lanes[-1])
        assert bench.drain.counts["store_errors"] == 1


async def test_help_that_is_put_back_is_sent_again():
    bench, link = Bench(), HeldLink()
    spool = bench.spools[Lane.HELP]
    await bench.put(event(EventKind.HELP), event(EventKind.HELP))
    async with running(bench.drain.run()):
        bench.drain.up(link)
        await until(lambda: bench.left == 0)
        spool._held = {e.sequence: e for e in spool.released[:1]}  # what RequestStore.resend does
        bench.drain.wake(Lane.HELP)
        await until(lambda: len(link.sent) == 3)
    assert link.sent[2][2]["id"] == link.sent[0][2]["id"]


async def test_without_a_link_nothing_is_asked_of_the_spools():
    bench = Bench()
    with ExitStack() as stack:
        for spool in bench.spools.values():
            stack.callback(setattr, spool, "broken", False)
        await bench.put(event())
        for spool in bench.spools.values():
            spool.broken = True
        async with running(bench.drain.run()):
            bench.drain.wake(Lane.TELEMETRY)
            await asyncio.sleep(0.01)
    assert not bench.drain.counts


# With a real broker.


async def test_nothing_is_lost_when_the_broker_is_killed_while_a_backlog_drains(new_broker):
    broker = new_broker("allow_anonymous true\nmax_queued_messages 0")
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",), session_expiry_s=0)
    bench = Bench()
    agent = Peer(broker.port, on_up=bench.drain.up, on_down=bench.drain.down)
    events = [event(payload=b"x" * 1500) for _ in range(2000)]
    await bench.put(*events)
    async with running(desk.uplink.run(), bench.drain.run()):
        await desk.up()
        async with running(agent.uplink.run()):
            await until(lambda: len(bench.delivered) > 300)
            broker.kill()
            await until(lambda: agent.downs and desk.downs)
            acknowledged = {e.id_text for e in bench.delivered}
            broker.start()
            desk.uplink.wake()
            await until(lambda: desk.connected)
            agent.uplink.wake()
            await until(lambda: bench.left == 0, 10.0)
            # what the broker acknowledged and had not handed on when it was killed is its own loss
            due = {e.id_text for e in events} - acknowledged
            await until(lambda: due <= {a.attributes["id"] for a in desk.arrivals})
    assert {e.id for e in bench.delivered} == {e.id for e in events}
    assert agent.uplink.counts["connected"] == 2


async def test_two_thousand_drain_through_mosquitto_and_a_press_overtakes_them(new_broker):
    # a stock mosquitto drops what a slow subscriber has not taken beyond 1,000
    broker = new_broker("allow_anonymous true\nmax_queued_messages 0")
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    bench = Bench()
    agent = Peer(broker.port, on_up=bench.drain.up, on_down=bench.drain.down)
    await bench.put(*(event(payload=b"x" * 1500) for _ in range(2000)))
    async with running(desk.uplink.run(), agent.uplink.run(), bench.drain.run()):
        await desk.up()
        await until(lambda: len(desk.arrivals) > 100, 20.0)
        before = len(desk.arrivals)
        await bench.put(event(EventKind.HELP, b"help"))
        await until(lambda: len(desk.arrivals) == 2001, 60.0)
    place = [a.payload for a in desk.arrivals].index(b"help")
    assert place < before + 60
    assert len({a.attributes["id"] for a in desk.arrivals}) == 2001


async def test_an_access_list_that_denies_telemetry_stops_no_help(new_broker, tmp_path):
    rules = tmp_path / "acl"
    rules.write_text("topic write edge/v1/gw1/up/help\n")
    strict = new_broker(f"allow_anonymous true\nacl_file {rules}")
    bench = Bench()
    agent = Peer(strict.port, on_up=bench.drain.up, on_down=bench.drain.down)
    denied = event()
    await bench.put(denied, event(EventKind.HELP))
    async with running(agent.uplink.run(), bench.drain.run()):
        await until(lambda: bench.left == 0)
    assert [e.kind for e in bench.delivered] == [EventKind.HELP]
    assert bench.quarantined[0][1] == "Not authorized"
    assert len(agent.links) == 1
