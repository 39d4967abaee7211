"""The desk was away for so long that requests come hourly only: what waits is there seconds after it is back."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from edge_agent.app import Agent
from edge_agent.config import model
from edge_agent.core.consent import PURPOSES
from edge_agent.core.mayday_table import Signal
from edge_agent.core.request import State
from edge_agent.systemclock import SystemClock
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy

# One resend, and the next one in an hour: as a case stands that is old.
RARE = {"hold_s": 0.2, "cancel_window_s": 0.1, "ack_wait_s": 0.3, "burst_resends": 1, "slow_resend_s": 3600.0}
ANSWERS = Policy(received_after_s=0.1, engaged_after_s=None, resolved_after_s=None)


async def until(true, within_s=10.0):
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


def settings(folder, port, key, heartbeat_s):
    return model.Config(
        paths=model.Paths(state=str(folder), runtime=str(folder)),
        consent=model.ConsentTable(**dict.fromkeys(PURPOSES, True)),
        broker=model.Broker(host="127.0.0.1", port=port, heartbeat_s=heartbeat_s, tls=model.Tls(enabled=False)),
        desk=model.Desk(keys={key.kid: key.public}),
        control=model.Control(enabled=False),
        help=model.Help(**RARE),
    )


@asynccontextmanager
async def running(work):
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def at_work(port, key, db):
    """A desk whose session ends with its connection: what is sent while it is away is lost for it."""
    desk = Desk("127.0.0.1", port, key=key, policy=ANSWERS, db=str(db))
    async with running(desk.run()):
        await until(desk.ready.is_set)
        yield desk
    desk.close()


def in_an_hour(agent):
    return any(what is Signal.UNANSWERED and in_s > 600.0 for what, in_s in agent.help.upcoming())


# a gateway that the desk knows is asked when it connects, whether it knows the time or has to be told; one that the
# desk never heard of tells of its case with the next heartbeat
@pytest.mark.parametrize(
    ("synchronised", "same_desk", "heartbeat_s"), [(True, True, 3600.0), (False, True, 3600.0), (True, False, 0.5)]
)
async def test_a_desk_that_comes_back_has_the_case_within_seconds(
    tmp_path, monkeypatch, synchronised, same_desk, heartbeat_s
):
    monkeypatch.setattr(SystemClock, "_synchronised", lambda _: synchronised)
    key, stop = DeskKey.make(), asyncio.Event()
    async with Broker.find("mosquitto") as broker:
        agent = Agent(settings(tmp_path / "state", broker.port, key, heartbeat_s))
        async with running(agent.run(stop)):
            async with at_work(broker.port, key, tmp_path / "desk.sqlite") as desk:
                await until(lambda: desk.events_received)
            await agent.panel.button.press(0.4)
            await until(lambda: in_an_hour(agent))
            assert agent.help.state in (State.DELIVERED, State.SENDING)
            db = tmp_path / ("desk.sqlite" if same_desk else "another.sqlite")
            async with at_work(broker.port, key, db) as desk:
                await until(lambda: agent.help.state is State.RECEIVED, 5.0)
                (case,) = desk.cases
                assert case.code == agent.help.case.code
            stop.set()
