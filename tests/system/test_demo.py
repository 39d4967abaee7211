"""The demo command as its user starts it: the README's own promise."""

import asyncio
import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from stage import edge_agent

KEYS = {
    "readings",
    "findings",
    "help",
    "outages",
    "events_sent",
    "events_received_by_desk",
    "lost",
    "duplicates",
    "redelivered",
    "rss_mb",
    "cpu_s",
}


@pytest.mark.timeout(90)
async def test_the_demo_plays_both_stories_and_counts_nothing_lost_and_nothing_doubled(tmp_path):
    file = tmp_path / "vehicle.json"
    home, vehicle = await asyncio.gather(
        edge_agent("demo", "home", "--for", "15", "--json", "--seed", "11"),
        edge_agent("demo", "vehicle", "--for", "15", "--fast", "--report", str(file), "--seed", "11"),
    )
    for code, out, error in (home, vehicle):
        assert code == 0, out[-2000:] + error[-2000:]
        assert "Traceback" not in out + error
    assert "readings of" in vehicle[1], "the summary for people"
    for report in (json.loads(home[1]), json.loads(file.read_text())):
        assert report.keys() >= KEYS
        assert (report["lost"], report["duplicates"], report["losses"], report["gaps"]) == (0, 0, [], [])
        assert report["readings"] > 100
        assert report["events_received_by_desk"] >= report["events_sent"] * 0.9 > 5
        assert 10 < report["rss_mb"] < 80
        assert 0 < report["cpu_s"] < 15
        (case,) = report["help"]
        states = [name for name, _ in case["states"]]
        assert states[0] == "CANCEL_WINDOW"
        assert "RECEIVED" in states
        times = [at for _, at in case["states"]]
        assert times == sorted(times)
        assert 0 < times[0] < times[-1] < 40
        (outage,) = report["outages"]
        assert 0 < outage[0] < outage[1]
        assert all({"channel", "kind", "sentence"} <= found.keys() for found in report["findings"])


@pytest.mark.timeout(60)
async def test_a_demo_that_nobody_reads_any_more_ends_in_good_order(tmp_path):
    program = Path(sys.executable).with_name("edge-agent")
    pipe = asyncio.subprocess.PIPE
    demo = await asyncio.create_subprocess_exec(program, "demo", "vehicle", stdout=pipe, stderr=pipe)
    assert b"desk" in await demo.stdout.readline()
    demo._transport.get_pipe_transport(1).close()  # what `| head -1` does
    error = await demo.stderr.read()
    assert (await demo.wait(), error) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("home", "--report", "{}/none/r.json"), "there is no folder"),
        (("home", "--report", "{}"), "is a folder. Name a file"),
        (("home", "--for", "long"), "long is no number from 5 to 86400"),
        (("{}/cellar.toml",), "/cellar.toml'. Name a .toml file, or one of flood, home"),
    ],
)
async def test_what_a_demo_cannot_do_is_said_before_it_begins(arguments, said, tmp_path):
    code, out, error = await edge_agent("demo", *(word.format(tmp_path) for word in arguments))
    assert (code, out) == (2, "")
    assert said in error
    assert "Traceback" not in error


@pytest.fixture
def short_folder():
    """A folder whose path leaves room for the name of a socket, which has 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="e-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.timeout(60)
async def test_nothing_that_a_killed_demo_had_started_lives_on(short_folder):
    program = Path(sys.executable).with_name("edge-agent")
    environment = {**os.environ, "TMPDIR": str(short_folder)}
    demo = await asyncio.create_subprocess_exec(
        program, "demo", "home", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    while b"the agent is ready" not in await demo.stdout.readline():
        pass
    started = " ".join(_children_naming(short_folder))
    assert all(name in started for name in ("broker", "dbus-daemon", "edge_agent")), started
    demo.kill()
    await demo.wait()
    async with asyncio.timeout(20):
        while _children_naming(short_folder):  # noqa: ASYNC110 - processes of nobody tell nobody of their end
            await asyncio.sleep(0.05)


def _children_naming(folder):
    """Command lines of the processes that have this folder in them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line:
                found.append(line)
    return found
