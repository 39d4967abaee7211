"""A network inside this machine's own kernel: a gateway's end, a router between, a broker's end. Needs root and `ip`.

What a TCP proxy cannot show: packets that vanish while both kernels believe in their connection, and a modem's queue.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

# Where the broker's end is: behind the router, and by a side door that no outage closes (for whoever counts there).
FAR = "10.77.2.1"
SIDE = "10.77.3.1"
PORT = 1883
# As in simulators/network.py: what a home router of old holds.
QUEUE_BYTES = 64 * 1024
_CLONE_NEWNET = 0x40000000  # sched.h
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin"
_made = count()


class NoNetworkError(Exception):
    """This machine does not let us: says why."""


class Network:
    """A context manager. `near`, `middle` and `far` are namespaces; `hole`, `mend` and `slow` act in the middle."""

    def __init__(self) -> None:
        name = f"edge-{os.getpid()}-{next(_made)}"
        self.near, self.middle, self.far = (f"{name}-{place}" for place in ("near", "middle", "far"))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise NoNetworkError("only root may make network namespaces")
        with ExitStack() as stack:
            for name in (self.near, self.middle, self.far):
                _ip("netns", "add", name)
                stack.callback(_ip, "netns", "del", name)
                _ip("-n", name, "link", "set", "lo", "up")
            self._join(self.near, "out", "10.77.1.1", self.middle, "near", "10.77.1.254")
            self._join(self.far, "out", FAR, self.middle, "far", "10.77.2.254")
            self._join(self.near, "door", "10.77.3.254", self.far, "door", SIDE)
            _ip("-n", self.near, "route", "add", "10.77.2.0/24", "via", "10.77.1.254")
            _ip("-n", self.far, "route", "add", "10.77.1.0/24", "via", "10.77.2.254")
            self.mend()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def hole(self) -> float:
        """The router forwards nothing, and tells nobody; gives the monotonic time."""
        return self._forward(0)

    def mend(self) -> float:
        """The router forwards; gives the monotonic time."""
        return self._forward(1)

    def slow(self, bits_per_s: int) -> None:
        """Both ways, with one queue each way, as a modem has (tc-tbf(8))."""
        for side in ("near", "far"):
            rate = ("rate", f"{bits_per_s}bit", "burst", "1600", "limit", str(QUEUE_BYTES))
            _run("tc", "-n", self.middle, "qdisc", "replace", "dev", side, "root", "tbf", *rate)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This thread, and the threads and processes it starts, are in that namespace."""
        with ExitStack() as stack:
            home = stack.enter_context(Path("/proc/thread-self/ns/net").open("rb"))
            there = stack.enter_context(Path(f"/run/netns/{name}").open("rb"))
            _enter(there.fileno())
            stack.callback(_enter, home.fileno())
            yield

    @contextmanager
    def broker(self, folder: Path, lines: str = "allow_anonymous true") -> Iterator[None]:
        """A mosquitto with these lines, or as it comes, at the far end on PORT."""
        program = shutil.which("mosquitto", path=_PATH)
        if program is None:
            raise NoNetworkError("mosquitto is not installed")
        settings = folder / "far-broker.conf"
        settings.write_text(f"listener {PORT}\n{lines}\nlog_type error\nuser root\n", encoding="utf-8")
        quiet = subprocess.DEVNULL
        with self.inside(self.far):
            process = subprocess.Popen([program, "-c", str(settings)], stdout=quiet, stderr=quiet)
            try:
                _reachable()
            except NoNetworkError:
                process.kill()
                raise
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def _join(self, one: str, port: str, address: str, other: str, other_port: str, other_address: str) -> None:
        _ip("link", "add", "name", port, "netns", one, "type", "veth", "peer", "name", other_port, "netns", other)
        for place, name, here in ((one, port, address), (other, other_port, other_address)):
            _ip("-n", place, "addr", "add", f"{here}/24", "dev", name)
            _ip("-n", place, "link", "set", name, "up")

    def _forward(self, value: Literal[0, 1]) -> float:
        with self.inside(self.middle):
            Path("/proc/sys/net/ipv4/ip_forward").write_text(str(value), encoding="ascii")
        return time.monotonic()


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _reachable() -> None:
    until = time.monotonic() + 10.0
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=1.0):
            return
        time.sleep(0.02)
    raise NoNetworkError("mosquitto does not start")


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(program: str, *words: str) -> None:
    path = shutil.which(program, path=_PATH)
    if path is None:
        raise NoNetworkError(f"the program {program} is not installed (iproute2)")
    done = subprocess.run([path, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoNetworkError(f"this machine does not allow `{program} {' '.join(words)}`: {done.stderr.strip()}")
