"""What a broker drops after it has acknowledged it, the desk asks for, and gets while the agent still has it."""

import asyncio
from contextlib import suppress

from edge_agent.app import Agent
from edge_agent.config import model
from edge_agent.core.consent import PURPOSES
from edge_agent.core.event import Lane
from edge_agent.core.reading import Channel, Reading
from edge_agent.systemclock import SystemClock
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy

PRESSURE = Channel("boiler.pressure", "bar")


async def until(true, within_s=10.0):
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


def settings(folder, port, key):
    return model.Config(
        paths=model.Paths(state=str(folder), runtime=str(folder)),
        consent=model.ConsentTable(**dict.fromkeys(PURPOSES, True)),
        broker=model.Broker(host="127.0.0.1", port=port, tls=model.Tls(enabled=False)),
        desk=model.Desk(keys={key.kid: key.public}),
        control=model.Control(enabled=False),
    )


def drops(desk, sequence):
    """As if this block had never come: what a broker drops leaves the same hole."""
    with desk._store.batch():
        where = "lane='telemetry' AND sequence=?"
        desk._store.db.execute(
            f"DELETE FROM readings WHERE event=(SELECT number FROM events WHERE {where})", (sequence,)
        )
        desk._store.db.execute(f"DELETE FROM events WHERE {where}", (sequence,))
        desk._store.db.execute(
            "INSERT INTO gaps SELECT gateway, lane, ?1, ?1 FROM lanes WHERE lane='telemetry'", (sequence,)
        )


async def test_blocks_that_the_broker_lost_are_asked_for_and_come_once(tmp_path, monkeypatch):
    # a command must be fresh, and how fresh it is only a clock that is right can tell
    monkeypatch.setattr(SystemClock, "_synchronised", lambda _: True)
    key, stop = DeskKey.make(), asyncio.Event()
    async with Broker.find("mosquitto") as broker:
        desk = Desk("127.0.0.1", broker.port, key=key, policy=Policy(resend_after_s=None))
        agent = Agent(settings(tmp_path / "state", broker.port, key))
        tasks = [asyncio.create_task(desk.run()), asyncio.create_task(agent.run(stop))]
        await until(lambda: desk.ready.is_set() and agent.reach.uplink.connected)
        for n in range(10):
            agent.sampling.deliver(Reading(PRESSURE, 1.0 + n, agent.clock.now().monotonic))
            await agent.sampling.finish()
        await until(lambda: desk.readings_received == 10)
        for sequence in (3, 4, 7):
            drops(desk, sequence)
        assert desk.readings_received == 7
        desk.policy = Policy(resend_after_s=0.3)
        await until(lambda: not [gap for gap in desk.gaps if gap.lane is Lane.TELEMETRY])
        assert desk.readings_received == 10
        assert desk.twice() == []
        stop.set()
        await tasks[1]
        tasks[0].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[0]
        desk.close()
