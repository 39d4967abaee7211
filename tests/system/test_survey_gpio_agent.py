"""A survey of the header beside the live agent: every press means what it always means, and is seen."""

import asyncio
import json

import pytest
from stage import edge_agent, staged, until

from simulators.demo.agent import PIN_FACTORY

BUTTON, FREE = 17, 26
FOR = ("--for", "6s")


@pytest.fixture
async def stage():
    async with staged(transports=("gpio",)) as stage:
        yield stage


async def surveyed(stage, *words):
    return await edge_agent("survey", "gpio", "--socket", str(stage.agent.socket), *words)


async def begun(stage):
    """The survey of a command that was just started."""
    await until(lambda: tracing(stage), 20.0)
    await asyncio.sleep(0.5)


async def tracing(stage):
    reply = await stage.agent.ask(lambda client: client.survey_gpio())
    return reply.left_s > 0


async def test_short_presses_are_seen_and_call_nobody(stage):
    survey = asyncio.create_task(surveyed(stage, *FOR))
    await begun(stage)
    for _ in range(2):
        await stage.world.press(0.3)
        await asyncio.sleep(0.3)
    code, out, err = await survey
    assert code == 0
    assert "HELD FOR 1 s IT CALLS FOR HELP" in err
    assert "button (GPIO17): press 2, 0." in out
    assert (await stage.help()).state == "IDLE"
    assert "THAT HOLD HAS CALLED" not in err


async def test_a_hold_during_a_survey_calls_for_help_as_ever_and_the_survey_says_so(stage):
    survey = asyncio.create_task(surveyed(stage, "--line", "button", "--json", *FOR))
    await begun(stage)
    await stage.press(1.6)
    await stage.until_state("RECEIVED", "ENGAGED")
    code, out, err = await survey
    assert code == 0
    assert "THAT HOLD HAS CALLED FOR HELP" in err
    (line,) = json.loads(out)["lines"]
    assert (line["kind"], line["does"]) == ("help_button", "help")
    assert line["edges"][0]["high"] is False
    stage.case()  # one, and no second


async def test_it_ends_by_itself_and_what_the_agent_holds_is_never_taken(stage):
    code, out, err = await surveyed(stage, "--line", "button", "--for", "1s")
    assert (code, "it never changed" in out) == (1, True)
    await stage.agent.ask(lambda client: client.survey_gpio(1.0))
    code, _, err = await surveyed(stage, "--line", "17", "--pull", "down")
    assert (code, "The agent holds GPIO17, button, with pull up. Leave out --pull" in err) == (1, True)
    outputs = [
        line for line in (await stage.agent.ask(lambda client: client.survey_gpio())).lines if line.kind == "output"
    ]
    code, _, err = await surveyed(stage, "--line", str(outputs[0].line))
    assert (code, f"drives {outputs[0].name}: a survey only listens" in err) == (1, True)


async def test_a_line_that_the_agent_does_not_use_is_taken_beside_it(stage, monkeypatch):
    for name, value in {**stage.world.environment, **PIN_FACTORY}.items():
        monkeypatch.setenv(name, value)
    survey = asyncio.create_task(surveyed(stage, "--line", str(FREE), "--pull", "up", "--for", "4s"))
    board = stage.world.board
    await until(lambda: board.connected(FREE) or survey.done(), 20.0)
    assert not survey.done(), survey.result()
    await asyncio.sleep(0.5)
    await board.press(FREE, 0.3)
    code, out, err = await survey
    assert code == 0
    assert f"The agent does not use GPIO{FREE}" in err
    assert f"free line (GPIO{FREE}): press 1" in out
    assert (await stage.help()).state == "IDLE"


async def test_an_agent_that_goes_leaves_what_was_seen_until_then(stage):
    survey = asyncio.create_task(surveyed(stage, "--line", "button", "--for", "2m"))
    await begun(stage)
    await stage.world.press(0.3)
    await asyncio.sleep(1.0)
    stage.agent.kill()
    code, out, err = await survey
    assert code == 1
    assert "button (GPIO17): press 1, 0." in out
    assert "GPIO17 button: " in out
    assert "the agent" in err.splitlines()[-1]


async def test_an_agent_that_starts_during_a_survey_without_one_has_its_button_at_once(monkeypatch):
    async with staged(transports=("gpio",), start=False) as stage:
        for name, value in {**stage.world.environment, **PIN_FACTORY}.items():
            monkeypatch.setenv(name, value)
        survey = asyncio.create_task(surveyed(stage, "--config", str(stage.agent.config), "--for", "5m"))
        await until(lambda: stage.world.board.connected(BUTTON) or survey.done(), 20.0)
        assert not survey.done(), survey.result()
        await stage.agent.start()
        code, out, err = await survey
        assert code == 1
        assert "an agent has started, and has the lines now. Begin again" in err
        assert "GPIO17 button: it never changed" in out
        await until(lambda: ready(stage, "button"), 15.0)
        await stage.press(1.6)
        await stage.until_state("RECEIVED", "ENGAGED")


async def ready(stage, part):
    return (await stage.part(part)).ready
