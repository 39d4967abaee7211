"""The simulator's side of the GPIO header: what drives the inputs, and a record of what the outputs showed."""

import asyncio
import contextlib
import json
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

MAX_MESSAGE_BYTES = 4096
MAX_HISTORY = 20_000
MAX_LINE = 1023
# Contact bounce of 18 switches measured by J. Ganssle (A Guide to Debouncing): 1.6 ms on average, 6.2 ms at most.
MAX_BOUNCES = 6
MAX_BOUNCE_GAP_S = 0.001


class Shown(NamedTuple):
    """What an output line showed from `at` on (monotonic seconds): 0 low, 1 high, between them a duty cycle."""

    at: float
    level: float


class Client:
    """One program that holds lines of the board, as inputs with their pull or as outputs."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.inputs: dict[int, str] = {}
        self.outputs: set[int] = set()
        self._writer = writer

    def tell(self, line: int, level: bool, at: float, *, answer: bool = False) -> None:
        """What a line is at now."""
        message: dict[str, object] = {"line": line, "level": level, "at": at}
        if answer:
            message["ask"] = True
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    def refuse(self, line: int) -> None:
        """Another program has this line."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps({"line": line, "busy": True}).encode() + b"\n")

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Board:
    """A header behind a Unix socket at `path`; chance (contact bounce) comes from `seed`.

    `on_output(line, level, at)` is called for every change of an output, `on_input(line)` when a program has taken a
    line as input. A program that goes leaves its outputs low. A line is one program's: whoever wants it too is refused.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.on_output: Callable[[int, float, float], None] | None = None
        self.on_input: Callable[[int], None] | None = None
        self._chance = random.Random(seed)
        self._driven: dict[int, bool] = {}
        self._history: defaultdict[int, deque[Shown]] = defaultdict(lambda: deque(maxlen=MAX_HISTORY))
        self._clients: set[Client] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=MAX_MESSAGE_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for client in tuple(self._clients):
            client.close()
        if self._talks:
            await asyncio.wait(self._talks)
        await self._server.wait_closed()
        self.path.unlink(missing_ok=True)

    def connected(self, line: int) -> bool:
        """Whether a program holds the line as input."""
        return any(line in client.inputs for client in self._clients)

    def level(self, line: int) -> bool:
        """What an input is at: what drives it, or its pull."""
        if line in self._driven:
            return self._driven[line]
        return any(client.inputs.get(line) == "up" for client in self._clients)

    def history(self, line: int) -> tuple[Shown, ...]:
        """What an output showed, oldest first, the last 20,000 changes."""
        return tuple(self._history[line])

    def drive(self, line: int, level: bool) -> float:
        """Put a level on a line at once and without bounce; gives the monotonic time of the edge."""
        at = time.monotonic()
        before = self.level(line)
        self._driven[line] = level
        if level != before:
            for client in self._clients:
                if line in client.inputs:
                    client.tell(line, level, at)
        return at

    async def switch(self, line: int, level: bool) -> float:
        """A mechanical contact goes to `level`: it bounces a few times and rests; gives the time of its first edge."""
        at = self.drive(line, level)
        try:
            for _ in range(self._chance.randint(0, MAX_BOUNCES // 2)):
                for bounced in (not level, level):
                    await asyncio.sleep(self._chance.uniform(0.0, MAX_BOUNCE_GAP_S))
                    self.drive(line, bounced)
        finally:
            self.drive(line, level)
        return at

    async def press(self, line: int, seconds: float, *, pressed: bool = False) -> None:
        """A finger on a button for so long; `pressed` is the level that a press gives (low: to ground)."""
        try:
            await self.switch(line, pressed)
            await asyncio.sleep(seconds)
        finally:
            self.drive(line, not pressed)
        await self.switch(line, not pressed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        client = Client(writer)
        self._clients.add(client)
        try:
            await self._talk(client, reader)
        except (ValueError, KeyError, TypeError, ConnectionError):
            # Not a program that speaks this protocol, or one that died: hang up.
            pass
        finally:
            self._clients.discard(client)
            for line in client.outputs:
                self._show(line, 0.0, time.monotonic())
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._talks.discard(task)

    async def _talk(self, client: Client, reader: asyncio.StreamReader) -> None:
        while message := await reader.readline():
            plain = json.loads(message)
            if not (isinstance(plain, dict) and type(plain.get("line")) is int and 0 <= plain["line"] <= MAX_LINE):
                raise ValueError("not a line of the board")
            self._take(client, plain["line"], plain)

    def _take(self, client: Client, line: int, message: dict[str, Any]) -> None:
        function = message.get("function")
        if any(line in {*other.inputs, *other.outputs} for other in self._clients - {client}):
            if function == "input":
                client.refuse(line)
        elif function == "input":
            taken = line not in client.inputs
            client.outputs.discard(line)
            client.inputs[line] = str(message.get("pull", "floating"))
            client.tell(line, self.level(line), time.monotonic(), answer=True)
            if taken and self.on_input is not None:
                self.on_input(line)
        elif function == "output":
            client.inputs.pop(line, None)
            client.outputs.add(line)
            self._show(line, float(message["level"]), float(message["at"]))
        elif function == "free":
            client.inputs.pop(line, None)
            if line in client.outputs:
                client.outputs.discard(line)
                self._show(line, 0.0, time.monotonic())

    def _show(self, line: int, level: float, at: float) -> None:
        history = self._history[line]
        if (history[-1].level if history else 0.0) != level:
            history.append(Shown(at, level))
            if self.on_output is not None:
                self.on_output(line, level, at)
