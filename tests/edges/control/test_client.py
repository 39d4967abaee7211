"""The client: every reply as a struct, every trouble as one sentence."""

import os
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.types import Channel, Finding, Live, decode, encode
from tests.edges.control.conftest import IDLE, READY, until


def test_replies_arrive_as_they_were_made(house):
    client, agent = Client(house.path), house.agent
    agent.found = [Finding("boiler.pressure", "range", "confirmed", "alarm", "too low", 60.0, 2)]
    assert client.status() == agent.status()
    assert client.queue() == agent.queue()
    assert client.findings() == agent.findings()
    assert client.help() == IDLE
    assert client.lamp() == READY
    assert client.channels() == agent.channels()


@pytest.mark.parametrize("value", [1, 1.0, -0.5, True, "on", None, float("nan")])
def test_a_value_keeps_its_type_and_what_is_no_number_is_none(value):
    channel = Channel(name="a.b", unit="", value=value, at_age_s=None)
    back = decode(encode(channel), Channel).value
    assert back == (value if value == value else None)  # noqa: PLR0124 - only NaN differs from itself
    assert type(back) is (type(value) if value == value else type(None))  # noqa: PLR0124


def test_a_press_raises_a_case_and_a_cancel_ends_it(house):
    client = Client(house.path)
    assert client.press(4.0).case.code == "7K2M9QXA"
    assert client.cancel() == IDLE
    with pytest.raises(ControlRefusedError, match="no help request to cancel") as refused:
        client.cancel()
    assert refused.value.status == 409


def test_a_press_may_take_longer_than_other_questions(house):
    async def slow(hold_s):
        threading.Event().wait(0.4)
        return IDLE

    house.agent.press = slow
    assert Client(house.path, timeout_s=0.2).press(1.0) == IDLE


def test_events_arrive_typed_and_those_of_a_later_version_plain(house):
    stream = Client(house.path).events()
    got = []
    reader = threading.Thread(target=lambda: got.extend(next(stream) for _ in range(3)))
    reader.start()
    until(lambda: house.agent.listeners)
    events = [Live("lamp", READY), Live("reading", house.agent.values[0]), Live("novelty", IDLE)]
    for event in events:
        house.emit(event)
    reader.join(5.0)
    assert got[:2] == events[:2]
    assert got[2].data["state"] == "IDLE"
    stream.close()
    until(lambda: not house.agent.listeners)


def test_a_client_may_ask_for_a_few_kinds(house):
    stream = Client(house.path).events(kinds=("lamp", "finding"))
    reader = threading.Thread(target=lambda: next(stream))
    reader.start()
    until(lambda: house.agent.listeners)
    assert house.agent.asked == {"lamp", "finding"}
    house.emit(Live("lamp", READY))
    reader.join(5.0)
    stream.close()
    with pytest.raises(ControlRefusedError, match="no events of the kind 'weather'"):
        next(Client(house.path).events(kinds=["weather"]))


def test_the_end_of_the_stream_is_told(house):
    stream = Client(house.path).events()
    ender = threading.Thread(target=lambda: (until(lambda: house.agent.listeners), house.emit(None)))
    ender.start()
    with pytest.raises(ControlError, match="ended the stream"):
        next(stream)
    ender.join()


def test_a_stream_cut_in_the_middle_of_a_line_is_an_end(tmp_path):
    words = b'HTTP/1.0 200 OK\r\n\r\nevent: \xff\ndata: 1\n\nevent: lamp\ndata: {"pat'
    with stranger(tmp_path, words) as path:
        stream = Client(path).events()
        assert next(stream) == Live("\ufffd", 1)
        with pytest.raises(ControlError, match="ended the stream"):
            next(stream)


def test_no_socket_says_how_to_start_the_agent(tmp_path):
    with pytest.raises(ControlError, match=r"not running here, or runs with another socket.*systemctl start"):
        Client(tmp_path / "none.sock").status()


def test_a_dead_agents_socket_says_the_same(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    with pytest.raises(ControlError, match="not running here"):
        Client(tmp_path / "dead.sock").status()


def test_a_path_that_cannot_be_a_socket_is_told(tmp_path):
    with pytest.raises(ControlError, match="broke off"):
        Client("x" * 200).status()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(("gid", "told"), [(1, "Join the group daemon"), (0, "or with sudo")])
def test_a_stranger_is_told_which_group_to_join(house, gid, told):
    house.path.parent.chmod(0o755)
    os.chown(house.path, 0, gid)
    asking = """
        import os
        from edge_agent.control.client import Client, ControlError
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        try: Client("control.sock").status()
        except ControlError as error: print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(asking)]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, cwd=house.path.parent, env=env, capture_output=True, text=True, check=True)
    assert "you may not use the control socket" in done.stdout, done.stderr
    assert told in done.stdout


@contextmanager
def stranger(tmp_path, *answers: bytes):
    """Somebody who listens and answers with fixed bytes, whatever is asked."""
    path = tmp_path / "stranger.sock"

    def answer():
        for words in answers:
            talk, _ = server.accept()
            with talk:
                if words:
                    talk.recv(65536)
                    talk.sendall(words)
                else:
                    talk.recv(65536)
                    talk.recv(1)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        yield path
        thread.join(5.0)


def test_silence_is_told(tmp_path):
    with stranger(tmp_path, b"") as path, pytest.raises(ControlError, match=r"did not answer within 0.1 s"):
        Client(path, timeout_s=0.1).status()


@pytest.mark.parametrize("words", [b"+OK ready\r\n", b"\x00", b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_somebody_else_on_the_socket_is_told(tmp_path, words):
    with stranger(tmp_path, words) as path, pytest.raises(ControlError, match="broke off"):
        Client(path).status()


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.0 404 N/A\r\n\r\n{"error":"agent 9.0 has no /v1/status"}',
        b'HTTP/1.0 200 OK\r\n\r\n{"pattern":1}',
        b"HTTP/1.0 200 OK\r\n\r\n<html>",
    ],
)
def test_an_agent_of_another_version_is_told(tmp_path, answer):
    with stranger(tmp_path, answer) as path, pytest.raises(ControlError, match="of another version"):
        Client(path).lamp()


def test_a_busy_agent_is_asked_again(tmp_path):
    busy = b'HTTP/1.0 503 Busy\r\n\r\n{"error":"busy"}'
    with stranger(tmp_path, busy, b"HTTP/1.0 200 OK\r\n\r\n" + encode(READY)) as path:
        assert Client(path).lamp() == READY


def test_an_agent_that_stays_busy_is_told(tmp_path):
    busy = b'HTTP/1.0 503 Busy\r\n\r\n{"error":"busy","fix":"Wait."}'
    with stranger(tmp_path, busy, busy) as path, pytest.raises(ControlRefusedError, match=r"busy. Wait."):
        Client(path, timeout_s=0.05).lamp()
