import asyncio
import contextlib

import pytest
import structlog

from edge_agent.drivers.device import Device


@pytest.fixture
def said():
    """What was logged while the test ran."""
    with structlog.testing.capture_logs() as logs:
        yield logs


@pytest.fixture
def got():
    return []


@pytest.fixture
def device_of(got):
    def make(bridge, name="probe"):
        return Device(name, bridge, got.append)

    return make


@pytest.fixture
async def running():
    """Runs drivers until the test ends; each is then stopped as the supervisor does it."""
    async with contextlib.AsyncExitStack() as stack:

        async def stop(task):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        def start(driver):
            task = asyncio.create_task(driver.run())
            stack.push_async_callback(stop, task)
            return task

        yield start
