import asyncio
import os
import time

import pytest
import serial

from simulators.ports import BACKLOG_BYTES, SerialTwin
from tests.edges.simulators.waiting import until


@pytest.fixture
async def twin(tmp_path):
    async with SerialTwin(tmp_path / "by-id" / "usb-Simulated_meter-if00") as twin:
        yield twin


@pytest.fixture
def opened(twin):
    with serial.Serial(str(twin.path), 9600, timeout=2) as port:
        yield port


async def test_what_is_emitted_while_nobody_listens_is_unheard_and_never_comes(twin):
    assert not twin.emit(b"early\n")
    with serial.Serial(str(twin.path), 9600, timeout=0.05) as port:
        assert not twin.emit(b"while it sets up\n")
        await until(lambda: twin.listening)
        assert port.read(100) == b""
        assert twin.emit(b"heard\n")
        assert await asyncio.to_thread(port.readline) == b"heard\n"
    await until(lambda: not twin.listening)
    assert not twin.emit(b"late\n")
    with serial.Serial(str(twin.path), 9600, timeout=0.05) as port:
        await until(lambda: twin.listening)
        assert port.read(100) == b""


async def test_bytes_go_through_unchanged_in_both_directions(twin, opened):
    got = bytearray()
    twin.on_bytes = got.extend
    await until(lambda: twin.listening)
    everything = bytes(range(256))
    assert twin.emit(everything)
    assert await asyncio.to_thread(opened.read, 256) == everything
    opened.write(everything)
    await until(lambda: bytes(got) == everything)


async def test_more_than_the_line_holds_arrives_whole_and_in_order(twin, opened):
    await until(lambda: twin.listening)
    data = os.urandom(BACKLOG_BYTES)
    assert twin.emit(data)
    assert await asyncio.to_thread(opened.read, len(data)) == data


async def test_a_listener_that_does_not_read_makes_the_device_drop_whole_emissions(twin, opened):
    await until(lambda: twin.listening)
    heard = [twin.emit(b"%04d" % number + b"x" * 1020) for number in range(64)]
    assert heard[0]
    assert not heard[-1]
    wanted = b"".join(b"%04d" % n + b"x" * 1020 for n, ok in enumerate(heard) if ok)
    assert await asyncio.to_thread(opened.read, len(wanted)) == wanted
    await until(lambda: twin.emit(b"again"))
    assert await asyncio.to_thread(opened.read, 5) == b"again"


async def test_pulling_it_out_hangs_up_and_it_comes_back_under_the_same_path(twin):
    port = serial.Serial(str(twin.path), 9600, timeout=1)
    await until(lambda: twin.listening)
    twin.unplug()
    assert not twin.path.exists()
    assert not twin.emit(b"x")
    with pytest.raises((serial.SerialException, OSError)):
        await asyncio.to_thread(port.read, 1)
    port.close()
    twin.plug()
    with serial.Serial(str(twin.path), 9600, timeout=2) as again:
        await until(lambda: twin.emit(b"back\n"))
        assert await asyncio.to_thread(again.readline) == b"back\n"


async def test_a_capture_is_replayed_at_its_own_pace(twin, opened, tmp_path):
    capture = tmp_path / "capture.log"
    capture.write_bytes(os.urandom(960))
    await until(lambda: twin.listening)
    reading = asyncio.create_task(asyncio.to_thread(opened.read, 960))
    started = time.monotonic()
    assert await twin.replay(capture, 9600, speed=4) == 960
    taken_s = time.monotonic() - started
    assert await reading == capture.read_bytes()
    assert 0.2 <= taken_s <= 0.6


async def test_a_replay_ends_when_the_device_is_pulled_out(twin, tmp_path):
    capture = tmp_path / "capture.log"
    capture.write_bytes(b"x" * 100)
    replay = asyncio.create_task(twin.replay(capture, 9600))
    await asyncio.sleep(0.03)
    twin.unplug()
    assert await asyncio.wait_for(replay, 1) == 0
