"""Two fates, and systemd's watchdog on a real datagram socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from services_scene import until

from edge_agent import supervisor
from edge_agent.core.errors import AgentError, DriverError
from edge_agent.supervisor import Supervisor, notify, watchdog_period_s


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield sock


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor.Backoff, "delay", lambda _self, _share: 0.01)


def heard(systemd: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(systemd.recv(100))
        except BlockingIOError:
            return found


def test_systemd_is_told_where_it_listens(systemd: socket.socket) -> None:
    assert notify("READY=1")
    assert heard(systemd) == [b"READY=1"]


def test_a_systemd_that_is_not_there_or_does_not_read_stops_nothing(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [notify("WATCHDOG=1") for _ in range(2000)]
    assert False in full, "the queue is full, and nobody waited"
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    assert not notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not notify("READY=1")


def test_the_watchdog_is_for_this_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    for text, period in (("30000000", 30.0), ("", 0.0), ("soon", 0.0)):
        monkeypatch.setenv("WATCHDOG_USEC", text)
        assert watchdog_period_s() == period
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_period_s() == 0.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert watchdog_period_s() == 30.0


async def test_the_watchdog_is_fed_by_progress_and_by_nothing_else(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setattr(supervisor, "VITAL_PATIENCE_S", 0.1)
    moving = asyncio.Event()
    moving.set()

    async def vital(beat: supervisor.Beat) -> None:
        while True:
            await moving.wait()
            beat()
            await asyncio.sleep(0.01)

    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            watched = Supervisor(group)
            tasks = [watched.vital("help", vital), group.create_task(watched.watchdog())]
            await asyncio.sleep(0.15)
            assert b"WATCHDOG=1" in heard(systemd)
            moving.clear()
            await asyncio.sleep(0.2)
            heard(systemd)
            await asyncio.sleep(0.1)
            assert heard(systemd) == []
            moving.set()
            await asyncio.sleep(0.1)
            assert b"WATCHDOG=1" in heard(systemd)
            for task in tasks:
                task.cancel()
    assert [line["event"] for line in logs] == ["vital_part_hangs"]


async def test_an_optional_part_starts_again_in_place_and_the_same_reason_is_logged_once() -> None:
    starts = []

    async def part() -> None:
        starts.append(1)
        if len(starts) <= 3:
            raise DriverError("the port is gone")
        if len(starts) <= 5:
            raise ZeroDivisionError
        if len(starts) == 6:
            raise asyncio.CancelledError  # what leaked out of a library
        if len(starts) > 7:
            await asyncio.sleep(60)

    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            watched = Supervisor(group)
            task = watched.optional("serial", part)
            await until(lambda: len(starts) == 8)
            assert watched.restarts["serial"] == 7
            task.cancel()
    assert [line["why"] for line in logs] == [
        "the port is gone",
        "ZeroDivisionError: ",
        "cancelled by itself",
        "ended",
    ]


async def test_an_optional_part_that_keeps_its_cancellation_to_itself_still_ends() -> None:
    async def part() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        task = Supervisor(group).optional("ble", part)
        await asyncio.sleep(0.01)
        task.cancel()


async def _fails(_beat: supervisor.Beat) -> None:
    raise OSError("the loop is broken")


async def _ends(_beat: supervisor.Beat) -> None:
    return


async def _leaks(_beat: supervisor.Beat) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(("run", "error"), [(_fails, OSError), (_ends, AgentError), (_leaks, AgentError)])
async def test_a_vital_part_that_ends_in_any_way_ends_the_group(run, error: type[Exception]) -> None:
    async def agent() -> None:
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            watched = Supervisor(group)
            watched.optional("serial", lambda: asyncio.sleep(60))
            watched.vital("drain", run)

    with pytest.raises(ExceptionGroup) as raised:
        await agent()
    assert raised.group_contains(error)


async def test_a_part_that_is_asked_to_restarts_in_place_whatever_it_makes_of_the_cancellation() -> None:
    started = {"plain": 0, "greedy": 0}

    async def plain() -> None:
        started["plain"] += 1
        await asyncio.Event().wait()

    async def greedy() -> None:
        started["greedy"] += 1
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        supervisor = Supervisor(group)
        parts = [supervisor.optional("plain", plain), supervisor.optional("greedy", greedy)]
        await asyncio.sleep(0.01)
        for _ in range(2):
            supervisor.again("plain")
            supervisor.again("plain")
            supervisor.again("greedy")
            await asyncio.sleep(0.01)
            supervisor.again("plain")  # it is about to: nothing is to be done
            await until(lambda: min(started.values()) >= 2)
        assert supervisor.restarts["plain"] >= 1
        for part in parts:
            part.cancel()
    assert all(part.done() for part in parts)
