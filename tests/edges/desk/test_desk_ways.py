"""The desk's other doors: calls by SMS and by HTTPS, answered the way they came, one case each."""

import asyncio
import socket
import sys
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from edge_agent.core.clock import Instant
from edge_agent.core.command import believe, believe_compact
from edge_agent.core.compact import call_of, gateway_number
from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid7, uuid_bytes, uuid_text
from edge_agent.core.sms import Sms
from edge_agent.core.wire import attributes, open_envelope, pack, unpack, up_topic
from edge_agent.uplink.channels.http import HttpReply, Url, post
from edge_agent.uplink.connection import Arrival, TlsFiles, tls_context
from edge_agent.uplink.signature import load_keys
from simulators.broker import Broker
from simulators.desk.certificate import make_certificate
from simulators.desk.desk import Desk
from simulators.desk.https import HttpsDoor
from simulators.desk.phone import DeskPhone
from simulators.desk.policy import Policy

GATEWAY, CODE = "gw-example", "XC5WNMX9"
REQUEST = uuid7(1_790_000_000, bytes(10))
NOW = Instant(5000.0, "boot", 1_790_000_000.0, True)


def event(kind="raised", ident=REQUEST, sequence=3):
    data = {"request": uuid_text(REQUEST), "case": CODE, "site": "12 Mill Lane", "trigger": "manual"}
    return Event(ident, EventKind.HELP, f"edge.help.{kind}.v1", CODE, 4990.0, "boot", pack(data), sequence=sequence)


def arrival(of):
    told = attributes(of, GATEWAY, NOW, historical=True)
    return Arrival.of(up_topic("edge/v1", GATEWAY, EventKind.HELP), of.payload, told)


def sms(of):
    return Sms("+491700000001", data=call_of(of, GATEWAY, NOW).pack())


async def until(true, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
async def desk():
    async with Broker.find("mosquitto") as broker:
        made = Desk("127.0.0.1", broker.port, policy=Policy(received_after_s=0.1, engaged_after_s=None))
        running = asyncio.create_task(made.run())
        await made.ready.wait()
        yield made
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        made.close()


@asynccontextmanager
async def phone(desk):
    sent = []
    ours = DeskPhone(desk, "+491700000001", sent.append)
    running = asyncio.create_task(ours.run())
    try:
        yield ours, sent
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def believed(desk, word):
    return believe_compact(
        word,
        GATEWAY,
        verify=load_keys({desk.key.kid: desk.key.public}),
        kids=[desk.key.kid],
        open_requests=[REQUEST],
        seen=lambda _: False,
    )


async def test_a_call_by_sms_opens_a_case_is_answered_by_sms_and_completed_by_the_event(desk):
    async with phone(desk) as (ours, sent):
        ours.received(sms(event()))
        await until(lambda: sent)
        message = believed(desk, sent[0].data)
        assert message.type == "edge.help.received.v1"
        assert message.data["knows"] == 3
        assert "through" not in message.data, "the desk has not the event itself"
        (case,) = desk.cases
        assert case.gateway == f"number-{gateway_number(GATEWAY).hex()}", "it never spoke before"
        assert case.data["compact"] is True
        desk.deliver(arrival(event()))
        await until(lambda: desk.cases[0].data.get("site") == "12 Mill Lane")
        (case,) = desk.cases
        assert (case.gateway, case.code, case.request) == (GATEWAY, CODE, uuid_text(REQUEST))
        assert desk.words(case)[0].type == "edge.help.received.v1"
        assert not desk.gaps or desk.gaps[0].last == 2


async def test_who_calls_again_has_not_heard_the_answer(desk):
    async with phone(desk) as (ours, sent):
        for count in (1, 2):
            ours.received(sms(event()))
            await until(lambda count=count: len(sent) == count)
        assert sent[0].data[2:18] == sent[1].data[2:18], "the same word, with the same id"
        assert len(desk.cases) == 1


async def test_a_case_opened_again_by_sms_and_then_by_the_event_is_opened_once(desk):
    async with phone(desk) as (ours, sent):
        desk.deliver(arrival(event()))
        await until(lambda: desk.cases and desk.cases[0].received)
        desk.policy = Policy(received_after_s=0.1, engaged_after_s=0.1, resolved_after_s=0.2)
        await until(lambda: desk.cases[0].state == "resolved")
        desk.policy = Policy(received_after_s=0.1, engaged_after_s=None)
        again = event("reopened", uuid7(1_790_000_100, bytes(10)), 5)
        ours.received(sms(again))
        await until(lambda: desk.cases[0].state == "received")
        await until(lambda: sent)
        opened = desk.cases[0].opened
        desk.deliver(arrival(again))
        await until(lambda: desk.events_received == 2)
        await asyncio.sleep(0.2)
        assert (desk.cases[0].opened, desk.cases[0].state) == (opened, "received")


async def test_a_cancellation_by_sms_ends_the_case_and_the_event_behind_it_says_no_more(desk):
    async with phone(desk) as (ours, sent):
        ours.received(sms(event()))
        await until(lambda: sent)
        back = event("cancelled", uuid7(1_790_000_100, bytes(10)), 4)
        ours.received(sms(back))
        await until(lambda: desk.cases[0].state == "cancelled")
        await until(lambda: believed(desk, sent[-1].data).type == "edge.help.cancel_received.v1")
        assert believed(desk, sent[-1].data).data["knows"] == 4
        desk.deliver(arrival(event()))
        desk.deliver(arrival(back))
        await until(lambda: desk.events_received == 2)
        (case,) = desk.cases
        assert case.state == "cancelled"
        through = desk.payload(desk.words(case)[-1])
        assert unpack(open_envelope(through).body)["through"] == 4


async def test_findings_of_a_call_are_those_that_the_gateway_told_of(desk):
    told = {"channel": "boiler.pressure", "kind": "range", "sentence": "Boiler pressure is 0.75 bar."}
    found = Event(
        *(uuid7(1_790_000_001, bytes(10)), EventKind.FINDING, "edge.finding.confirmed.v1", "boiler.pressure:range"),
        *(4000.0, "boot", pack(told)),
        sequence=1,
    )
    topic = up_topic("edge/v1", GATEWAY, EventKind.FINDING)
    desk.deliver(Arrival.of(topic, found.payload, attributes(found, GATEWAY, NOW, historical=False)))
    await until(lambda: desk.events_received == 1)
    call = replace(
        event(), payload=pack({**unpack(event().payload), "findings": [told, {"channel": "x", "kind": "rate"}]})
    )
    async with phone(desk) as (ours, _):
        ours.received(sms(call))
    (case,) = desk.cases
    assert case.gateway == GATEWAY
    assert case.data["findings"][0] == told
    assert "not heard of" in case.data["findings"][1]["sentence"]


async def test_what_is_no_call_is_counted(desk):
    async with phone(desk) as (ours, sent):
        ours.received(Sms("+1", text="hello"))
        ours.received(Sms("+1", data=bytes(74)))
        assert (ours.refused, ours.calls, desk.cases, sent) == (2, 0, [], [])


# -- HTTPS


@pytest.fixture
async def door(desk, tmp_path):
    context = make_certificate(tmp_path)
    async with HttpsDoor(desk, context) as made:
        made.ca = str(tmp_path / "cert.pem")
        yield made


async def send(door, of, *, body=None, more=None) -> HttpReply:
    told = attributes(of, GATEWAY, NOW, historical=True)
    headers = {**{f"ce-{name}": value for name, value in told.items()}, **(more or {})}
    url = Url("127.0.0.1", door.port, "/help")
    return await post(url, headers, of.payload if body is None else body, tls_context(TlsFiles(door.ca)), 65536)


async def test_an_event_by_https_is_answered_with_the_signed_word(desk, door):
    reply = await send(door, event())
    assert reply.status == 200
    message = believe(
        reply.body,
        GATEWAY,
        Instant(1.0, "b", time.time(), True),
        verify=load_keys({desk.key.kid: desk.key.public}),
        open_requests=[REQUEST],
        seen=lambda _: False,
    )
    assert (message.type, message.request) == ("edge.help.received.v1", REQUEST)
    assert message.data["through"] == 3
    assert desk.cases[0].data["site"] == "12 Mill Lane"


async def test_a_desk_that_has_not_decided_says_202_and_a_later_try_fetches_the_word(desk, door, monkeypatch):
    monkeypatch.setattr("simulators.desk.https.PATIENCE_S", 0.2)
    desk.policy = Policy(received_after_s=None)
    assert await send(door, event()) == (202, {"content-length": "0", "connection": "close"}, b"")
    desk.policy = Policy(received_after_s=0.0)
    assert (await send(door, event())).status == 200
    assert len(desk.cases) == 1


async def test_a_cancellation_by_https_is_answered_by_its_own_word_and_by_none_before_it(desk, door):
    assert (await send(door, event())).status == 200
    reply = await send(door, event("cancelled", uuid7(1_790_000_100, bytes(10)), 4))
    body = unpack(open_envelope(reply.body).body)
    assert (body["type"], body["through"]) == ("edge.help.cancel_received.v1", 4)
    assert desk.cases[0].state == "cancelled"


async def test_a_token_that_is_wrong_and_a_body_that_is_none_are_refused(desk, door):
    door._token = "secret"
    assert (await send(door, event())).status == 401
    assert (await send(door, event(), more={"Authorization": "Bearer secret"})).status == 200
    door._token = ""
    assert (await send(door, event(), body=b"\xc1")).status == 400
    assert (await send(door, event(), more={"ce-source": "somebody"})).status == 400
    assert door.refused == 3


def test_ids_of_the_scene_are_what_they_seem():
    assert uuid_bytes(uuid_text(REQUEST)) == REQUEST


async def test_the_desks_command_takes_calls_by_https(tmp_path):
    context = make_certificate(tmp_path)
    assert context
    (tmp_path / "both.pem").write_text((tmp_path / "cert.pem").read_text() + (tmp_path / "key.pem").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with Broker.find("mosquitto") as broker:
        command = (sys.executable, "-m", "edge_agent", "desk", "--port", str(broker.port), "--policy", "received=0")
        desk = await asyncio.create_subprocess_exec(
            *(*command, "--calls", f"127.0.0.1:{port}", "--calls-cert", str(tmp_path / "both.pem")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            url, ca = Url("127.0.0.1", port, "/"), tls_context(TlsFiles(str(tmp_path / "cert.pem")))
            headers = {
                f"ce-{name}": value for name, value in attributes(event(), GATEWAY, NOW, historical=True).items()
            }
            async with asyncio.timeout(20.0):
                while True:
                    with suppress(OSError):
                        reply = await post(url, headers, event().payload, ca, 65536)
                        break
                    await asyncio.sleep(0.1)
            assert reply.status == 200
        finally:
            desk.terminate()
            await desk.communicate()
        wrong = await asyncio.create_subprocess_exec(
            *(*command, "--calls", f"127.0.0.1:{port}"), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        _, said = await wrong.communicate()
        assert wrong.returncode == 2
        assert b"no certificate with its key" in said
