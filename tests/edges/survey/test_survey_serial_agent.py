"""A port that the running agent holds stays with it: what comes on it is listened to through the agent."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_agent.control.client import ControlRefusedError
from edge_agent.survey.serial_agent import rows
from edge_agent.survey.serial_hearing import Setting
from edge_agent.surveying import SerialSurveys
from edge_agent.systemclock import SystemClock
from tests.system.test_on_site import on_site

EXTRA = """
[[help.channels]]
name = "text"
kind = "sms"
modem = "/dev/serial/by-id/usb-Modem_1"
number = "+4915100000000"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with on_site(tmp_path_factory.mktemp("site"), EXTRA) as found:
        yield found


def survey(site, *words: str):
    command = [sys.executable, "-m", "edge_agent", "survey", "serial", "--socket", str(site.client.path), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def port_of(site) -> str:
    return site.client.config().settings["serial"][0]["port"]


def talking(site, text: bytes, every_s: float) -> threading.Event:
    """The device says this again and again until the event is set."""
    ends = threading.Event()

    def talk():
        while not ends.wait(every_s):
            site.line(text)

    threading.Thread(target=talk, daemon=True).start()
    return ends


def test_the_agents_devices_and_modems_are_known_by_their_ports(site):
    held = rows(site.client)
    assert held[port_of(site)] == (port_of(site), "boiler", "textline", Setting(115_200))
    assert held["/dev/serial/by-id/usb-Modem_1"].language == ""


def test_what_comes_on_its_port_is_recognised_while_the_agent_goes_on_reading(site):
    ends = talking(site, b"pressure=1.10 flow=3\n", 0.1)
    try:
        done = survey(site, "--port", port_of(site), "--for", "4s", "--json")
    finally:
        ends.set()
    port = json.loads(done.stdout)["ports"][0]
    assert port["holder"] == "the agent as boiler"
    assert (port["verdict"], port["baud"], port["missed"], port["cut"]) == ("understood", 115_200, 0, 0)
    best = port["guesses"][0]
    assert (best["language"], best["rejected"]) == ("textline", 0)
    assert 20 <= best["messages"] <= 45
    (device,) = site.client.status().devices
    assert (device.ready, device.faults) == (True, 0)


def test_it_is_told_that_pieces_were_missed_and_bytes_cut(site):
    ends = talking(site, b"x" * 3000 + b" pressure=1\n", 0.0)
    try:
        done = survey(site, "--port", port_of(site), "--for", "3s")
    finally:
        ends.set()
    assert "held by the agent as boiler" in done.stdout
    assert " cut by the agent" in done.stdout
    assert "what is missing counts as rejected" in done.stdout


def test_a_port_of_the_agent_is_not_added_a_second_time(site):
    ends = talking(site, b"pressure=1.10 flow=3\n", 0.1)
    try:
        done = survey(site, "--port", port_of(site), "--for", "2s", "--add", "--name", "again")
    finally:
        ends.set()
    assert done.returncode == 1
    assert "in the configuration already" in done.stderr


def test_noise_on_its_port_is_said_to_need_other_speeds(site):
    ends = talking(site, b"\xf8\x80\x00\xc0\x9e" * 8, 0.1)
    try:
        done = survey(site, "--port", port_of(site), "--for", "3s")
    finally:
        ends.set()
    assert "unknown: somebody speaks, and no language reads it; held by the agent as boiler" in done.stdout
    assert "Other speeds can be tried while the agent is stopped" in done.stdout


def test_a_port_that_the_agent_cannot_have_is_told_with_what_the_agent_says(tmp_path):
    with on_site(tmp_path) as site:
        config = tmp_path / "agent.toml"
        config.write_text(config.read_text().replace(port_of(site), "/dev/serial/by-id/usb-Gone_1"))
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(20)
        words = [sys.executable, "-m", "edge_agent", "run", "--config", str(config)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            site.until(site.client.status)
            done = survey(site, "--for", "2s")
            process.terminate()
    assert re.search(r"usb-Gone_1\n  silent: nobody speaks on it; the agent says: .*is not there", done.stdout)
    assert "-> Plug it in" in done.stdout


def test_a_modem_of_the_agent_is_left_alone(site):
    done = survey(site, "--port", "/dev/serial/by-id/usb-Modem_1", "--for", "2s")
    assert done.returncode == 1
    assert "the agent as text talks with a modem there" in done.stdout


def test_frames_are_asked_for_behind_those_that_are_known(site):
    site.client.watch("boiler", 0.0)
    site.client.watch("boiler", 60.0)
    site.line(b"pressure=1\n")
    first = site.until(lambda: (raw := site.client.raw("boiler")).frames and raw)
    assert site.client.raw("boiler", first.newest).frames == []
    time.sleep(0.05)
    site.line(b"pressure=2\n")
    second = site.until(lambda: (raw := site.client.raw("boiler", first.newest)).frames and raw)
    assert [bytes.fromhex(frame.shown) for frame in second.frames] == [b"pressure=2\n"]
    assert second.newest == first.newest + 1
    assert len(site.client.raw("boiler", 1000).frames) == 2  # of a watch that is over


def test_the_agent_surveys_for_those_who_ask_by_its_socket_one_at_a_time(site):
    assert site.client.survey_serial().ago_s is None
    ends = talking(site, b"pressure=1.10 flow=3\n", 0.1)
    try:
        assert site.client.survey_serial(4.0).left_s > 3.0
        with pytest.raises(ControlRefusedError, match="a survey is running already"):
            site.client.survey_serial(4.0)
        site.until(lambda: site.client.survey_serial().left_s is None, within_s=60.0)
    finally:
        ends.set()
    done = site.client.survey_serial()
    assert (done.failed, done.found.asked[0]) == ("", "daly")
    assert done.ago_s < 60.0
    port = next(port for port in done.found.ports if port.port == port_of(site))
    assert (port.verdict, port.holder) == ("understood", "the agent as boiler")
    assert port.guesses[0].language == "textline"
    (device,) = site.client.status().devices
    assert device.ready


@pytest.mark.parametrize(
    ("python", "why"),
    [
        ("/nowhere/python", "it could not be begun: No such file or directory"),
        ("/bin/false", "its process gave no whole result"),
    ],
)
async def test_a_survey_that_cannot_be_done_says_why_and_another_may_be_begun(monkeypatch, python, why):
    monkeypatch.setattr(sys, "executable", python)
    surveys = SerialSurveys(SystemClock(), Path("/nowhere/control.sock"))
    job = asyncio.create_task(surveys.run())
    for _ in range(2):
        surveys.start(1.0)
        async with asyncio.timeout(10.0):
            while surveys.until is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert surveys.failed == why
    job.cancel()


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_an_agent_that_is_stopped_leaves_no_survey_behind(tmp_path):
    with on_site(tmp_path) as site:
        site.client.survey_serial(60.0)
        (child,) = site.until(lambda: children(site.process.pid))
        goes_first = Path(f"/proc/{child}/oom_score_adj")
        site.until(lambda: goes_first.read_text() == "1000\n")
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(20) == 0
    assert not Path(f"/proc/{child}").exists()
