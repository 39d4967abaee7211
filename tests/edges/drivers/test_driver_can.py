"""The CAN driver over a pair of sockets that keep frames apart, as the kernel's raw sockets do.

What only a kernel with CAN can show (filters, an interface that goes down) is in tests/vm/test_vm_can.py.
"""

import asyncio
import socket
import struct

import pytest
from driver_helpers import until

from edge_agent.config.model import CanDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.errors import DriverError
from edge_agent.core.reading import Fault, Reading
from edge_agent.drivers.can import CanDriver, CanError, open_socket
from firmware_bridges.j1939.bridge import SPEC

EEC1 = bytes.fromhex("207D87481400F087")


def raw(can_id: int, data: bytes) -> bytes:
    return struct.pack("=IB3x8s", can_id, len(data), data)


SPEED = raw(0x80000000 | 0x0CF00400, EEC1)


class Bus:
    """The other end of what the driver opens; `away` is why it cannot be opened."""

    def __init__(self) -> None:
        self.away: CanError | None = None
        self.opened = 0
        self.end: socket.socket | None = None

    def open(self, interface: str) -> socket.socket:
        if self.away is not None:
            raise self.away
        assert interface == "can0"
        if self.end is not None:
            self.end.close()
        self.opened += 1
        ours, self.end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return ours

    def send(self, frame: bytes) -> None:
        assert self.end is not None
        self.end.send(frame)

    def unplug(self) -> None:
        assert self.end is not None
        self.end.close()


@pytest.fixture
def bus():
    made = Bus()
    yield made
    if made.end is not None:
        made.end.close()


@pytest.fixture
def driver(device_of, bus):
    bridge = SPEC.make("engine", {"every_s": 0.0, "open": ""})
    settings = CanDevice(name="engine", interface="can0", language="j1939")
    return CanDriver(settings, device_of(bridge, "engine"), backoff=Backoff(base_s=0.01, cap_s=0.02), opened=bus.open)


def values(got) -> list[object]:
    return [item.value for item in got if isinstance(item, Reading)]


async def test_frames_of_the_bus_become_readings(driver, bus, running, got):
    running(driver)
    await until(lambda: bus.end)
    bus.send(SPEED)
    await until(lambda: 649.0 in values(got))
    (counts,) = driver.devices()
    assert counts.readings == 3
    assert counts.health.ready


async def test_frames_with_11_bits_and_remote_frames_are_none_of_ours(driver, bus, running, got):
    running(driver)
    await until(lambda: bus.end)
    bus.send(raw(0x123, EEC1))
    bus.send(raw(0xC0000000 | 0x0CF00400, b""))
    bus.send(SPEED)
    await until(lambda: len(values(got)) == 3)


async def test_a_full_bus_leaves_time_for_others(driver, bus, running, got):
    running(driver)
    await until(lambda: bus.end)
    for _ in range(200):
        bus.send(SPEED)
    turns = 0
    while len(values(got)) < 600:
        await asyncio.sleep(0)
        turns += 1
        assert turns < 10_000
    assert turns >= 3


async def test_an_interface_that_is_not_there_is_a_state_and_is_found_when_it_comes(driver, bus, running, got):
    bus.away = CanError("missing", "CAN interface can0 is not there", "Plug the adapter in")
    running(driver)
    await until(lambda: not driver.devices()[0].health.ready and got)
    assert driver.devices()[0].health.fix == "Plug the adapter in"
    assert [item.code for item in got if isinstance(item, Fault)] == ["missing"]
    bus.away = None
    await until(lambda: driver.devices()[0].health.ready)
    bus.send(SPEED)
    await until(lambda: values(got))


async def test_an_adapter_that_is_unplugged_is_opened_again(driver, bus, running, got):
    running(driver)
    await until(lambda: bus.end)
    bus.unplug()
    await until(lambda: bus.opened == 2)
    bus.send(SPEED)
    await until(lambda: values(got))


async def test_a_controller_that_left_the_bus_is_not_ready_until_it_is_back(driver, bus, running):
    running(driver)
    await until(lambda: driver.devices()[0].health.ready)
    bus.send(raw(0x20000040, bytes(8)))
    await until(lambda: not driver.devices()[0].health.ready)
    assert "too many errors" in driver.devices()[0].health.sentence
    bus.send(raw(0x20000100, bytes(8)))
    await until(lambda: driver.devices()[0].health.ready)


async def test_a_remedy_may_open_it_anew_and_not_reset_it(driver, bus, running):
    with pytest.raises(DriverError):
        driver.reopen()
    running(driver)
    await until(lambda: bus.opened == 1)
    driver.reopen()
    await until(lambda: bus.opened == 2)
    with pytest.raises(DriverError):
        await driver.reset()


def test_what_is_missing_is_said_with_what_to_do(tmp_path):
    with pytest.raises(CanError) as missing:
        open_socket("can0", tmp_path)
    assert missing.value.code == "missing"
    assert missing.value.fix == "Plug the adapter in; no CAN interface is known"
    folder = tmp_path / "can1"
    folder.mkdir()
    (folder / "type").write_text("280\n")
    (folder / "flags").write_text("0x80\n")
    with pytest.raises(CanError) as missing:
        open_socket("can0", tmp_path)
    assert missing.value.fix == "Plug the adapter in; known are can1"
    with pytest.raises(CanError) as down:
        open_socket("can1", tmp_path)
    assert down.value.code == "down"
    assert down.value.fix == "sudo ip link set can1 up type can bitrate 250000"


def test_a_kernel_without_can_says_so(tmp_path):
    folder = tmp_path / "can7"
    folder.mkdir()
    (folder / "flags").write_text("0x81\n")
    with pytest.raises(CanError) as error:
        open_socket("can7", tmp_path)
    # on a kernel that has CAN there is no such interface
    assert error.value.code in {"kernel", "failed"}
