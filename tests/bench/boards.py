"""Twenty sensors at 1 Hz: four boards on serial lines, five values a line, and the configuration for them."""

import asyncio
import os
import pty
import tty
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Self

from edge_agent.core.reading import Reading
from firmware_bridges.registry import language

BOARDS = 4
# Name, where it begins, how far it moves in a second, decimals.
QUANTITIES = (
    ("temperature", 21.5, 0.02, 2),
    ("humidity", 45.0, 0.1, 1),
    ("pressure", 1013.2, 0.05, 1),
    ("co2", 612.0, 4.0, 0),
    ("voltage", 3.3, 0.004, 3),
)
SENSORS = BOARDS * len(QUANTITIES)
_CONFIG = """\
[paths]
state = "{folder}/state"
runtime = "{folder}"

[consent]
help_ready = true
telemetry = true
findings = true

[log]
level = "info"

[broker]
host = "127.0.0.1"
port = {port}
tls.enabled = false

{key}
{boards}

# Wide limits: the usual case is a reading that is good.
[[check]]
channel = "*"
kind = "range"
min = -1e9
max = 1e9

[[check]]
channel = "*"
kind = "rate"
per_s = 1e9
window_s = 60

[[check]]
channel = "*"
kind = "stuck"
window_s = 3e6

[[check]]
channel = "*"
kind = "silent"
window_s = 3e6
"""
_BOARD = """\
[[serial]]
name = "board{number}"
port = "{port}"
language = "textline"
baud = 115200
"""


class _Board:
    """What one prints: values that wander a little, as those of a room do."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._values = [begin for _, begin, _, _ in QUANTITIES]

    def line(self) -> bytes:
        """The next second's."""
        pairs = zip(self._values, QUANTITIES, strict=True)
        self._values = [value + self._chance.gauss(0.0, moves) for value, (_, _, moves, _) in pairs]
        pairs = zip(self._values, QUANTITIES, strict=True)
        return (" ".join(f"{name}={value:.{digits}f}" for value, (name, _, _, digits) in pairs) + "\r\n").encode()


def trace(seconds: int, seed: int = 11) -> tuple[Reading, ...]:
    """What the agent reads of them, in its order; a line is late by up to 3 ms."""
    chance, known = Random(seed), language("textline")
    options = {name: option.default for name, option in known.options.items()}
    boards = [(_Board(chance), known.make(f"board{number}", options), chance.random()) for number in range(BOARDS)]
    found: list[Reading] = []
    for second in range(seconds):
        for board, bridge, phase in sorted(boards, key=itemgetter(2)):
            at = 1000.0 + second + phase + chance.uniform(0.0, 0.003)
            found += [item for item in bridge.feed(board.line(), at) if isinstance(item, Reading)]
    return tuple(found)


class Boards:
    """Ptys with a board behind each, every one with a second of its own, as long as it is entered."""

    def __init__(self, seed: int = 11) -> None:
        self._chance = Random(seed)
        self._tasks: list[asyncio.Task[None]] = []
        self._fds: list[int] = []
        self.printed = 0

    async def __aenter__(self) -> Self:
        for _ in range(BOARDS):
            master, line = pty.openpty()
            tty.setraw(line)
            self._fds += [master, line]
        self._tasks = [asyncio.create_task(self._talk(master)) for master in self._fds[::2]]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for fd in self._fds:
            os.close(fd)

    def configuration(self, folder: Path, port: int, key: str) -> str:
        """Default windows and heartbeat, all four checks on every channel."""
        boards = (_BOARD.format(number=n, port=os.ttyname(line)) for n, line in enumerate(self._fds[1::2]))
        return _CONFIG.format(folder=folder, port=port, key=key, boards="\n".join(boards))

    async def _talk(self, fd: int) -> None:
        board, loop = _Board(self._chance), asyncio.get_running_loop()
        due = loop.time() + self._chance.random()
        while True:
            await asyncio.sleep(due - loop.time())
            due += 1.0
            os.write(fd, board.line())
            self.printed += len(QUANTITIES)
