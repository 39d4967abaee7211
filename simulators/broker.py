"""A real MQTT 5 broker for the demo and the tests: an installed mosquitto, else the one that pip brings."""

import asyncio
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from edge_agent.core.errors import LinkError

Maker = Literal["mosquitto", "iotcore"]
_FIX = "Install one: sudo apt install mosquitto"
_START_S = 10.0
_STOP_S = 5.0
_PORT_TRIES = 3

# Limits of messages are those of docs/wire.md (100 KiB and some room); 20 in flight is mosquitto's own default.
# The session database is written once a second: a broker that is killed forgets at most that.
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous {anonymous}
persistence true
persistence_location {folder}/
autosave_interval 1
max_queued_messages 100000
max_packet_size 135168
set_tcp_nodelay true
user {user}
log_dest stderr
log_type error
log_type warning
log_type notice
"""
# rumqttd keeps sessions and retained messages in memory: they survive a reconnect and not a restart. It states no
# Receive Maximum and does not end sessions by their expiry; the rest that the wire needs is proved in the tests.
_RUMQTTD = """\
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 64
[v5.1]
name = "demo"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 131072
max_inflight_count = 100
"""


class Broker:
    """One broker on 127.0.0.1 with a folder of its own; an async context manager that starts and stops it.

    `port` is found when it first starts and stays the same. `passwords` (name to password) refuses everybody else.
    mosquitto keeps sessions, queued and retained messages over `restart`; iotcore loses them.
    """

    def __init__(
        self, maker: Maker, name: str, command: tuple[str, ...], *, passwords: Mapping[str, str] | None = None
    ) -> None:
        self.maker: Maker = maker
        self.name = name
        self.host = "127.0.0.1"
        self.port = 0
        self._command = command
        self._passwords = dict(passwords or {})
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    def find(cls, prefer: Maker | None = None, *, passwords: Mapping[str, str] | None = None) -> Self:
        """A broker that this machine has, not yet started. Raises LinkError, with what to install, when it has none."""
        makers: tuple[Maker, ...] = (prefer,) if prefer else ("mosquitto", "iotcore")
        reasons = []
        for maker in makers:
            found = _find_mosquitto() if maker == "mosquitto" else _find_iotcore()
            if isinstance(found, str):
                reasons.append(found)
            else:
                return cls(maker, found[0], found[1:], passwords=passwords)
        raise LinkError("No MQTT 5 broker on this machine: " + ", ".join(reasons), fix=_FIX)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            self._forget()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._forget()

    @cached_property
    def folder(self) -> Path:
        """Its folder, made when it is first needed: one that was only looked for leaves none."""
        return Path(tempfile.mkdtemp(prefix="edge-broker-"))

    @property
    def log_path(self) -> Path:
        """Where it writes its log."""
        return self.folder / "broker.log"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def log(self) -> str:
        """What it wrote so far (the last 64 KiB)."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as file:
            file.seek(max(0, self.log_path.stat().st_size - 65536))
            return file.read().decode(errors="replace")

    async def start(self) -> None:
        """Start it and wait until it accepts connections. Raises LinkError with its own last words when it does not."""
        if self.running:
            return
        for _ in range(1 if self.port else _PORT_TRIES):
            port = self.port or _free_port()
            if await self._launch(port):
                self.port = port
                return
        last = self.log.strip().splitlines()[-1:] or ["it said nothing"]
        raise LinkError(
            f"{self.name} did not start: {last[0]}", fix="Install it anew: sudo apt install --reinstall mosquitto"
        )

    async def stop(self) -> None:
        """End it in good order: mosquitto writes its sessions down."""
        await self._end(kill=False)

    async def kill(self) -> None:
        """End it as a power cut would, for the process: nothing is written down."""
        await self._end(kill=True)

    async def restart(self) -> None:
        """Stop, and start again on the same port and folder."""
        await self.stop()
        await self.start()

    async def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _launch(self, port: int) -> bool:
        config = self._write_config(port)
        command = [*tied(), *self._command, str(config)]
        with self.log_path.open("ab") as log:
            # a session of its own: Ctrl-C in the terminal is for the demo, which then stops its broker last
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = asyncio.get_running_loop().time() + _START_S
        while self.running and asyncio.get_running_loop().time() < deadline:
            if await _answers(port):
                return self.running
            await asyncio.sleep(0.02)
        await self._end(kill=True)
        return False

    def _write_config(self, port: int) -> Path:
        path = self.folder / "broker.toml"  # iotcore goes by the ending, mosquitto does not care
        if self.maker == "iotcore":
            text = _RUMQTTD.format(port=port)
            if self._passwords:
                text += "[v5.1.connections.auth]\n" + "".join(f'"{k}" = "{v}"\n' for k, v in self._passwords.items())
        else:
            # started by root, mosquitto would become a user that cannot write to this folder
            user = "root" if os.geteuid() == 0 else "mosquitto"
            anonymous = "false" if self._passwords else "true"
            text = _MOSQUITTO.format(port=port, folder=self.folder, anonymous=anonymous, user=user)
            if self._passwords:
                text += f"password_file {self._write_passwords()}\n"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def _write_passwords(self) -> Path:
        path = self.folder / "passwords"
        if not path.exists():
            path.touch(0o600)
            path.write_text("".join(f"{name}:{password}\n" for name, password in self._passwords.items()))
            subprocess.run([_program("mosquitto_passwd"), "-U", path], check=True, capture_output=True)
        return path

    def _forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _program(name: str) -> str:
    """The path of a program; /usr/sbin is not in the PATH of a Debian user. Empty where it is not installed."""
    places = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"))
    return shutil.which(name, path=places) or ""


def _find_mosquitto() -> tuple[str, ...] | str:
    """Its name and command, or why not."""
    program = _program("mosquitto")
    if not program:
        return "mosquitto is not installed"
    # -h ends with a code of its own (3); only the words count
    words = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=10, check=False).stdout
    found = re.search(r"mosquitto version (\d+)(\.[\w.]+)", words)
    if not found or int(found[1]) < 2:
        return "the installed mosquitto is older than version 2"
    return f"mosquitto {found[1]}{found[2]}", program, "-c"


def _find_iotcore() -> tuple[str, ...] | str:
    if importlib.util.find_spec("iotcore") is None:
        return "the Python package iotcore is not installed"
    # at any lower level it writes a line for every packet
    return (f"iotcore {version('iotcore')}", sys.executable, "-m", "iotcore", "--log-level", "CRITICAL", "--config")


def tied() -> tuple[str, ...]:
    """What makes a child end with its parent, even when that is killed: setpriv of util-linux, where it is."""
    program = _program("setpriv")
    return (program, "--pdeathsig", "TERM", "--") if program else ()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
