"""The real agent in this process, without devices: readings are delivered by plain calls, as a driver does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.app import Agent
from edge_agent.config import model
from edge_agent.core.event import Lane
from edge_agent.core.reading import Reading

BLOCK_READINGS = model.Outbox().block_readings
_ALL = model.ConsentTable(help_ready=True, telemetry=True, findings=True, diagnostics=True, assist=True)


def config(folder: Path, checks: Sequence[model.Check] = (), port: int = 0) -> model.Config:
    """Everything allowed, nothing attached; without a port everything stays local."""
    broker = model.Broker(host="127.0.0.1", port=port, tls=model.Tls(enabled=False)) if port else model.Broker()
    return model.Config(
        paths=model.Paths(state=str(folder), runtime=str(folder)),
        consent=_ALL,
        broker=broker,
        check=tuple(checks),
        control=model.Control(enabled=False),
    )


@asynccontextmanager
async def running(settings: model.Config) -> AsyncIterator[Agent]:
    """An agent at work, connected where it has a broker; stopped in order at the end."""
    agent, stop = Agent(settings), asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    try:
        async with asyncio.timeout(10.0):
            while settings.broker.host and not agent.reach.uplink.connected:  # noqa: ASYNC110 - a bench looks, nobody tells it
                await asyncio.sleep(0.01)
        yield agent
    finally:
        stop.set()
        await task


async def push(agent: Agent, readings: Sequence[Reading], each: int) -> None:
    """All of them are on disk when this returns; `each` of them between two commits.

    As in life drivers go on while a commit is under way, and nothing is committed before the last one is over.
    """
    deliver = agent.sampling.deliver
    commit: asyncio.Task[None] | None = None
    for start in range(0, len(readings), each):
        for reading in readings[start : start + each]:
            deliver(reading)
        if commit is not None:
            await commit
        commit = asyncio.create_task(agent.post.flush())
        await asyncio.sleep(0)
    if commit is not None:
        await commit
    await agent.sampling.finish()


async def drained(agent: Agent) -> None:
    """Every block has its PUBACK."""
    while agent.outbox.spool(Lane.TELEMETRY).depth().events:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.002)
