"""The demo command as its user starts it: the README's own promise."""

import asyncio
import json
import sys
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
        (("{}/cellar.toml",), "/cellar.toml'. Name a .toml file, or one of home"),
    ],
)
async def test_what_a_demo_cannot_do_is_said_before_it_begins(arguments, said, tmp_path):
    code, out, error = await edge_agent("demo", *(word.format(tmp_path) for word in arguments))
    assert (code, out) == (2, "")
    assert said in error
    assert "Traceback" not in error
