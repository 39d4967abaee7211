"""The script: what it prints, how it ends, and what it does not import."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from msgspec import structs

from edge_agent import __version__
from edge_agent.console import cli, commands, text
from edge_agent.control.types import Channel, Finding, Live, Part, Step, encode
from edge_agent.texts import texts
from edge_agent.texts.times import when
from tests.edges.control.conftest import AMBER, CASE, Help, plain, until

ASKING = ["status", "queue", "findings", "help", "lamp", "channels", "cancel"]


def test_status_reads_like_this(ask):
    code, out, err = ask("status")
    assert (code, err) == (0, "")
    assert out == plain("""
        All is well: 2 channels, connected, nothing waits.

        gateway   gw-1 (Elm Street 5)
        agent     0.1.0, up 2 h 10 min, 34.2 MB, 12.3 s of CPU
        clock     known to be right
        consent   help_ready, telemetry
        unsaved   12 readings

        STATE  PART   WHAT
        ok     store  on disk
        ok     ble    the adapter is there

        STATE  DEVICE  HEARD    READINGS  FAULTS  WHAT
        ok     boiler  2 s ago  1200      1       heard
        ok     door    never    0         0       waits
    """)


def test_consent_reads_like_this_and_its_switches_say_what_they_did(ask, house):
    code, out, _ = ask("consent")
    assert code == 0
    assert out.splitlines()[0].startswith("A help request")
    assert "yes  telemetry  readings go out (decided on the page, on 14 November" in out
    assert ask("consent", "withdraw", "telemetry")[0] == 0
    assert ask("consent", "give", "telemetry")[0] == 0
    assert house.agent.decided == [("telemetry", False, "command"), ("telemetry", True, "command")]
    code, _, err = ask("consent", "give", "marketing")
    assert code == 1
    assert "there is no such purpose" in err


def test_status_of_an_agent_that_is_not_ready_says_what_to_do_and_exits_with_one(ask, house):
    house.agent.ready = False
    code, out, _ = ask("status")
    assert code == 1
    assert "NOT READY  ble    no adapter. Plug one in." in out


def test_a_sentence_with_its_own_full_stop_has_no_second_one(ask, house):
    test = Part("test", ready=False, sentence="The test failed.", fix="Ask the desk.")
    house.agent.status = lambda: structs.replace(type(house.agent).status(house.agent), parts=[test])
    assert "NOT READY  test  The test failed. Ask the desk." in ask("status")[1]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (104213.447, "kWh", "104213.447 kWh"),
        (2188.3, "m3", "2188.3 m³"),
        (12345678.0, "m", "12345678 m"),
        (0.1 + 0.2, "bar", "0.3 bar"),
        (-18.25, "Cel", "-18.25 °C"),
        (1e300, "", "1e+300"),
    ],
)
def test_a_value_is_told_as_it_was_measured(value, unit, shown):
    assert text.value(Channel("a.b", unit, value, 0.0, "")) == shown


def test_queue_reads_like_this(ask, house):
    code, out, _ = ask("queue")
    assert code == 0
    assert out == plain("""
        3 events wait; 41 sent since start (1.2 MB).

        LANE       WAIT  SIZE    OLDEST      IN FLIGHT  WITHHELD  DROPPED  QUARANTINED
        help       0     0 B     -           0          0         0        0
        telemetry  3     4.1 kB  1 min 35 s  2          1         7        0
    """)
    house.agent.quarantined = 1
    assert ask("queue")[0] == 1


def test_findings_read_like_this(ask, house):
    assert ask("findings") == (0, "No findings: the checks have nothing to say.\n", "")
    house.agent.found = [Finding("boiler.pressure", "range", "pending", "alarm", "Too low.", 60.0, 2)]
    assert ask("findings")[0] == 0
    house.agent.found[0].state = "confirmed"
    code, out, _ = ask("findings")
    assert code == 1
    assert out == plain("""
        SEVERITY  STATE      ID                     SINCE  COUNT  WHAT
        alarm     confirmed  boiler.pressure:range  1 min  2      Too low.
    """)


def test_help_without_a_case_says_what_the_lamp_means(ask):
    assert ask("help") == (
        0,
        "No help request is open.\nlamp      Help is ready (green: one short flash every 5 seconds)\n",
        "",
    )


def test_help_with_a_case_reads_like_this(ask, house):
    house.agent.now = Help(state="RECEIVED", case=CASE, lamp=AMBER)
    code, out, _ = ask("help")
    at = [text.clock(1_700_000_000.0 + after) for after in (0, 4, 9)]
    assert code == 1
    assert out == plain(f"""
        Case 7K2M 9QXA: received by the desk.
        raised    1 min 3 s ago, by hand
        reference D-12
        receiver  desk
        next word {when(texts("en"), 1_700_000_300.0, time.time())}
          {at[0]}  recorded, about to be sent
          {at[1]}  received by the desk
          {at[2]}  desk: Is there water?\ufffd[2J
        lamp      Your call is recorded and on its way (amber: slow, even flashes)
    """)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ("Fall 7K2M 9QXA: bei der Servicezentrale angekommen.", "gerufen   vor 1 min 3 s, von Hand")),
        ("es", ("Caso 7K2M 9QXA: recibida por el centro de atención.", "pedida    hace 1 min 3 s, a mano")),
    ],
)
def test_help_is_told_in_the_language_of_the_household(ask, house, language, said):
    house.agent.now = Help(state="RECEIVED", case=CASE, lamp=AMBER, language=language)
    _, out, _ = ask("help")
    assert tuple(out.splitlines()[:2]) == said
    assert {"de": "(gelb: langsames, gleichmäßiges Blinken)", "es": "(ámbar: destellos lentos e iguales)"}[
        language
    ] in out


def test_a_case_that_is_over_is_told_as_the_last_one_with_its_story_in_order_of_time(ask, house):
    steps = [Step("ENGAGED", 1_700_000_008.0), Step("RESOLVED", 1_700_000_030.0), Step("IDLE", 1_700_000_040.0)]
    house.agent.now = Help(state="IDLE", case=structs.replace(CASE, steps=steps), lamp=AMBER)
    code, out, _ = ask("help")
    assert code == 0
    assert out.startswith("No help request is open; the last one was case 7K2M 9QXA.\n")
    story = [line.split("  ")[-1] for line in out.splitlines() if line.startswith("  ")]
    assert story == ["being worked on", "desk: Is there water?\ufffd[2J", "resolved", "closed"]


def test_what_is_sent_again_until_the_desk_has_it_is_one_line_of_the_story(ask, house):
    states = ["RAISED", "SENDING", "DELIVERED", *["SENDING", "DELIVERED"] * 4, "RECEIVED"]
    steps = [Step(state, 1_700_000_000.0 + at) for at, state in enumerate(states)]

    def story(steps):
        case = structs.replace(CASE, steps=steps, notes=[])
        house.agent.now = Help(state=steps[-1].state, case=case, lamp=AMBER)
        return [line.split("  ")[-1] for line in ask("help")[1].splitlines() if line.startswith("  ")]

    once = ["recorded, about to be sent", "recorded, being sent", "sent, not yet received by the desk"]
    assert story(steps[:5]) == [*once, "sent again"]
    assert story(steps) == [*once, "sent again, 4 times by now", "received by the desk"]


def test_one_event_waits_and_two_wait(ask, house):
    house.agent.waiting = 1
    assert ask("queue")[1].startswith("1 event waits; ")
    house.agent.waiting = 2
    assert ask("queue")[1].startswith("2 events wait; ")


def test_a_hold_that_is_no_number_is_explained(ask, capsys):
    with pytest.raises(SystemExit) as ended:
        ask("press", "--hold", "long")
    assert ended.value.code == 2
    assert "long is no number from 0 to" in capsys.readouterr().err


def test_lamp_and_channels_read_like_this(ask, house):
    assert ask("lamp") == (0, "lamp      Help is ready (green: one short flash every 5 seconds)\n", "")
    code, out, _ = ask("channels")
    assert code == 0
    assert out == plain("""
        STATE  CHANNEL          VALUE     AGE
        ok     boiler.pressure  1.25 bar  2 s ago
        ok     door.open        off       1 h ago
    """)
    house.agent.values = [Channel("van.rpm", "rpm", None, 1.0, "checksum\x07")]
    code, out, _ = ask("channels")
    assert code == 1
    assert "bad    van.rpm  no value: checksum\ufffd  1 s ago" in out


def test_press_calls_for_help_and_a_short_one_does_not(ask, house):
    assert ask("press", "--hold", "0.2")[0] == 1
    code, out, _ = ask("press")
    assert code == 0
    assert out.startswith("Case 7K2M 9QXA: received by the desk.\n")
    assert house.agent.held == [0.2, 4.0]
    assert ask("cancel")[0] == 0
    assert ask("cancel") == (1, "", "edge-agent: there is no help request to cancel\n")


@pytest.mark.parametrize("word", ["-1", "31", "nan", "long"])
def test_a_hold_that_makes_no_sense_is_wrong_usage(ask, house, word):
    with pytest.raises(SystemExit) as end:
        ask("press", f"--hold={word}")
    assert end.value.code == 2
    assert house.agent.held == []


@pytest.mark.parametrize("command", ["status", "queue", "findings", "help", "lamp", "channels", "press"])
def test_json_is_what_the_api_says(ask, house, command):
    code, out, err = ask(command, "--json")
    source = "help" if command == "press" else command
    assert json.loads(out) == json.loads(encode(getattr(house.agent, source)()))
    assert (code, err) == (0, "")


@pytest.mark.parametrize("command", [*ASKING, "press", "events"])
def test_without_an_agent_every_command_ends_with_three(command, tmp_path, capsys):
    assert cli.main([command, "--socket", str(tmp_path / "none.sock")]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "the agent is not running here" in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("command", [*ASKING, "press", "events"])
def test_every_command_explains_itself_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0
    assert re.search(rf"^examples?:\n  edge-agent {command}\b", out, re.MULTILINE)
    assert "exit codes: 0 well, 1 " in out


def test_the_overview_has_one_line_a_command(capsys):
    assert cli.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in (*cli.COMMANDS, "demo", "desk"):
        assert [line for line in lines if line.startswith(f"  {name} ")], name
    assert all(len(line) < 200 for line in lines)


def test_the_version_is_told(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"edge-agent {__version__}\n"


def test_an_unknown_command_names_the_nearest(capsys):
    assert cli.main(["statsu"]) == 2
    assert "there is no command statsu; did you mean status" in capsys.readouterr().err
    assert cli.main(["zzzz"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--nonsense"], [""]])
def test_no_command_is_wrong_usage(words, capsys):
    assert cli.main(words) == 2
    assert "See edge-agent --help" in capsys.readouterr().err


def test_a_command_whose_package_is_missing_says_so(monkeypatch, capsys):
    monkeypatch.setitem(cli.COMMANDS, "ghost", "edge_agent.no_such_room:GHOST")
    assert cli.main(["ghost"]) == 2
    assert "not complete on this machine: No module named" in capsys.readouterr().err


def test_a_command_of_another_package_is_found_by_its_entry_point(monkeypatch, capsys):
    class Greeting:
        help = "say hello"

        def configure(self, parser):
            parser.add_argument("name")

        def run(self, args):
            sys.stdout.write(f"hello {args.name}\n")
            return 7

    class Point:
        name = "greet"

        def load(self):
            return Greeting()

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()] if group == cli.ENTRY_POINTS else [])
    assert cli.main(["greet", "desk"]) == 7
    assert capsys.readouterr().out == "hello desk\n"


def script(*words: str, **options):
    """The script as its own process."""
    start = [sys.executable, "-c", "import sys; from edge_agent.console.cli import main; sys.exit(main())", *words]
    return subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_output_that_cannot_be_written_is_said_in_one_line():
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "edge_agent", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (
        1,
        "edge-agent: the output cannot be written: No space left on device\n",
    )


def test_output_that_was_closed_from_the_start_is_no_matter():
    start = f"{sys.executable} -m edge_agent help lamp --list >&-"
    ended = subprocess.run(["/bin/sh", "-c", start], stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_closed_pipe_ends_a_command_quietly(house):
    house.agent.values = house.agent.values * 5000
    process = script("channels", "--socket", str(house.path))
    process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(10)) == (b"", 0)
    process.stderr.close()


def test_watching_line_by_line_ends_quietly_when_nobody_reads(house):
    process = script("watch", "--plain", "--socket", str(house.path), stdin=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    house.agent.now = Help(state="RECEIVED", case=CASE, lamp=AMBER)
    assert (process.stderr.read(), process.wait(10)) == (b"", 0)
    process.stdin.close()
    process.stderr.close()


def test_events_are_printed_as_they_come_until_the_pipe_closes(house):
    process = script("events", "--json", "--socket", str(house.path))
    until(lambda: house.agent.listeners, 10.0)
    house.emit(Live("lamp", AMBER))
    assert json.loads(process.stdout.readline()) == {"kind": "lamp", "data": json.loads(encode(AMBER)), "id": ""}
    process.stdout.close()
    house.emit(Live("lamp", AMBER))
    assert (process.stderr.read(), process.wait(10)) == (b"", 0)
    process.stderr.close()


def test_events_read_as_one_line_each(house, capsys):
    def tell():
        until(lambda: house.agent.listeners)
        for event in (
            Live("reading", house.agent.values[0]),
            Live("help", house.agent.now),
            Live("queue", house.agent.queue()),
            Live("finding", Finding("a.b", "range", "pending", "alarm", "Too low.", 0.0, 1)),
            None,
        ):
            house.emit(event)

    teller = threading.Thread(target=tell)
    teller.start()
    assert cli.main(["events", "--socket", str(house.path)]) == 3
    teller.join()
    printed = capsys.readouterr()
    assert [line[10:] for line in printed.out.splitlines()] == [
        "reading   boiler.pressure  1.25 bar",
        "help      no help request is open; Help is ready",
        "queue     3 events wait, 41 sent",
        "finding   Too low.",
    ]
    assert "the agent ended the stream" in printed.err


def test_ctrl_c_ends_quietly(monkeypatch, capsys):
    def stop(_name):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "find", stop)
    assert cli.main(["events"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_terminal_that_knows_only_ascii_gets_question_marks(house):
    house.agent.values = [Channel("room.warmth", "Cel", 21.5, 1.0)]
    process = script("channels", "--socket", str(house.path), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out, err = process.communicate(timeout=10)
    assert b"21.5 ?C" in out
    assert err == b""


def test_colour_is_for_terminals_without_no_color(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert commands.colourful()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not commands.colourful()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not commands.colourful()
    assert text.paint("x", "alarm", colour=True) == "\x1b[31mx\x1b[0m"
    assert text.paint("x", "alarm", colour=False) == text.paint("x", "telemetry", colour=True) == "x"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "-"), (0.2, "0 s"), (59.6, "1 min"), (95, "1 min 35 s"), (3600, "1 h"), (90061, "1 d 1 h"), (86405, "1 d")],
)
def test_spans_are_told_in_two_units(seconds, told):
    assert text.span(seconds) == told


def test_the_daemons_way_in_imports_nothing_that_it_does_not_need(tmp_path):
    (tmp_path / "pretend.py").write_text(
        plain("""
        import sys
        class Run:
            help = "run"
            def configure(self, parser): parser.add_argument("--config")
            def run(self, args):
                heavy = "http shutil email msgspec importlib.metadata difflib json socket asyncio"
                print([name for name in heavy.split() if name in sys.modules])
                return 0
        RUN = Run()
    """)
    )
    code = "import sys; from edge_agent.console import cli; cli.COMMANDS['run'] = 'pretend:RUN'; cli.main(['run'])"
    # -S: a virtual environment's own start-up files may import what they like
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("help tset", "there is no command help tset; did you mean help test"),
        (
            "help 1234567",
            "there is no command help 1234567; there are help lamp, help answer, help say, help cancel, help test",
        ),
        ("queue offlne", "there is no command queue offlne; did you mean queue offline"),
    ],
)
def test_a_second_word_that_is_none_is_told_with_the_nearest(capsys, words, said):
    assert cli.main(words.split()) == 2
    assert said in capsys.readouterr().err


def test_the_help_of_a_command_of_two_names_shows_the_name_that_was_asked_for(capsys):
    for name in ("cancel", "help cancel"):
        with pytest.raises(SystemExit):
            cli.main([*name.split(), "--help"])
        assert f"example:\n  edge-agent {name}\n" in capsys.readouterr().out
