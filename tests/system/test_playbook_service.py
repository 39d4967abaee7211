"""Playbooks in the real agent: what people are told, what it tries by itself, what it says when it calls for help."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

from stage import staged, until

from edge_agent.control.client import Client, ControlError
from simulators.desk.policy import Policy

SCENARIO = Path(__file__).parent / "playbooks.toml"
SHIPPED = Path(__file__).parents[2] / "config" / "playbooks"


def edited(folder: str, language: str = "en"):
    return lambda text: f'{text}\n[playbooks]\nfolder = "{folder}"\n'.replace(
        "[gateway]\n", f'[gateway]\nlanguage = "{language}"\n', 1
    )


def quick(tmp_path: Path) -> Path:
    """The shipped playbooks, but those who try something see sooner that it did not help."""
    folder = tmp_path / "playbooks"
    shutil.copytree(SHIPPED, folder)
    file = folder / "device_silent.toml"
    text = file.read_text()
    for seconds in ("10.0", "15.0", "30.0"):
        text = text.replace(f"verify_s = {seconds}", "verify_s = 2.0\nlimit = 1")
    file.write_text(text.replace("limit = 1\nlimit = 2", "limit = 1"))
    return folder


async def standing(stage) -> dict[str, str]:
    """The findings that people are told of now, by key."""
    found = {}
    with suppress(ControlError):
        for each in (await stage.agent.ask(Client.findings)).findings:
            if each.state == "confirmed" and not each.cause:
                found[f"{each.channel}:{each.kind}"] = each.sentence
    return found


async def test_a_leak_a_hot_engine_and_a_wet_floor_are_each_told_with_cause_and_action():
    async with staged(scenario=SCENARIO, edit=edited(str(SHIPPED)), transports=("serial", "gpio")) as stage:
        models = stage.world.physics.models
        await until(lambda: any(e.channel == "engine.coolant" for e in stage.world.emitted))
        models["boiler"].fail("leak")
        models["van"].fail("overheating")
        models["floor"].fail("active")
        wanted = {"boiler:boiler_losing_pressure", "engine:overheating_engine", "leak:flood"}

        async def all_told() -> bool:
            return wanted <= (await standing(stage)).keys()

        await until(all_told, 60.0)
        told = await standing(stage)
        assert told["leak:flood"].startswith("Water is on the floor at Leak. Leak wet: yes. ")
        assert told["boiler:boiler_losing_pressure"].startswith("Probably the heating circuit has lost water. Boiler ")
        assert "Stop where it is safe" in told["engine:overheating_engine"]
        # their signs stand behind them
        every = (await stage.agent.ask(Client.findings)).findings
        assert {each.cause for each in every if each.kind == "hot"} == {"engine:overheating_engine"}
        # the service hears of each, and of each diagnosis once
        await stage.until_drained()


async def test_a_silent_device_is_treated_and_when_nothing_helps_the_call_says_what_was_tried(tmp_path):
    edit = edited(str(quick(tmp_path)), "de")
    policy = Policy(received_after_s=0.3)
    async with staged(scenario=SCENARIO, edit=edit, transports=("serial", "gpio"), policy=policy) as stage:
        await until(lambda: any(e.channel == "grid.power" for e in stage.world.emitted))
        meter = next(each for each in stage.world._devices if each.spec.name == "grid")
        meter.fail("silent", True)

        async def offered() -> bool:
            return "Ohne Erfolg versucht" in (await standing(stage)).get("grid:device_silent", "")

        await until(offered, 80.0)
        tried = json.loads((stage.folder / "state" / "remedies").read_bytes().partition(b"\n")[2])
        assert [(each["deed"], each["how"]) for each in tried] == [
            ("read_again", "no_effect"),
            ("reopen_port", "no_effect"),
            ("restart_driver", "no_effect"),
        ]
        # a silent device is one finding, with its channels behind it
        assert [key for key in await standing(stage) if key.startswith("grid")] == ["grid:device_silent"]
        await stage.press()
        await until(lambda: bool(stage.desk.cases))
        what = [each["what"] for each in stage.case().data["tried"]]
        assert "restart_driver grid" in what


async def test_a_device_that_speaks_again_after_a_remedy_is_left_alone(tmp_path):
    edit = edited(str(quick(tmp_path)))
    async with staged(scenario=SCENARIO, edit=edit, transports=("serial", "gpio")) as stage:
        await until(lambda: any(e.channel == "grid.power" for e in stage.world.emitted))
        meter = next(each for each in stage.world._devices if each.spec.name == "grid")
        meter.fail("silent", True)
        record = stage.folder / "state" / "remedies"
        await until(lambda: record.exists() and b"reopen_port" in record.read_bytes(), 30.0)
        meter.fail("silent", False)
        await until(lambda: b"worked" in record.read_bytes(), 10.0)

        async def over() -> bool:
            return not any(key.startswith("grid") for key in await standing(stage))

        await until(over, 10.0)
        assert b"restart_driver" not in record.read_bytes()
