"""The connection against a real mosquitto: what comes through, what goes wrong, and how it comes back."""

import asyncio
import gc
import subprocess
import time
from contextlib import suppress

import pytest
from helpers_uplink import Peer, running, scripted, until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from structlog.testing import capture_logs

from edge_agent.core.errors import LinkError, LinkRefusedError
from edge_agent.uplink import inbox
from edge_agent.uplink.mqtt import TlsFiles, Will
from edge_agent.uplink.packets import PublishProperties

TOPIC = "edge/v1/gw1/up/telemetry"


async def test_a_published_message_arrives_with_its_attributes_as_user_properties(broker):
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    agent = Peer(broker.port)
    async with running(desk.uplink.run(), agent.uplink.run()):
        await desk.up()
        link = await agent.up()
        await link.publish(TOPIC, b"\x00payload", {"id": "1", "source": "edge:gw1"})
        await until(lambda: desk.arrivals)
    arrival = desk.arrivals[0]
    assert arrival.topic == TOPIC
    assert arrival.payload == b"\x00payload"
    assert arrival.attributes == {"id": "1", "source": "edge:gw1"}
    assert link.window == 20  # stock mosquitto's Receive Maximum


async def test_many_publishes_may_be_in_flight_and_none_blocks_another(broker):
    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    agent = Peer(broker.port)
    async with running(desk.uplink.run(), agent.uplink.run()):
        await desk.up()
        link = await agent.up()
        await asyncio.gather(*(link.publish(TOPIC, b"%d" % n, {}) for n in range(300)))
        await until(lambda: len(desk.arrivals) == 300)
    assert [a.payload for a in desk.arrivals] == [b"%d" % n for n in range(300)]


async def test_receive_maximum_bounds_what_is_in_flight(new_broker):
    small = new_broker("allow_anonymous true\nmax_inflight_messages 2")
    agent = Peer(small.port)
    async with running(agent.uplink.run()):
        link = await agent.up()
        assert link.window == 2
        most = 0
        tasks = [asyncio.create_task(link.publish(TOPIC, b"x", {})) for _ in range(50)]
        while not all(task.done() for task in tasks):
            most = max(most, len(link._client.acks))
            await asyncio.sleep(0)
        assert most == 2
        assert agent.downs == []


async def test_what_comes_down_reaches_the_handler(broker):
    agent = Peer(broker.port, subscribe=("edge/v1/gw1/down/#",))
    desk = Peer(broker.port, "desk")
    async with running(desk.uplink.run(), agent.uplink.run()):
        await agent.up()
        link = await desk.up()
        await link.publish("edge/v1/gw1/down/command", b"do", {})
        await link.publish("edge/v1/gw2/down/command", b"not for us", {})
        await link.publish("edge/v1/gw1/down/help", b"heard", {})
        await until(lambda: len(agent.arrivals) == 2)
    assert [a.payload for a in agent.arrivals] == [b"do", b"heard"]


async def test_the_broker_keeps_what_comes_while_the_gateway_is_away(broker):
    agent = Peer(broker.port, subscribe=("edge/v1/gw1/down/#",))
    desk = Peer(broker.port, "desk")
    async with running(desk.uplink.run()):
        link = await desk.up()
        async with running(agent.uplink.run()):
            await agent.up()
        await link.publish("edge/v1/gw1/down/help", b"meanwhile", {})
        async with running(agent.uplink.run()):
            await until(lambda: agent.arrivals)


async def test_the_broker_dies_and_comes_back_and_so_does_the_link(broker):
    agent = Peer(broker.port)
    with capture_logs() as lines:
        async with running(agent.uplink.run()):
            link = await agent.up()
            broker.kill()
            await until(lambda: agent.downs)
            with pytest.raises(LinkError):
                await link.publish(TOPIC, b"x", {})
            await until(lambda: agent.uplink.health.fix)
            broker.start()
            agent.uplink.wake()
            await until(lambda: agent.connected)
            await agent.link.publish(TOPIC, b"x", {})
    assert agent.uplink.counts["connected"] == 2
    assert [line["state"] for line in lines].count("lost") == 1


async def test_messages_in_flight_fail_when_the_broker_dies(broker):
    agent = Peer(broker.port)
    async with running(agent.uplink.run()):
        link = await agent.up()
        tasks = [asyncio.create_task(link.publish(TOPIC, b"x" * 50_000, {})) for _ in range(200)]
        await asyncio.sleep(0)
        broker.kill()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 3.0)
    assert {type(r) for r in results} <= {type(None), *(type(r) for r in results if isinstance(r, LinkError))}
    assert isinstance(results[-1], LinkError)


@pytest.fixture
def password_broker(new_broker, tmp_path):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "gw", "right"], check=True, capture_output=True)
    passwords.chmod(0o644)
    return new_broker(f"allow_anonymous false\npassword_file {passwords}")


async def test_a_wrong_password_is_said_once_with_its_fix_and_no_secret(password_broker, tmp_path, capfd):
    secret = tmp_path / "secret"
    secret.write_text("wrong-secret\n")
    agent = Peer(password_broker.port, username="gw", password_file=str(secret))
    with capture_logs() as lines:
        async with running(agent.uplink.run()):
            for count in (1, 2, 3):
                await until(lambda n=count: agent.uplink.counts["password"] + agent.uplink.counts["authorisation"] >= n)
                agent.uplink.wake()
            assert not agent.uplink.health.ready
            assert "password_file" in agent.uplink.health.fix
            secret.write_text("right\n")
            agent.uplink.wake()
            await agent.up()
    assert [line["log_level"] for line in lines] == ["warning", "info"]
    assert "wrong-secret" not in str(lines)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"host": "no-such-host.invalid"}, "unknown_host"),
        ({"host": "a" * 70 + ".invalid"}, "unknown_host"),
        ({"port": 1}, "connection_refused"),
        ({"username": "u", "password_file": "/nowhere/secret"}, "file"),
        ({"tls": TlsFiles(ca_file="/nowhere/ca.pem")}, "file"),
        ({"tls": TlsFiles(cert_file="/nowhere/cert.pem", key_file="/nowhere/key.pem")}, "file"),
        ({"tls": TlsFiles()}, "tls"),
    ],
)
async def test_what_keeps_it_from_connecting_is_one_plain_line(broker, capfd, settings, word):
    agent = Peer(**({"port": broker.port, "connect_timeout_s": 2.0} | settings))
    with capture_logs() as lines:
        async with running(agent.uplink.run()):
            await until(lambda: agent.uplink.counts[word] >= 1, 10.0)
            agent.uplink.wake()
            await until(lambda: agent.uplink.counts[word] >= 2, 10.0)
    assert len(lines) == 1
    assert lines[0]["state"] == word
    assert lines[0]["fix"]
    assert capfd.readouterr().err == ""


async def test_somebody_who_is_no_broker_is_a_plain_line(capfd):
    async def serve(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with scripted(serve) as port:
        agent = Peer(port, connect_timeout_s=1.0)
        async with running(agent.uplink.run()):
            await until(lambda: agent.uplink.counts.total() >= 1)
    assert agent.uplink.health.fix
    gc.collect()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x20\x03\x00\x00\x00\x40\x05\x00\x01\x7f\x01\x41",  # CONNACK, then a PUBACK with an unknown reason
        b"\x20\x03\x00\x00\x00\x32\x03\x00\xff\x00",  # CONNACK, then a PUBLISH whose topic is longer than it
        b"\x20\x03\x00\x00\x00\x00\x00",  # CONNACK, then a packet of type 0
        b"\x20\x03\x00\x00\x00\xff\xff\xff\xff\xff\xff",  # CONNACK, then an endless length
        b"\x20\x02\x00\x01",  # what a broker of MQTT 3.1.1 answers
    ],
)
async def test_a_broker_that_sends_garbage_is_left_and_tried_again(garbage, capfd):
    seen = 0

    async def serve(reader, writer):
        nonlocal seen
        seen += 1
        await reader.read(10)
        writer.write(garbage)
        await reader.read()

    async with scripted(serve) as port:
        agent = Peer(port, connect_timeout_s=1.0)
        async with running(agent.uplink.run()):
            await until(lambda: agent.uplink.counts.total() - agent.uplink.counts["connected"] >= 1)
            agent.uplink.wake()
            await until(lambda: seen >= 2)
    gc.collect()
    assert capfd.readouterr().err == ""


async def test_a_broker_cannot_fill_the_memory_with_one_endless_packet():
    poured = 0

    async def serve(reader, writer):
        nonlocal poured
        await reader.read(10)
        writer.write(b"\x20\x03\x00\x00\x00\x32\xff\xff\xff\x7f")  # CONNACK, then a PUBLISH of 256 MB
        while poured < 64_000_000:
            writer.write(bytes(100_000))
            await writer.drain()
            poured += 100_000

    async with scripted(serve) as port:
        agent = Peer(port, connect_timeout_s=3.0)
        async with running(agent.uplink.run()):
            await until(lambda: agent.uplink.counts["protocol"] >= 1)
    assert poured < 32_000_000


async def test_what_a_broker_pours_before_it_answers_is_bounded(monkeypatch):
    monkeypatch.setattr(inbox, "MAX_BYTES", 1_000_000)
    # QoS 0, topic a, no properties, 100,000 bytes
    publish = b"\x30\xa4\x8d\x06\x00\x01a\x00" + bytes(100_000)

    poured = iter([publish * 50])  # the next connection counts anew

    async def serve(reader, writer):
        await reader.read(10)
        writer.write(b"\x20\x03\x00\x00\x00" + next(poured, b""))
        await reader.read()
        await asyncio.sleep(5.0)

    async with scripted(serve) as port:
        agent = Peer(port, connect_timeout_s=1.5, subscribe=("x",))
        async with running(agent.uplink.run()):
            await until(lambda: agent.uplink.counts["dropped"])
    assert agent.uplink.counts["dropped"] == 40


async def test_two_with_the_same_client_id_do_not_hammer_the_broker(broker):
    first, second = Peer(broker.port), Peer(broker.port)
    async with running(first.uplink.run()):
        await first.up()
        async with running(second.uplink.run()):
            await until(lambda: first.downs)
            assert "same client id" in first.uplink.health.fix
            await asyncio.sleep(0.5)
            assert first.uplink._backoff.attempts >= 1
            assert first.uplink.counts["connected"] + second.uplink.counts["connected"] < 10


@pytest.mark.parametrize(
    ("code", "word"), [(0x8E, "taken_over"), (0x8B, "shutdown"), (0x97, "quota"), (0xFE, "protocol")]
)
async def test_the_brokers_reason_for_ending_it_is_said_with_its_fix(code, word):
    async def serve(reader, writer):
        await reader.read(500)
        writer.write(b"\x20\x03\x00\x00\x00" + b"\xe0\x02%c\x00" % code)
        await reader.read()

    async with scripted(serve) as port:
        agent = Peer(port)
        with capture_logs() as lines:
            async with running(agent.uplink.run()):
                await until(lambda: agent.downs)
                await until(lambda: not agent.uplink.health.ready)
    assert agent.uplink.counts[word] == 1
    assert [line["fix"] for line in lines if line["log_level"] == "warning"] == [agent.uplink.health.fix]


async def test_a_black_hole_is_noticed_within_one_and_a_half_keepalives(broker, proxy_to):
    async with proxy_to(broker.port) as proxy:
        agent = Peer(proxy.port, keepalive_s=3)
        async with running(agent.uplink.run()):
            link = await agent.up()
            await link.publish(TOPIC, b"x", {})
            proxy.hole()
            started = time.monotonic()
            lost = asyncio.create_task(link.publish(TOPIC, b"x", {}))
            await until(lambda: agent.downs, 6.0)
            assert time.monotonic() - started < 1.5 * 3 + 0.2
            with pytest.raises(LinkError):
                await lost
            assert agent.uplink.counts["silent"] == 1
            proxy.mend()


async def test_a_missing_acknowledgement_renews_the_connection(broker, proxy_to):
    async with proxy_to(broker.port) as proxy:
        agent = Peer(proxy.port, keepalive_s=60, ack_timeout_s=0.2)
        async with running(agent.uplink.run()):
            link = await agent.up()
            proxy.hole()
            with pytest.raises(LinkError):
                await asyncio.wait_for(link.publish(TOPIC, b"x", {}), 3.0)
            await until(lambda: agent.downs)
            proxy.mend()
            agent.uplink.wake()
            await until(lambda: agent.connected)


async def test_a_topic_that_the_access_list_denies_is_refused_and_the_link_stands(new_broker, tmp_path):
    rules = tmp_path / "acl"
    rules.write_text("topic write edge/v1/gw1/up/help\n")
    strict = new_broker(f"allow_anonymous true\nacl_file {rules}")
    agent = Peer(strict.port)
    async with running(agent.uplink.run()):
        link = await agent.up()
        with pytest.raises(LinkRefusedError) as refusal:
            await link.publish(TOPIC, b"x", {})
        assert refusal.value.reason == "Not authorized"
        await link.publish("edge/v1/gw1/up/help", b"x", {})
        assert agent.connected


async def test_a_message_larger_than_the_broker_takes_is_refused_before_it_costs_the_connection(new_broker):
    small = new_broker("allow_anonymous true\nmax_packet_size 2000")
    agent = Peer(small.port)
    async with running(agent.uplink.run()):
        link = await agent.up()
        with pytest.raises(LinkRefusedError, match="2000"):
            await link.publish(TOPIC, b"x" * 2000, {"id": "1"})
        await link.publish(TOPIC, b"x" * 1000, {"id": "1"})
        assert agent.connected


@pytest.mark.parametrize("topic", ["a/+/b", "a/#", "a\nb", "a\0b", "a\ud800", "a" * 1001])
async def test_a_topic_that_no_broker_takes_is_refused_and_costs_nothing_else(broker, topic):
    agent = Peer(broker.port)
    async with running(agent.uplink.run()):
        link = await agent.up()
        with pytest.raises(LinkRefusedError):
            await link.publish(topic, b"x", {})
        assert agent.connected


async def test_no_text_of_an_attribute_ends_the_connection(broker):
    desk = Peer(broker.port, "desk", subscribe=("t",))
    agent = Peer(broker.port)
    async with running(desk.uplink.run(), agent.uplink.run()):
        await desk.up()
        link = await agent.up()
        await link.publish("t", b"x", {"a": "line\n\0\x7f\ud800", "b": "Küche ✓", "c": "x" * 70_000, "d": ""})
        await until(lambda: desk.arrivals)
    assert desk.arrivals[0].attributes == {"a": "line????", "b": "Küche ✓", "c": "x" * 1000, "d": ""}
    assert agent.downs == ["stopped"]


@pytest.mark.parametrize("expiry_s", [None, 1, 86_400])
def test_properties_are_packed_as_paho_packs_them(expiry_s):
    attributes = {"id": "1", "subject": "Küche", "empty": ""} | {f"name{n}": "x" * 100 for n in range(20)}
    slow = Properties(PacketTypes.PUBLISH)
    slow.ContentType = "application/msgpack"
    slow.UserProperty = list(attributes.items())
    if expiry_s is not None:
        slow.MessageExpiryInterval = expiry_s
    fast = PublishProperties(attributes, expiry_s).pack()
    assert Properties(PacketTypes.PUBLISH).unpack(fast)[0].json() == slow.json()
    assert len(fast) == len(slow.pack())


async def test_nothing_connects_until_it_is_wanted_and_a_press_is_at_once(broker):
    wanted = False
    last: list[str] = []

    async def farewell(link, why):
        last.append(why)
        await link.publish("edge/v1/gw1/up/state", why.encode(), {}, retain=True)

    agent = Peer(broker.port, wanted=lambda: wanted, farewell=farewell)
    async with running(agent.uplink.run()):
        await asyncio.sleep(0.05)
        assert not agent.links
        assert agent.uplink.health.ready
        wanted = True
        started = time.monotonic()
        agent.uplink.wake()
        await agent.up()
        assert time.monotonic() - started < 0.5
        wanted = False
        agent.uplink.wake()
        await until(lambda: agent.downs)
        assert agent.downs == last == ["off by choice"]


async def test_a_press_ends_the_pause_before_the_next_try(broker):
    port = broker.port
    broker.kill()
    agent = Peer(port)
    agent.uplink._backoff.base_s = 300.0
    async with running(agent.uplink.run()):
        await until(lambda: agent.uplink.counts["connection_refused"])
        broker.start()
        await asyncio.sleep(0.05)
        assert not agent.connected
        started = time.monotonic()
        agent.uplink.wake(jitter_s=0.05)
        await agent.up()
        assert time.monotonic() - started < 0.5


async def test_while_somebody_waits_for_help_no_pause_is_long(monkeypatch):
    async def hangs_up(_reader, writer):
        writer.close()

    monkeypatch.setattr("edge_agent.uplink.mqtt.URGENT_CAP_S", 0.01)
    async with scripted(hangs_up) as port:
        agent = Peer(port, urgent=lambda: True)
        agent.uplink._backoff.attempts = 20
        async with running(agent.uplink.run()):
            await until(lambda: sum(agent.uplink.counts.values()) > 5)


async def test_the_will_is_sent_when_the_gateway_dies_and_not_when_it_leaves(broker):
    def will():
        return Will("edge/v1/gw1/up/state", b"gone", {"type": "edge.state.presence.v1"}, delay_s=0)

    desk = Peer(broker.port, "desk", subscribe=("edge/v1/+/up/#",))
    async with running(desk.uplink.run()):
        await desk.up()
        polite = Peer(broker.port, will=will)
        async with running(polite.uplink.run()):
            await polite.up()
        await asyncio.sleep(0.1)
        assert desk.arrivals == []
        dying = Peer(broker.port, will=will)
        async with running(dying.uplink.run()) as (task,):
            link = await dying.up()
            link._client._client.socket().shutdown(2)
            await until(lambda: desk.arrivals)
            assert not task.done()
    assert desk.arrivals[0].payload == b"gone"
    assert desk.arrivals[0].attributes == {"type": "edge.state.presence.v1"}


async def test_a_subscription_that_is_refused_is_said_and_sending_goes_on(new_broker, tmp_path):
    # mosquitto 2.0.11 grants every subscription and filters later, so a small broker of our own refuses here
    async def serve(reader, writer):
        await reader.read(500)
        writer.write(b"\x20\x03\x00\x00\x00")
        subscribe = await reader.read(500)
        writer.write(b"\x90\x04" + subscribe[2:4] + b"\x00\x87")
        publish = await reader.read(500)
        topic = int.from_bytes(publish[2:4], "big")
        writer.write(b"\x40\x02" + publish[4 + topic : 6 + topic])
        await reader.read()

    async with scripted(serve) as port:
        agent = Peer(port, subscribe=("edge/v1/gw1/down/#",))
        async with running(agent.uplink.run()):
            link = await agent.up()
            await link.publish(TOPIC, b"x", {})
            await until(lambda: "does not let" in agent.uplink.health.sentence)


async def test_an_error_of_the_handler_ends_the_run(broker):
    def fail(_):
        raise ZeroDivisionError

    agent = Peer(broker.port, subscribe=("t",), on_message=fail)
    task = asyncio.create_task(agent.uplink.run())
    link = await agent.up()
    with suppress(LinkError):
        await link.publish("t", b"x", {})
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(task, 3.0)


async def test_a_run_that_is_cancelled_while_connecting_leaves_nothing_open(capfd):
    async with scripted(lambda _r, _w: asyncio.sleep(60)) as port:
        agent = Peer(port)
        for pause_s in (0.0, 0.001, 0.01, 0.1):
            async with running(agent.uplink.run()):
                await asyncio.sleep(pause_s)
    await asyncio.sleep(0.01)
    gc.collect()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task() and "misc" in repr(t)] == []
    assert capfd.readouterr().err == ""
