"""`edge-agent survey gpio` without an agent: it takes the line itself, on a simulated board whose contacts bounce."""

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.gpio.board import Board

BUTTON, DOOR, LAMP, FREE = 17, 5, 22, 6
CONFIG = f"""\
[gpio.button]
line = {BUTTON}
[gpio.lamp]
line = {LAMP}
[[gpio.input]]
name = "door"
line = {DOOR}
[gpio.input.options]
quantity = "open"
"""


@pytest.fixture
async def board():
    # pytest's own folders are too long for a socket
    with tempfile.TemporaryDirectory(prefix="edge-survey-") as folder:
        async with Board(Path(folder) / "gpio.sock", 7) as board:
            board.folder = Path(folder)
            (board.folder / "agent.toml").write_text(CONFIG)
            yield board


@asynccontextmanager
async def surveying(board, *words, **environment):
    """The command as a process; what it said is its `told` when it has ended."""
    chosen = {"GPIOZERO_PIN_FACTORY": "simulators.gpio.pins:SimulatedFactory", "EDGE_SIM_GPIO": str(board.path)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge_agent", "survey", "gpio", *words),
        *("--socket", str(board.folder / "none.sock")),
        *(() if "--config" in words else ("--config", str(board.folder / "agent.toml"))),
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **chosen, **environment},
        cwd=board.folder,
        stdout=pipe,
        stderr=pipe,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def told(process):
    out, err = await asyncio.wait_for(process.communicate(), 60.0)
    return process.returncode, out.decode(), err.decode()


async def begun(board, process, *lines):
    """It has taken its lines, and had its first look."""
    async with asyncio.timeout(20.0):
        while b"Press it now" not in (said := await process.stderr.readline()):
            assert said, "it ended"
    assert all(board.connected(line) for line in lines)
    await asyncio.sleep(0.4)


async def bounce(board, line, *levels):
    """Levels some milliseconds apart, then rest."""
    for level in levels:
        board.drive(line, level)
        await asyncio.sleep(0.003)
    await asyncio.sleep(0.3)


async def test_a_bouncing_press_of_a_free_line_is_drawn_measured_and_judged(board):
    async with surveying(board, "--line", str(FREE), "--pull", "up", "--for", "3s") as command:
        await begun(board, command, FREE)
        await bounce(board, FREE, False, True, False)
        await bounce(board, FREE, True)
        code, out, _ = await told(command)
    assert code == 0
    lines = out.splitlines()
    assert lines[1] == f"GPIO{FREE}  free line  contact  up    low     5 ms      high, at rest"
    assert re.match(rf"free line \(GPIO{FREE}\): press 1, 0\.[3-9]", lines[3])
    assert lines[4].startswith("  make: 3 edges in ")
    assert lines[5].startswith("high ─────┐")
    assert lines[6].startswith("low       └")
    assert lines[7].lstrip().startswith("0 ms")
    assert lines[8] == "  break: 1 edge, clean"
    assert f"GPIO{FREE} free line: bounces for " in out
    assert max(map(len, lines)) <= 80


async def test_in_words_alone_every_level_is_told_and_ascii_draws_with_what_it_has(board):
    async with surveying(board, "--line", "door", "--for", "2s", "--plain") as command:
        await begun(board, command, DOOR)
        await bounce(board, DOOR, False, True, False)
        await bounce(board, DOOR, True)
        _, out, _ = await told(command)
    assert "─" not in out
    assert "  make: low " in out
    assert out.count(", then low") == 1
    async with surveying(board, "--line", "door", "--for", "2s", PYTHONIOENCODING="ascii") as command:
        await begun(board, command, DOOR)
        await bounce(board, DOOR, False)
        await bounce(board, DOOR, True)
        _, out, _ = await told(command)
    assert "make: 1 edge, clean" in out
    assert "|____" in out
    assert out.isascii()


async def test_all_configured_inputs_are_surveyed_no_output_is_taken_and_json_has_every_edge(board):
    async with surveying(board, "--for", "2s", "--json") as command:
        await begun(board, command, BUTTON, DOOR)
        await bounce(board, BUTTON, False, True, False)
        assert not board.history(LAMP)
        code, out, _ = await told(command)
    assert code == 0
    lines = {line["name"]: line for line in json.loads(out)["lines"] if line["kind"] != "output"}
    assert lines.keys() == {"button", "door"}
    assert [edge["high"] for edge in lines["button"]["edges"]] == [False, True, False]
    assert lines["button"]["bursts"][0]["edges"] == 3
    assert lines["door"]["verdict"]["opinion"] == "never"


async def test_ctrl_c_shows_what_was_seen_and_a_line_that_never_changed_is_asked_about(board):
    async with surveying(board, "--line", "button", "--for", "5m") as command:
        await begun(board, command, BUTTON)
        command.send_signal(signal.SIGINT)
        code, out, _ = await told(command)
    assert code == 1
    assert "it never changed, and is high. If it was pressed" in out.replace("\n ", "")


async def test_a_button_that_is_down_all_the_time_is_stuck_and_a_line_without_rest_chatters(board):
    board.drive(BUTTON, False)
    async with surveying(board, "--for", "3s") as command:
        await begun(board, command, BUTTON, DOOR)
        for _ in range(100):
            board.drive(DOOR, False)
            await asyncio.sleep(0.005)
            board.drive(DOOR, True)
            await asyncio.sleep(0.005)
        code, out, _ = await told(command)
    assert code == 0
    assert "GPIO17 button: it never changed, and is low, which means active" in out
    assert "GPIO5 door: it does not come to rest" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--line", "window"), 1, "No GPIO input is called window (there are: button, door). Name a free line"),
        (("--line", str(LAMP)), 1, "GPIO22 drives lamp: a survey only listens"),
        (("--line", "lamp"), 1, "GPIO22 drives lamp: a survey only listens"),
        (("--line", "99"), 1, "GPIO99 is not a line of this board"),
        (("--line", "door", "--pull", "up"), 2, "--pull needs --line with the number of a line"),
        (("--config", "missing.toml"), 3, "Name a free line by its number: edge-agent survey gpio --line 17 --pull up"),
    ],
)
async def test_what_cannot_be_surveyed_is_refused_with_what_to_do(board, words, code, said):
    async with surveying(board, *words) as command:
        ended, out, err = await told(command)
    assert (ended, out) == (code, "")
    assert said in err


async def test_who_has_no_agent_is_told_that_a_press_calls_nobody(board):
    async with surveying(board, "--for", "1s") as command:
        code, _, err = await told(command)
    assert code == 1
    assert "No agent holds button (GPIO17): a press calls nobody." in err
    assert "this command listens by itself" in err


async def test_without_a_chip_it_says_so(board):
    async with surveying(board, "--line", "6", GPIOZERO_PIN_FACTORY="") as command:
        code, out, err = await told(command)
    assert (code, out) == (1, "")
    assert "This computer has no GPIO chip" in err


async def test_a_line_that_another_program_holds_is_not_taken_from_it(board):
    async with surveying(board, "--line", "6", "--pull", "up", "--for", "3s") as holding:
        await begun(board, holding, 6)
        async with surveying(board, "--line", "6", "--pull", "down") as command:
            code, out, err = await told(command)
        assert (code, out) == (1, "")
        assert "GPIO6 cannot be used" in err
        await bounce(board, 6, False)
        assert (await told(holding))[0] == 0
