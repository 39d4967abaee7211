"""The socket as a file: made, guarded, removed."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from edge_agent.control.client import Client
from edge_agent.control.errors import ControlError
from edge_agent.control.listener import listening
from edge_agent.control.paths import default_socket, find_socket
from edge_agent.control.server import serve
from tests.edges.control.conftest import MadeUpAgent, house_at


def test_the_socket_is_for_its_user_and_group_only_and_its_folder_is_made(house):
    assert stat.S_IMODE(house.path.stat().st_mode) == 0o660
    assert stat.S_IMODE(house.path.parent.stat().st_mode) & 0o007 == 0


def test_the_socket_is_gone_after_the_end(tmp_path):
    path = tmp_path / "control.sock"
    with house_at(path):
        assert path.exists()
    assert not path.exists()


def test_open_streams_do_not_delay_the_end(tmp_path):
    with house_at(tmp_path / "control.sock") as house:
        sock = house.dial()
        sock.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(10)
    sock.close()


def test_a_dead_agents_socket_is_replaced(tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with house_at(path):
        assert Client(path).lamp().pattern == "ready"


def test_a_second_agent_is_told_so_and_the_first_goes_on(house):
    with pytest.raises(ControlError, match="another agent already answers"):
        asyncio.run(serve(MadeUpAgent(), house.path))
    assert Client(house.path).lamp().pattern == "ready"


def test_an_agent_too_busy_to_accept_is_still_an_agent(tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        with pytest.raises(ControlError, match="another agent already answers"), listening(path):
            pass
    assert path.exists()


async def test_a_file_that_is_no_socket_is_not_deleted(tmp_path):
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(ControlError, match="is not a socket, so it is not deleted"):
        await serve(MadeUpAgent(), path)
    assert path.read_text() == "precious"


async def test_a_link_is_not_followed(tmp_path):
    path = tmp_path / "control.sock"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ControlError, match="is not a socket"):
        await serve(MadeUpAgent(), path)
    assert path.is_symlink()


async def test_a_path_too_long_for_a_socket_is_told(tmp_path):
    with pytest.raises(ControlError, match="too long"):
        await serve(MadeUpAgent(), tmp_path / ("x" * 120))


async def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(ControlError, match="cannot be made"):
        await serve(MadeUpAgent(), tmp_path / "run" / "control.sock")


def test_a_successors_socket_is_left_alone(tmp_path):
    path = tmp_path / "control.sock"
    with listening(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
    assert path.exists()


@pytest.fixture
def usual(monkeypatch, tmp_path):
    """No environment but the test's; the service's folder is under tmp_path."""
    for name in ("RUNTIME_DIRECTORY", "EDGE_AGENT_SOCKET", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("edge_agent.control.paths.SERVICE_FOLDER", tmp_path / "service")
    return tmp_path


def test_the_agent_finds_its_folder_by_what_it_is(usual, monkeypatch):
    assert default_socket("/srv/x") == Path("/srv/x/control.sock")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_socket() == usual / "service" / "control.sock"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_socket() == usual / "home/.local/state/edge-agent/control.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert default_socket() == Path("/run/user/1000/edge-agent/control.sock")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/edge-agent:/run/other")
    assert default_socket() == Path("/run/edge-agent/control.sock")


def test_a_console_looks_where_an_agent_may_be(usual, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(usual / "session"))
    assert find_socket() == usual / "service" / "control.sock"
    for folder in ("session/edge-agent", "service"):
        (usual / folder).mkdir(parents=True)
        (usual / folder / "control.sock").touch()
        assert find_socket() == usual / folder / "control.sock"
    monkeypatch.setenv("EDGE_AGENT_SOCKET", "/elsewhere")
    assert find_socket() == Path("/elsewhere")
    assert find_socket("/given") == Path("/given")
