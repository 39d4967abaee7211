"""The brokers that the demo may find: started, killed, started again; and what iotcore can be relied on for."""

import asyncio
import importlib.util
import socket
from contextlib import suppress

import pytest
from desk_gateway import Gateway, connected, until, working
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.core.errors import LinkError
from edge_agent.uplink.connection import Will
from simulators import broker as broker_module
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.network import Cable

HAS_IOTCORE = importlib.util.find_spec("iotcore") is not None
needs_iotcore = pytest.mark.skipif(not HAS_IOTCORE, reason="the Python package iotcore is not installed")
EACH = [pytest.param("mosquitto"), pytest.param("iotcore", marks=needs_iotcore)]
ONLY_RECEIVED = Policy(received_after_s=0.0, engaged_after_s=None, resolved_after_s=None)


class Raw:
    """A plain MQTT 5 client in a thread, for the features that nobody wraps."""

    def __init__(self, port, ident, *, session_s=0, clean=True, receive_maximum=None, will=None):
        self.messages = []
        self.connack = None
        self.acked = set()
        self.flags = None
        self.granted = []
        self.client = Client(
            CallbackAPIVersion.VERSION2, ident, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        self.client.on_message = lambda _c, _d, message: self.messages.append(message)
        self.client.on_connect = self._on_connect
        self.client.on_publish = lambda _c, _d, mid, _code, _p: self.acked.add(mid)
        self.client.on_subscribe = lambda _c, _d, _mid, codes, _p: self.granted.extend(codes)
        connect = Properties(PacketTypes.CONNECT)
        connect.SessionExpiryInterval = session_s
        if receive_maximum:
            connect.ReceiveMaximum = receive_maximum
        if will:
            self.client.will_set(*will, qos=1)
        self.client.connect("127.0.0.1", port, clean_start=clean, properties=connect)
        self.client.loop_start()

    def _on_connect(self, _client, _data, flags, _code, properties):
        self.flags = flags
        self.connack = properties

    async def up(self):
        await until(lambda: self.connack is not None)
        return self

    async def hear(self, topic):
        wanted = len(self.granted) + 1
        self.client.subscribe(topic, qos=1)
        await until(lambda: len(self.granted) >= wanted)
        assert self.granted[-1].value <= 2, self.granted
        return self

    async def say(self, topic, payload, *, retain=False, **named):
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in named.items():
            setattr(properties, name, value)
        sent = self.client.publish(topic, payload, 1, retain, properties)
        await until(lambda: sent.mid in self.acked)

    def die(self):
        """The connection ends without a goodbye."""
        self.client.socket().shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
async def clients():
    made = []
    yield made
    for client in made:
        with suppress(OSError, AttributeError):
            client.leave()


@pytest.fixture(params=EACH)
async def broker(request):
    async with Broker.find(request.param) as broker:
        yield broker


async def test_a_broker_is_found_started_and_leaves_nothing_behind():
    async with Broker.find() as broker:
        assert broker.name.startswith("mosquitto 2.")
        assert broker.running
        assert broker.port > 0
        folder = broker.folder
    assert not broker.running
    assert not folder.exists()


async def test_no_broker_is_one_clear_error_with_what_to_install(monkeypatch):
    monkeypatch.setattr(broker_module.shutil, "which", lambda *_args, **_named: None)
    monkeypatch.setattr(broker_module.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LinkError, match="sudo apt install mosquitto"):
        Broker.find()


def test_a_broker_that_was_only_looked_for_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(broker_module.tempfile, "tempdir", str(tmp_path))
    Broker.find("mosquitto")
    assert list(tmp_path.iterdir()) == []


async def test_a_broker_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr(broker_module, "_MOSQUITTO", "nonsense {port}{folder}{anonymous}{user}\n")
    broker = Broker.find("mosquitto")
    with pytest.raises(LinkError, match="did not start"):
        async with broker:
            pass
    assert not broker.folder.exists()


async def test_a_restarted_broker_has_the_same_port_and_its_log(broker):
    port = broker.port
    await broker.restart()
    assert (broker.port, broker.running) == (port, True)
    await broker.kill()
    assert not broker.running
    await broker.start()
    assert (broker.port, broker.running) == (port, True)
    assert broker.log or broker.maker == "iotcore", "iotcore says hardly anything"


@pytest.mark.parametrize("maker", EACH)
async def test_a_broker_with_passwords_refuses_others(maker, tmp_path):
    async with Broker.find(maker, passwords={"gateway": "correct"}) as broker:
        (tmp_path / "right").write_text("correct\n")
        (tmp_path / "wrong").write_text("guess\n")
        right = Gateway(broker.port, username="gateway", password_file=str(tmp_path / "right"))
        async with connected(right):
            pass
        wrong = Gateway(broker.port, username="gateway", password_file=str(tmp_path / "wrong"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), connected(wrong):
                pass


async def test_mosquitto_keeps_a_session_over_a_restart_and_over_a_kill(clients):
    async with Broker.find("mosquitto") as broker:
        for end in (broker.stop, broker.kill):
            listener = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
            await listener.hear("kept/#")
            listener.leave()
            speaker = await Raw(broker.port, "speaker").up()
            clients.append(speaker)
            await speaker.say("kept/word", b"still here")
            if end == broker.kill:
                # it writes its sessions down once a second
                await asyncio.sleep(2.05)
            speaker.leave()
            await end()
            await broker.start()
            again = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
            await until(lambda again=again: again.messages)
            assert again.flags.session_present
            again.leave()


@needs_iotcore
async def test_iotcore_forgets_sessions_and_retained_messages_when_it_restarts(clients):
    async with Broker.find("iotcore") as broker:
        listener = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
        await listener.hear("kept/#")
        await listener.say("kept/word", b"x", retain=True)
        listener.leave()
        await broker.restart()
        again = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
        clients.append(again)
        await again.hear("kept/#")
        await asyncio.sleep(0.1)
        assert not again.flags.session_present
        assert not again.messages


async def test_the_desk_works_at_each_broker_through_a_cable_and_its_outages(broker):
    async with (
        Cable(broker.port) as cable,
        working(Desk(broker.host, broker.port, policy=ONLY_RECEIVED)) as desk,
        connected(Gateway(cable.port, public=desk.key.public)) as gateway,
    ):
        await gateway.block()
        await cable.cut()
        await until(lambda: gateway.link is None)
        await cable.mend()
        gateway.uplink.wake()
        await until(lambda: gateway.link)
        await gateway.press()
        await until(lambda: gateway.types == ["received"])
        assert (desk.events_received, desk.refused) == (2, 0)


async def test_a_desk_comes_back_to_a_broker_that_was_killed(broker):
    async with (
        working(Desk(broker.host, broker.port, policy=ONLY_RECEIVED)) as desk,
        connected(Gateway(broker.port, public=desk.key.public)) as gateway,
    ):
        await broker.kill()
        await until(lambda: gateway.link is None and not desk.health.ready)
        await broker.start()
        gateway.uplink.wake()
        await until(lambda: gateway.link and desk.health.ready)
        await gateway.press()
        await until(lambda: gateway.types == ["received"])


async def test_properties_of_a_message_arrive_as_they_were_sent(broker, clients):
    listener = await (await Raw(broker.port, "l").up()).hear("edge/v1/+/up/#")
    speaker = await Raw(broker.port, "s").up()
    clients += [listener, speaker]
    await speaker.say(
        "edge/v1/gw/up/help",
        b"\x81\x00",
        UserProperty=[("id", "1"), ("type", "edge.help.raised.v1")],
        ContentType="application/msgpack",
        ResponseTopic="edge/v1/gw/down/help",
        CorrelationData=b"c",
        MessageExpiryInterval=60,
    )
    await until(lambda: listener.messages)
    (message,) = listener.messages
    told = message.properties
    assert (message.payload, message.qos) == (b"\x81\x00", 1)
    assert told.UserProperty == [("id", "1"), ("type", "edge.help.raised.v1")]
    assert (told.ContentType, told.ResponseTopic) == ("application/msgpack", "edge/v1/gw/down/help")
    assert told.CorrelationData == b"c"
    assert 0 < told.MessageExpiryInterval <= 60


async def test_a_retained_message_waits_for_whoever_comes_later(broker, clients):
    speaker = await Raw(broker.port, "s").up()
    await speaker.say("edge/v1/gw/up/state/birth", b"x", retain=True)
    listener = await (await Raw(broker.port, "l").up()).hear("edge/v1/+/up/state/#")
    clients += [speaker, listener]
    await until(lambda: listener.messages)
    assert listener.messages[0].retain


async def test_the_will_of_a_client_that_died_is_published(broker, clients):
    listener = await (await Raw(broker.port, "l").up()).hear("edge/v1/+/up/state/#")
    clients.append(listener)
    gone = await Raw(broker.port, "g", will=("edge/v1/gw/up/state/will", b"gone")).up()
    gone.die()
    await until(lambda: listener.messages)
    assert listener.messages[0].payload == b"gone"


async def test_a_session_outlives_its_connection(broker, clients):
    listener = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
    await listener.hear("edge/v1/gw/down/#")
    listener.leave()
    speaker = await Raw(broker.port, "s").up()
    clients.append(speaker)
    await speaker.say("edge/v1/gw/down/help", b"while you were away")
    again = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
    clients.append(again)
    await until(lambda: again.messages)
    assert again.flags.session_present
    assert again.messages[0].payload == b"while you were away"


@pytest.mark.parametrize(("maker", "stated"), [("mosquitto", 20), pytest.param("iotcore", None, marks=needs_iotcore)])
async def test_more_messages_than_may_be_in_flight_all_arrive(maker, stated, clients):
    async with Broker.find(maker) as broker:
        listener = await (await Raw(broker.port, "c", receive_maximum=5).up()).hear("edge/v1/+/up/telemetry")
        clients.append(listener)
        # rumqttd states none (65535); the agent's own bound holds there
        assert getattr(listener.connack, "ReceiveMaximum", None) == stated
        async with connected(Gateway(broker.port)) as gateway:
            await asyncio.gather(*(gateway.block(count=1) for _ in range(300)))
        await until(lambda: len(listener.messages) == 300)


@needs_iotcore
async def test_iotcore_drops_what_expired_while_its_receiver_was_away(clients):
    async with Broker.find("iotcore") as broker:
        listener = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
        await listener.hear("kept/#")
        listener.leave()
        await say_with_expiry(broker, clients, ("old", 1), ("young", 60))
        await asyncio.sleep(1.1)
        again = await Raw(broker.port, "keeper", session_s=600, clean=False).up()
        clients.append(again)
        await until(lambda: again.messages)
        await asyncio.sleep(0.1)
        assert [message.payload for message in again.messages] == [b"young"]


async def say_with_expiry(broker, clients, *words):
    speaker = await Raw(broker.port, "s").up()
    clients.append(speaker)
    for word, expiry_s in words:
        await speaker.say("kept/word", word.encode(), MessageExpiryInterval=expiry_s)


async def test_a_message_of_the_largest_size_passes(broker, clients):
    client = await (await Raw(broker.port, "c").up()).hear("large")
    clients.append(client)
    await client.say("large", b"x" * 100 * 1024)
    await until(lambda: client.messages)
    assert len(client.messages[0].payload) == 100 * 1024


async def test_desks_that_share_a_subscription_get_each_message_once(broker, clients):
    desks = [await (await Raw(broker.port, f"d{i}").up()).hear("$share/desk/edge/v1/+/up/#") for i in (1, 2)]
    speaker = await Raw(broker.port, "s").up()
    clients += [*desks, speaker]
    for number in range(20):
        await speaker.say("edge/v1/gw/up/telemetry", str(number).encode())
    await until(lambda: sum(len(desk.messages) for desk in desks) >= 20)
    await asyncio.sleep(0.1)
    got = sorted(int(message.payload) for desk in desks for message in desk.messages)
    assert got == list(range(20))


async def test_an_uplink_with_a_will_connects(broker):
    gateway = Gateway(broker.port)
    gateway.uplink._will = lambda: Will("edge/v1/gw-1/up/state/will", b"\x80", {"id": "x"}, 1)
    async with connected(gateway):
        await gateway.block()
