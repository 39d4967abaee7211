"""The cable between agent and broker, cut, blackened and mended."""

import asyncio
import socket
import time
from contextlib import suppress

import pytest
from desk_gateway import until

from simulators.network import Cable


@pytest.fixture
async def echo():
    """A server that sends back what it gets; gives its port."""

    async def answer(reader, writer):
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def cable(echo):
    async with Cable(echo) as cable:
        yield cable


async def said(cable, text=b"hello", timeout_s=0.3):
    """What comes back of a text through a new connection; None when nothing does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
    try:
        writer.write(text)
        async with asyncio.timeout(timeout_s):
            return await reader.readexactly(len(text))
    except (TimeoutError, asyncio.IncompleteReadError, OSError):
        return None
    finally:
        writer.transport.abort()


async def test_a_whole_cable_carries(cable):
    assert await said(cable) == b"hello"
    assert await said(cable, b"x" * 1_000_000, 5) == b"x" * 1_000_000
    await until(lambda: cable.connections == 0)
    assert cable.outages == []


async def test_a_cut_ends_connections_and_refuses_new_ones_until_it_is_mended(cable):
    reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
    await until(lambda: cable.connections)
    port = cable.port
    await cable.cut()
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(OSError, match="Address already in use"), socket.socket() as other:
        other.bind(("127.0.0.1", port))
    await cable.mend()
    assert (await said(cable), cable.port) == (b"hello", port)
    (outage,) = cable.outages
    assert outage.kind == "cut"
    assert outage.began_at < outage.ended_at <= time.monotonic()
    writer.close()


async def test_in_a_black_hole_connections_stay_and_bytes_vanish(cable):
    reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
    await until(lambda: cable.connections)
    await cable.black_hole()
    writer.write(b"lost")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(1)
    assert await said(cable, timeout_s=0.1) is None
    await cable.mend()
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert await said(cable) == b"hello"
    assert [outage.kind for outage in cable.outages] == ["black hole"]
    writer.close()


async def test_a_connection_that_lost_nothing_in_a_black_hole_goes_on(cable):
    reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
    await until(lambda: cable.connections)
    await cable.black_hole()
    await cable.mend()
    writer.write(b"hello")
    async with asyncio.timeout(1):
        assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_a_long_cable_is_late_by_its_delay_both_ways(cable):
    cable.delay_s = 0.1
    began = time.monotonic()
    assert await said(cable, timeout_s=2) == b"hello"
    assert 0.2 <= time.monotonic() - began < 1.0


async def test_a_receiver_that_does_not_read_stops_its_sender():
    held = asyncio.Event()

    async def never_reads(_reader, writer):
        await held.wait()
        writer.close()

    server = await asyncio.start_server(never_reads, "127.0.0.1", 0)
    async with server, Cable(server.sockets[0].getsockname()[1]) as cable:
        _, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        sent = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while sent < 100_000_000:
                    writer.write(b"x" * 65536)
                    await writer.drain()
                    sent += 65536
        # sockets of the kernel (up to some MB each), and 1 MiB of ours
        assert sent < 40_000_000
        held.set()
        writer.transport.abort()


async def test_a_cable_to_a_dead_broker_hangs_up():
    async with Cable(1) as cable:
        assert await said(cable) is None
