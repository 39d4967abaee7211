"""What every HelpChannel promises (core.ports.HelpChannel), asked of a real broker, an HTTPS server and a modem."""

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.core.errors import LinkError
from edge_agent.core.sms import Sms
from edge_agent.core.wire import down_topic, up_topic
from edge_agent.uplink.channels.broker import BrokerChannel
from edge_agent.uplink.channels.https import HttpsChannel, HttpsSettings
from edge_agent.uplink.connection import MqttSettings, TlsFiles
from edge_agent.uplink.mqtt import MqttUplink
from simulators.broker import Broker
from simulators.desk.certificate import make_certificate
from simulators.modem.modem import SimulatedModem

sys.path.append(str(Path(__file__).parents[1] / "edges" / "channels"))
from channels_scene import (
    DESK,
    GATEWAY,
    ROOT,
    compact,
    raised,
    running,
    sms_channel,
    told,
    until,
)

WORD = bytes((0x10,)) + bytes(99)


class Side:
    """A channel and its other side: `took` what arrived there, `say` a word to the gateway, `away` for a while."""

    def __init__(self, channel, heard):
        self.channel, self.heard = channel, heard
        self.took = []
        self.say = self.away = self.back = None
        self.answers = False


@asynccontextmanager
async def by_broker(folder):
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker.find("mosquitto"))
        heard, links = [], []
        settings = MqttSettings("127.0.0.1", f"{GATEWAY}-help-backup", port=broker.port, keepalive_s=5)
        side = Side(BrokerChannel("backup", settings, (GATEWAY, ROOT), told, heard.append, lambda: True), heard)
        topic = up_topic(ROOT, GATEWAY, raised().kind)
        desk = MqttUplink(
            MqttSettings("127.0.0.1", "desk", port=broker.port, subscribe=(topic,)),
            on_message=lambda arrival: side.took.append((arrival.attributes["id"], arrival.payload)),
            on_up=links.append,
        )
        await stack.enter_async_context(running(desk))
        await until(lambda: links)
        side.expects = (raised().id_text, raised().payload)
        side.say = lambda word: links[-1].publish(down_topic(ROOT, GATEWAY, "help"), word, {})
        side.away, side.back = broker.stop, broker.start
        yield side


@asynccontextmanager
async def by_https(folder):
    context = make_certificate(folder)
    heard = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        ident = head.partition(b"ce-id: ")[2].partition(b"\r\n")[0].decode()
        side.took.append((ident, await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(WORD), WORD))
        await writer.drain()
        writer.close()

    async def listen(port=0):
        state["server"] = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
        return state["server"].sockets[0].getsockname()[1]

    async def away():
        state["server"].close()

    async def back():
        await listen(state["port"])

    state = {}
    state["port"] = await listen()
    settings = HttpsSettings("web", f"https://127.0.0.1:{state['port']}/", "", TlsFiles(str(folder / "cert.pem")))
    side = Side(HttpsChannel(settings, told), heard)
    side.expects, side.answers, side.away, side.back = (raised().id_text, raised().payload), True, away, back
    try:
        yield side
    finally:
        state["server"].close()


@asynccontextmanager
async def by_sms(folder):
    heard = []
    async with SimulatedModem(folder / "modem") as modem:
        side = Side(sms_channel(modem.path, folder, heard=heard.append), heard)
        modem.on_sms = lambda sms: side.took.append(sms.data)
        side.expects = compact()

        async def say(word):
            modem.receive(Sms(DESK, data=word))

        async def away():
            modem.unplug()

        async def back():
            modem.plug()

        side.say, side.away, side.back = say, away, back
        yield side


@pytest.fixture(params=[by_broker, by_https, by_sms])
async def side(request, tmp_path, monkeypatch):
    for room, name in (("sms", "READY_S"), ("broker", "CONNECT_S")):
        monkeypatch.setattr(f"edge_agent.uplink.channels.{room}.{name}", 3.0)
    async with request.param(tmp_path) as made:
        yield made


async def test_the_other_side_has_the_event_when_send_returns_and_its_word_reaches_the_gateway(side):
    async with running(side.channel):
        reply = await side.channel.send(raised(), compact())
        await until(lambda: side.took == [side.expects])
        if side.answers:
            assert reply == WORD
        else:
            assert reply is None
            await side.say(WORD)
            await until(lambda: side.heard)
            assert side.heard == [WORD]
        assert side.channel.health.ready
        assert side.channel.health.sentence


async def test_the_same_event_may_be_sent_again_and_again(side):
    async with running(side.channel):
        for _ in range(3):
            await side.channel.send(raised(), compact())
        await until(lambda: side.took == [side.expects] * 3)


async def test_when_the_other_side_is_away_it_says_so_and_when_it_is_back_it_works(side):
    async with running(side.channel):
        await side.channel.send(raised(), compact())
        await side.away()
        with pytest.raises(LinkError) as error:
            await side.channel.send(raised(), compact())
        assert error.value.args[0]
        await side.back()
        async with asyncio.timeout(20.0):
            while len(side.took) < 2:
                try:
                    await side.channel.send(raised(), compact())
                except LinkError:
                    await asyncio.sleep(0.1)


async def test_a_call_that_is_called_off_harms_no_later_one(side):
    async with running(side.channel):
        await side.channel.send(raised(), compact())
        sending = asyncio.create_task(side.channel.send(raised(), compact()))
        await asyncio.sleep(0.001)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await side.channel.send(raised(), compact())
        await until(lambda: side.took[-1] == side.expects)


async def test_it_can_be_ended_and_run_again(side):
    for count in (1, 2):
        async with running(side.channel):
            await side.channel.send(raised(), compact())
            await until(lambda: len(side.took) == count)  # noqa: B023
