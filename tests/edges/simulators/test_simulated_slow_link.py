"""A slow cable: so many bits a second, a delay, and a modem's queue in which everybody waits."""

import asyncio
import time

import pytest

from simulators.network import Cable


@pytest.fixture
async def sink():
    """A server that notes when each byte came; gives its port and the list of (time, bytes so far)."""
    seen: list[tuple[float, int]] = []

    async def listen(reader, writer):
        total = 0
        while chunk := await reader.read(65536):
            total += len(chunk)
            seen.append((time.monotonic(), total))
            writer.write(b"." * len(chunk))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], seen


async def _got(seen, total, within_s=10.0):
    async with asyncio.timeout(within_s):
        while not seen or seen[-1][1] < total:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_bytes_come_at_the_pace_of_the_link_after_its_delay(sink):
    port, seen = sink
    async with Cable(port, delay_s=0.2, bits_per_s=400_000) as cable:
        _, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        began = time.monotonic()
        writer.write(b"x" * 50_000)
        await _got(seen, 50_000)
        writer.transport.abort()
    first, last = seen[0][0] - began, seen[-1][0] - began
    # one packet of 1,448 bytes takes 29 ms at 400 kbit/s, all of them 1.0 s
    assert 0.22 <= first < 0.4
    assert 1.15 <= last < 1.6


async def test_a_small_message_alone_takes_its_own_time_and_the_round_trip(sink):
    port, _ = sink
    async with Cable(port, delay_s=0.15, bits_per_s=20_000) as cable:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        began = time.monotonic()
        writer.write(b"x" * 100)
        await reader.readexactly(100)
        took = time.monotonic() - began
        writer.transport.abort()
    # 100 bytes at 20 kbit/s are 40 ms, there and back again
    assert 0.38 <= took < 0.6


async def test_who_fills_the_modems_queue_is_late_by_all_of_it_and_its_bound_holds(sink):
    port, seen = sink
    async with Cable(port, bits_per_s=400_000, queue_bytes=40_000) as cable:
        _, greedy = await asyncio.open_connection("127.0.0.1", cable.port)
        greedy.write(b"x" * 400_000)  # 8 s of the link
        await asyncio.sleep(0.3)
        _, other = await asyncio.open_connection("127.0.0.1", cable.port)
        before = len(seen)
        began = time.monotonic()
        other.write(b"!")
        async with asyncio.timeout(5.0):
            while not any(total == 1 for _, total in seen[before:]):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
        late = time.monotonic() - began
        greedy.transport.abort()
        other.transport.abort()
    # 40,000 bytes are 0.8 s; 6 s of what was written waits with its sender and not in the link
    assert 0.6 < late < 1.4


async def test_both_ways_have_a_modem_of_their_own(sink):
    port, _ = sink
    async with Cable(port, bits_per_s=200_000) as cable:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        began = time.monotonic()
        writer.write(b"x" * 20_000)
        await reader.readexactly(20_000)
        took = time.monotonic() - began
        writer.transport.abort()
    # 0.8 s there; the answers come back meanwhile
    assert 0.75 < took < 1.3


async def test_a_cut_empties_the_queue(sink):
    port, seen = sink
    async with Cable(port, bits_per_s=20_000) as cable:
        _, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        writer.write(b"x" * 50_000)  # 20 s
        await asyncio.sleep(0.2)
        await cable.cut()
        await cable.mend()
        began = time.monotonic()
        before = len(seen)
        _, again = await asyncio.open_connection("127.0.0.1", cable.port)
        again.write(b"y" * 100)
        async with asyncio.timeout(3.0):
            while not any(total == 100 for _, total in seen[before:]):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
        assert time.monotonic() - began < 0.5
        writer.transport.abort()
        again.transport.abort()
