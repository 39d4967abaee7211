import asyncio
import contextlib
import logging

import gpiozero
import pytest
import structlog
from gpiozero.pins.mock import MockFactory

from edge_agent.drivers import ble
from edge_agent.drivers.device import Device
from simulators.bluez import BlueZ


@pytest.fixture
def header():
    """gpiozero's own mock header."""
    factory = gpiozero.Device.pin_factory = MockFactory()
    yield factory
    gpiozero.Device.pin_factory = None
    factory.reset()


@pytest.fixture
def said():
    """What was logged while the test ran."""
    with structlog.testing.capture_logs() as logs:
        yield logs


@pytest.fixture
def quick_ble(monkeypatch):
    """The BLE driver looks often, and bleak keeps to itself what it thinks of a bus that dies."""
    monkeypatch.setattr(ble, "LOOK_S", 0.02)
    monkeypatch.setattr(ble, "SHARE_S", 0.0)
    monkeypatch.setattr(logging.getLogger("bleak"), "level", logging.CRITICAL)
    logging.getLogger("bleak").manager._clear_cache()


@pytest.fixture
async def bluez():
    async with BlueZ() as bluez:
        yield bluez


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
