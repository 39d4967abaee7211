"""`edge-agent help test` against a made-up agent: steps as they are reached, the result, and the exit code."""

import json

import pytest
from msgspec import structs

from edge_agent.console import cli, helptest
from edge_agent.control.types import HelpTest

STEPS = {"recorded": "recorded on disk", "sent": "taken by the broker", "desk": "answered by the desk"}
BEGUN = HelpTest("running", "The way is being tested.", since_s=0.0, steps=STEPS)
STORED = structs.replace(BEGUN, recorded_s=0.012)
SENT = structs.replace(STORED, sent_s=0.034)
PASSED = structs.replace(SENT, outcome="passed", sentence="The way works.", desk_s=0.5, since_s=0.6, next_s=80_000.0)
FAILED = structs.replace(SENT, outcome="not_answered", sentence="The desk has not answered.", fix="Ask it.")


@pytest.fixture
def ask(house, capsys, monkeypatch):
    """Run `help test` while the agent says these one after the other, the last one for ever."""
    monkeypatch.setattr(helptest, "LOOK_S", 0.0)

    def run(*words, says=(PASSED,)):
        said = list(says)

        def tell():
            return said.pop(0) if said[1:] else said[0]

        async def start():
            return tell()

        house.agent.told_test, house.agent.started_test = tell, start
        code = cli.main(["help", "test", *words, "--socket", str(house.path)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_each_step_is_told_once_as_it_is_reached(ask):
    code, out, _ = ask(says=(BEGUN, BEGUN, STORED, STORED, SENT, PASSED))
    assert (code, out.splitlines()) == (
        0,
        [
            "The way is being tested.",
            "    0.012 s  recorded on disk",
            "    0.034 s  taken by the broker",
            "    0.500 s  answered by the desk",
            "The way works.",
        ],
    )


def test_a_failure_says_what_to_do_and_is_an_exit_code(ask):
    code, out, _ = ask(says=(BEGUN, SENT, FAILED))
    assert code == 1
    assert out.splitlines()[-2:] == ["The desk has not answered.", "Ask it."]


def test_for_programs_there_is_the_result_and_nothing_else(ask):
    code, out, _ = ask("--json", says=(BEGUN, SENT, PASSED))
    assert code == 0
    assert json.loads(out)["desk_s"] == 0.5


def test_the_last_one_is_told_with_its_age_and_the_next(ask):
    code, out, _ = ask("--last", says=(structs.replace(PASSED, scheduled=True, since_s=7200.0),))
    assert code == 0
    assert "2 h ago, by itself" in out
    assert "the next one by itself in 22 h 13 min" in out
    assert ask("--last", says=(HelpTest("never", "Not tested yet."),))[:2] == (1, "Not tested yet.\n")


def test_what_the_agent_refuses_is_said_and_is_an_exit_code(house, capsys):
    code = cli.main(["help", "test", "--socket", str(house.path)])
    assert code == 1
    assert "there was a test a moment ago" in capsys.readouterr().err


def test_control_characters_of_a_text_steer_no_terminal(ask):
    _, out, _ = ask(says=(structs.replace(PASSED, sentence="fine\x1b[2J"),))
    assert "\x1b" not in out
