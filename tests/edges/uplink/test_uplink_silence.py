"""A network that swallows packets in the kernel, behind established connections, and comes back."""

import asyncio
import socket
import threading
import time

import pytest
from helpers_uplink import Peer, event, running, until
from test_uplink_drain import Bench

from edge_agent.uplink.dial import Dialer
from edge_agent.uplink.silence import Heard, Silence, heard
from tests.namespaces import FAR, PORT, SIDE


async def test_a_session_that_went_silent_carries_a_backlog_within_two_seconds_of_the_return(network):
    desk = Peer(PORT, "desk", host=SIDE, subscribe=("edge/v1/+/up/#",))
    bench = Bench()
    agent = Peer(PORT, host=FAR, on_up=bench.drain.up, on_down=bench.drain.down)
    async with running(desk.uplink.run(), agent.uplink.run(), bench.drain.run()):
        await desk.up()
        await agent.up()
        await bench.put(*(event() for _ in range(20)))
        await until(lambda: len(desk.arrivals) == 20)
        network.hole()
        # the kernel repeats after 0.2, 0.6, 1.4, 3.0 and then 6.2 s: by itself it would be 2.7 s late
        for _ in range(7):
            await bench.put(*(event() for _ in range(20)))
            await asyncio.sleep(0.5)
        assert agent.downs == []
        assert len(desk.arrivals) == 20
        mended_at = network.mend()
        await until(lambda: len(desk.arrivals) > 20)
        assert time.monotonic() - mended_at < 2.0
        await until(lambda: bench.left == 0)
        await until(lambda: len({arrival.attributes["id"] for arrival in desk.arrivals}) == 160)
        assert agent.uplink.counts["hole"] == 1
        assert agent.uplink._backoff.attempts == 0  # nobody heard us: nothing to forgive


async def test_where_the_silence_outlasts_the_keepalive_the_way_back_is_as_short(network):
    agent = Peer(PORT, host=FAR, keepalive_s=2)
    async with running(agent.uplink.run()):
        await agent.up()
        agent.uplink._backoff.attempts = 20  # as after a day of bad luck
        network.hole()
        await until(lambda: agent.downs, 6.0)
        await asyncio.sleep(0.5)
        assert not agent.connected
        mended_at = network.mend()
        await agent.up()
        assert time.monotonic() - mended_at < 2.0


async def test_a_broker_that_is_only_slow_is_not_taken_for_a_dead_network():
    """It does not read, but its kernel acknowledges until its buffer is full and then says so."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        there, _ = server.accept()
        sock.setblocking(False)
        with there:
            for _ in range(1000):
                try:
                    sock.send(bytes(65536))
                except BlockingIOError:
                    break
            else:
                pytest.fail("no buffer is that large")
            returned = []
            silence = Silence(sock, lambda: returned.append(1))
            for _ in range(25):
                silence.look()
                assert not silence.now
                await asyncio.sleep(0.1)
            assert not returned


def test_of_a_socket_that_is_closed_or_no_tcp_nothing_bad_is_said():
    here, there = socket.socketpair()
    assert heard(here) == Heard()
    here.close()
    there.close()
    assert heard(here) == Heard()


def test_name_servers_as_silent_as_the_network_hold_nobody_up_who_knows_where_it_was(monkeypatch):
    dialer, released = Dialer(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        dialer.dial("localhost", port, 2.0).close()
        answers = socket.getaddrinfo

        def waits(*args, **more):
            released.wait(10.0)
            return answers(*args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", waits)
        began = time.monotonic()
        for _ in range(3):
            dialer.dial("localhost", port, 2.0).close()
        assert time.monotonic() - began < 2.0
        assert sum(thread.name == "lookup" for thread in threading.enumerate()) == 1
        released.set()


def test_a_name_that_moved_is_found_in_its_new_place_though_the_answer_comes_late(monkeypatch):
    dialer = Dialer()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        there = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
        dialer._known["broker.example", port] = [(*there[0][:4], nobody.getsockname())]

        def late(*_args, **_more):
            time.sleep(0.6)
            return there

        monkeypatch.setattr(socket, "getaddrinfo", late)
        with pytest.raises(ConnectionRefusedError):
            dialer.dial("broker.example", port, 5.0)
        time.sleep(0.5)
        dialer.dial("broker.example", port, 5.0).close()
