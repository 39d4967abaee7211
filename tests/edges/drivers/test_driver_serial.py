import asyncio
import os
import random
import termios
from pathlib import Path

import pytest
import serial
from driver_helpers import LineBridge, Plug, until

from edge_agent.config.model import SerialDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Fault, Reading, Send
from edge_agent.drivers.port import PortError, PortFinder, open_port
from edge_agent.drivers.serial import OUT_BYTES, SerialDriver


@pytest.fixture
def by_id(tmp_path):
    folder = tmp_path / "by-id"
    folder.mkdir()
    return folder


@pytest.fixture
def plug(by_id):
    plug = Plug(by_id / "usb-Maker_Meter_0001-if00-port0").plug()
    yield plug
    plug.unplug()


@pytest.fixture
def driver_of(device_of, by_id):
    def make(port, bridge=None):
        settings = SerialDevice(name="probe", port=str(port), language="textline")
        backoff = Backoff(base_s=0.01, cap_s=0.02)
        return SerialDriver(
            settings, device_of(bridge or LineBridge()), 9600, backoff=backoff, finder=PortFinder(str(port), by_id)
        )

    return make


def values(got):
    return [item.value for item in got if isinstance(item, Reading)]


def open_files():
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def ready(driver):
    return driver.devices()[0].health.ready


async def test_bytes_in_any_pieces_become_readings(driver_of, plug, got, running):
    driver = driver_of(plug.link)
    running(driver)
    await until(lambda: ready(driver))
    for piece in (b"1.5\n2", b".5", b"\n", b"3\n4\n"):
        plug.write(piece)
        await asyncio.sleep(0.01)
    await until(lambda: values(got) == [1.5, 2.5, 3.0, 4.0])
    assert driver.devices()[0].last_at <= asyncio.get_running_loop().time()


async def test_a_long_burst_arrives_whole_and_in_order(driver_of, plug, got, running):
    driver = driver_of(plug.link)
    running(driver)
    await until(lambda: ready(driver))
    wanted = list(range(5000))
    data = "".join(f"{n}\n" for n in wanted).encode()
    while data:
        try:
            data = data[os.write(plug.master, data[:1000]) :]
        except BlockingIOError:
            await asyncio.sleep(0.001)
    await until(lambda: len(values(got)) == len(wanted))
    assert values(got) == wanted


async def test_garbage_is_counted_and_what_follows_is_read(driver_of, plug, got, running):
    driver = driver_of(plug.link)
    running(driver)
    await until(lambda: ready(driver))
    noise = random.Random(1).randbytes(3000)
    plug.write(noise + b"\n7\n")
    await until(lambda: values(got)[-1:] == [7.0])
    assert driver.devices()[0].faults >= 1


async def test_an_unplugged_device_is_lost_once_and_back_once_under_the_same_link(driver_of, plug, got, running, said):
    driver = driver_of(plug.link)
    running(driver)
    await until(lambda: ready(driver))
    plug.unplug()
    await until(lambda: not ready(driver))
    await asyncio.sleep(0.15)
    assert driver.health.ready
    assert "Plug it in" in driver.devices()[0].health.fix
    plug.plug()
    await until(lambda: ready(driver))
    plug.write(b"8\n")
    await until(lambda: values(got) == [8.0])
    assert [line["event"] for line in said] == ["ready", "lost", "back"]
    assert [item.code for item in got if isinstance(item, Fault)] == ["missing"]


async def test_a_device_configured_by_its_number_is_found_under_another_number(driver_of, plug, got, running, by_id):
    driver = driver_of(plug.port)
    running(driver)
    await until(lambda: ready(driver))
    old = plug.port
    stranger = Plug(by_id / "usb-Other_Thing_0002-if00-port0")
    plug.unplug()
    await until(lambda: not ready(driver))
    stranger.plug()  # the kernel gives the freed number to the next comer
    assert stranger.port == old
    try:
        await asyncio.sleep(0.1)
        assert not ready(driver)  # it must not read a stranger that took the number
        assert stranger.link.name in driver.devices()[0].health.fix
        plug.plug()
        assert plug.port != old
        await until(lambda: ready(driver))
        stranger.write(b"666\n")
        plug.write(b"9\n")
        await until(lambda: values(got) == [9.0])
    finally:
        stranger.unplug()


async def test_a_port_without_a_link_is_opened_again_by_its_name(driver_of, tmp_path, got, running):
    plug = Plug(tmp_path / "uart").plug()
    driver = driver_of(tmp_path / "uart")
    running(driver)
    await until(lambda: ready(driver))
    plug.unplug()
    await until(lambda: not ready(driver))
    plug.plug()
    await until(lambda: ready(driver))
    plug.write(b"3\n")
    await until(lambda: values(got) == [3.0])
    plug.unplug()


async def test_a_port_that_does_not_exist_is_one_message_with_the_ports_that_do(driver_of, plug, got, running, said):
    driver = driver_of(plug.link.with_name("usb-Nobody"))
    running(driver)
    await until(lambda: got)
    await asyncio.sleep(0.15)
    row = driver.devices()[0]
    assert (row.readings, row.faults, row.last_at) == (0, 1, None)
    assert not row.health.ready
    assert str(plug.link) in row.health.fix
    assert [line["event"] for line in said] == ["lost"]
    assert driver.health.ready


async def test_a_port_in_use_says_so(driver_of, plug, running):
    first, second = driver_of(plug.link), driver_of(plug.link)
    running(first)
    await until(lambda: ready(first))
    running(second)
    await until(lambda: second.devices()[0].faults)
    assert "other program" in second.devices()[0].health.fix


async def test_a_port_that_is_no_port_says_so(driver_of, tmp_path, running):
    (tmp_path / "file").write_text("x")
    driver = driver_of(tmp_path / "file")
    running(driver)
    await until(lambda: driver.devices()[0].faults)
    assert "not a serial port" in driver.devices()[0].health.sentence


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="needs to become somebody else")
def test_a_port_that_is_not_allowed_names_the_group(plug):
    Path(plug.port).chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(PortError) as caught:
            open_port(plug.port, SerialDevice(name="p", port=plug.port, language="l"), 9600)
    finally:
        os.seteuid(me)
    assert caught.value.code == "denied"
    assert "dialout" in PortFinder(plug.port, plug.link.parent).explain(caught.value)[1]


async def test_what_the_bridge_answers_is_written(driver_of, plug, running):
    driver = driver_of(plug.link)
    running(driver)
    await until(lambda: ready(driver))
    plug.write(b"?\n")
    await until(lambda: plug.read() == b"here\n")


async def test_a_bridge_is_asked_on_its_beat(driver_of, plug, running):
    running(driver_of(plug.link, LineBridge(every_s=0.03)))
    heard = bytearray()
    start = asyncio.get_running_loop().time()
    await until(lambda: heard.extend(plug.read()) or heard.count(b"ask\n") >= 4)
    assert 0.1 < asyncio.get_running_loop().time() - start < 1.0


async def test_a_device_that_takes_nothing_costs_a_bounded_buffer_and_is_counted(driver_of, plug, got, running):
    driver = driver_of(plug.link)
    running(driver)
    await until(lambda: ready(driver))
    for _ in range(40):  # its answers are never read, so the pty fills (4 kB) and then the buffer
        try:
            plug.write(b"?\n" * 200)
        except BlockingIOError:
            break
        await asyncio.sleep(0.002)
    await until(lambda: any(isinstance(item, Fault) and item.code == "overflow" for item in got))
    assert len(driver._out) <= OUT_BYTES
    heard = bytearray()
    await until(lambda: heard.extend(plug.read()) or not driver._out)
    assert set(bytes(heard).split(b"\n")) <= {b"here", b""}


async def test_everything_is_closed_when_it_is_stopped(driver_of, plug, running):
    before = open_files()
    driver = driver_of(plug.link, LineBridge(every_s=0.01))
    task = running(driver)
    await until(lambda: ready(driver))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert open_files() == before
    assert not driver.health.ready


async def test_a_bridge_that_raises_stops_neither_the_driver_nor_the_loop(driver_of, plug, running):
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))
    driver = driver_of(plug.link)
    task = running(driver)
    await until(lambda: ready(driver))
    for _ in range(3):
        plug.write(b"break\n")
        await asyncio.sleep(0.01)
    await until(lambda: heard)
    assert len(heard) == 1
    assert not task.done()
    assert "decoder failed" in driver.devices()[0].health.sentence


class SpeedBridge(LineBridge):
    """Asks at 300 baud and listens at 9600, as an optical meter does; tells a gap after the last question."""

    def __init__(self):
        super().__init__()
        self.todo = [
            Send(b"?!\r\n", baud=300),
            Send(b"", baud=9600),
            Send(b"ok\n"),
            Reading(self.channel, None, 1.0, "no answer"),
        ]

    def next(self, now):
        item = self.todo.pop(0) if self.todo else None
        return (now if self.todo else None), item


def speed(descriptor):
    return termios.tcgetattr(descriptor)[5]


async def test_the_speed_changes_only_when_what_was_written_has_left(driver_of, plug, got, running, monkeypatch):
    waiting = 5  # a pty hands all over at once; a wire at 300 baud takes its time
    monkeypatch.setattr(serial.Serial, "out_waiting", property(lambda _port: waiting))
    running(driver_of(plug.link, SpeedBridge()))
    await until(lambda: plug.read() == b"")
    await asyncio.sleep(0.05)
    assert speed(plug.master) == termios.B9600
    waiting = 0
    heard = bytearray()
    await until(lambda: heard.extend(plug.read()) or heard == b"?!\r\nok\n")
    assert speed(plug.master) == termios.B9600


async def test_a_speed_is_set_before_the_bytes_that_want_it(driver_of, plug, running):
    bridge = SpeedBridge()
    bridge.todo = bridge.todo[:1]
    running(driver_of(plug.link, bridge))
    await until(lambda: plug.read() == b"?!\r\n")
    assert speed(plug.master) == termios.B300


async def test_what_follows_from_time_alone_is_told(driver_of, plug, got, running):
    running(driver_of(plug.link, SpeedBridge()))
    await until(lambda: got)
    assert [(item.value, item.reason) for item in got] == [(None, "no answer")]


async def test_a_speed_that_the_port_refuses_is_a_fault_and_no_end(driver_of, plug, got, running):
    bridge = SpeedBridge()
    bridge.todo = [Send(b"a\n", baud=-1)]
    driver = driver_of(plug.link, bridge)
    running(driver)
    await until(lambda: got)
    assert [item.code for item in got] == ["settings"]
    assert ready(driver)


async def test_a_port_of_a_language_with_breaks_marks_them_and_doubles_ff(device_of, plug, by_id, running):
    heard = bytearray()

    class Raw(LineBridge):
        def feed(self, chunk, _at):
            heard.extend(chunk)
            yield from ()

    settings = SerialDevice(name="probe", port=str(plug.link), language="ems")
    driver = SerialDriver(
        settings,
        device_of(Raw()),
        9600,
        backoff=Backoff(base_s=0.01, cap_s=0.02),
        finder=PortFinder(str(plug.link), by_id),
        marks_breaks=True,
    )
    running(driver)
    await until(lambda: ready(driver))
    flags = termios.tcgetattr(plug.master)[0]
    assert flags & termios.PARMRK
    assert not flags & (termios.IGNBRK | termios.BRKINT)
    plug.write(b"a\xffb")  # a pty has no breaks; that ff is doubled shows that marks are on
    await until(lambda: bytes(heard) == b"a\xff\xffb")


def test_a_link_of_ones_own_is_followed_as_it_stands(by_id, plug, tmp_path):
    own = tmp_path / "gps"
    own.symlink_to(plug.port)
    finder = PortFinder(str(own), by_id)
    finder.opened()
    assert finder.path() == str(own)


def test_a_name_is_followed_by_its_by_id_link_once_it_was_open(by_id, plug):
    finder = PortFinder(plug.port, by_id)
    assert finder.path() == plug.port
    finder.opened()
    assert finder.path() == str(plug.link)
