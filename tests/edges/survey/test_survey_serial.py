"""`edge-agent survey serial` as a program, on ptys with devices that talk at their own speed and at their own pace."""

import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
import tty
from contextlib import ExitStack
from pathlib import Path

import pytest
import serial

from edge_agent.survey import serial_ports
from edge_agent.survey.serial_line import Line
from edge_agent.survey.serial_text import hex_view
from firmware_bridges.trial import measured
from tests.edges.survey.serial_wire import Wire
from tests.firmware.support import vectors
from tests.firmware.test_bridge_trial import STREAMS

COMMAND = [sys.executable, "-m", "edge_agent", "survey", "serial", "--socket", "/nowhere/control.sock"]
VEDIRECT = [v.chunk for v in vectors("vedirect") if v.readings and isinstance(v.chunk, bytes)]
GPS = [v.chunk for v in vectors("nmea0183") if v.readings and not v.faults and isinstance(v.chunk, bytes)]
# Language, what it says in turn, its speed, and how often.
TALKERS = {
    "sml": ([STREAMS["sml"][: len(STREAMS["sml"]) // 2]], 9600, 1.0),
    "pms": ([STREAMS["pms"][:32]], 9600, 1.0),
    "dsmr": ([STREAMS["dsmr"][: len(STREAMS["dsmr"]) // 2]], 115_200, 1.0),
    "textline": ([b"temperature=21.5 humidity=45\r\n"], 38_400, 0.5),
    "vedirect": (VEDIRECT[:1], 19_200, 1.0),
    "nmea0183": (GPS, 4800, 0.2),  # without a pause
}


def survey(*words: str, **how) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=110, check=False, **how)


def ports(done: subprocess.CompletedProcess[str]):
    return json.loads(done.stdout)["ports"]


@pytest.fixture(scope="module")
def surveyed():
    """All talkers at once: what was found, by language, and their wires."""
    with ExitStack() as stack:
        wires = {name: stack.enter_context(Wire(*how)) for name, how in TALKERS.items()}
        done = survey("--json", "--for", "75s", *(word for wire in wires.values() for word in ("--port", wire.path)))
        yield dict(zip(wires, ports(done), strict=True)), wires


@pytest.mark.parametrize("name", TALKERS)
def test_each_device_is_recognised_with_its_language_and_speed(surveyed, name):
    port = surveyed[0][name]
    best = port["guesses"][0]
    assert port["verdict"] == "understood"
    assert (best["language"], best["baud"], best["bits"], best["sure"]) == (name, TALKERS[name][1], 8, True)
    assert best["understood"] > 0.7
    assert best["messages"] >= 2
    assert best["lines"].startswith(f'[[serial]]\nname = "NAME"\nport = "{port["port"]}"\nlanguage = "{name}"')


def test_how_often_messages_come_is_told(surveyed):
    rate = surveyed[0]["sml"]["guesses"][0]["a_second"]
    assert 0.7 <= rate <= 1.3  # of one


def test_not_one_byte_is_ever_written_and_no_port_was_at_1200_baud(surveyed):
    for wire in surveyed[1].values():
        assert wire.speeds
        assert wire.written == b""


def test_a_port_that_another_program_has_is_refused_by_its_name_and_the_others_go_on():
    with Wire([b"pressure=1.5 level=2\r\n"], 9600, 0.3) as free, Wire([b"x"]) as taken:
        with serial.Serial(taken.path, exclusive=True):
            done = survey("--json", "--for", "6s", "--port", taken.path, "--port", free.path)
        busy, heard = ports(done)
    assert (busy["verdict"], heard["verdict"], done.returncode) == ("refused", "understood", 0)
    assert str(os.getpid()) in busy["holder"]
    assert "fuser" in busy["fix"]


def test_a_port_that_goes_away_keeps_what_was_heard_and_the_others_go_on():
    with Wire([b"pressure=1.5 level=2\r\n"], 9600, 0.2) as leaves, Wire([b"volume=1 level=2\r\n"], 9600, 0.2) as stays:
        words = [*COMMAND, "--json", "--for", "8s", "--port", leaves.path, "--port", stays.path]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
            while not (leaves.speeds and stays.speeds):
                time.sleep(0.02)
            time.sleep(3.0)
            leaves.unplug()
            out = program.communicate(timeout=30)[0]
    gone, other = json.loads(out)["ports"]
    assert (gone["guesses"][0]["language"], other["verdict"]) == ("textline", "understood")
    assert "went away" in gone["sentence"]
    assert "plug" in gone["fix"]


def test_a_port_is_left_as_it_was_set_after_all_speeds_were_tried():
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        slow = termios.tcgetattr(slave)
        slow[4] = slow[5] = termios.B4800
        termios.tcsetattr(slave, termios.TCSANOW, slow)
        before = termios.tcgetattr(slave)
        line = Line(os.ttyname(slave), 0.0)
        for now in range(60):
            line.look(float(now))
        assert len(line.hearings) > 3
        assert termios.tcgetattr(slave) != before
        line.close()
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(slave)
        os.close(master)


def test_what_is_no_port_is_refused_with_what_to_do_and_never_opened(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = survey("--port", "/dev/nothing-here", "--port", str(pipe), "--port", "/dev/null")
    assert done.returncode == 1
    assert re.search(r"nothing-here\n  refused: .*No such file.*\n  -> .*by-id", done.stdout)
    assert done.stdout.count("it is no serial port") == 2


def test_who_may_not_open_a_port_is_told_which_group_to_join():
    with Wire([b"a=1\r\n"]) as wire:
        Path(wire.path).chmod(0)
        # root may open all the same, unless that right is taken
        drop = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        done = subprocess.run(
            [*drop, *COMMAND, "--port", wire.path], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1, done.stderr
    assert "Permission denied" in done.stdout
    assert "usermod -aG dialout" in done.stdout


def test_ctrl_c_shows_what_was_heard():
    with Wire([b"pressure=1.5 level=2\r\n"], 9600, 0.2) as wire:
        words = [*COMMAND, "--hex", "--for", "60s", "--port", wire.path]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            while not wire.speeds:
                time.sleep(0.02)
            time.sleep(3.0)
            program.send_signal(signal.SIGINT)
            out, err = program.communicate(timeout=30)
    assert program.returncode == 0
    assert err.startswith("Listening on 1 port, 60 s at the most")
    assert "textline at 9600 baud 8N1" in out
    assert "|pressure=1.5 lev|" in out or "pressure" in re.sub(r"\|\n.*?\|", "", out)
    assert 'language = "textline"\n    baud = 9600' in out


def test_text_that_no_language_reads_is_said_to_be_text_and_at_which_speed():
    with Wire([b"Hello, this is a board that has nothing to say.\r\n"], 9600, 0.1) as wire:
        done = survey("--port", wire.path, "--for", "5s", "--hex")
    assert done.returncode == 0
    assert "text at 9600 baud 8N1 that no language reads" in done.stdout
    assert "columns" in done.stdout


def test_a_silent_line_is_said_to_be_silent_and_which_devices_speak_only_when_asked():
    with Wire([b""]) as wire:
        done = survey("--port", wire.path, "--for", "2s")
    assert done.returncode == 1
    assert "silent: nobody speaks on it" in done.stdout
    assert "--dtr" in done.stdout
    assert "devices of daly, iec62056, jbd, mhz19, modbus, obd2 speak only when they are asked" in done.stdout


def test_what_was_recognised_is_added_to_the_configuration_under_its_name(tmp_path):
    file = tmp_path / "agent.toml"
    file.write_text('# the boat\n[gateway]\nsite = "boat"\n')
    with Wire([b"pressure=1.5 level=2\r\n"], 9600, 0.2) as wire:
        link = tmp_path / "usb-Maker_Board_01-if00"
        link.symlink_to(wire.path)
        words = ("--port", str(link), "--for", "5s", "--add", "--name", "tank", "--config", str(file))
        done = survey(*words)
        again = survey(*words)
    assert done.returncode == 0, done.stderr
    assert f'[[serial]]\nname = "tank"\nport = "{link}"\nlanguage = "textline"\nbaud = 9600\n' in file.read_text()
    assert "restart" in done.stdout
    assert again.returncode == 1  # it is there already
    assert "nothing was changed" in again.stderr


@pytest.mark.parametrize("words", [["--add"], ["--add", "--name", "tank"], ["--add", "--port", "/dev/ttyUSB0"]])
def test_adding_needs_one_port_and_a_name(words):
    done = survey(*words)
    assert done.returncode == 2
    assert "--add needs one --port, and a --name" in done.stderr


def test_nothing_is_added_where_nobody_was_understood(tmp_path):
    file = tmp_path / "agent.toml"
    file.write_text("")
    with Wire([b""]) as wire:
        done = survey("--port", wire.path, "--for", "1s", "--add", "--name", "tank", "--config", str(file))
    assert done.returncode == 1
    assert "nobody speaks" in done.stderr
    assert file.read_text() == ""


def test_ports_are_told_by_their_lasting_names(tmp_path, monkeypatch):
    with Wire([b""]) as wire:
        link = tmp_path / "usb-FTDI_Cable_A1-if00-port0"
        link.symlink_to(wire.path)
        monkeypatch.setattr(serial_ports, "BY_ID", tmp_path)
        assert serial_ports.Port(str(link), wire.path, "") in serial_ports.found()
        assert serial_ports.named(wire.path) == serial_ports.Port(wire.path, wire.path, "")


def test_the_systems_own_console_is_known(tmp_path, monkeypatch):
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / "active").write_text("tty0 ttyAMA0\n")
    monkeypatch.setattr(serial_ports, "_CLASS", tmp_path)
    assert serial_ports.console("/dev/ttyAMA0")
    assert not serial_ports.console("/dev/ttyAMA1")


def test_a_lock_file_of_a_program_that_runs_names_it_and_an_old_one_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(serial_ports, "_LOCKS", tmp_path)
    lock = tmp_path / "LCK..ttyUSB77"
    with subprocess.Popen(["sleep", "60"]) as program:
        lock.write_text(f"{program.pid:10d}\n")
        assert serial_ports.other_program("/dev/ttyUSB77") == f"sleep (process {program.pid})"
        program.kill()
    assert serial_ports.other_program("/dev/ttyUSB77") == ""
    lock.write_text("nonsense")
    assert serial_ports.other_program("/dev/ttyUSB77") == ""


def test_hex_is_shown_as_places_bytes_and_letters_with_dots_for_what_is_none():
    lines = list(hex_view(b"pressure=1.5\r\n\x1b[2J\xff"))
    assert lines == [
        "00000000  70 72 65 73 73 75 72 65  3d 31 2e 35 0d 0a 1b 5b  |pressure=1.5...[|",
        "00000010  32 4a ff                                          |2J.|",
    ]


def test_a_language_is_measured_in_the_time_that_its_bytes_came_at():
    frame = STREAMS["pms"][:32]
    done = measured("pms", [(1.0, frame[:10]), (1.1, frame[10:]), (2.0, frame)])
    assert done == ((1.1, 2.0), 0, 64)
