"""`edge-agent check`: with an agent and without one."""

import json

import pytest

from edge_agent import __version__
from edge_agent.console import cli
from edge_agent.control.types import Probed, SelfTest

ROWS = [
    Probed("power", "Power supply", "ok", "warning", "mains", "", [], "", 0.1),
    Probed("device boiler", "Device: boiler", "warn", "warning", "heard 2 s ago\x1b[2J", "Check.", [], "", 0.1),
    Probed("dns", "Name of the service", "fail", "alarm", "not found", "Check host.", ["address"], "", 0.1),
    Probed("tcp", "Way to the service", "not_run", "alarm", "not run, because of dns", "", ["dns"], "dns", 0.0),
]


def done(verdict: str, version: str = "", rows=ROWS) -> SelfTest:
    return SelfTest("done", verdict, "Faults: 1.", version or __version__, rows, len(rows), 0.0, 1.25)


@pytest.fixture
def check(house, capsys):
    def run(*words: str):
        code = cli.main(["check", *words, "--socket", str(house.path)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_each_result_is_told_with_what_to_do_and_nothing_can_steer_the_terminal(house, check):
    house.agent.examined = done("fail")
    code, out, err = check()
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[1] == "ok            Power supply                       mains"
    assert lines[2] == "look          Device: boiler                     heard 2 s ago\ufffd[2J"
    assert lines[3].strip() == "-> Check."
    assert lines[6] == "not run       Way to the service                 not run, because of dns"
    assert lines[-1] == "Faults: 1. (1.2 s)"
    assert house.agent.round_trips == [True]


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("warn", 4), ("fail", 1)])
def test_the_exit_code_is_the_verdict(house, check, verdict, code):
    house.agent.examined = done(verdict)
    assert check("--no-round-trip")[0] == code
    assert house.agent.round_trips == [False]


def test_json_is_one_document_with_all_of_it(house, check):
    house.agent.examined = done("fail")
    told = json.loads(check("--json")[1])
    assert [row["name"] for row in told["results"]] == ["power", "device boiler", "dns", "tcp"]
    assert told["results"][3]["because"] == "dns"


def test_the_last_one_is_told_without_beginning_another(house, check):
    house.agent.examined = done("warn")
    code, out, _ = check("--last")
    assert (code, house.agent.round_trips) == (4, [])
    assert "Power supply" in out


def test_an_agent_of_another_version_is_told(house, check):
    house.agent.examined = done("ok", "0.0.1")
    assert "the agent is of version 0.0.1" in check()[2]


def test_while_one_runs_another_is_refused(house, check):
    house.agent.examined = SelfTest("running", "ok", "It runs.", "0.1.0", [])
    code, _, err = check()
    assert code == 1
    assert "a self-test is running already" in err


def test_an_agent_that_goes_away_meanwhile_is_told_and_nothing_is_looked_at_without_it(house, check):
    house.agent.examined = done("ok")
    begin = house.agent.start_selftest

    async def begin_and_go(ask):
        house.path.unlink()
        return await begin(ask)

    house.agent.start_selftest = begin_and_go
    code, out, err = check()
    assert code == 3
    assert "the agent went away while it examined itself. the agent is not running here" in err
    assert "Power supply" not in out


def test_words_are_in_the_households_language(house, check):
    house.agent.examined = done("fail")
    house.agent.examined.language = "de"
    assert "nicht geprüft" in check()[1]


CONFIG = '[paths]\nstate = "{0}/state"\n[[serial]]\nname = "boiler"\nport = "{0}/no-port"\nlanguage = "dsmr"\n'


def test_without_an_agent_it_says_so_and_looks_at_what_can_be_seen(tmp_path, capsys):
    file = tmp_path / "agent.toml"
    file.write_text(CONFIG.format(tmp_path))
    words = ["check", "--config", str(file), "--socket", str(tmp_path / "none.sock")]
    assert cli.main(words) == 3
    printed = capsys.readouterr()
    assert "the agent is not running here" in printed.err
    assert "No agent runs here, so this is only what can be seen without one." in printed.out
    assert f"{tmp_path}/no-port is not there" in printed.out
    assert "there is no state folder" in printed.out
    assert cli.main([*words, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row["verdict"] for row in told["results"]}
    assert (told["outcome"], rows["config"], rows["store"], rows["serial:boiler"]) == ("alone", "ok", "not_run", "fail")
    assert "link" not in rows, "without a broker there is no way to look at"


def test_without_an_agent_it_speaks_the_language_of_the_configuration(tmp_path, capsys):
    file = tmp_path / "agent.toml"
    file.write_text(CONFIG.format(tmp_path) + '[gateway]\nlanguage = "de"\n')
    assert cli.main(["check", "--config", str(file), "--socket", str(tmp_path / "none.sock")]) == 3
    out = capsys.readouterr().out
    assert f"{tmp_path}/no-port ist nicht da" in out
    assert "Hier läuft kein Agent" in out


def test_without_an_agent_a_wrong_configuration_is_told_and_the_rest_is_looked_at(tmp_path, capsys):
    file = tmp_path / "agent.toml"
    file.write_text("[gateway]\nid = 5\n")
    assert cli.main(["check", "--config", str(file), "--socket", str(tmp_path / "none.sock")]) == 3
    out = capsys.readouterr().out
    assert "gateway.id" in out
    assert "edge-agent check-config" in out
    assert "Working memory" in out


def test_the_last_one_of_no_agent_is_not_to_be_had(tmp_path, capsys):
    assert cli.main(["check", "--last", "--socket", str(tmp_path / "none.sock")]) == 3
    assert capsys.readouterr().out == ""
