import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import tomli

from edge_agent.config.model import Config
from edge_agent.core.errors import DriverError
from simulators.ledger import Held, account
from simulators.scenario import FaultSpec, load_scenario
from simulators.world import World
from tests.edges.simulators.waiting import until

LISTENER = Path(__file__).with_name("listener.py")


@asynccontextmanager
async def listening(world, folder):
    """A listener's process; gives the list of rows that it has heard so far."""
    config = folder / "listener.toml"
    config.write_text(world.agent_config())
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(LISTENER),
        str(config),
        env={**os.environ, **world.environment, "PYTHONPATH": str(Path.cwd())},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    rows = []

    async def collect():
        while line := await child.stdout.readline():
            channel, value, at = json.loads(line)
            rows.append(Held(channel, value, at, f"block-{len(rows) // 50}"))

    collecting = asyncio.create_task(collect())
    try:
        yield rows
    finally:
        world.stop_emitting()
        await asyncio.sleep(0.2)
        child.stdin.close()
        await child.wait()
        await collecting


def lively(name):
    """The scenario with contacts that change every few real seconds."""
    scenario = load_scenario(name)
    options = {"mean_off_s": 30.0, "mean_on_s": 30.0}
    models = tuple(replace(m, options=options) if m.kind == "contact" else m for m in scenario.models)
    return replace(scenario, models=models)


@pytest.mark.parametrize("name", ["home", "vehicle"])
async def test_a_listener_with_the_stock_libraries_hears_exactly_what_the_list_says(name, tmp_path):
    async with World(lively(name), seed=5, folder=tmp_path) as world:
        async with listening(world, tmp_path) as rows:
            everything = {device.name for device in world.scenario.devices}
            # an ELM327 that was asked before it listened is given up after some seconds, and asked again
            await until(lambda: {e.channel.partition(".")[0] for e in world.emitted} == everything, timeout_s=25)
            await until(lambda: len(world.emitted) > 60, timeout_s=10)
        result = account(world.emitted, rows)
    assert (result.lost, result.duplicates, result.unexpected) == (0, 0, 0), result.losses()
    assert result.emitted > 40
    assert world.unheard


async def test_a_listener_that_dies_and_comes_back_loses_nothing_that_is_on_the_list_meanwhile(tmp_path):
    async with World(lively("home"), seed=6, folder=tmp_path) as world:
        async with listening(world, tmp_path) as first:
            await until(lambda: len(world.emitted) > 30, timeout_s=10)
        gap = len(world.emitted)
        world._speaking = True
        await asyncio.sleep(1.0)
        assert len(world.emitted) == gap
        async with listening(world, tmp_path) as second:
            await until(lambda: len(world.emitted) > gap + 30, timeout_s=10)
        result = account(world.emitted, first + [row._replace(block=f"again-{row.block}") for row in second])
    assert (result.lost, result.duplicates) == (0, 0), result.losses()


async def test_the_agents_configuration_is_one_that_the_agent_takes(tmp_path):
    for name in ("home", "vehicle"):
        async with World(load_scenario(name), seed=1, folder=tmp_path) as world:
            config = msgspec.convert(tomli.loads(world.agent_config()), Config)
            assert {device.name for device in (*config.serial, *config.ble.device, *config.gpio.input)} == {
                device.name for device in world.scenario.devices
            }
            assert {Path(device.port).name.partition("_")[0] for device in config.serial} == {"usb-Simulated"}
            assert config.gpio.button.line == world.scenario.lines.button
            assert len(config.check) == len(world.scenario.checks)


async def test_the_lamp_is_seen_in_its_colours_and_the_button_pressed(tmp_path):
    async with World(load_scenario("home"), seed=1, folder=tmp_path) as world:
        async with listening(world, tmp_path):
            await until(lambda: world.lamp_history, timeout_s=10)
            assert [shown.colour for shown in world.lamp_history] == ["amber"]
            await world.press(0.05)
        await until(lambda: world.lamp_history[-1].colour == "dark")


async def test_without_dbus_daemon_the_world_goes_on_without_bluetooth_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    async with World(load_scenario("home"), seed=1, folder=tmp_path) as world:
        assert "DBUS_SYSTEM_BUS_ADDRESS" not in world.environment
        assert "ble" not in tomli.loads(world.agent_config())
        assert len(world.notes) == 1
        assert "Debian package dbus-daemon" in world.notes[0]
        assert world.left_out == {spec.name for spec in world.scenario.devices if spec.transport == "ble"}
        # the agent takes a check of a device that it does not have for a mistake
        wanted = tomli.loads(world.agent_config())
        watched = {check["channel"].partition(".")[0] for check in wanted["check"]}
        assert watched
        assert watched <= {device["name"] for device in wanted["serial"] + wanted["gpio"]["input"]}


async def test_devices_fall_silent_are_unplugged_and_come_back(tmp_path):
    faults = (
        FaultSpec("", "meter", "unplugged", 0.3 * 3, 0.8 * 3),
        FaultSpec("", "kitchen", "silent", 0.4 * 3, 9e5),
        FaultSpec("boiler", "", "leak", 0.5 * 3, 9e5),
    )
    news = []
    async with World(replace(load_scenario("home"), faults=faults), seed=1, folder=tmp_path, fast=True) as world:
        world.on_news = news.append
        port = Path(tomli.loads(world.agent_config())["serial"][1]["port"])
        await until(port.is_symlink)
        await until(lambda: not port.is_symlink())
        await until(port.is_symlink)
    assert news == ["meter: unplugged begins", "kitchen: silent begins", "boiler: leak begins", "meter: unplugged ends"]
    assert "leak" in world.physics.models["boiler"].broken


async def test_noise_on_the_line_costs_frames_and_never_makes_up_a_reading(tmp_path):
    scenario = load_scenario("vehicle")
    noisy = tuple(FaultSpec("", name, "garbage", 0.0, 9e5) for name in ("gps", "battery", "engine", "fridge"))
    async with World(replace(scenario, faults=noisy), seed=3, folder=tmp_path) as world:
        async with listening(world, tmp_path) as rows:
            await until(lambda: world.emitted, timeout_s=10)
            await asyncio.sleep(1.5)
        result = account(world.emitted, rows)
    assert (result.lost, result.unexpected) == (0, 0), result.losses()


async def test_a_folder_with_too_long_a_path_is_refused_with_a_fix(tmp_path):
    with pytest.raises(DriverError, match="shorter path"):
        async with World(load_scenario("home"), seed=1, folder=tmp_path / ("x" * 120)):
            pass
