"""The whole agent in one process: readiness, what the control socket sees, and both ways to end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from msgspec import structs
from services_scene import until

from edge_agent.app import Agent
from edge_agent.config.model import (
    Broker,
    Config,
    ConsentTable,
    Control,
    Desk,
    Gateway,
    Help,
    Outbox,
    Paths,
    SerialDevice,
    Tls,
)
from edge_agent.control.types import Answer
from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError
from edge_agent.core.event import EventKind
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.health import CONDITIONS
from edge_agent.core.lamp import Shown
from edge_agent.core.mayday_table import Signal
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.request import State
from edge_agent.texts import texts
from edge_agent.uplink import drain
from simulators.broker import Broker as RealBroker


def config(folder: Path, port: int = 0, hold_s: float = 1.0) -> Config:
    return Config(
        gateway=Gateway(id="gw", site="flat 3"),
        paths=Paths(state=str(folder / "state")),
        consent=ConsentTable(help_ready=True, telemetry=True, findings=True),
        broker=Broker(host="127.0.0.1" if port else "", port=port or 1883, tls=Tls(enabled=False)),
        desk=Desk(keys={"main": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}),
        outbox=Outbox(block_age_s=60.0, durability_window_s=60.0),
        help=Help(hold_s=hold_s, cancel_window_s=30.0),
        control=Control(enabled=False),
    )


@asynccontextmanager
async def running(settings: Config) -> AsyncIterator[Agent]:
    agent, stop = Agent(settings), asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    await asyncio.sleep(0.05)
    try:
        yield agent
    finally:
        stop.set()
        await task


def shown(agent: Agent) -> str:
    return agent.view.lamp().pattern


async def test_without_a_broker_the_status_says_so_and_the_lamp_is_not_ready(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        status = agent.view.status()
        assert not status.ready
        assert status.sentence == "Not all is well: there is no connection to the service."
        service = next(part for part in status.parts if part.name == "service")
        assert service.sentence == "no broker is configured, everything stays local"
        assert shown(agent) == Shown.NOT_READY


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Nicht alles ist in Ordnung: es gibt keine Verbindung zum Dienst."),
        ("es", "Algo no va bien: no hay conexión con el servicio."),
    ],
)
async def test_what_is_wrong_is_said_in_the_household_s_language(tmp_path: Path, language: str, said: str) -> None:
    settings = structs.replace(config(tmp_path), gateway=Gateway(id="gw", site="flat 3", language=language))
    async with running(settings) as agent:
        assert agent.view.status().sentence == said


async def test_of_several_findings_the_gravest_is_said_in_one_sentence(tmp_path: Path, broker: RealBroker) -> None:
    async with running(config(tmp_path, broker.port)) as agent:
        await until(lambda: agent.view.status().ready)
        flood = "Water is on the floor at Cellar. Shut the main tap, and look for where it comes from."
        for name, severity, said in (("cellar", Severity.ALARM, flood), ("shed", Severity.NOTICE, "The shed is cold.")):
            found = Finding(
                name.encode().ljust(16), name, "range", FindingState.CONFIRMED, severity, said, 0.0, "boot", 1
            )
            agent.found.register.tell(found)
        assert agent.view.status().sentence == "2 findings: Water is on the floor at Cellar."


def test_every_part_that_may_not_be_ready_has_its_words() -> None:
    by_now = {code for code in CONDITIONS if f"wrong.{code}" in texts("en")}
    only_examined = {*("config", "version", "power", "clock", "space", "disk", "wear", "memory", "temperature", "lamp")}
    only_examined |= {"queue", "link", "address", "dns", "tcp", "portal", "tls", "plugin"}
    assert by_now == set(CONDITIONS) - only_examined


async def test_a_press_and_a_cancellation_by_command_go_the_whole_way_and_are_on_disk(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        with pytest.raises(RefusedError):
            await agent.view.cancel()
        pressed = await agent.view.press(1.05)
        assert pressed.state == State.CANCEL_WINDOW
        assert pressed.lamp.pattern == Shown.CANCEL_WINDOW
        cancelled = await agent.view.cancel()
        assert (cancelled.state, cancelled.lamp.pattern) == (State.IDLE, Shown.NOT_READY)
        with pytest.raises(RefusedError):
            await agent.view.cancel()
        assert (await agent.view.press(0.0)).state == State.IDLE
        code = cancelled.case.code  # type: ignore[union-attr]
    async with running(config(tmp_path)) as again:
        (case,) = await again.outbox.requests.load()
        assert case.code == code


async def test_the_queue_counts_what_waits_and_readings_are_stored_at_the_stop(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        for number in range(5):
            at = agent.clock.now().monotonic
            agent.sampling.deliver(Reading(Channel("boiler.pressure", "bar"), 1.0 + number, at))
        assert agent.view.status().open_block_readings == 5
        assert [c.name for c in agent.view.channels().channels] == ["boiler.pressure"]
    async with running(config(tmp_path)) as again:
        lanes = {lane.name: lane for lane in again.view.queue().lanes}
        assert lanes["telemetry"].events == 1
        assert lanes["telemetry"].bytes > 0
        assert lanes["help"].events == 0


async def test_a_vital_part_that_fails_ends_the_agent_with_its_lamp_dark_and_its_readings_on_disk(
    tmp_path: Path,
) -> None:
    agent, failing = Agent(config(tmp_path)), asyncio.Event()

    async def drain(_beat: object) -> None:
        await failing.wait()
        raise RuntimeError("broken")

    agent.reach.drain.run = drain  # type: ignore[method-assign]
    task = asyncio.create_task(agent.run(asyncio.Event()))
    await until(lambda: agent.panel.arbiter.pattern)
    agent.sampling.deliver(Reading(Channel("boiler.pressure", "bar"), 1.0, agent.clock.now().monotonic))
    failing.set()
    with pytest.raises(ExceptionGroup):
        await task
    assert agent.panel.arbiter.pattern is None
    async with running(config(tmp_path)) as again:
        assert again.view.queue().lanes[-1].events == 1


@pytest.fixture
async def broker() -> AsyncIterator[RealBroker]:
    async with RealBroker.find("mosquitto") as found:
        yield found


async def test_the_lamp_follows_the_connection_both_ways(tmp_path: Path, broker: RealBroker) -> None:
    async with running(config(tmp_path, broker.port)) as agent:
        await until(lambda: shown(agent) == Shown.READY)
        assert agent.view.status().sentence == "All is well: 0 channels, nothing waits."
        await broker.kill()
        await until(lambda: shown(agent) == Shown.NOT_READY, 1.0)
        assert not agent.reach.uplink.connected
        await broker.restart()
        agent.reach.uplink.wake()
        await until(lambda: shown(agent) == Shown.READY)


async def test_an_uplink_that_breaks_does_not_stay_ready(tmp_path: Path, broker: RealBroker) -> None:
    async with running(config(tmp_path, broker.port)) as agent:
        await until(lambda: shown(agent) == Shown.READY)

        def broken() -> bool:
            raise RuntimeError("a mistake of ours")

        agent.reach.uplink._wanted = broken
        await until(lambda: shown(agent) == Shown.NOT_READY, 20.0)


async def test_the_drain_comes_round_although_there_is_nothing_to_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "ROUND_S", 0.01)
    beats: list[None] = []
    async with running(config(tmp_path)) as agent:
        task = asyncio.create_task(agent.reach.drain.run(lambda: beats.append(None)))
        await until(lambda: len(beats) > 3)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_device_that_is_not_there_is_not_all_well_and_says_what_to_do(tmp_path: Path) -> None:
    missing = SerialDevice(name="boiler", port=str(tmp_path / "nowhere"), language="textline")
    async with running(structs.replace(config(tmp_path), serial=(missing,))) as agent:
        await until(lambda: not agent.view.status().devices[0].ready)
        status = agent.view.status()
    assert not status.ready
    assert "nowhere" in status.devices[0].sentence
    assert status.devices[0].fix
    assert "(and 1 more)" in status.sentence


async def test_a_birth_tells_how_far_the_help_lane_has_got(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        assert agent.reach.presence._life([])["help_sequence"] == 0
        agent.outbox.requests.append(agent.events.make(EventKind.HELP, "nudged", "x", {}))
        assert agent.reach.presence._life([])["help_sequence"] == 1


async def test_a_devices_button_calls_and_a_second_one_cancels(tmp_path: Path) -> None:
    settings = config(tmp_path)
    both = structs.replace(settings.help, button_channel="panel.help", cancel_channel="panel.cancel")
    async with running(structs.replace(settings, help=both)) as agent:

        def tell(name: str, down: bool) -> None:
            agent._deliver(Reading(Channel(f"panel.{name}"), down, agent.clock.now().monotonic))

        tell("cancel", True)
        tell("help", True)
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        tell("help", False)
        tell("cancel", True)
        await asyncio.sleep(0.1)
        assert agent.help.state is State.CANCEL_WINDOW, "only what becomes true cancels"
        tell("cancel", False)
        tell("cancel", True)
        await until(lambda: agent.help.state is State.IDLE)


async def test_the_console_sees_what_is_asked_and_what_comes_next_and_answers(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        agent.help.trigger("flood", "There is water on the cellar floor.", 20.0, False)
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        case = agent.view.help().case
        assert case is not None
        assert (case.trigger, case.rule, case.reason) == ("automatic", "flood", "There is water on the cellar floor.")
        now = agent.clock.now().wall
        assert [each.what for each in case.next] == ["window_over"]
        assert 15.0 < case.next[0].wall - now <= 20.5
        agent.help._signal(Signal.WINDOW_OVER)
        # without a broker it does not stay so for long
        await until(lambda: any(step.state is State.RAISED for step in agent.help.case.steps))
        asked = {"question": "q", "text": "Is it deep?", "kind": "yes_no", "expires_s": 60}
        live = agent.help.case
        assert live is not None
        agent.help.heard(DeskMessage("m", "edge.help.question.v1", now, live.id, asked))
        await until(lambda: agent.view.lamp().pattern == "question")
        case = agent.view.help().case
        assert case is not None
        assert case.question is not None
        assert "other_ways" not in [each.what for each in case.next], "there are none"
        assert (case.question.text, case.question.answers, case.question.button) == ("Is it deep?", ["yes", "no"], True)
        assert 50.0 < case.question.expires_wall - now <= 61.0
        answered = await agent.view.answer(Answer(answer="no"))
        assert answered.case is not None
        assert answered.case.question is None
        written = await agent.view.say("Up to the knee.")
        assert written.case is not None
        assert [note.text for note in written.case.notes][-2:] == ["no", "Up to the knee."]
        with pytest.raises(RefusedError, match="asks nothing"):
            await agent.view.answer(Answer(answer="no"))
