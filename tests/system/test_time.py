"""Gateways without a clock: they start in 1970, learn the time late or never, and all is dated right in the end."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge_agent import systemclock
from edge_agent.app import Agent
from edge_agent.config import model
from edge_agent.core.clock import Source
from edge_agent.core.consent import PURPOSES
from edge_agent.core.reading import Channel, Reading
from edge_agent.systemclock import SystemClock, monotonic
from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy

PRESSURE = Channel("boiler.pressure", "bar")
TEN_YEARS_S = 10 * 365.25 * 86400.0


class WrongClock(SystemClock):
    """This machine's clocks in a boot of its own; the wall clock is `wrong_s` off, and nobody vouches for it."""

    def __init__(self, boot_id: str, wrong_s: float) -> None:
        self.wrong_s = wrong_s
        self.synchronised = False
        super().__init__(lambda: time.time() + self.wrong_s, boot_id)

    def _synchronised(self) -> bool:
        return self.synchronised

    def gets_the_time(self) -> None:
        """As NTP does: the clock is set, and the kernel says so."""
        self.wrong_s, self.synchronised, self._asked_at = 0.0, True, float("-inf")


@pytest.fixture(autouse=True)
def no_timesyncd(monkeypatch, tmp_path):
    monkeypatch.setattr(systemclock, "_TIMESYNCD", tmp_path / "none")


def settings(folder: Path, key: DeskKey, port: int = 0) -> model.Config:
    return model.Config(
        gateway=model.Gateway(id="gw"),
        paths=model.Paths(state=str(folder), runtime=str(folder)),
        consent=model.ConsentTable(**dict.fromkeys(PURPOSES, True)),
        broker=model.Broker(host="127.0.0.1" if port else "", port=port or 1883, tls=model.Tls(enabled=False)),
        desk=model.Desk(keys={key.kid: key.public}),
        control=model.Control(enabled=False),
    )


@asynccontextmanager
async def running(config: model.Config, clock: SystemClock):
    agent, stop = Agent(config, clock), asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    await asyncio.sleep(0.05)
    try:
        yield agent
    finally:
        stop.set()
        await task


@asynccontextmanager
async def desk_at(port: int, key: DeskKey, **policy):
    desk = Desk("127.0.0.1", port, key=key, policy=Policy(**policy))
    task = asyncio.create_task(desk.run())
    await asyncio.wait_for(desk.ready.wait(), 10.0)
    try:
        yield desk
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        desk.close()


async def until(true, within_s=10.0):
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def measures(agent: Agent, value: float, ago_s: float = 0.0) -> None:
    agent.sampling.deliver(Reading(PRESSURE, value, monotonic() - ago_s))
    await agent.sampling.finish()


async def test_what_was_stored_in_1970_over_three_boots_is_dated_right_at_the_desk(tmp_path):
    key, since_1970, state = DeskKey.make(), -time.time(), tmp_path / "state"
    began = time.time()
    clock = WrongClock("boot-a", since_1970)
    async with running(settings(state, key), clock) as agent:
        await measures(agent, 1.0, ago_s=3600.0)
        clock.gets_the_time()
    async with running(settings(state, key), WrongClock("boot-b", since_1970)) as agent:
        await measures(agent, 2.0)
    async with Broker.find("mosquitto") as broker, desk_at(broker.port, key) as desk:
        async with running(settings(state, key, broker.port), WrongClock("boot-c", since_1970)) as agent:
            await measures(agent, 3.0, ago_s=1800.0)
            await until(lambda: desk.readings_received == 3 and agent.clock.now().trusted)
            assert agent.clock.source is Source.DESK
            assert agent.clock.now().wall == pytest.approx(time.time(), abs=2.0)
            await measures(agent, 4.0)
            await until(lambda: desk.readings_received == 4)
        held = {row.value: row.wall for row in desk.held()}
        told = {row.event_id: row for row in desk.corrected}
        of_b = next(row.event_id for row in desk.held() if row.value == 2.0)
    assert held[1.0] == pytest.approx(began - 3600.0, abs=3.0)
    assert held[3.0] == pytest.approx(began - 1800.0, abs=10.0)
    assert held[4.0] == pytest.approx(time.time(), abs=10.0)
    # the boot that never knew lies behind the one before it, and says that this is no more than that
    assert began - 1.0 < held[2.0] < time.time() + monotonic() + 60.0
    assert of_b not in told or told[of_b].dated is not None


async def test_an_agent_that_starts_again_in_the_same_boot_still_knows_the_time(tmp_path):
    clock = WrongClock("boot-a", -time.time())
    config = settings(tmp_path / "state", DeskKey.make())
    async with running(config, clock):
        clock.gets_the_time()
    again = WrongClock("boot-a", -TEN_YEARS_S)
    async with running(config, again) as agent:
        now = agent.clock.now()
        assert now.trusted
        assert now.wall == pytest.approx(time.time(), abs=0.1)


@pytest.mark.parametrize("step_s", [TEN_YEARS_S, -TEN_YEARS_S])
async def test_a_help_request_goes_its_way_while_the_clock_jumps_by_ten_years(tmp_path, step_s):
    key, clock = DeskKey.make(), WrongClock("boot-a", -time.time())
    async with (
        Broker.find("mosquitto") as broker,
        desk_at(broker.port, key, received_after_s=0.1, engaged_after_s=0.3, resolved_after_s=0.6) as desk,
    ):
        config = settings(tmp_path / "state", key, broker.port)
        config = model.Config(**{**_fields(config), "help": model.Help(hold_s=1.0, cancel_window_s=5.0)})
        async with running(config, clock) as agent:
            await until(lambda: agent.reach.uplink.connected)
            await agent.view.press(1.1)
            clock.wrong_s += step_s
            await until(lambda: desk.cases and not desk.cases[0].open, 20.0)
            await until(lambda: agent.help.state.value in ("RESOLVED", "IDLE"))
            assert agent.view.help().case.since_s == pytest.approx(6.0, abs=5.0)
            assert clock.now().wall == pytest.approx(time.time(), abs=2.0)


def _fields(config: model.Config) -> dict:
    return {name: getattr(config, name) for name in config.__struct_fields__}


async def test_a_table_of_boots_that_is_damaged_is_put_aside_and_told(tmp_path):
    state = tmp_path / "state"
    config = settings(state, DeskKey.make())
    async with running(config, WrongClock("boot-a", 0.0)):
        pass
    table = state / "boots"
    table.write_bytes(table.read_bytes().replace(b"boot-a", b"boot-x"))
    async with running(config, WrongClock("boot-b", 0.0)) as agent:
        assert any("earlier starts have no time" in problem for problem in agent.problems)
    assert (state / "boots.1.bad").exists()
