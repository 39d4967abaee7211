"""The household's switches: at once, above the configuration, for good; and never more than it said."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from services_scene import until
from test_services_agent import config, running

from edge_agent.app import Agent
from edge_agent.config.model import Config, ConsentTable, Outbox
from edge_agent.control.types import Decide
from edge_agent.core.consent import PURPOSES, Decision, consent, newest
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.reading import Channel, Reading
from simulators.broker import Broker

PRESSURE = Channel("boiler.pressure", "bar")
EVERYTHING = frozenset(PURPOSES)


def decision(purpose: str, granted: bool) -> Decision:
    return Decision(purpose, granted, "page", 1.0)


@given(
    configured=st.frozensets(st.sampled_from(PURPOSES)),
    said=st.lists(st.builds(decision, st.sampled_from(PURPOSES), st.booleans())),
)
def test_the_last_word_of_the_household_counts_and_else_the_configuration(
    configured: frozenset[str], said: list[Decision]
) -> None:
    granted = consent(configured, newest(said)).granted
    for purpose in PURPOSES:
        words = [each.granted for each in said if each.purpose == purpose]
        assert (purpose in granted) == (words[-1] if words else purpose in configured)


def test_a_purpose_of_another_version_lets_nothing_out() -> None:
    assert consent(frozenset({"marketing"}), newest([decision("profiling", granted=True)])).granted == frozenset()


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with Broker.find("mosquitto") as found:
        yield found


def quick(folder: Path, port: int) -> Config:
    return structs.replace(config(folder, port), outbox=Outbox(block_age_s=0.1, durability_window_s=0.1))


def read(agent: Agent, value: float = 1.0) -> None:
    agent.sampling.deliver(Reading(PRESSURE, value, agent.clock.now().monotonic))


async def say(agent: Agent, purpose: str, *, granted: bool) -> None:
    reply = await agent.view.decide(Decide(purpose=purpose, granted=granted, by="page"))
    assert {each.name: each.granted for each in reply.purposes}[purpose] is granted


async def test_what_is_taken_back_stays_from_now_on_and_goes_again_when_it_is_given(
    tmp_path: Path, broker: Broker
) -> None:
    async with running(quick(tmp_path, broker.port)) as agent:
        await until(lambda: agent.reach.uplink.connected)
        read(agent)
        await until(lambda: agent.view.queue().sent_events > 0, 10.0)
        await until(lambda: not any(lane.events for lane in agent.view.queue().lanes), 10.0)
        await say(agent, "telemetry", granted=False)
        before = agent.view.queue().sent_events
        for number in range(20):
            read(agent, float(number))
            await asyncio.sleep(0.03)
        assert agent.view.queue().sent_events == before
        await say(agent, "telemetry", granted=True)
        read(agent)
        await until(lambda: agent.view.queue().sent_events > before, 10.0)


async def test_without_consent_to_be_ready_the_connection_itself_ends_and_comes_again(
    tmp_path: Path, broker: Broker
) -> None:
    async with running(config(tmp_path, broker.port)) as agent:
        await until(lambda: agent.reach.uplink.connected)
        await say(agent, "help_ready", granted=False)
        await until(lambda: not agent.reach.uplink.connected, 5.0)
        await say(agent, "help_ready", granted=True)
        await until(lambda: agent.reach.uplink.connected, 5.0)


async def test_a_decision_outlives_a_restart_and_a_changed_configuration(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        await say(agent, "telemetry", granted=False)
        await say(agent, "diagnostics", granted=True)
    everything = ConsentTable(**dict.fromkeys(PURPOSES, True))
    async with running(structs.replace(config(tmp_path), consent=everything)) as again:
        assert again.consent.granted == EVERYTHING - {"telemetry"}
        told = {each.name: each for each in again.view.consent().purposes}
        assert (told["telemetry"].configured, told["telemetry"].by) == (True, "page")
        assert told["telemetry"].wall is not None
        assert (told["assist"].by, told["assist"].wall) == ("", None)


async def test_a_disk_that_refuses_takes_back_what_is_taken_back_and_allows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(config(tmp_path)) as agent:

        async def refuse(_: Decision) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(agent.consents, "_keep", refuse)
        with pytest.raises(StoreError, match="until the agent is started anew"):
            await agent.view.decide(Decide(purpose="telemetry", granted=False))
        assert "telemetry" not in agent.consent.granted
        with pytest.raises(StoreError, match="the disk is full"):
            await agent.view.decide(Decide(purpose="assist", granted=True))
        assert "assist" not in agent.consent.granted


async def test_a_purpose_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        with pytest.raises(RefusedError, match="help_ready, telemetry"):
            await agent.view.decide(Decide(purpose="marketing", granted=True))


async def test_while_decisions_cannot_be_read_only_help_is_ready_and_the_status_says_so(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        await say(agent, "telemetry", granted=False)
    database = tmp_path / "state" / "cases.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 99")  # as a newer program leaves it: refused, and left alone
    async with running(config(tmp_path)) as again:
        assert again.consent.granted == {"help_ready"}
        assert any("what the household allows cannot be read" in part.sentence for part in again.view.status().parts)


async def test_every_decision_is_kept_in_order(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        for granted in (False, True, False):
            await say(agent, "findings", granted=granted)
        kept = agent.outbox.decisions.load([])
    assert kept is not None
    assert [each.granted for each in kept] == [False, True, False]
    assert [each.wall for each in kept] == sorted(each.wall for each in kept)
    assert replace(kept[0], wall=0.0) == Decision("findings", False, "page", 0.0)
