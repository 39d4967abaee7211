"""The broker is gone, and the call for help goes another way: by HTTPS, by SMS, by a second broker, by all at once."""

import asyncio
import socket
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from stage import QUICK_HELP, in_order, staged, until

from simulators.broker import Broker
from simulators.desk.certificate import make_certificate
from simulators.desk.desk import Desk
from simulators.desk.https import HttpsDoor
from simulators.desk.phone import DeskPhone
from simulators.desk.policy import Policy
from simulators.modem.modem import SimulatedModem

QUICK = QUICK_HELP | {"fallback_queued_s": 1.0, "fallback_after_s": 10.0}
DESK_NUMBER, OWN_NUMBER = "+491700000001", "+491700000009"
SMS = '[[help.channels]]\nname = "phone"\nkind = "sms"\nmodem = "{modem}"\nnumber = "+491700000001"\nresend_s = 5\n'
WEB = '[[help.channels]]\nname = "web"\nkind = "https"\nurl = "https://127.0.0.1:{port}/"\ntls.ca_file = "{ca}"\n'
BACKUP = '[[help.channels]]\nname = "backup"\nkind = "broker"\nhost = "127.0.0.1"\nport = {port}\ntls.enabled = false\n'


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="edge-ways-") as made:
        yield Path(made)


@pytest.fixture
def certificate(folder):
    return make_certificate(folder)


@asynccontextmanager
async def phone(desk, modem):
    """The network between the gateway's modem and the desk's number."""
    ours = DeskPhone(desk, DESK_NUMBER, modem.receive)
    modem.on_sms = lambda sms: ours.received(sms, OWN_NUMBER) if sms.number == DESK_NUMBER else None
    task = asyncio.create_task(ours.run())
    try:
        yield ours
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def added(*tables):
    return lambda text: text + "\n" + "".join(tables)


async def sentence(stage, name):
    return (await stage.part(f"channel {name}")).sentence


async def and_goes_on_over_mqtt(stage, code):
    """The network is back: the event itself follows, with the same id, and it is one case to its end."""
    request = stage.case().request
    await stage.cable.mend()
    await stage.until_state("RESOLVED", seconds=30.0)
    case = stage.case()
    assert (case.request, case.code, case.state) == (request, code, "resolved")
    assert case.gateway == (await stage.status()).gateway
    # the desk has the whole event too, if perhaps a moment later than its word that all is done
    await until(lambda: stage.case().data.get("site") == "Demo house")
    counted = await stage.stop_and_count()
    assert counted.duplicates == 0
    assert not stage.desk.gaps


@pytest.mark.parametrize("how", ["cut", "black_hole"])
async def test_sms_carries_the_call_and_the_lamp_says_received(folder, how):
    policy = Policy(received_after_s=0.2, engaged_after_s=None, resolved_after_s=None)
    async with AsyncExitStack() as stack:
        modem = await stack.enter_async_context(SimulatedModem(folder / "modem"))
        stage = await stack.enter_async_context(
            staged(policy=policy, help_timers=QUICK, transports=(), edit=added(SMS.format(modem=modem.path)))
        )
        ours = await stack.enter_async_context(phone(stage.desk, modem))
        await until(lambda: stage.desk.events_received > 0)
        await getattr(stage.cable, how)()
        await stage.press()
        told = await stage.until_state("RECEIVED", seconds=30.0)
        assert stage.cable.outages[-1].ended_at is None, "the network is still away"
        assert "FALLBACK" in [step.state for step in told.case.steps]
        assert told.case.reference == stage.case().reference
        await until(lambda: stage.lamp()[-1:] == ["received"])
        assert in_order(["hold", "cancel window", "received"], stage.lamp()), stage.lamp()
        assert ours.calls == 1
        assert "answered by the desk" in await sentence(stage, "phone")
        assert stage.case().data.get("compact") is True
        stage.desk.policy = Policy(received_after_s=0.2, engaged_after_s=0.1, resolved_after_s=0.3)
        await and_goes_on_over_mqtt(stage, told.case.code)


async def test_https_carries_the_call_where_the_broker_swallows_everything(folder, certificate):
    port = free_port()
    table = WEB.format(port=port, ca=folder / "cert.pem")
    policy = Policy(received_after_s=0.2, engaged_after_s=None, resolved_after_s=None)
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(
            staged(policy=policy, help_timers=QUICK, transports=(), edit=added(table))
        )
        door = await stack.enter_async_context(HttpsDoor(stage.desk, certificate, port=port))
        await until(lambda: stage.desk.events_received > 0)
        await stage.cable.black_hole()
        await stage.press()
        told = await stage.until_state("RECEIVED", seconds=30.0)
        assert door.calls == 1
        assert "answered by the desk" in await sentence(stage, "web")
        await until(lambda: stage.lamp()[-1:] == ["received"])
        # what follows is asked for, while the broker is still a black hole
        stage.desk.policy = Policy(received_after_s=0.2, engaged_after_s=0.1, resolved_after_s=None)
        await stage.until_state("ENGAGED", seconds=30.0)
        assert stage.cable.outages[-1].ended_at is None
        stage.desk.policy = Policy(received_after_s=0.2, engaged_after_s=0.1, resolved_after_s=0.3)
        await and_goes_on_over_mqtt(stage, told.case.code)


async def test_a_second_broker_carries_the_call_and_what_follows_it(folder):
    db = str(folder / "desk.sqlite")
    async with AsyncExitStack() as stack:
        backup = await stack.enter_async_context(Broker.find("mosquitto"))
        policy = Policy(received_after_s=0.2, engaged_after_s=1.5, resolved_after_s=None)
        stage = await stack.enter_async_context(
            staged(policy=policy, help_timers=QUICK, transports=(), edit=added(BACKUP.format(port=backup.port)))
        )
        await until(lambda: stage.desk.events_received > 0)
        second = Desk("127.0.0.1", backup.port, key=stage.desk.key, policy=policy, db=db)
        running = asyncio.create_task(second.run())
        await second.ready.wait()
        await stage.cable.cut()
        await stage.press()
        told = await stage.until_state("RECEIVED", "ENGAGED", seconds=30.0)
        await stage.until_state("ENGAGED", seconds=10.0)
        (case,) = second.cases
        assert case.code == told.case.code
        assert second.events_received == 1, "nothing but the call goes there"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        second.close()


async def test_all_ways_are_tried_and_none_that_is_broken_holds_up_the_one_that_works(folder, certificate):
    web, modem_path = free_port(), folder / "modem"
    tables = (
        BACKUP.format(port=free_port()),
        WEB.format(port=web, ca=folder / "cert.pem"),
        SMS.format(modem=modem_path),
        SMS.format(modem=folder / "nothing").replace('"phone"', '"other_phone"'),
    )
    policy = Policy(received_after_s=0.2, engaged_after_s=None, resolved_after_s=None)
    async with AsyncExitStack() as stack:
        modem = await stack.enter_async_context(SimulatedModem(modem_path))
        modem.refuse = 38
        stage = await stack.enter_async_context(
            staged(policy=policy, help_timers=QUICK, transports=(), edit=added(*tables))
        )
        await stack.enter_async_context(phone(stage.desk, modem))
        door = await stack.enter_async_context(HttpsDoor(stage.desk, certificate, port=web))
        door.busy_s = 3600
        await stage.cable.cut()
        await stage.press()
        await stage.until_state("FALLBACK", seconds=15.0)

        async def all_failed():
            said = [await sentence(stage, name) for name in ("web", "phone")]
            return all("failed" in each for each in said)

        await until(all_failed, 40.0)
        assert "the network is out of order" in await sentence(stage, "phone")
        assert "busy" in await sentence(stage, "web")
        assert "is not there" in await sentence(stage, "other_phone")
        assert (await stage.help()).lamp.pattern == "queued"
        assert not {"received", "engaged"} & set(stage.lamp())
        modem.refuse = 0
        await stage.until_state("RECEIVED", seconds=40.0)


async def test_a_liar_by_sms_lights_no_lamp(folder):
    async with AsyncExitStack() as stack:
        modem = await stack.enter_async_context(SimulatedModem(folder / "modem"))
        policy = Policy(received_after_s=0.1, lies=True)
        stage = await stack.enter_async_context(
            staged(policy=policy, help_timers=QUICK, transports=(), edit=added(SMS.format(modem=modem.path)))
        )
        ours = await stack.enter_async_context(phone(stage.desk, modem))
        await stage.cable.cut()
        await stage.press()
        await until(lambda: ours.calls and modem.commands.count("AT+CMGD=1") > 0, 30.0)
        await asyncio.sleep(1.0)
        assert (await stage.help()).state == "FALLBACK"
        assert not {"received", "engaged"} & set(stage.lamp())


async def test_a_crash_in_fallback_goes_on_by_sms_with_the_same_case(folder):
    policy = Policy(received_after_s=0.2, engaged_after_s=None, resolved_after_s=None)
    async with AsyncExitStack() as stack:
        modem = await stack.enter_async_context(SimulatedModem(folder / "modem"))
        modem.registered = 2
        stage = await stack.enter_async_context(
            staged(policy=policy, help_timers=QUICK, transports=(), edit=added(SMS.format(modem=modem.path)))
        )
        await stack.enter_async_context(phone(stage.desk, modem))
        await until(lambda: stage.desk.events_received > 0)
        await stage.cable.cut()
        await stage.press()
        code = (await stage.until_state("FALLBACK", seconds=15.0)).case.code
        stage.agent.kill()
        await stage.agent.stop()
        modem.registered = 1
        await stage.agent.start()
        told = await stage.until_state("RECEIVED", seconds=40.0)
        assert told.case.code == code == stage.case().code


async def test_channels_that_are_not_configured_are_not_imported():
    found = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys, edge_agent.app; print([m for m in sys.modules if 'channels.' in m])",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await found.communicate()
    assert out.decode().strip() == "[]"
