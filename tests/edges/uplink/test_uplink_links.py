"""Several brokers, reason codes that are acted on, a network that comes back, and a black hole."""

import asyncio
import os
import socket
import struct
import threading
import time

import pytest
from conftest import free_port
from helpers_uplink import Peer, event, running, scripted, until
from hypothesis import given
from hypothesis import strategies as st
from test_uplink_drain import Bench

from edge_agent.uplink import reasons
from edge_agent.uplink.dial import Dialer
from edge_agent.uplink.mqtt import MqttUplink
from edge_agent.uplink.network import came, watch_network
from simulators.network import Cable

# Brokers in order.


async def test_the_next_broker_is_taken_at_once_when_the_first_cannot_be_reached(broker):
    agent = Peer(free_port(), fallback=(("127.0.0.1", free_port()), ("127.0.0.1", broker.port)))
    began = time.monotonic()
    async with running(agent.uplink.run()):
        await agent.up()
        assert time.monotonic() - began < 1.0
        assert agent.uplink.counts["connection_refused"] == 2


async def test_the_first_broker_is_first_again_when_a_connection_has_ended(new_broker):
    first, second = new_broker(), new_broker()
    first.kill()
    agent = Peer(first.port, fallback=(("127.0.0.1", second.port),))
    async with running(agent.uplink.run()):
        await agent.up()
        first.start()
        second.kill()
        await until(lambda: len(agent.links) == 2)
        assert agent.uplink._settings.port == first.port


async def test_a_broker_that_says_it_has_moved_or_shuts_down_is_left_at_once(broker):
    async def kicks(reader, writer):
        await reader.read(1000)
        writer.write(bytes.fromhex("20030000 00"))  # CONNACK, yes
        await asyncio.sleep(0.05)
        writer.write(bytes.fromhex("e0029d00"))  # DISCONNECT, 0x9D server moved

    async with scripted(kicks) as port:
        agent = Peer(port, fallback=(("127.0.0.1", broker.port),))
        began = time.monotonic()
        async with running(agent.uplink.run()):
            await until(lambda: len(agent.links) == 2)
            assert time.monotonic() - began < 0.8
            assert agent.uplink.counts["moved"] == 1


@pytest.mark.parametrize(
    ("code", "least_s"),
    [(0x86, 60.0), (0x87, 60.0), (0x88, 5.0), (0x8A, 300.0), (0x8E, 30.0), (0x96, 10.0), (0x97, 60.0)],
)
def test_a_reason_code_that_asks_for_time_gets_it_unless_somebody_calls_for_help(code, least_s):
    urgent = False
    uplink = MqttUplink(Peer(1).uplink._settings, on_message=print, urgent=lambda: urgent)
    error = reasons.of_code(code, "name")
    assert all(uplink._delay_s([error]) >= least_s for _ in range(20))
    urgent = True
    assert all(uplink._delay_s([error]) <= 10.0 for _ in range(20))


def test_where_nobody_hears_us_it_is_tried_again_within_seconds_however_long_it_lasts():
    uplink = Peer(1).uplink
    errors = [
        reasons.of_socket(error, "host", 1)
        for error in (ConnectionRefusedError(), TimeoutError(), OSError(101, "x"), socket.gaierror())
    ]
    assert all(uplink._delay_s([error]) <= 1.5 for error in errors for _ in range(200))
    assert uplink._backoff.attempts == 0
    # a broker that hangs up is another matter, also as one of several
    delays = [uplink._delay_s([errors[0], reasons.no_answer()]) for _ in range(30)]
    assert max(delays) > 30.0


async def test_a_connect_that_nobody_answered_for_long_was_pause_enough():
    async def mute(reader, _writer):
        await reader.read()

    async with scripted(mute) as port:
        agent = Peer(port, connect_timeout_s=2.0)
        async with running(agent.uplink.run()):
            await until(lambda: agent.uplink.counts["no_word"])
            began = time.monotonic()
            await until(lambda: agent.uplink.counts["no_word"] == 2)
            assert time.monotonic() - began < 2.5
    uplink = Peer(1).uplink
    uplink._backoff.attempts = 1
    assert all(uplink._delay_s([reasons.no_answer()], waited_s=2.0 ** (n + 1)) <= 0.0 for n in range(9))
    # what a broker asks for is asked from its answer on
    assert uplink._delay_s([reasons.of_code(0x88, "busy")], waited_s=100.0) >= 5.0


# The network comes back.


async def test_a_backlog_moves_within_two_seconds_of_the_return_of_a_link_after_a_long_outage(broker):
    bench = Bench()
    async with Cable(broker.port) as cable:
        agent = Peer(cable.port, on_up=bench.drain.up, on_down=bench.drain.down)
        async with running(agent.uplink.run(), bench.drain.run()):
            await agent.up()
            await cable.cut()
            await until(lambda: agent.downs)
            agent.uplink._backoff.attempts = 20  # as after hours
            await bench.put(*(event() for _ in range(100)))
            await asyncio.sleep(3.0)
            await cable.mend()
            began = time.monotonic()
            await until(lambda: bench.delivered)
            assert time.monotonic() - began < 2.0


async def test_a_connect_that_hangs_is_answered_soon_after_the_other_side_listens_again():
    """A listener whose backlog is full drops SYNs, as a dead network does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fill = [socket.socket() for _ in range(4)]
        for one in fill:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        await asyncio.sleep(0.05)
        got: list[float] = []
        thread = threading.Thread(
            target=lambda: (Dialer().dial("127.0.0.1", port, 9.0).close(), got.append(time.monotonic()))
        )
        thread.start()
        await asyncio.sleep(3.5)  # the kernel's own next try would be at 7 s
        assert not got
        began = time.monotonic()
        server.listen(50)
        for one in fill:
            one.close()
        accepted = []
        server.settimeout(0.1)
        while not got and time.monotonic() < began + 3.0:
            try:
                accepted.append(server.accept()[0])
            except TimeoutError:
                await asyncio.sleep(0)
        thread.join()
        for one in accepted:
            one.close()
    assert got[0] - began < 1.8


def test_dialling_nobody_fails_at_once_and_silence_in_time():
    with pytest.raises(ConnectionRefusedError):
        Dialer().dial("127.0.0.1", free_port(), 5.0)
    with pytest.raises(socket.gaierror):
        Dialer().dial("no-such-host.invalid", 1, 5.0)
    began = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011 - timed out, or unreachable where there is no route at all
        Dialer().dial("192.0.2.1", 1, 0.3)  # TEST-NET-1 (RFC 5737)
    assert time.monotonic() - began < 1.0


def test_a_name_that_was_found_once_is_known_when_no_name_server_answers(monkeypatch):
    dialer = Dialer()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        dialer.dial("localhost", port, 2.0).close()

        def none(*_args, **_more):
            raise socket.gaierror(socket.EAI_AGAIN, "no name server")

        monkeypatch.setattr(socket, "getaddrinfo", none)
        dialer.dial("localhost", port, 2.0).close()
        with pytest.raises(socket.gaierror):
            dialer.dial("another", port, 2.0)


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_what_comes_is_news_and_what_goes_is_not():
    up = struct.pack("=BxHiII", 0, 1, 2, 0x1 | 1 << 16, 0)
    down = struct.pack("=BxHiII", 0, 1, 2, 0x1, 0)
    assert came(_message(24, b"route" * 4))
    assert came(_message(20, b"address"))
    assert came(_message(16, up))
    assert not came(_message(16, down))
    assert not came(_message(17, up) + _message(25, b"x" * 9))
    assert came(_message(17, b"xyz") + b"\0" + _message(24, b""))


@given(st.binary(max_size=300))
def test_any_bytes_of_netlink_are_read_without_error(data):
    came(data)


async def test_an_address_that_comes_is_told():
    if os.geteuid() != 0:
        pytest.skip("only root may add an address")
    told = []
    async with running(watch_network(lambda: told.append(1))):
        await asyncio.sleep(0.05)
        add = await asyncio.create_subprocess_exec("ip", "addr", "add", "127.99.0.1/32", "dev", "lo")
        if await add.wait() != 0:
            pytest.skip("this container may not change addresses")
        try:
            await until(lambda: told, 2.0)
        finally:
            await (await asyncio.create_subprocess_exec("ip", "addr", "del", "127.99.0.1/32", "dev", "lo")).wait()


async def test_a_link_that_comes_forgets_the_backoff():
    agent = Peer(free_port())
    agent.uplink._backoff.attempts = 9
    agent.uplink.wake(0.01)
    assert agent.uplink._backoff.attempts == 0


# A silent black hole.


async def test_a_silent_black_hole_is_noticed_within_the_keepalive_and_loses_nothing(broker):
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    bench = Bench()
    events = [event(payload=b"x" * 200) for _ in range(400)]
    async with Cable(broker.port, delay_s=0.01) as cable:
        agent = Peer(cable.port, keepalive_s=5, connect_timeout_s=1.0, on_up=bench.drain.up, on_down=bench.drain.down)
        async with running(desk.uplink.run(), agent.uplink.run(), bench.drain.run()):
            await desk.up()
            await agent.up()
            await bench.put(*events[:200])
            await until(lambda: len(bench.delivered) > 20)
            await cable.black_hole()
            began = time.monotonic()
            await bench.put(*events[200:])
            await until(lambda: agent.downs, 9.0)
            assert time.monotonic() - began < 5 * 1.5 + 0.5
            await asyncio.sleep(0.5)
            await cable.mend()
            began = time.monotonic()
            await until(lambda: bench.left == 0, 10.0)
            await until(lambda: {a.attributes["id"] for a in desk.arrivals} == {e.id_text for e in events})
            assert time.monotonic() - began < 6.0
