"""A stock mosquitto drops without a word what a desk does not take; the desk asks again, and the agent has it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
from helpers_uplink import until

from edge_agent.config import model
from edge_agent.core.event import Lane
from edge_agent.core.reading import Channel, Reading
from simulators.desk.desk import Desk
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy
from tests.bench.agent_path import config, drained, running

CHANNEL = Channel("boiler.pressure", "bar")
# mosquitto keeps 1,000 for a subscriber (max_queued_messages) besides 20 on their way; the rest is dropped.
KEPT = 1020
BACKLOG = 2000
EVERYTHING = {float(number) for number in range(1, BACKLOG + 11)}
KEY = DeskKey.make()


@asynccontextmanager
async def desk_at(port, resend_after_s):
    desk = Desk("127.0.0.1", port, key=KEY, policy=replace(Policy(), resend_after_s=resend_after_s), name="slow")
    working = asyncio.create_task(desk.run())
    await asyncio.wait_for(desk.ready.wait(), 5.0)
    try:
        yield desk
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        desk.close()


def agent_at(folder, port):
    """Blocks of one reading, so that a backlog is of many messages; sent faster than a desk that waits can take."""
    plain = config(folder, port=port)
    return running(
        msgspec.structs.replace(
            plain,
            gateway=model.Gateway(id="gw1"),
            desk=model.Desk(keys={KEY.kid: KEY.public}),
            outbox=msgspec.structs.replace(plain.outbox, block_readings=1, messages_per_s=100_000.0),
        )
    )


async def deliver(agent, first, last):
    """Readings whose value is their number; on disk when this returns."""
    for number in range(first, last + 1):
        agent.sampling.deliver(Reading(CHANNEL, float(number), agent.clock.now().monotonic))
    await agent.sampling.finish()
    await agent.post.flush()


def values(desk):
    return {held.value for held in desk.held()}


@asynccontextmanager
async def drained_behind_its_back(folder, broker, proxy, desk):
    """The desk stopped reading, the agent sent its backlog, the desk went on, and ten more readings came."""
    async with agent_at(folder, broker.port) as agent:
        proxy.hole()
        await deliver(agent, 1, BACKLOG)
        async with asyncio.timeout(40.0):
            await drained(agent)
        assert agent.reach.drain.counts["quarantined"] == 0  # every one has its PUBACK
        proxy.mend()
        await until(lambda: desk.readings_received >= KEPT - 20, 20.0)
        # what is lost at the end of a row shows when the next one comes
        await deliver(agent, BACKLOG + 1, BACKLOG + 10)
        await until(lambda: float(BACKLOG + 10) in values(desk), 20.0)
        yield


async def test_what_the_broker_dropped_behind_a_slow_desk_is_lost_where_nobody_asks(broker, proxy_to, tmp_path):
    async with (
        proxy_to(broker.port) as proxy,
        desk_at(proxy.port, None) as desk,
        drained_behind_its_back(tmp_path, broker, proxy, desk),
    ):
        await asyncio.sleep(1.0)
        lost = EVERYTHING - values(desk)
        assert BACKLOG - KEPT - 200 <= len(lost) <= BACKLOG - KEPT + 20
        assert sum(gap.last - gap.first + 1 for gap in desk.gaps if gap.lane is Lane.TELEMETRY) == len(lost)


async def test_what_the_broker_dropped_behind_a_slow_desk_comes_again_once_it_asks(broker, proxy_to, tmp_path):
    async with (
        proxy_to(broker.port) as proxy,
        desk_at(proxy.port, 0.2) as desk,
        drained_behind_its_back(tmp_path, broker, proxy, desk),
    ):
        await until(lambda: not desk.gaps, 40.0)
        assert values(desk) == EVERYTHING
        assert desk.twice() == []
