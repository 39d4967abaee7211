"""A householder and the findings of a running agent, by the command line: explained, taught, shelved, cleared."""

import json
from base64 import b64encode
from pathlib import Path
from random import Random
from typing import Any

from edge_agent.control.client import Client
from edge_agent.core.checks.learned import Learned
from edge_agent.core.learning import state
from edge_agent.core.reading import Channel, Reading
from edge_agent.store.lessons import LessonsFile
from tests.system.stage import Stage, edge_agent, staged, until

PRESSURE = Channel("boiler.pressure", "bar")
LEARNED, LOW = "boiler.pressure:learned", "boiler.flow_temperature:range"
CHECKS = """
[[check]]
channel = "boiler.pressure"
kind = "learned"

[[check]]
channel = "boiler.flow_temperature"
kind = "range"
max = -40.0

[[check]]
channel = "boiler.burner"
kind = "range"
max = -1.0
severity = "alarm"
"""


def weeks_of_another_pressure(folder: Path) -> None:
    """What the agent learned before it is started here: the circuit was filled to 3 bar."""
    check, chance = Learned(PRESSURE.name), Random(5)
    for number in range(2000):
        check.see(Reading(PRESSURE, 3.0 + chance.uniform(-0.05, 0.05), number * 300.0))
    folder.mkdir(parents=True)
    LessonsFile(folder).save({LEARNED: b64encode(state.save(check.learner)).decode()})


async def run(stage: Stage, *words: str) -> tuple[int, str, str]:
    return await edge_agent(*words, "--socket", str(stage.agent.socket))


async def asked(stage: Stage, *words: str) -> Any:
    code, out, error = await run(stage, *words, "--json")
    assert code in (0, 1), error
    return json.loads(out)


async def standing(stage: Stage) -> dict[str, str]:
    found = (await asked(stage, "findings"))["findings"]
    return {each["id"]: each["sentence"] for each in found if each["state"] == "confirmed"}


async def test_a_householder_teaches_shelves_and_clears_and_it_holds_over_a_power_cut():
    async with staged(transports=("serial", "gpio"), edit=lambda text: text + CHECKS, start=False) as stage:
        weeks_of_another_pressure(stage.folder / "state")
        await stage.agent.start()

        async def found() -> bool:
            return {LEARNED, LOW, "boiler.burner:range"} <= (await standing(stage)).keys()

        await until(found, 30.0)
        code, out, _ = await run(stage, "findings", "explain", "boiler.pressure")
        assert code == 0
        assert out.startswith("Boiler pressure ")
        assert "that this has been watched." in out
        assert f"edge-agent findings normal {LEARNED}" in out
        assert "latest freeze frame" in out

        # this is normal: the channel learns it, and the desk hears that it is over
        code, out, _ = await run(
            stage, "findings", "normal", "boiler.pressure", "--why", "a new pump", "--by", "caretaker"
        )
        assert (code, out) == (0, "Learned: this is normal for boiler.pressure.\n")
        assert LEARNED not in await standing(stage)

        # shelving: not the alarm, not for longer than a week
        words = ("findings", "shelve", LOW, "--reason", "a test", "--owner", "caretaker", "--for")
        assert (await run(stage, *words, "8d"))[0] == 2
        assert (await run(stage, *words, "3d"))[0] == 0
        code, _, error = await run(stage, "findings", "shelve", "boiler.burner", *words[3:], "1h")
        assert (code, "safety" in error) == (1, True)
        code, _, error = await run(stage, "findings", "clear", "boiler.burner")
        assert (code, "permanent" in error) == (1, True)
        code, out, _ = await run(stage, "findings", "clear", "--all")
        assert "boiler.burner" not in out

        # the power is cut
        stage.agent.kill()
        await stage.agent.ended()
        await stage.agent.start()
        until_heard = await asked(stage, "findings")
        by_id = {each["id"]: each for each in until_heard["findings"]}
        assert by_id["boiler.burner:range"]["state"] == "confirmed"
        assert by_id["boiler.burner:range"]["count"] == 1
        assert by_id[LEARNED]["state"] == "cleared"
        told = await asked(stage, "findings", "explain", LEARNED)
        assert (told["cleared"]["by"], told["cleared"]["why"]) == ("caretaker", "a new pump")

        async def heard() -> bool:
            channels = (await stage.agent.ask(Client.channels)).channels
            return any(each.name == "boiler.pressure" for each in channels)

        await until(heard)
        assert LEARNED not in await standing(stage), "the same pressure again is nothing new"

        report = await asked(stage, "findings", "--hygiene")
        figures = {each["name"]: each["value"] for each in report["figures"]}
        assert figures["findings"] >= 3
        ready = (await asked(stage, "findings", "--readiness"))["checks"]
        assert {each["channel"] for each in ready} == {"boiler.pressure", "boiler.flow_temperature", "boiler.burner"}

        await stage.until_drained()
        types = [row[0] for row in stage.desk._store.db.execute("SELECT type FROM events")]
        assert types.count("edge.finding.notice.v1") == 1, "the alarm; the rest waits for its turn, or is known"
        assert "edge.finding.cleared.v1" in types
