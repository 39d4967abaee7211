"""The agent as a process, and what an engineer with a laptop gets from its sockets alone."""

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from edge_agent.console import cli
from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.paths import read_socket
from edge_agent.control.types import Gap
from edge_agent.core.errors import AgentError
from edge_agent.texts import Said, texts

CONFIG = """
[paths]
state = "{folder}/state"
runtime = "{folder}/run"

[log]
format = "json"

[[serial]]
name = "boiler"
port = "{port}"
language = "textline"
options = {{ units = {{ pressure = "bar" }} }}

[[check]]
channel = "boiler.pressure"
kind = "range"
min = 0.8

[desk]
keys = {{ main = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" }}

[[help.channels]]
name = "second"
kind = "https"
url = "https://desk.example/help?token=abcdefgh"
"""


@dataclass
class Site:
    """The agent's process, the device's end of the cable, and a client."""

    process: subprocess.Popen[bytes]
    wire: int
    client: Client

    def line(self, text: bytes) -> None:
        os.write(self.wire, text)

    def until(self, true, within_s: float = 15.0):
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            with suppress(AgentError):
                if found := true():
                    return found
            time.sleep(0.05)
        return pytest.fail("it did not come true in time")


@contextmanager
def on_site(folder: Path, extra: str = "") -> Iterator[Site]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    file = folder / "agent.toml"
    file.write_text(CONFIG.format(folder=folder, port=os.ttyname(theirs)) + extra)
    with (folder / "log").open("wb") as log:
        words = [sys.executable, "-m", "edge_agent", "run", "--config", str(file)]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    site = Site(process, ours, Client(folder / "run" / "control.sock"))
    try:
        site.until(site.client.status)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        os.close(ours)
        os.close(theirs)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with on_site(tmp_path_factory.mktemp("site")) as found:
        yield found


def sockets_of(pid: int) -> set[str]:
    """The inodes of the sockets that a process has open."""
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            name = str(each.readlink())
            if name.startswith("socket:["):
                found.add(name[8:-1])
    return found


def test_it_listens_on_no_tcp_or_udp_port(site):
    mine = sockets_of(site.process.pid)
    assert mine
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = [line.split() for line in Path(f"/proc/{site.process.pid}/net/{table}").read_text().splitlines()[1:]]
        listening = {row[9] for row in rows if table.startswith("udp") or row[3] == "0A"}  # TCP_LISTEN
        assert not listening & mine, table


def test_raw_bytes_of_a_device_are_kept_only_once_somebody_asks(site):
    site.line(b"pressure=1.10\n")
    site.until(lambda: site.client.channels().channels)
    assert site.client.raw("boiler").frames == []
    assert site.client.watch("boiler", 60.0).left_s > 59.0
    site.line(b"pressure=1.25\n")
    frame = site.until(lambda: site.client.raw("boiler").frames)[0]
    assert (frame.way, bytes.fromhex(frame.shown), frame.size) == ("in", b"pressure=1.25\n", 14)
    assert site.client.watch("boiler", 0.0).frames == []
    with pytest.raises(ControlRefusedError, match=r"no device is called 'oven'. Ask for one of boiler"):
        site.client.raw("oven")


def test_raw_bytes_are_bounded_however_much_comes(site):
    site.client.watch("boiler", 60.0)
    for number in range(400):
        site.line(b"x" * 300 + b"%d\n" % number)
        if number % 20 == 0:
            time.sleep(0.02)
    raw = site.until(lambda: (found := site.client.raw("boiler")).frames and found)
    assert len(raw.frames) <= 200
    assert all(len(frame.shown) <= 4096 for frame in raw.frames)
    assert sum(len(frame.shown) for frame in raw.frames) <= 100_000
    site.client.watch("boiler", 0.0)


def test_the_configuration_in_force_has_defaults_and_no_secrets(site):
    settings = site.client.config().settings
    assert settings["serial"][0]["name"] == "boiler"
    assert settings["help"]["hold_s"] == 3.0
    assert settings["help"]["channels"][0]["url"] == "https://desk.example/***"


def test_the_log_is_followed_by_its_numbers(site):
    first = site.client.log()
    assert any(json.loads(line)["event"] == "ready" for line in first.lines)
    assert site.client.log(after=first.newest).lines == []
    one = site.client.log(after=first.newest - 1)
    assert one.lines == first.lines[-1:]


def test_readings_status_and_queue_come_live_and_a_gap_is_told(site):
    last = ""
    heard: set[str] = set()
    stop = threading.Event()
    feeder = threading.Thread(target=lambda: [site.line(b"pressure=1.3\n") for _ in iter(lambda: stop.wait(0.1), True)])
    feeder.start()
    stream = site.client.events(["reading", "status", "queue"])
    for live in stream:
        heard.add(live.kind)
        last = live.id
        if heard == {"reading", "status", "queue"}:
            break
    stream.close()

    def gap() -> bool:
        again = site.client.events(["reading"], after=last)
        first = next(again)
        again.close()
        return (first.kind, first.data) == ("gap", Gap(None, ["reading"]))

    site.until(gap)  # the agent has noticed by then that the first stream is closed
    stop.set()
    feeder.join()


def test_who_may_only_look_sees_all_and_changes_nothing(site):
    looking = Client(read_socket(site.client.path))
    assert stat.S_IMODE(looking.path.stat().st_mode) == 0o660
    assert looking.status().version == site.client.status().version
    with pytest.raises(ControlRefusedError, match="one may only look"):
        looking.watch("boiler", 60.0)
    with pytest.raises(ControlError):
        looking.press(0.0)


def test_the_self_test_tells_each_result_once_and_as_it_comes(site, capsys):
    seen: list[str] = []
    stream = site.client.events(["probe"])
    listener = threading.Thread(target=lambda: seen.extend(live.data.name for live in islice(stream, 8)))
    listener.start()
    time.sleep(0.5)  # so that it listens; what it missed would only make the list shorter
    assert cli.main(["check", "--socket", str(site.client.path)]) == 1, "there is no broker, and no desk.example"
    lines = capsys.readouterr().out.splitlines()
    done = site.client.selftest()
    assert len(done.results) == done.planned
    for row in done.results:
        assert sum(line[14:].startswith(f"{row.title:<34} ") for line in lines) == 1, row.title
    rows = {row.name: row for row in done.results}
    assert rows["device boiler"].needs == ["serial:boiler"]
    assert rows["disk"].verdict in ("ok", "warn", "fail")
    listener.join(10.0)
    stream.close()
    assert set(seen) <= rows.keys()
    assert seen


@pytest.mark.parametrize("language", ["de", "es"])
def test_a_household_reads_self_test_and_status_in_its_own_language(tmp_path, language):
    with on_site(tmp_path, f'[gateway]\nlanguage = "{language}"\n') as site:
        site.client.start_selftest(round_trip=False)
        done = site.until(lambda: (found := site.client.selftest()).outcome == "done" and found, 65.0)
        rows = {row.name: row for row in done.results}
        status = site.client.status()
    here, english = texts(language), texts("en")
    assert rows["clock"].evidence in (here["probe.clock_unknown"], here.say("probe.clock", source="timesync"))
    assert rows["serial:boiler"].evidence == here["part.running"]
    assert rows["device boiler"].evidence.endswith(
        here.own(Said("probe.device", said="", heard=Said("probe.never_heard"), readings=0, faults=0))
    )
    said = [*status.parts, *status.devices]
    told = [row.evidence for row in rows.values()] + [row.fix for row in rows.values()]
    told += [each.sentence for each in said] + [each.fix for each in said]
    same = {text for text in told if text and text in english.values() and text not in here.values()}
    assert same == set()
