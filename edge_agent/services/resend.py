"""What the desk misses by sequence it may ask for again: command `edge.command.resend.v1` {lane, first, last}.

Help is not asked for here: it is sent until the desk acknowledges it. Consent is looked at when an event leaves.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.event import Lane

RESEND = "edge.command.resend.v1"
# One command may ask for so many sequences, and so many commands may wait.
MAX_ASKED = 1000
MAX_COMMANDS = 16
# An answer names at most so many ranges that are gone; more are told as one that spans the rest.
MAX_RANGES = 50


class Released(Protocol):
    """A lane's way to send again what it has done with."""

    async def ask(self, first: int, last: int) -> list[tuple[int, int]]:
        """Send these again; gives the ranges of what is gone. Raises StoreError."""


class _Asked(NamedTuple):
    id: str
    lane: Lane
    first: int
    last: int


class Resend:
    """`heard` takes the command, `run` (optional) does it and answers.

    `found(lane)` is called when a lane has something to send again. `on_reply(data)` is given `for` (the command's id),
    `ok`, `lane`, `first`, `last`, and `gone` (list of [first, last], which nobody has any more) or `code` and `text`.
    """

    def __init__(
        self,
        lanes: Mapping[Lane, Released],
        *,
        found: Callable[[Lane], None],
        on_reply: Callable[[dict[str, Any]], None],
    ) -> None:
        self._lanes = lanes
        self._found = found
        self._on_reply = on_reply
        self._asked: deque[_Asked] = deque()
        self._something = asyncio.Event()

    def heard(self, message: DeskMessage) -> bool:
        """Whether it was for this. Raises RefusedError (`arguments`, `busy`)."""
        if message.type != RESEND:
            return False
        asked = self._read(message)
        if len(self._asked) >= MAX_COMMANDS:
            raise RefusedError("too much is asked for again at once", code="busy")
        self._asked.append(asked)
        self._something.set()
        return True

    async def run(self) -> None:
        """Answer what was asked until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            while self._asked:
                await self._answer(self._asked.popleft())

    def _read(self, message: DeskMessage) -> _Asked:
        lanes = {lane.value: lane for lane in self._lanes}
        match message.data:
            case {"lane": str(lane), "first": int(first), "last": int(last)} if lane in lanes:
                if 1 <= first <= last < 2**63 and last - first < MAX_ASKED:
                    return _Asked(message.id, lanes[lane], first, last)
        what = f"lane must be one of {', '.join(lanes)}, and first to last at most {MAX_ASKED} sequences from 1"
        raise RefusedError(what, code="arguments")

    async def _answer(self, asked: _Asked) -> None:
        told: dict[str, Any] = {"for": asked.id, "lane": asked.lane.value, "first": asked.first, "last": asked.last}
        try:
            gone = await self._lanes[asked.lane].ask(asked.first, asked.last)
        except StoreError as error:
            self._on_reply({**told, "ok": False, "code": "store", "text": str(error)[:200]})
            return
        if gone != [(asked.first, asked.last)]:
            self._found(asked.lane)
        named, more = gone[: MAX_RANGES - 1], gone[MAX_RANGES - 1 :]
        if more:
            named.append((more[0][0], more[-1][1]))
        self._on_reply({**told, "ok": True, "gone": [list(pair) for pair in named]})
