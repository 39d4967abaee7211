"""The real agent as a child process: its configuration, its life, and what its control socket says."""

import asyncio
import compileall
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import edge_agent
import firmware_bridges
from edge_agent.control.client import Client, ControlError
from edge_agent.control.types import Live, Status
from edge_agent.core.errors import LinkError
from simulators.broker import tied
from simulators.desk.keys import DeskKey

_START_S = 20.0
_STOP_S = 10.0
_LOOK_S = 0.02
# Readings are not told one by one, and what nobody listens to costs the agent nothing.
TOLD = ("lamp", "help", "finding", "notice")
# World.environment names the factory as every program with gpiozero takes it; the agent takes this too, and is spared
# the search among all that is installed, 2 MB.
PIN_FACTORY = {"GPIOZERO_PIN_FACTORY": "simulators.gpio.pins:SimulatedFactory"}
_Some = TypeVar("_Some")

_CONFIG = """\
[gateway]
site = "Demo {name}"
product = "edge-agent demo"
location = "this computer"

[paths]
state = "{folder}/state"
runtime = "{folder}"

# The demo allows everything, so that everything can be seen.
[consent]
help_ready = true
telemetry = true
findings = true
diagnostics = true
assist = true
effort = true

[log]
level = "info"
format = "json"

[broker]
host = "127.0.0.1"
port = {port}
keepalive_s = 5
heartbeat_s = 10
tls.enabled = false

[outbox]
block_age_s = 2
durability_window_s = 2

{key}

{world}
"""


def configuration(name: str, folder: Path, port: int, key: DeskKey, world: str) -> str:
    """The whole configuration of an agent that lives in `folder` and watches this world."""
    return _CONFIG.format(name=name, folder=folder, port=port, key=key.toml, world=world)


def install() -> None:
    """Compile the agent's modules, as pip does.

    A checkout's agent would do it at each start where PYTHONDONTWRITEBYTECODE is set: 0.2 s and 1 MB.
    """
    for package in (edge_agent, firmware_bridges):
        compileall.compile_dir(package.__path__[0], quiet=2)


class AgentProcess:
    """`edge-agent run` as anybody would start it, in `folder`; `environment` is what the world needs of it.

    `module` is what Python runs: a test may wrap the agent.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], module: str = "edge_agent") -> None:
        self.module = module
        self.log = folder / "agent.log"
        self.config = folder / "agent.toml"
        self.socket = folder / "control.sock"
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's id. Only while it runs."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> Status:
        """What the control socket answers first. Raises LinkError with the end of its log when it does not."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*tied(), sys.executable, "-m", self.module, "run", "--config", str(self.config)),
                env={**os.environ, **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which still has to ask the agent for its figures
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_S):
                while self._process.returncode is None:
                    with suppress(ControlError):
                        return await self.ask(Client.status)
                    await asyncio.sleep(_LOOK_S)
        raise LinkError("the agent did not start", fix=f"Its log says: {self.last_words()}")

    async def ask(self, question: Callable[[Client], _Some]) -> _Some:
        """Ask the control socket without holding up the world. Raises ControlError."""
        return await asyncio.to_thread(question, Client(self.socket))

    def listen(self, on_live: Callable[[Live], None]) -> None:
        """Hear of what the story tells, from a thread of its own, until the agent goes."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            with suppress(ControlError, RuntimeError):  # RuntimeError: the loop is closed, the demo is over
                for live in Client(self.socket).events(kinds=TOLD):
                    loop.call_soon_threadsafe(on_live, live)

        threading.Thread(target=hear, name="demo-listener", daemon=True).start()

    def kill(self) -> None:
        """As a power cut would: no goodbye."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def ended(self) -> int:
        """Wait until it is gone; its exit code, negative for a signal."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self) -> int:
        """SIGTERM and the exit code; SIGKILL when it does not go."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    return await self._process.wait()
            self.kill()
        return await self._process.wait()

    def last_words(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return " | ".join(lines[-3:]) or "nothing"
