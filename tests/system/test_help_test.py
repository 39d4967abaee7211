"""The test of the way to the desk, as a person asks for it: what the command tells, and what the lamp says after."""

import asyncio
import json

from stage import QUICK_HELP, edge_agent, staged, until

from edge_agent.control.client import Client
from simulators.desk.policy import Policy

# 5 s is the least that may be configured
SOON = QUICK_HELP | {"test_wait_s": 5.0}


async def ask(stage, *words):
    return await edge_agent("help", "test", "--socket", str(stage.agent.socket), *words)


async def test_the_command_tells_each_step_and_no_case_is_opened():
    async with staged(transports=("serial",), help_timers=SOON) as stage:
        await until(stage.is_connected)
        code, out, _ = await ask(stage)
        assert code == 0, out
        first, recorded, sent, desk, last = out.splitlines()
        assert first == "The way to the service desk is being tested. Nobody is called."
        assert [line.split("s  ")[1] for line in (recorded, sent, desk)] == [
            "recorded on disk",
            "taken by the broker",
            "answered by the service desk",
        ]
        assert last == "The last test passed: the service desk has answered it."
        assert stage.desk.cases == []
        assert (await stage.part("test")).sentence == last
        # a second one within five minutes is refused, and the last one can be looked at
        code, _, error = await ask(stage)
        assert (code, "the next one may be in" in error) == (1, True)
        code, out, _ = await ask(stage, "--last", "--json")
        told = json.loads(out)
        assert (code, told["outcome"], told["scheduled"]) == (0, "passed", False)
        assert 0 < told["recorded_s"] <= told["desk_s"] < 5.0
        assert (await stage.help()).state == "IDLE"


async def test_a_desk_that_lies_or_is_silent_makes_the_gateway_not_ready_until_a_test_has_passed():
    async with staged(policy=Policy(lies=True), transports=("serial",), help_timers=SOON) as stage:
        await until(stage.is_connected)
        assert (await stage.help()).lamp.pattern == "ready"
        code, out, _ = await ask(stage)
        assert code == 1
        assert "the service desk has not answered" in out
        assert "compare its key" in out
        await until(lambda: stage.lamp()[-1:] == ["not ready"])
        # over a restart too
        assert await stage.agent.stop() == 0
        stage.desk.policy = Policy()
        await stage.agent.start()
        await until(stage.is_connected)
        assert (await stage.help()).lamp.pattern == "not_ready"
        assert (await ask(stage))[0] == 0
        await until(lambda: stage.lamp()[-1:] == ["ready"])


async def test_a_gateway_that_is_offline_says_so_and_a_call_goes_before_a_test():
    policy = Policy(received_after_s=0.2, engaged_after_s=0.5)
    async with staged(policy=policy, transports=("serial",), help_timers=SOON) as stage:
        await until(stage.is_connected)
        await stage.cable.cut()
        asked = asyncio.create_task(ask(stage))
        await until(lambda: _is_running(stage))
        # the button is held meanwhile: the test gives way at once
        await stage.press()
        code, out, _ = await asked
        assert (code, "gave way" in out) == (1, True)
        await stage.until_state("QUEUED")
        await stage.cable.mend()
        await stage.until_state("ENGAGED", seconds=15.0)
        assert stage.case().state == "engaged"
        assert (await stage.part("test")).ready


async def test_offline_is_no_failure():
    async with staged(transports=("serial",), help_timers=SOON) as stage:
        await until(stage.is_connected)
        await stage.cable.cut()
        code, out, _ = await ask(stage)
        assert code == 1
        assert "There is no connection" in out
        assert (await stage.part("test")).ready


async def _is_running(stage):
    return (await stage.agent.ask(Client.help_test)).outcome == "running"


async def test_by_hand_it_needs_no_standing_consent_and_leaves_again_when_it_is_over():
    def silent(text):
        for purpose in ("help_ready", "telemetry", "findings", "diagnostics", "assist"):
            text = text.replace(f"{purpose} = true", f"{purpose} = false")
        return text

    async with staged(transports=("serial",), help_timers=SOON, edit=silent) as stage:
        assert stage.cable.connections == 0
        code, out, _ = await ask(stage)
        assert (code, "test passed" in out) == (0, True)
        await until(lambda: stage.cable.connections == 0)
        assert {row[0] for row in stage.desk._store.db.execute("SELECT type FROM events")} <= {
            "edge.help.test.v1",
            "edge.state.birth.v1",
        }
