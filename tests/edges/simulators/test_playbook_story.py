"""Every shipped playbook on simulated devices: it finds what it is for, and nothing where nothing is wrong."""

import json
import re
from pathlib import Path

import pytest

from edge_agent.console.cli import main
from edge_agent.core.errors import ConfigError
from edge_agent.core.playbook import Deed
from simulators.playbook.story import Story

SCENARIO = Path(__file__).parent / "playbooks.toml"
SHIPPED = sorted(Path("config/playbooks").glob("*.toml"))
# In this scenario water always runs and the heater is never on: nothing has to break for them.
ALWAYS = {"water_running", "stuck_relay"}


def begun(file: Path, scenario: Path = SCENARIO, language: str = "en", may=tuple(Deed)) -> Story:
    return Story(str(file), str(scenario), 1, language, frozenset(may))


def lasts_s(file: Path) -> int:
    return 1080 if file.stem == "device_silent" else 7920


def story(file: Path, *args, **kwargs) -> Story:
    told = begun(file, *args, **kwargs)
    told.run(lasts_s(file))
    return told


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> Path:
    text = SCENARIO.read_text()
    file = tmp_path_factory.mktemp("healthy") / "healthy.toml"
    file.write_text(re.sub(r"\[\[fault\]\].*?(?=\[lines\])", "", text, flags=re.DOTALL))
    return file


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_it_finds_what_it_is_for(file):
    told = begun(file)
    for until_s in range(120, lasts_s(file) + 1, 120):
        told.run(until_s)
        if told.diagnosed:
            break
    assert told.diagnosed >= 1, [line.text for line in told.lines]


@pytest.mark.parametrize("file", [f for f in SHIPPED if f.stem not in ALWAYS], ids=lambda file: file.stem)
def test_it_finds_nothing_where_nothing_is_wrong(file, healthy):
    told = story(file, healthy)
    assert (told.diagnosed, [line.text for line in told.lines]) == (0, [])


def test_a_device_that_hangs_is_tried_with_what_is_mild_first_and_cured_by_its_reset():
    told = story(Path("config/playbooks/device_silent.toml"))
    sensor = [line.text for line in told.lines if "Sensor:" in line.text]
    assert sensor[0] == "Sensor: waiting for it to speak again did not help."
    assert sensor[-1] == "Sensor: resetting it helped."
    assert {line.what for line in told.lines[-2:]} == {"over", "remedy"}


def test_when_nothing_that_is_allowed_helps_help_is_offered():
    told = story(Path("config/playbooks/device_silent.toml"), may=(Deed.REOPEN_PORT,))
    assert [line.what for line in told.lines].count("remedy") == 3
    assert any(line.what == "offer" for line in told.lines)


def test_the_story_is_told_in_the_household_s_language():
    told = story(Path("config/playbooks/gas.toml"), language="de")
    assert any(line.text.startswith("Wahrscheinlich: bei Gas ist Gas in der Luft.") for line in told.lines)


def test_a_playbook_for_nothing_that_is_there_says_what_is_there():
    with pytest.raises(ConfigError, match="this scenario has no such device"):
        Story("config/playbooks/freezer_warming.toml", "flood", 1, "en", frozenset())


def test_the_command_tells_the_story_and_whether_it_found_anything(capsys):
    assert main(["playbook", "test", "config/playbooks/flood.toml", "--scenario", "flood", "--for", "15m"]) == 0
    told = capsys.readouterr().out
    assert "00:07:30  diagnosis Water is on the floor at Leak." in told
    assert told.endswith("flood made its diagnosis 1 time in 0.2 h of the scenario flood.\n")
    assert main(["playbook", "test", "config/playbooks/flood.toml", "--scenario", "flood", "--for", "60s"]) == 1
    capsys.readouterr()
    assert main(["playbook", "test", "no.toml", "--scenario", "flood"]) == 2
    assert "no.toml" in capsys.readouterr().err


def test_the_command_checks_files_and_lists_folders(capsys, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "x"\n')
    assert main(["playbook", "check", "config/playbooks", str(wrong)]) == 1
    told = capsys.readouterr().out
    assert "config/playbooks: boiler_losing_pressure, " in told
    assert f"{wrong}:1: kinds: missing" in told
    assert main(["playbook", "check", "--json", str(wrong)]) == 1
    assert json.loads(capsys.readouterr().out)[0]["ok"] is False
    assert main(["playbook", "list", "config/playbooks"]) == 0
    assert "for freezer; alarm, certain" in capsys.readouterr().out
    assert main(["playbook", "list", "config/playbooks", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 10
    assert main(["playbook", "list", str(tmp_path / "none")]) == 1
    capsys.readouterr()
    assert main(["playbook", "schema"]) == 0
    assert "$schema" in json.loads(capsys.readouterr().out)
