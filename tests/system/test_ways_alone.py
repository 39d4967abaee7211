"""Other ways where there is no first one, after a restart, and for a call that is taken back."""

import socket
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from stage import QUICK_HELP, staged, until

from simulators.desk.certificate import make_certificate
from simulators.desk.https import HttpsDoor
from simulators.desk.policy import Policy

QUICK = QUICK_HELP | {"fallback_queued_s": 1.0, "fallback_after_s": 10.0}
WEB = '[[help.channels]]\nname = "web"\nkind = "https"\nurl = "https://127.0.0.1:{port}/"\ntls.ca_file = "{ca}"\n'
RECEIVES = Policy(received_after_s=0.2, engaged_after_s=None, resolved_after_s=None)


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="edge-ways-") as made:
        yield Path(made)


@pytest.fixture
async def door(folder):
    """Gives `open(stage)`, which lets calls in by HTTPS, and the table of the configuration for it."""
    context = make_certificate(folder)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    async with AsyncExitStack() as stack:

        async def opened(stage):
            return await stack.enter_async_context(HttpsDoor(stage.desk, context, port=port))

        yield opened, WEB.format(port=port, ca=folder / "cert.pem")


async def test_without_a_broker_a_call_goes_by_the_other_ways_at_once_and_is_taken_back_by_them(door):
    opened, table = door
    slow = QUICK_HELP | {"fallback_queued_s": 60.0, "fallback_after_s": 60.0}
    without = lambda text: text.replace('[broker]\nhost = "127.0.0.1"', "[broker]") + "\n" + table  # noqa: E731
    async with staged(policy=RECEIVES, help_timers=slow, transports=(), edit=without) as stage:
        await opened(stage)

        async def ready():
            return (await stage.help()).lamp.pattern == "ready"

        await until(ready)
        assert (await stage.part("service")).ready
        await stage.press()
        told = await stage.until_state("RECEIVED", seconds=10.0)
        assert stage.case().code == told.case.code
        await stage.agent.ask(lambda client: client.cancel())
        await stage.until_state("IDLE", seconds=10.0)
        assert stage.case().state == "cancelled"


async def test_a_gateway_that_has_no_way_at_all_is_not_ready():
    without = lambda text: text.replace('[broker]\nhost = "127.0.0.1"', "[broker]")  # noqa: E731
    async with staged(policy=RECEIVES, transports=(), edit=without) as stage:
        part = await stage.part("service")
        assert not part.ready
        assert (await stage.help()).lamp.pattern == "not_ready"


async def test_after_a_restart_https_is_asked_for_what_the_desk_says_while_mqtt_is_away(door):
    opened, table = door
    async with staged(policy=RECEIVES, help_timers=QUICK, transports=(), edit=lambda text: text + table) as stage:
        calls = await opened(stage)
        await until(lambda: stage.desk.events_received > 0)
        await stage.cable.cut()
        await stage.press()
        code = (await stage.until_state("RECEIVED", seconds=30.0)).case.code
        stage.agent.kill()
        await stage.agent.stop()
        await stage.agent.start()
        count = calls.calls
        stage.desk.policy = Policy(received_after_s=0.2, engaged_after_s=0.1, resolved_after_s=None)
        told = await stage.until_state("ENGAGED", seconds=30.0)
        assert stage.cable.outages[-1].ended_at is None, "MQTT is still away"
        assert told.case.code == code == stage.case().code
        assert calls.calls > count
