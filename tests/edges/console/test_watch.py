"""`edge-agent watch`: on a screen, line by line, and what both know of the agent."""

import asyncio
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs
from textual.widgets import DataTable, OptionList, Static

from edge_agent.console import cli
from edge_agent.console.watch import command
from edge_agent.console.watch.picture import POINTS, Lost, Picture, Row, age, cells, sparkline
from edge_agent.console.watch.plain import Teller
from edge_agent.console.watch.screen import Heard, Watch, shelving
from edge_agent.control.client import Client
from edge_agent.control.types import Channel, Channels, Finding, Findings, Live
from tests.edges.control.conftest import AMBER, CASE, IDLE, Help, until

LEAK = Finding("boiler.pressure", "range", "confirmed", "warning", "Boiler pressure is 0.8 bar.", 20.0, 1)
SILENT = structs.replace(LEAK, channel="cellar.wet", kind="silent", severity="notice", sentence="Nothing is heard.")


def of(value, age_s=0.0, name="boiler.pressure"):
    return Channel(name, "bar", value, age_s)


def test_a_reading_that_is_told_twice_is_one_point_of_the_line():
    row = Row(of(1.0))
    for now, channel in ((10.0, of(1.0)), (10.5, of(1.0, 0.5)), (11.0, of(2.0)), (12.5, of(2.0, 1.5))):
        row.take(channel, now)
    assert list(row.points) == [1.0, 2.0]
    assert age(row, 13.0) == "2 s"


def test_a_line_has_no_more_cells_than_its_column_and_keeps_the_newest():
    row = Row(of(0.0))
    for second in range(100):
        row.take(of(float(second)), float(second))
    assert list(row.points) == [float(second) for second in range(100 - POINTS, 100)]


@pytest.mark.parametrize(
    ("points", "shown"),
    [
        ([], ""),
        ([3.0, 3.0], "▁▁"),
        ([0.0, 1.0], "▁█"),
        ([float("inf"), 1.0, float("nan"), 2.0], "▁█"),
        ([-5e307, 5e307], "▁█"),
    ],
)
def test_a_line_is_scaled_between_its_own_least_and_greatest(points, shown):
    assert sparkline(points) == shown
    assert sparkline(points, ascii_only=True) == shown.replace("▁", "_").replace("█", "#")


def test_a_channel_says_what_is_worst_with_it():
    picture = Picture()
    told = [of(1.0), of(None, name="a.b"), of(1.0, 400.0, name="c.d"), of(True, name="e.f")]
    picture.take(Channels([structs.replace(each, reason="no answer") for each in told]), 500.0)
    picture.take(Findings([LEAK]), 500.0)
    states = {name: state for state, name, *_ in cells(picture, 500.0)}
    assert states == {"boiler.pressure": "warning", "a.b": "no value", "c.d": "old", "e.f": "ok"}


def test_a_finding_that_another_explains_is_not_told():
    picture = Picture()
    picture.take(Findings([LEAK, structs.replace(SILENT, cause="ble:away")]), 0.0)
    assert picture.standing() == [LEAK]


def test_a_loss_is_told_until_the_agent_is_heard_again(house):
    picture = Picture()
    picture.take(Client(house.path).status(), 0.0)
    picture.take(Lost("nobody answers\x1b[2J"), 1.0)
    assert picture.sentence() == "nobody answers\ufffd[2J"
    picture.take(IDLE, 2.0)
    assert picture.sentence().startswith("All is well")


def test_line_by_line_a_change_is_said_once_and_its_end_too(house):
    said: list[str] = []
    teller = Teller(said.append, lambda: 0.0)
    client = Client(house.path)
    for _ in range(2):
        for reply in (client.status(), client.help(), client.channels(), Findings([LEAK])):
            teller.take(reply)
    assert said == [
        "All is well: 2 channels, connected, nothing waits.",
        "Lamp: Help is ready (green: one short flash every 5 seconds)",
        "Help: No help request is open.",
        "New finding: Boiler pressure is 0.8 bar.",
    ]
    said.clear()
    teller.take(Findings([structs.replace(LEAK, state="cleared")]))
    teller.take(Lost("nobody answers"))
    house.agent.ready = False
    teller.take(client.status())
    assert said == ["Over: Boiler pressure is 0.8 bar.", "nobody answers", "Bluetooth is missing."]


def test_line_by_line_numbers_of_a_gateway_that_is_well_are_no_news(house):
    said: list[str] = []
    teller = Teller(said.append)
    status = Client(house.path).status()
    for waiting in range(5):
        teller.take(structs.replace(status, sentence=f"All is well: {waiting} messages wait."))
    assert said == ["All is well: 0 messages wait."]


def script(path: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "edge_agent", "watch", "--socket", str(path), *options]


def test_line_by_line_the_words_are_answered_and_the_end_of_input_ends_nothing(house):
    house.agent.found = [LEAK]
    with subprocess.Popen(script(house.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdin
        assert run.stdout
        line = ""
        while not line.startswith("New finding"):
            line = run.stdout.readline()
        run.stdin.write("values\nqueue\nfindings\nnonsense\ntest\n\nquit\n")
        run.stdin.close()
        out = run.stdout.read()
        assert run.wait(10) == 0
    assert "boiler.pressure: 1.25 bar, 2 s ago, warning" in out or "boiler.pressure: 1.25 bar, 3 s ago, warning" in out
    assert "3 waiting, 41 sent, 1 withheld, 7 dropped" in out
    assert "warning, for 20 s: Boiler pressure is 0.8 bar." in out
    assert out.count("Words: ") == 1
    with subprocess.Popen(script(house.path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as deaf:
        assert deaf.stdout
        heard = threading.Event()
        threading.Thread(
            target=lambda: [heard.set() for each in deaf.stdout if "RECEIVED" in each or "7K2M" in each]
        ).start()  # type: ignore[union-attr]
        until(lambda: len(house.agent.listeners) > 0)
        house.emit(Live("help", Help(state="RECEIVED", case=CASE, lamp=AMBER)))
        assert heard.wait(10)
        assert deaf.poll() is None
        deaf.terminate()


async def on_screen(house, check, size=(80, 24), **options):
    app = Watch(Client(house.path), lambda words: ran.append(tuple(words)) or 0, ascii_only=False, **options)
    ran: list[tuple[str, ...]] = []
    async with app.run_test(size=size) as pilot:
        for _ in range(200):
            if app.picture.queue is not None and app.picture.rows and app.query_one(DataTable).row_count:
                break
            await asyncio.sleep(0.05)
        await check(app, pilot)


async def test_the_screen_of_80_by_24_shows_values_findings_lamp_help_and_queue(house):
    house.agent.found = [LEAK, SILENT]
    house.agent.now = Help(state="RECEIVED", case=CASE, lamp=AMBER)

    async def check(app, pilot):
        await asyncio.sleep(1.2)
        await pilot.pause()
        table = app.query_one(DataTable)
        assert [str(cell) for cell in table.get_row_at(0)][:3] == ["warning", "boiler.pressure", "1.25 bar"]
        findings = app.query_one(OptionList)
        assert findings.get_option_at_index(0).prompt == "warning, 20 s: Boiler pressure is 0.8 bar."
        assert findings.option_count == 2
        words = {each.id: str(each.render()) for each in app.query(Static) if each.id}
        assert words["sentence"].startswith("All is well")
        assert words["lamp"].startswith("Lamp: Your call is recorded")
        assert words["help"] == "Help: Case 7K2M 9QXA: received by the desk. desk: Is there water?\ufffd[2J"
        assert words["queue"] == "Queue: 3 waiting, 41 sent, 1 withheld, 7 dropped"
        visible = [each for each in app.query("*") if each.region.height and each.id]
        assert {each.id for each in visible} >= {"sentence", "lamp", "channels", "findings", "help", "queue"}
        assert all(each.region.bottom <= 24 for each in visible)

    await on_screen(house, check)


async def test_the_screen_goes_on_when_the_agent_leaves_and_says_so(house, tmp_path):
    async def check(app, pilot):
        app.post_message(Heard(Lost("the agent is not running here")))
        await pilot.pause()
        sentence = app.query_one("#sentence", Static)
        assert str(sentence.render()) == "the agent is not running here"
        assert sentence.has_class("wrong")
        assert app.query_one(DataTable).row_count == 2

    await on_screen(house, check)


async def test_a_key_asks_about_the_finding_under_the_cursor(house):
    house.agent.found = [structs.replace(LEAK, id="boiler.pressure:range"), structs.replace(SILENT, id="wet")]

    async def check(app, pilot):
        asked = []
        app._away = lambda words, asking=None: asked.append((words, asking))
        await asyncio.sleep(1.2)
        await pilot.press("e", "n")
        app.query_one(OptionList).highlighted = 1
        await pilot.press("s")
        assert asked == [
            (("findings", "explain", "boiler.pressure:range"), None),
            (("findings", "normal", "boiler.pressure:range"), None),
            (("findings", "shelve", "wet"), shelving),
        ]

    await on_screen(house, check)


def test_shelving_asks_a_person_for_what_it_needs():
    answers = iter(["defrosting", "me", ""])
    assert shelving(lambda _: next(answers)) == ("--reason", "defrosting", "--owner", "me", "--for", "12h")


async def test_fewer_channels_and_findings_leave_no_old_rows(house):
    house.agent.found = [LEAK, SILENT]

    async def check(app, pilot):
        app.picture.rows.pop("door.open")
        app.picture.take(Findings([]), 0.0)
        app._show()
        await pilot.pause()
        assert app.query_one(DataTable).row_count == 1
        assert app.query_one(OptionList).get_option_at_index(0).prompt.startswith("No findings")

    await on_screen(house, check)


CONTROLS = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-Z$]")


def read_until(fd: int, wanted: str, within_s: float = 30.0) -> str:
    """Read the terminal's other end until these words were shown; all that was."""
    seen, end = "", time.monotonic() + within_s
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen = CONTROLS.sub("", seen + os.read(fd, 65536).decode("utf-8", "replace"))
        if wanted in seen:
            return seen
    pytest.fail(f"{wanted!r} was not shown in {within_s:g} s: {seen[-2000:]}")


def test_on_a_real_terminal_without_colour_a_test_press_leaves_the_screen_and_comes_back(house):
    house.agent.found = [LEAK]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    run = subprocess.Popen(script(house.path), stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
    os.close(slave)
    try:
        read_until(master, "Boiler pressure is 0.8 bar.")
        os.write(master, b"t")
        assert "there was a test a moment ago" in read_until(master, "Enter goes back to the screen.")
        os.write(master, b"\r")
        read_until(master, "Queue: 3 waiting")
        os.write(master, b"q")
        gone = threading.Thread(target=run.wait)
        gone.start()
        with suppress(OSError):  # the terminal's last words, until it is closed
            while gone.is_alive() and os.read(master, 65536):
                pass
        assert run.wait(20) == 0
    finally:
        run.kill()
        run.wait()
        os.close(master)


def test_a_word_that_comes_at_once_is_answered_by_what_the_agent_says(house):
    house.agent.found = [LEAK]
    words = "values\nfindings\nquit\n"
    said = subprocess.run(
        script(house.path, "--plain"), input=words, capture_output=True, text=True, timeout=20, check=True
    ).stdout
    assert "1 finding.\n" in said
    assert "No channels yet." not in said


def test_an_agent_that_is_not_there_is_told_before_the_screen_is_taken(tmp_path, capsys):
    assert cli.main(["watch", "--socket", str(tmp_path / "none.sock")]) == 3
    assert "the agent is not running here" in capsys.readouterr().err


def test_without_textual_it_says_how_to_get_it_and_what_works_without(house, monkeypatch, capsys):
    monkeypatch.delattr("edge_agent.console.watch.screen")
    monkeypatch.setitem(sys.modules, "edge_agent.console.watch.screen", None)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert cli.main(["watch", "--socket", str(house.path)]) == 2
    assert "edge-agent watch --plain" in capsys.readouterr().err


def test_there_is_no_json_of_a_screen(house, capsys):
    assert cli.main(["watch", "--json", "--socket", str(house.path)]) == 2
    assert "edge-agent events --json" in capsys.readouterr().err


def test_a_command_with_wrong_arguments_does_not_end_the_screen(house):
    run = command._runner(str(house.path))
    assert run(["press", "--hold", "x"]) == 2
    assert run(["status"]) == 0
