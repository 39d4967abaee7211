"""The socket for those who may look and change nothing."""

import grp
import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from edge_agent.console import cli
from edge_agent.control.client import Client, ControlRefusedError
from edge_agent.control.listener import listening
from edge_agent.control.paths import find_socket, read_socket
from edge_agent.control.routes import ROUTES
from edge_agent.control.server import MAX_CONNECTIONS
from tests.edges.control.conftest import READY, everything

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a socket to another group")


def ask(path, method: str, name: str) -> tuple[int, dict]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(f"{method} /v1/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        head, _, body = everything(sock).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body or b"{}")


def test_on_the_second_socket_everything_that_is_read_is_answered(house):
    assert Client(read_socket(house.path)).lamp() == READY


@pytest.mark.parametrize("name", [route.name for route in ROUTES if route.writes])
def test_on_the_second_socket_nothing_can_be_changed(house, name):
    code, said = ask(read_socket(house.path), "POST", name)
    assert code == 403
    assert said == {"error": "on this socket one may only look", "fix": "Use control.sock, as a member of its group."}
    assert (house.agent.held, house.agent.said, house.agent.played) == ([], [], [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "GRAB"])
def test_methods_that_nobody_needs_are_refused_on_both(house, method):
    for path in (house.path, read_socket(house.path)):
        assert ask(path, method, "press")[0] in (403, 405)
    assert house.agent.held == []


def test_who_may_only_look_cannot_keep_out_who_may_do_all(house):
    hanging = []
    try:
        for _ in range(MAX_CONNECTIONS):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(str(read_socket(house.path)))
            hanging.append(sock)
        assert ask(read_socket(house.path), "GET", "lamp")[0] == 503
        assert Client(house.path).press(0.0).state == "IDLE"
    finally:
        for sock in hanging:
            sock.close()


def test_a_command_that_changes_something_says_why_it_may_not(house, capsys):
    assert cli.main(["cancel", "--socket", str(read_socket(house.path))]) == 1
    assert "one may only look. Use control.sock" in capsys.readouterr().err
    with pytest.raises(ControlRefusedError):
        Client(read_socket(house.path)).press()


def test_both_sockets_are_gone_after_the_end(tmp_path):
    path = tmp_path / "control.sock"
    with listening(path):
        assert {each.name for each in tmp_path.iterdir()} == {"control.sock", "control-read.sock"}
    assert not list(tmp_path.iterdir())


@needs_root
def test_the_second_socket_belongs_to_the_group_that_may_look_and_the_first_does_not(tmp_path):
    group = next(each for each in grp.getgrall() if each.gr_gid not in os.getgroups() and each.gr_gid != os.getegid())
    path = tmp_path / "control.sock"
    with listening(path, group.gr_name):
        first, second = path.stat(), read_socket(path).stat()
    assert (second.st_gid, stat.S_IMODE(second.st_mode)) == (group.gr_gid, 0o660)
    assert first.st_gid == os.getegid()


def test_where_there_is_no_such_group_nobody_else_may_look(tmp_path):
    path = tmp_path / "control.sock"
    with listening(path, "no-such-group-here"):
        assert read_socket(path).stat().st_gid == path.stat().st_gid


@needs_root
def test_who_may_only_look_finds_the_socket_for_that_by_itself(tmp_path, monkeypatch):
    folder = tmp_path / "edge-agent"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("edge_agent.control.paths.SERVICE_FOLDER", tmp_path / "none")
    nobody = 65534
    with listening(folder / "control.sock"):
        for place in (tmp_path, *tmp_path.parents):
            if place.stat().st_mode & 0o001 == 0:
                place.chmod(place.stat().st_mode | 0o011)
        folder.chmod(0o711)
        os.chown(folder / "control-read.sock", -1, nobody)
        assert find_socket() == folder / "control.sock"
        look = (
            "import os; os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
            "import sys; from pathlib import Path; from edge_agent.control import paths\n"
            f"paths.SERVICE_FOLDER = Path({str(tmp_path / 'none')!r}); print(paths.find_socket().name)"
        )
        # what is imported after the user has changed must be readable: so the folder of the project is looked at before
        done = subprocess.run(
            [sys.executable, "-c", "import edge_agent.control.paths\n" + look],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout.strip(), done.stderr) == ("control-read.sock", "")
