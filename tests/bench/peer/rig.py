"""What both are measured on: two brokers, a cable to the uplink for each, the counting cloud; and how they are read."""

import asyncio
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulators.network import Cable
from tests.bench.peer.cloud import AGENT, Cloud, Count
from tests.bench.peer.feed import feed

READY_S = 60.0
# Of probes: alarms that no measurement has; odd ones are below the limit, so that the finding is over again.
_PROBE = 400_000
_BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_type error
user {user}
"""
# fork: a child begins at once, and the bench has no threads
_FORK = multiprocessing.get_context("fork")


class NotMeasuredError(Exception):
    """Something that this needs is not here; says what to do."""


class Gateway:
    """One of the two: its command, and the process that runs it."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self._command = command
        self._folder = folder
        self._environment = os.environ | (environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with (self._folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, env=self._environment
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        children = tree(self.pid)[1:]
        self._process.terminate()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.kill()
        for child in children:
            _kill(child)

    @property
    def cpu_s(self) -> float:
        """User and system, in nanoseconds' grain, of all its processes; threads that ended are in it."""
        # the CPU clock of a process by its id: kernel's include/linux/posix-timers.h, CPUCLOCK_SCHED
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in tree(self.pid))

    def memory_mb(self, key: str) -> float:
        """`VmRSS` (now) or `VmHWM` (the most ever)."""
        lines = [line for pid in tree(self.pid) for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


class Helper:
    """A child process that answers; it dies with the bench."""

    def __init__(self, work: Callable[..., None], *args: object) -> None:
        self._pipe, other = _FORK.Pipe()
        self._process = _FORK.Process(target=work, args=(other, *args), daemon=True)
        self._process.start()
        other.close()

    def ask(self, what: str = "") -> Any:
        self._pipe.send(what)
        return self._pipe.recv()

    def answer(self) -> Any:
        return self._pipe.recv()

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(5.0)


class Rig:
    """`local` and `uplink` are the brokers' ports, `cables` lead to the uplink from a port of their own each."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder = folder
        self._names = names
        self._stack = ExitStack()
        self.cables: dict[str, Helper] = {}
        self.ports: dict[str, int] = {}
        self.gateways: dict[str, Gateway] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.local, self.uplink = (stack.enter_context(_broker(self._folder)) for _ in range(2))
            self._cloud = Helper(_cloud, self.uplink)
            stack.callback(self._cloud.stop)
            for name in self._names:
                cable = self.cables[name] = Helper(_cable, self.uplink)
                stack.callback(cable.stop)
                self.ports[name] = cable.answer()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, gateway: Gateway) -> None:
        self.gateways[gateway.name] = gateway
        gateway.start()
        self._stack.callback(gateway.stop)

    def count(self, name: str) -> Count:
        found: Count = self._cloud.ask()[name]
        return found

    def ready(self) -> float:
        """Seconds until an alarm has come through from each."""
        began, number = time.monotonic(), _PROBE
        while not all(self.count(name).alarms for name in self._names):
            if time.monotonic() - began > READY_S:
                silent = [name for name in self._names if not self.count(name).alarms]
                raise NotMeasuredError(f"nothing comes through {' and '.join(silent)} within {READY_S:.0f} s")
            feed(self.local, 2, first=number, alarm=True)
            number += 2
            time.sleep(0.1)
        return time.monotonic() - began

    def all_cables(self, what: str) -> None:
        for cable in self.cables.values():
            cable.ask(what)

    def wait(self, name: str, count: int, *, quiet_s: float, limit_s: float, since: float | None = None) -> Count:
        """Until so many have come, or none for `quiet_s` after one that came `since` (now), or `limit_s` are over."""
        since = time.monotonic() if since is None else since
        while True:
            found, now = self.count(name), time.monotonic()
            quiet = found.last_at > since and now - found.last_at > quiet_s
            if found.distinct >= count or quiet or now - since > limit_s:
                return found
            time.sleep(0.1)


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text("ascii").split():
            found += tree(int(child))
    return found


def background(work: Callable[..., object], *args: object, **more: object) -> Helper:
    """`work` in a child; `answer` gives what it returned."""
    return Helper(lambda pipe: pipe.send(work(*args, **more)))


def say(text: str) -> None:
    """Progress, beside the figures."""
    sys.stderr.write(f"  ... {text}\n")
    sys.stderr.flush()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _cloud(pipe: Connection, port: int) -> None:
    Cloud(port).serve(pipe)


def _cable(pipe: Connection, target: int) -> None:
    asyncio.run(_carry(pipe, target))


async def _carry(pipe: Connection, target: int) -> None:
    async with Cable(target) as cable:
        pipe.send(cable.port)
        while True:
            what = await asyncio.to_thread(pipe.recv)
            await {"cut": cable.cut, "hole": cable.black_hole, "mend": cable.mend}[what]()
            pipe.send(time.monotonic())


@contextmanager
def _broker(folder: Path) -> Iterator[int]:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise NotMeasuredError("mosquitto is not installed: sudo apt install mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = folder / f"broker-{port}.conf"
    user = "root" if os.geteuid() == 0 else "mosquitto"
    settings.write_text(_BROKER.format(port=port, user=user), encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _reachable(port)
        yield port
    finally:
        process.terminate()
        process.wait(10.0)


def _reachable(port: int) -> None:
    until = time.monotonic() + 10.0
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            if time.monotonic() > until:
                raise NotMeasuredError("mosquitto does not start") from None
            time.sleep(0.02)
        else:
            return


def agent(folder: Path, local: int, uplink: int) -> Gateway:
    """Ours, with its state in that folder."""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "tests.bench.peer.agent", str(folder), str(local), str(uplink)]
    return Gateway(AGENT, command, folder, {"PYTHONPATH": str(root)})
