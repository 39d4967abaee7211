"""Birth, heartbeat and the last word, as a desk behind a real mosquitto sees them."""

import asyncio

from helpers_uplink import GATEWAY, ROOT, Peer, running, until

from edge_agent.core.consent import HELP_READY, Consent
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.core.wire import unpack
from edge_agent.uplink.presence import Presence
from tests.fakes import SteppedClock

STATE = "edge/v1/gw1/up/state"
CASE = HelpRequest(uuid7(1.8e9, b"0123456789"), "ABCDEFGH", Trigger.MANUAL, State.SENDING, 1.0, "boot", 1.8e9, True)


class House:
    """An agent with a presence and a desk that listens."""

    def __init__(self, port: int, *purposes: str, cases: tuple[HelpRequest, ...] = (), wanted: bool = True) -> None:
        self.consent = Consent(frozenset(purposes))
        self.wanted = wanted
        self.cases = cases
        self.presence = Presence(
            GATEWAY,
            ROOT,
            clock=SteppedClock(),
            consent=lambda: self.consent,
            cases=lambda: self.cases,
            help_sequence=lambda: 4,
            last_down=lambda: 9,
            heartbeat_s=0.05,
            version="1.2.3",
            site="home",
        )
        self.agent = Peer(
            port,
            on_up=self.presence.up,
            on_down=self.presence.down,
            wanted=lambda: self.wanted,
            will=self.presence.will,
            farewell=self.presence.farewell,
        )
        self.desk = Peer(port, "desk", subscribe=("edge/v1/+/up/#",))

    def heard(self, topic: str) -> list[dict]:
        return [unpack(a.payload) for a in self.desk.arrivals if a.topic == topic]


async def test_the_desk_sees_birth_heartbeats_and_a_polite_end(broker):
    house = House(broker.port, HELP_READY, cases=(CASE,))
    async with running(house.desk.uplink.run(), house.presence.run()):
        await house.desk.up()
        async with running(house.agent.uplink.run()):
            await until(lambda: len(house.heard(f"{STATE}/heartbeat")) >= 2)
        await until(lambda: len(house.heard(STATE)) == 2)
    birth = house.heard(f"{STATE}/birth")
    case = {"id": uuid_text(CASE.id), "code": "ABCDEFGH", "state": "SENDING", "trigger": "manual"}
    assert birth == [
        {
            "version": "1.2.3",
            "gateway": GATEWAY,
            "site": "home",
            "cases": [case],
            "help_sequence": 4,
            "last_down_sequence": 9,
            "consent": [HELP_READY],
        }
    ]
    assert house.heard(STATE) == [{"status": "here"}, {"status": "stopped"}]
    assert house.heard(f"{STATE}/heartbeat")[0] == {"cases": 1}
    said = next(a.attributes for a in house.desk.arrivals if a.topic.endswith("birth"))
    assert said["type"] == "edge.state.birth.v1"
    assert "sequence" not in said


async def test_a_desk_that_comes_later_finds_the_state_and_the_birth_kept(broker):
    house = House(broker.port, HELP_READY)
    async with running(house.presence.run(), house.agent.uplink.run()):
        await until(lambda: house.presence.counts["birth"] == 1)
        async with running(house.desk.uplink.run()):
            await until(lambda: len(house.desk.arrivals) >= 2)
    assert house.heard(STATE)[0] == {"status": "here"}
    assert house.heard(f"{STATE}/birth")


async def test_without_consent_nothing_is_said_but_the_birth_of_an_open_case(broker):
    house = House(broker.port)
    assert house.presence.will() is None
    async with running(house.desk.uplink.run(), house.presence.run(), house.agent.uplink.run()):
        await house.desk.up()
        await house.agent.up()
        await asyncio.sleep(0.15)
        assert house.desk.arrivals == []
        house.cases = (CASE,)
        house.presence.wake()
        await until(lambda: house.heard(f"{STATE}/birth"))
        await asyncio.sleep(0.15)
        house.wanted = False
        house.agent.uplink.wake()
        await until(lambda: house.agent.downs)
    assert [a.topic for a in house.desk.arrivals] == [f"{STATE}/birth"]


async def test_consent_that_is_taken_back_is_the_last_thing_said(broker):
    house = House(broker.port, HELP_READY)
    async with running(house.desk.uplink.run(), house.presence.run(), house.agent.uplink.run()):
        await house.desk.up()
        await until(lambda: house.heard(STATE))
        house.consent, house.wanted = Consent(), False
        house.agent.uplink.wake()
        await until(lambda: house.agent.downs)
        await until(lambda: len(house.heard(STATE)) == 2)
    assert house.heard(STATE)[-1] == {"status": "off by choice"}


async def test_when_the_gateway_dies_the_broker_says_gone_without_a_made_up_time(broker):
    house = House(broker.port, HELP_READY)
    will = house.presence.will()
    assert will is not None
    assert unpack(will.payload) == {"status": "gone"}
    assert will.topic == STATE
    assert will.attributes.keys().isdisjoint({"time", "uptime", "sequence"})
