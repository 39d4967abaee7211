"""The rows of the help lane in SQLite, each with a CRC of its own: SQLite does not notice a flipped bit in a value."""

import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from edge_agent.core import wire
from edge_agent.core.errors import WireError
from edge_agent.core.event import Event
from edge_agent.core.request import HelpRequest
from edge_agent.store import frames


@dataclass(slots=True)
class Message:
    """An event of the help lane. `waiting`: the commit that had it returned, well or not."""

    event: Event
    request: bytes
    sent: bool = False
    waiting: bool = False


@dataclass(slots=True)
class Case:
    """A case, and when it was first and last saved, by a count that only rises."""

    request: HelpRequest
    begun: int
    changed: int


class Found(NamedTuple):
    """What the database holds: cases in the order they began, messages in theirs, counters, damaged rows."""

    cases: list[Case]
    messages: list[Message]
    facts: dict[str, int]
    damaged: int


def case_row(case: Case) -> tuple[Any, ...]:
    """A row of `cases`."""
    record = wire.pack(case.request.record())
    return case.request.id, case.begun, case.changed, record, zlib.crc32(record)


def message_row(message: Message) -> tuple[Any, ...]:
    """A row of `messages`."""
    event = message.event
    meta = frames.pack_meta(event)
    crc = zlib.crc32(event.payload, zlib.crc32(meta))
    return event.id, event.sequence, message.request, int(message.sent), meta, event.payload, crc


def read(connection: sqlite3.Connection) -> Found:
    """All rows; a damaged one is counted and left out."""
    cases: list[Case] = []
    messages: list[Message] = []
    damaged = 0
    for begun, changed, record, crc in _select(connection, "begun, changed, record, crc FROM cases ORDER BY begun"):
        try:
            cases.append(Case(_request(record, crc), begun, changed))
        except (WireError, TypeError):
            damaged += 1
    columns = "sequence, request, sent, meta, payload, crc FROM messages ORDER BY sequence"
    for sequence, request, sent, meta, payload, crc in _select(connection, columns):
        try:
            messages.append(Message(_event(sequence, meta, payload, crc), request, bool(sent), waiting=True))
        except (WireError, TypeError):
            damaged += 1
    return Found(cases, messages, dict(_select(connection, "name, value FROM facts")), damaged)


def _select(connection: sqlite3.Connection, what: str) -> Iterable[Any]:
    return connection.execute(f"SELECT {what}")


def _request(record: bytes, crc: int) -> HelpRequest:
    if zlib.crc32(record) != crc:
        raise WireError("a case is damaged")
    return HelpRequest.from_record(wire.unpack(record))


def _event(sequence: int, meta: bytes, payload: bytes, crc: int) -> Event:
    if zlib.crc32(payload, zlib.crc32(meta)) != crc:
        raise WireError("a message is damaged")
    return frames.unpack_event(meta, payload, sequence)
