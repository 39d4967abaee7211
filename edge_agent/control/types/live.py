"""The live stream of events."""

from typing import Any

from edge_agent.control.types.base import Reply, decode
from edge_agent.control.types.findings import Finding
from edge_agent.control.types.help import Help, Lamp
from edge_agent.control.types.state import Channel, Queue, Status


class Live(Reply):
    """One event of the stream. `kind` names the type of `data` in LIVE_KINDS; kinds may be added."""

    kind: str
    data: Any


LIVE_KINDS: dict[str, type[Reply]] = {
    "reading": Channel,
    "finding": Finding,
    "help": Help,
    "lamp": Lamp,
    "queue": Queue,
    "status": Status,
}


def live(kind: str, raw: bytes) -> Live:
    """An event of the stream; data of an unknown kind stays plain. Raises WireError."""
    return Live(kind=kind, data=decode(raw, LIVE_KINDS.get(kind, object)))
