"""The host's end of the guest's agent (guest/agent.py): run commands in the guest, hear what they say meanwhile."""

import base64
import itertools
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

CHUNK = 65536
Hear = Callable[[str], None]


class GuestError(Exception):
    """The guest is gone, does not answer, or a command in it failed."""


class Command:
    """A command that runs in the guest. Lines of what it says go to `hear` in a thread of the channel's."""

    def __init__(self, channel: "Channel", number: int, words: list[str], hear: Hear | None) -> None:
        self.words = words
        self._channel = channel
        self._number = number
        self._hear = hear
        self._said: list[bytes] = []
        self._part = b""
        self._code: int | None = None
        self._over = threading.Event()

    @property
    def running(self) -> bool:
        return not self._over.is_set()

    def wait(self, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Until it ends; `stdout` has all that it said. Raises GuestError when it does not, and kills it then."""
        if not self._over.wait(timeout_s):
            self.kill()
            raise GuestError(f"{self.words} did not end in {timeout_s:g} s; it said: {self.said()[-2000:]}")
        if self._code is None:
            raise GuestError(f"the guest went away under {self.words}")
        return subprocess.CompletedProcess(self.words, self._code, self.said())

    def said(self) -> str:
        """All it said so far, errors among it."""
        return b"".join(self._said).decode(errors="replace")

    def kill(self) -> None:
        """End it and what it started."""
        with suppress(OSError):
            self._channel.send({"id": self._number, "kill": True})

    def take(self, message: dict[str, Any]) -> None:
        if "out" in message:
            data = base64.b64decode(message["out"])
            self._said.append(data)
            *lines, self._part = (self._part + data).split(b"\n")
            for line in lines if self._hear else ():
                self._hear(line.decode(errors="replace"))  # type: ignore[misc]
        else:
            self.end(message.get("exit"))

    def end(self, code: int | None) -> None:
        self._code = code
        self._over.set()


class Channel:
    """Connects at once to QEMU's socket; `answers` says whether the guest is there. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lock = threading.Lock()
        self._numbers = itertools.count(time.monotonic_ns())  # of no earlier channel to the same saved guest
        self._commands: dict[int, Command] = {}
        threading.Thread(target=self._listen, name="guest", daemon=True).start()

    def begin(self, words: list[str], stdin: bytes, hear: Hear | None) -> Command:
        command = Command(self, next(self._numbers), words, hear)
        self._commands[command._number] = command
        self.send({"id": command._number, "run": words, "stdin": base64.b64encode(stdin).decode()})
        return command

    def answers(self, within_s: float) -> bool:
        """Whether the guest's agent listens."""
        ping = Command(self, next(self._numbers), ["ping"], None)
        self._commands[ping._number] = ping
        with suppress(OSError):
            self.send({"id": ping._number, "ping": True})
        return ping._over.wait(within_s) and ping._code == 0

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = self._socket.recv(CHUNK)
            except OSError:
                data = b""
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(line)
        for command in tuple(self._commands.values()):
            command.end(None)

    def _take(self, line: bytes) -> None:
        with suppress(ValueError):  # the first bytes of a guest that was resumed may be half a line
            message = json.loads(line)
            command = self._commands.get(message["id"])
            if command is not None:
                command.take(message)
                if not command.running:
                    del self._commands[message["id"]]
