"""The live stream of events."""

from typing import Any

from msgspec import field

from edge_agent.control.types.base import Reply, decode
from edge_agent.control.types.console import Console
from edge_agent.control.types.findings import Finding, Notice
from edge_agent.control.types.help import Help, Lamp
from edge_agent.control.types.selftest import Probed
from edge_agent.control.types.state import Channel, Queue, Status


class Live(Reply):
    """One event of the stream. `kind` names the type of `data` in LIVE_KINDS; kinds may be added.

    `id` is what a listener gives when it comes back, to hear what it missed.
    """

    kind: str
    data: Any
    id: str = ""


class Gap(Reply):
    """Events are missing here: ask for the state of these kinds anew. `missed` is how many, None where nobody knows."""

    missed: int | None = None
    kinds: list[str] = field(default_factory=list)


LIVE_KINDS: dict[str, type[Reply]] = {
    "reading": Channel,
    "finding": Finding,
    "notice": Notice,
    "help": Help,
    "lamp": Lamp,
    "queue": Queue,
    "status": Status,
    "console": Console,
    "probe": Probed,
}
# Comes by itself, whatever was asked for.
GAP = "gap"


def live(kind: str, raw: bytes, ident: str = "") -> Live:
    """An event of the stream; data of an unknown kind stays plain. Raises WireError."""
    return Live(kind, decode(raw, Gap if kind == GAP else LIVE_KINDS.get(kind, object)), ident)
