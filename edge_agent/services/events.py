"""Makes events: an id, a type, the packed data and the instant, the same way for every service."""

import os
from collections.abc import Mapping
from typing import Any

from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid7
from edge_agent.core.ports import Clock
from edge_agent.core.wire import pack


class EventMaker:
    """`make` stamps an event with the present instant unless `at` says otherwise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new_id(self) -> bytes:
        """A fresh UUIDv7, 16 bytes."""
        return uuid7(self._clock.now().wall, os.urandom(10))

    def make(
        self, kind: EventKind, what: str, subject: str, data: Mapping[str, Any], *, ident: bytes | None = None
    ) -> Event:
        """An event of type `edge.{kind}.{what}.v1` with this data."""
        now = self._clock.now()
        return Event(
            id=ident or self.new_id(),
            kind=kind,
            type=f"edge.{kind.value}.{what}.v1",
            subject=subject,
            at=now.monotonic,
            boot_id=now.boot_id,
            payload=pack(dict(data)),
        )

    def block(self, payload: bytes, at: float, count: int) -> Event:
        """A telemetry block whose times count from `at`."""
        now = self._clock.now()
        return Event(
            id=self.new_id(),
            kind=EventKind.TELEMETRY,
            type="edge.telemetry.block.v1",
            subject="block",
            at=at,
            boot_id=now.boot_id,
            payload=payload,
            count=count,
        )
