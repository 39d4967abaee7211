"""`edge-agent help lamp`: the card in the terminal, and on the lamp of a running agent."""

import json
import pty
import subprocess
import sys
from os import close, read

import pytest

from edge_agent.card import strip
from edge_agent.console import cli
from edge_agent.core.lamp import PATTERNS, Shown
from edge_agent.texts import texts
from tests.edges.control.conftest import AMBER, CASE, Help


def test_every_pattern_is_listed_with_its_name_and_meaning(capsys):
    assert cli.main(["help", "lamp", "--list"]) == 0
    out = capsys.readouterr().out
    for what in Shown:
        assert texts("en")[f"name.{what}"] in out
        assert texts("en")[f"lamp.{what}"] in out


def test_json_is_one_object_a_line_in_the_language_that_is_asked_for(capsys):
    assert cli.main(["help", "lamp", "question", "engaged", "--json", "--language", "de"]) == 0
    question, engaged = map(json.loads, capsys.readouterr().out.splitlines())
    assert question["pattern"] == "question"
    assert question["rhythm"] == list(PATTERNS[Shown.QUESTION].rhythm_ms)
    assert question["sentence"] == texts("de")["lamp.question"]
    assert engaged["rhythm"] == []


def test_a_rhythm_is_drawn_as_it_is_seen():
    assert strip(PATTERNS[Shown.CANCEL_WINDOW], 1.87) == "━━  ━━  ━━         ━━ "
    assert strip(PATTERNS[Shown.READY], 6.0) == "━" + " " * 58 + "━" + " " * 11
    assert strip(PATTERNS[Shown.ENGAGED], 0.85) == "━" * 10
    drawn = {strip(PATTERNS[what], 8.0) for what in Shown}
    assert len(drawn) == len(Shown)


def test_where_nobody_watches_a_strip_is_printed_at_once(capsys):
    assert cli.main(["help", "lamp", "sending"]) == 0
    assert "\n  ━━━━━━      ━━━━━━" in capsys.readouterr().out


def test_on_a_terminal_it_is_played(tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "edge_agent", "help", "lamp", "sending", "--seconds", "1.2"]
    child = subprocess.Popen(command, stdout=theirs, stderr=theirs)
    close(theirs)
    seen = b""
    try:
        while piece := read(ours, 4096):
            seen += piece
    except OSError:  # a pty whose other end has gone
        pass
    close(ours)
    assert child.wait(20) == 0
    text = seen.decode()
    assert text.count("\r") > 10
    assert "\x1b[33m●" in text
    assert "○ ━━━━━━      ━━" in text


def test_a_pattern_that_there_is_not_is_told_with_those_that_there_are(capsys):
    assert cli.main(["help", "lamp", "disco"]) == 2
    assert "there is no pattern disco; there are ready, not_ready" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "99", "long", "nan"])
def test_a_length_that_is_none_is_refused(seconds, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["help", "lamp", "--seconds", seconds])
    assert ended.value.code == 2
    assert "from 0.5 to 15" in capsys.readouterr().err


def test_on_the_lamp_it_is_played_by_the_agent_and_not_while_a_case_is_open(house, capsys):
    on_lamp = ["help", "lamp", "received", "--on-lamp", "--seconds", "0.5", "--socket", str(house.path)]
    assert cli.main(on_lamp) == 0
    assert house.agent.played == [("received", 0.5)]
    house.agent.now = Help(state="RECEIVED", case=CASE, lamp=AMBER)
    assert cli.main(on_lamp) == 1
    assert "the lamp has something to say now" in capsys.readouterr().err
    assert len(house.agent.played) == 1


def test_without_an_agent_there_is_no_lamp(tmp_path, capsys):
    assert cli.main(["help", "lamp", "--on-lamp", "--socket", str(tmp_path / "none.sock")]) == 3
    assert "the agent is not running" in capsys.readouterr().err
