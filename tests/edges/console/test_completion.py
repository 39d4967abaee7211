"""Completion in real shells, the man page through groff, and what every --help has to say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.manual import escaped, manual
from edge_agent.console.cli import COMMANDS
from edge_agent.console.completion import ENDS, script
from edge_agent.console.parsers import Argument, Described, described

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/edge-agent.1"
ALL = list(described())
IN_BASH = """\
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _edge_agent; echo "${COMPREPLY[@]}"
"""
# compadd may be called by the line editor alone: here the real one is replaced by what it would be given
IN_ZSH = """\
compadd() { shift; print -r -- ${(M)@:#$words[CURRENT]*}; }; _files() { print -r -- ''; }
words=("$@"); CURRENT=$#; _edge_agent
"""
# serves until it is stopped, and prints nothing that a program could read
SERVERS = {"console"}


def shell(name: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: tests/tools.sh installs it")
    return found


def ran(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, input=typed, capture_output=True, text=True, timeout=60, check=False)


def completed(name: str, *words: str, commands: list[Described] = ALL) -> set[str]:
    """The words that the Tab key offers after these, the last of which may be empty."""
    start = {"bash": ["--norc"], "zsh": ["-f"]}[name]
    asks = {"bash": IN_BASH, "zsh": IN_ZSH}[name]
    text = f"compdef() {{ :; }}\n{script(name, commands)}\n{asks}"
    done = ran(shell(name), *start, "-c", text, name, "edge-agent", *words)
    assert (done.returncode, done.stderr) == (0, ""), done
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ENDS)
def test_the_first_word_is_any_command(name: str) -> None:
    assert completed(name, "") == {each.split()[0] for each in COMMANDS} | {"demo", "desk"}
    assert completed(name, "chec") == {"check", "check-config"}


@pytest.mark.parametrize("name", ENDS)
def test_the_second_word_of_a_command_of_two_and_the_options_of_the_first(name: str) -> None:
    assert completed(name, "report", "") >= {"verify", "compare", "--json"}
    assert completed(name, "playbook", "s") == {"schema"}
    assert completed(name, "report", "v") == {"verify"}
    assert not completed(name, "report", "--json", "") & {"verify", "compare"}


@pytest.mark.parametrize("name", ENDS)
def test_options_choices_and_nothing_but_files_where_a_value_is_free(name: str) -> None:
    assert completed(name, "help", "lamp", "--l") == {"--list", "--language"}
    assert completed(name, "help", "lamp", "--language", "") == {"de", "en", "es"}
    assert completed(name, "queue", "dump", "tel") == {"telemetry"}
    assert completed(name, "completion", "") >= {"bash", "zsh"}
    assert completed(name, "status", "--socket", "") == set()
    assert completed(name, "no-such-command", "") == set()


@pytest.mark.parametrize("name", ENDS)
def test_a_command_of_another_package_cannot_make_the_shell_run_anything(name: str, tmp_path: Path) -> None:
    bad = f"$(touch {tmp_path}/ran)`touch {tmp_path}/ran`'; touch {tmp_path}/ran; '"
    odd = Described("odd", bad, bad, (Argument((), "X", (bad, "fine"), bad, needed=True),))
    assert completed(name, "odd", "", commands=[odd, Described(bad, "", "", ())]) == {"fine"}
    assert not list(tmp_path.iterdir())


def test_the_script_itself_prints_it_and_refuses_a_shell_that_it_does_not_know() -> None:
    run = (sys.executable, "-m", "edge_agent", "completion")
    done = ran(*run, "bash")
    assert (done.returncode, done.stdout) == (0, script("bash", ALL) + "\n")
    assert ran(*run, "fish").returncode == 2


def test_the_man_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == manual(), "python -m docs.made"


def test_groff_finds_nothing_wrong_in_the_man_page_and_shows_every_command_as_it_is() -> None:
    done = ran(shell("groff"), "-man", "-ww", "-Tascii", "-P-c", "-rLL=200n", str(PAGE))
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"edge-agent {each.name}" in done.stdout for each in ALL)
    assert """jq '.results[] | select(.verdict == "fail")'""" in done.stdout


@pytest.mark.parametrize("text", [".TH x", "'br", "a\\fBb", '-- "it\'s" `x`', "\\"])
def test_no_text_is_a_request_to_troff(text: str) -> None:
    done = ran(shell("groff"), "-man", "-ww", "-Tascii", "-P-c", typed=f".TH A 1\n.SH B\n{escaped(text)}\n")
    assert done.stderr == ""
    assert text in done.stdout


@pytest.mark.parametrize("command", ALL, ids=lambda each: each.name)
def test_every_help_has_an_example_exit_codes_and_a_word_on_each_argument(command: Described) -> None:
    examples = [line for line in command.epilog.splitlines() if line.startswith("  edge-agent ")]
    assert command.epilog.startswith("examples:" if len(examples) > 1 else "example:")
    codes = " ".join(command.epilog.partition("exit codes: ")[2].split())
    assert re.match(r"0 \w", codes), "what well is"
    assert all(re.match(r"\d \w+", code) for code in re.findall(r"\b\d [^,]*", codes)), "each is said in words"
    assert command.name.split()[0] in " ".join(examples)
    assert command.help
    assert all(each.help for each in command.arguments)


@pytest.mark.parametrize("command", ALL, ids=lambda each: each.name)
def test_every_command_that_asks_the_agent_can_answer_in_json(command: Described) -> None:
    names = {name for each in command.options for name in each.names}
    assert "--socket" not in names or "--json" in names or command.name in SERVERS


def test_the_daemon_does_not_import_what_completes(tmp_path: Path) -> None:
    start = f"main(['run', '--config', {str(tmp_path / 'none.toml')!r}])"
    code = f"import sys; from edge_agent.console.cli import main; {start}; print(*sys.modules)"
    done = ran(sys.executable, "-c", code)
    loaded = done.stdout.split()
    assert "edge_agent.daemon" in loaded
    assert not {"edge_agent.console.completion", "edge_agent.console.parsers"} & set(loaded)
