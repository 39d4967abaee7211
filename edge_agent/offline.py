"""`edge-agent queue offline` and `queue dump`: the outbox as it lies on disk, with or without an agent. Read-only."""

import argparse
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

from edge_agent.console.out import complain, say
from edge_agent.console.text import clean
from edge_agent.core import block
from edge_agent.core.errors import AgentError, WireError
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.wire import unpack
from edge_agent.settings import state_folder
from edge_agent.store.look import LaneLook, dump, inspect

_EXITS = "exit codes: 0 well, 1 the folder cannot be read, 2 wrong usage"


class _Looking(ABC):
    """Common to both: where to look, and how mistakes are told."""

    help = ""
    examples = ""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.epilog = f"{self.examples}\n\n{_EXITS}"
        parser.add_argument("--state", default="", metavar="FOLDER", help="the state folder (default: the usual one)")
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def run(self, args: argparse.Namespace) -> int:
        """Print what is there; 1 when it cannot be read."""
        folder = state_folder(args.state)
        if not folder.is_dir():
            return complain(f"there is no outbox in {folder}; name its folder with --state", 1)
        try:
            for line in self.lines(args):
                say(line)
        except AgentError as error:
            return complain(error, 1)
        return 0

    @abstractmethod
    def lines(self, args: argparse.Namespace) -> Iterator[str]:
        """What is printed. Raises AgentError."""


class _Offline(_Looking):
    help = "what waits on disk, by lane, without asking the agent"
    examples = "example:\n  edge-agent queue offline --state /var/lib/edge-agent"

    def lines(self, args: argparse.Namespace) -> Iterator[str]:
        """A line a lane."""
        looks = inspect(state_folder(args.state))
        if args.json:
            yield json.dumps([_plain_look(look) for look in looks], indent=2)
            return
        yield f"{'LANE':<10}{'WAIT':>8}{'BYTES':>12}{'ON DISK':>12}{'DROPPED':>9}{'DAMAGED':>9}"
        for look in looks:
            depth = look.depth
            yield (
                f"{look.lane.value:<10}{depth.events:>8}{depth.bytes:>12}{look.disk_bytes:>12}{depth.dropped:>9}"
                f"{look.quarantined:>9}"
            )


class _Dump(_Looking):
    help = "the messages that wait in a lane, one after the other"
    examples = "examples:\n  edge-agent queue dump telemetry --most 5\n  edge-agent queue dump help --json"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the lane."""
        super().configure(parser)
        names = [lane.value for lane in Lane]
        parser.add_argument("lane", nargs="?", choices=names, default=Lane.TELEMETRY.value, help="default: %(default)s")
        parser.add_argument("--most", type=int, default=100, metavar="N", help="at most so many (default: %(default)s)")

    def lines(self, args: argparse.Namespace) -> Iterator[str]:
        """An event a line, its data behind it."""
        for event in islice(dump(state_folder(args.state), Lane(args.lane)), max(0, args.most)):
            yield json.dumps(_plain_event(event), default=_text) if args.json else _line(event)


def _plain_look(look: LaneLook) -> dict[str, Any]:
    depth = look.depth
    return {
        "lane": look.lane.value,
        "events": depth.events,
        "bytes": depth.bytes,
        "disk_bytes": look.disk_bytes,
        "dropped": depth.dropped,
        "damaged_bytes": look.quarantined,
        "next": look.next,
        "lost": [list(span) for span in look.lost],
    }


def _plain_event(event: Event) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "id": event.id_text,
        "type": event.type,
        "subject": event.subject,
        "at": event.at,
        "boot_id": event.boot_id,
        "bytes": len(event.payload),
        "data": _data(event),
    }


def _data(event: Event) -> Any:
    try:
        if event.kind is EventKind.TELEMETRY:
            return [[r.channel.name, r.value, round(r.at, 3)] for r in block.unpack(event.payload, event.at)]
        return unpack(event.payload)
    except WireError as error:
        return f"unreadable: {error}"


def _line(event: Event) -> str:
    data = _data(event)
    told = f"{len(data)} readings" if event.kind is EventKind.TELEMETRY and isinstance(data, list) else _text(data)
    return clean(f"#{event.sequence}  {event.id_text}  {event.type}  {event.subject}  {told}")[:240]


def _text(data: Any) -> str:
    return data.hex() if isinstance(data, bytes) else str(data)


OFFLINE = _Offline()
DUMP = _Dump()
