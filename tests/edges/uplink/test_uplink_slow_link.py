"""Over a slow link with a modem's queue, against a real mosquitto: help overtakes a backlog, and nothing is lost."""

import asyncio
import os
import time

from helpers_uplink import Peer, event, running, until
from test_uplink_drain import Bench
from test_uplink_parts import joined

from edge_agent.core.event import EventKind
from simulators.network import Cable
from tests.namespaces import FAR, PORT, SIDE

# A help request as it stands on the wire takes 500 to 900 bytes besides its attributes.
HELP_BYTES = 900


async def test_a_press_reaches_the_desk_within_three_seconds_over_20_kbit_s_while_a_backlog_drains(broker):
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    bench = Bench()
    await bench.put(*(event(payload=os.urandom(1405)) for _ in range(300)), event(payload=os.urandom(40_000)))
    took = []
    async with Cable(broker.port, delay_s=0.3, bits_per_s=20_000) as cable:
        agent = Peer(cable.port, on_up=bench.drain.up, on_down=bench.drain.down)
        async with running(desk.uplink.run(), agent.uplink.run(), bench.drain.run()):
            await desk.up()
            await until(lambda: desk.arrivals, 10.0)
            for n in range(3):
                await asyncio.sleep(0.7 + 0.3 * n)
                help_ = b"help" + bytes([n]) * HELP_BYTES
                began = time.monotonic()
                await bench.put(event(EventKind.HELP, help_))
                await until(lambda h=help_: desk.arrivals[-1].payload == h, 5.0)
                took.append(time.monotonic() - began)
            drained = sum(len(a.payload) for a in desk.arrivals)
            assert drained > 8_000  # the backlog goes on meanwhile
            assert agent.downs == []
    assert max(took) < 3.0


async def test_a_press_overtakes_a_backlog_in_a_modems_queue_of_the_kernel(network):
    network.slow(20_000)
    desk = Peer(PORT, "desk", host=SIDE, subscribe=("edge/v1/+/up/#",))
    bench = Bench()
    await bench.put(*(event(payload=os.urandom(1405)) for _ in range(100)))
    agent = Peer(PORT, host=FAR, on_up=bench.drain.up, on_down=bench.drain.down)
    async with running(desk.uplink.run(), agent.uplink.run(), bench.drain.run()):
        await desk.up()
        await until(lambda: len(desk.arrivals) >= 4, 20.0)
        began = time.monotonic()
        await bench.put(event(EventKind.HELP, b"help" + bytes(HELP_BYTES)))
        await until(lambda: desk.arrivals[-1].payload.startswith(b"help"), 5.0)
        assert time.monotonic() - began < 3.0
        assert bench.left > 80  # 64 KiB of it would fit into the queue, which are 26 s


async def test_large_blocks_come_whole_over_a_slow_link_that_is_cut_in_between(broker):
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    bench = Bench()
    payloads = [os.urandom(9000) for _ in range(2)]
    await bench.put(*(event(payload=payload) for payload in payloads))
    async with Cable(broker.port, delay_s=0.05, bits_per_s=100_000) as cable:
        agent = Peer(cable.port, on_up=bench.drain.up, on_down=bench.drain.down)
        async with running(desk.uplink.run(), agent.uplink.run(), bench.drain.run()):
            await desk.up()
            await until(lambda: len(desk.arrivals) >= 3)
            await cable.cut()
            await until(lambda: agent.downs)
            await cable.mend()
            agent.uplink.wake()
            await until(lambda: bench.left == 0, 10.0)
            await until(lambda: len(joined((a.topic, a.payload, a.attributes, 0) for a in desk.arrivals)) == 2)
    found = joined((a.topic, a.payload, a.attributes, 0) for a in desk.arrivals)
    assert sorted(found.values()) == sorted(payloads)
