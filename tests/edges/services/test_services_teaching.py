"""On the whole agent: this is normal, by command and by the answer to the desk; and what people do with findings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from services_scene import until
from test_services_agent import config, running

from edge_agent.app import Agent
from edge_agent.config.model import Check, HelpRule
from edge_agent.control.types import Clear, Shelve
from edge_agent.core.errors import RefusedError
from edge_agent.core.question import Purpose, Question
from edge_agent.core.reading import Channel, ChannelKind, Reading

PRESSURE = Channel("boiler.pressure", "bar")
BURNER = Channel("boiler.burner", "", ChannelKind.STATE)
LEARNED, LIMIT = "boiler.pressure:learned", "boiler.flow:range"
CHECKS = (
    Check(channel="boiler.pressure", kind="learned"),
    Check(channel="boiler.flow", kind="range", max=5.0),
    Check(channel="gas.alarm", kind="range", max=0.5, severity="alarm"),
)


def settings(folder: Path, **more):
    return structs.replace(config(folder), check=CHECKS, **more)


@asynccontextmanager
async def house(folder: Path, **more) -> AsyncIterator[Agent]:
    async with running(settings(folder, **more)) as agent:
        yield agent


def weeks_then(agent: Agent, value: float) -> None:
    """A pressure of 3 bar for a week, and then this."""
    chance, now = Random(5), agent.clock.now().monotonic
    for n in range(2000):
        agent.sampling.deliver(Reading(PRESSURE, 3.0 + chance.uniform(-0.05, 0.05), now - (2000 - n) * 300.0))
    agent.sampling.deliver(Reading(PRESSURE, value, now))


def stands(agent: Agent, key: str) -> bool:
    return key in {f.key for f in agent.found.register.confirmed()}


async def test_this_is_normal_teaches_the_channel_and_is_on_disk_when_it_is_answered(tmp_path: Path) -> None:
    async with house(tmp_path) as agent:
        weeks_then(agent, 1.5)
        assert stands(agent, LEARNED)
        taught = await agent.view.normal(Clear(id="boiler.pressure", by="caretaker", why="a new pump"))
        assert taught.channels == ["boiler.pressure"]
        assert not stands(agent, LEARNED)
        assert "boiler.pressure" in {f.channel for f in agent.found.register.findings()}
        told = await agent.view.explain(LEARNED)
        assert told.cleared is not None
        assert (told.cleared.by, told.cleared.why) == ("caretaker", "a new pump")
        assert told.latest is not None
        assert [value for _, value in told.latest.readings] == [1.5]
        assert told.may == []
        assert b"boiler.pressure:learned" in (tmp_path / "state" / "lessons").read_bytes()
        files = [tmp_path / "state" / name for name in ("findings.db", "findings.db-wal")]
        assert any(b"a new pump" in file.read_bytes() for file in files if file.exists())


async def test_a_yes_by_the_button_to_the_desk_s_question_teaches(tmp_path: Path) -> None:
    async with house(tmp_path) as agent:
        weeks_then(agent, 1.5)
        now = agent.clock.now()
        asked = Question("q", "Is it?", 60.0, now.monotonic, now.boot_id, now.wall, purpose=Purpose.NORMAL)
        agent._agreed(replace(asked, about="gas.alarm:range"))
        agent._agreed(replace(asked, about=LEARNED))
        await until(lambda: not stands(agent, LEARNED), 12.0)
        stone = agent.found.register.entry(LEARNED).tombstone  # type: ignore[union-attr]
        assert stone is not None
        assert stone.by == "household"


async def test_what_is_no_matter_of_learning_says_where_its_limit_stands(tmp_path: Path) -> None:
    async with house(tmp_path) as agent:
        agent.sampling.deliver(Reading(Channel("boiler.flow", "l/min"), 9.0, agent.clock.now().monotonic))
        with pytest.raises(RefusedError, match="no matter of learning") as refused:
            await agent.view.normal(Clear(id="boiler.flow"))
        assert "in the configuration or in a playbook" in refused.value.fix
        with pytest.raises(RefusedError, match="no finding"):
            await agent.view.normal(Clear(id="cellar.humidity"))
        assert (await agent.view.normal(Clear(id="boiler.pressure"))).channels == ["boiler.pressure"]


async def test_all_that_may_be_is_cleared_and_the_rest_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as agent:
        now = agent.clock.now().monotonic
        agent.sampling.deliver(Reading(Channel("boiler.flow"), 9.0, now))
        agent.sampling.deliver(Reading(Channel("gas.alarm", "", ChannelKind.STATE), True, now))
        assert (await agent.view.explain("gas.alarm")).may == []
        assert (await agent.view.explain("boiler.flow")).may == ["clear", "shelve"]
        cleared = await agent.view.clear(Clear(id="*", by="caretaker"))
        assert [each.id for each in cleared.findings] == [LIMIT]
        assert stands(agent, "gas.alarm:range")
        ready = {(each.channel, each.ready) for each in agent.view.readiness().checks}
        assert ready == {("boiler.flow", False), ("gas.alarm", True), ("boiler.pressure", False)}


async def test_a_finding_that_a_rule_looks_at_is_not_shelved_and_is_a_notice_at_once(tmp_path: Path) -> None:
    help_ = structs.replace(
        config(tmp_path).help, rules=(HelpRule(name="hot", text="It is hot.", finding=LIMIT, rearm_s=3600.0),)
    )
    async with house(tmp_path, help=help_) as agent:
        live = agent.hub.listen(["notice"])
        first = asyncio.ensure_future(anext(live))
        await asyncio.sleep(0)
        agent.sampling.deliver(Reading(Channel("boiler.flow", "l/min"), 9.0, agent.clock.now().monotonic))
        told = (await asyncio.wait_for(first, 5.0)).data
        assert (told.safety, told.findings) == (True, [LIMIT])
        await live.aclose()  # type: ignore[attr-defined]
        with pytest.raises(RefusedError, match="calls for help"):
            await agent.view.shelve(Shelve(id=LIMIT, reason="noise", owner="caretaker", seconds=3600.0))


async def test_shelved_counts_for_nothing_but_is_still_there(tmp_path: Path) -> None:
    async with house(tmp_path) as agent:
        agent.sampling.deliver(Reading(Channel("boiler.flow", "l/min"), 9.0, agent.clock.now().monotonic))
        await agent.view.shelve(Shelve(id=LIMIT, reason="a test", owner="caretaker", seconds=3600.0))
        assert agent.standing.context()["findings"] == []
        (shown,) = [f for f in agent.view.findings().findings if f.id == LIMIT]
        assert (shown.state, shown.shelved_s) == ("confirmed", 3600.0)
    async with house(tmp_path) as agent:
        assert not stands(agent, LIMIT)
        assert (await agent.view.unshelve(LIMIT)).shelved_s is None
        assert stands(agent, LIMIT)


async def test_a_rule_still_calls_by_a_finding_that_stood_before_the_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as agent:
        agent.sampling.deliver(Reading(Channel("boiler.flow", "l/min"), 9.0, agent.clock.now().monotonic))
    plain = config(tmp_path)
    help_ = structs.replace(plain.help, rules=(HelpRule(name="hot", text="It is hot.", finding=LIMIT),))
    consent = structs.replace(plain.consent, help_ready=True)
    async with house(tmp_path, help=help_, consent=consent) as agent:
        await until(lambda: agent.help.case is not None, 5.0)
        assert agent.help.case is not None
        assert agent.help.case.rule == "hot"


async def test_what_is_only_pending_is_listed_and_explained(tmp_path: Path) -> None:
    slow = structs.replace(CHECKS[1], confirm_s=600.0)
    async with running(structs.replace(config(tmp_path), check=(slow,))) as agent:
        agent.sampling.deliver(Reading(Channel("boiler.flow", "l/min"), 9.0, agent.clock.now().monotonic))
        (shown,) = agent.view.findings().findings
        assert (shown.state, shown.id) == ("pending", LIMIT)
        told = await agent.view.explain("boiler.flow")
        assert (told.finding.state, told.unit, told.may, told.latest) == ("pending", "l/min", [], None)
