import argparse
import json
from pathlib import Path

import pytest

from edge_agent.check_config import CheckConfig
from edge_agent.config import DEFAULT_FILE

HOME = """\
[gpio.button]
line = 17
[[serial]]
name = "gps"
port = "/dev/gps"
language = "nmea0183"
[[check]]
channel = "gps.*"
kind = "silent"
window_s = 60
[consent]
help_ready = true
findings = true
"""


@pytest.fixture
def check(languages, tmp_path, capsys):
    """Runs the command on a text; gives the exit code and what was printed."""

    def run(source, *options):
        file = tmp_path / "home.toml"
        file.write_text(source)
        command = CheckConfig(languages)
        parser = argparse.ArgumentParser()
        command.configure(parser)
        code = command.run(parser.parse_args([str(file), *options]))
        printed = capsys.readouterr()
        assert printed.err == ""
        return code, printed.out.replace(str(file), "home.toml")

    return run


def test_a_right_file_says_in_one_line_what_it_would_run(check):
    assert check(HOME) == (
        0,
        (
            "home.toml: all well; 1 device: gps (nmea0183); a help button and no lamp on GPIO; 1 check; no broker, "
            "everything stays local; consent to help_ready, findings\n"
        ),
    )


def test_an_empty_file_runs_nothing(check):
    assert check("") == (
        0,
        (
            "home.toml: all well; no devices; no help button and no lamp on GPIO; no checks; no broker, "
            "everything stays local; consent to nothing\n"
        ),
    )


def test_rules_are_named_and_that_they_may_not_call_is_said(check):
    rule = '[[help.rules]]\nname = "drift"\nchannel = "gps.speed"\ncondition = "above"\nvalue = 1\ntext = "It moves."\n'
    assert "; 1 rule that calls for help (drift); " in check(HOME + rule)[1]
    without = "; 1 rule that calls for help (drift), but may not: no consent to help_ready; "
    assert without in check(HOME.replace("help_ready = true", "") + rule)[1]


def test_a_broker_without_encryption_is_pointed_out(check):
    source = '[broker]\nhost = "10.0.0.1"\nport = 1883\ntls = { enabled = false }\n[desk]\nunsigned = true\n'
    assert "; broker 10.0.0.1:1883 WITHOUT TLS; " in check(source)[1]


def test_without_a_broker_other_ways_carry_calls_for_help_alone(check):
    way = '[[help.channels]]\nname = "web"\nkind = "https"\nurl = "https://desk.example/"\n[desk]\nunsigned = true\n'
    said = "; no broker, all but calls for help stays local, other ways to the desk: web (https); "
    assert said in check(way)[1]


def test_every_mistake_is_printed_and_the_exit_code_is_one(check):
    code, out = check("[broker]\nprot = 1883\n[outbox]\nblock_age_s = -3\n")
    assert code == 1
    assert out.splitlines() == [
        "home.toml:2: broker.prot = 1883: unknown key; did you mean broker.port?",
        "home.toml:4: outbox.block_age_s = -3: expected a number from 0.1 to 600",
    ]


def test_json_has_the_same_for_machines(check):
    code, out = check(HOME, "--json")
    assert code == 0
    assert json.loads(out) == {
        "ok": True,
        "file": "home.toml",
        "devices": {"gps": "nmea0183"},
        "button": True,
        "lamp": False,
        "checks": 1,
        "rules": [],
        "broker": None,
        "tls": True,
        "ways": {},
        "consent": ["help_ready", "findings"],
    }
    code, out = check("[broker]\nprot = 1883\n", "--json")
    assert code == 1
    answer = json.loads(out)
    assert (answer["ok"], answer["more"]) == (False, 0)
    assert answer["mistakes"][0]["line"] == 2
    assert answer["mistakes"][0]["nearest"] == "broker.port"


def test_without_a_name_the_service_file_is_checked(languages):
    parser = argparse.ArgumentParser()
    CheckConfig(languages).configure(parser)
    assert parser.parse_args([]).file == DEFAULT_FILE
    assert "check-config" in (parser.epilog or "")


def test_the_service_reads_the_file_that_is_checked():
    unit = Path(__file__).parents[3] / "systemd" / "edge-agent.service"
    assert f"--config {DEFAULT_FILE}" in unit.read_text(encoding="utf-8")
