"""The commands that ask the running agent: each a question, how its answer reads, and whether all is well.

Exit codes: 0 well, 1 something is wrong or not ready, 2 wrong usage, 3 the agent cannot be reached.
"""

import argparse
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from textwrap import fill
from typing import Any, Protocol

from edge_agent.console import story, text
from edge_agent.console.arguments import number
from edge_agent.console.out import complain, say
from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.types import LONGEST_HOLD_S, USUAL_HOLD_S, Help, Reply, encode, pretty

WELL, WRONG, USAGE, UNREACHED = 0, 1, 2, 3
ENDED = ("IDLE", "HOLD", "RESOLVED", "CANCELLED")
# A terminal of 80 columns, as argparse leaves two free.
WIDTH = 78
EXITS = "exit codes: 0 well, 1 {wrong}, 2 wrong usage, 3 the agent cannot be reached"


class Show(Protocol):
    """How a reply reads."""

    def __call__(self, reply: Any, *, colour: bool) -> Iterator[str]:
        """Lines for a person."""


class Asking(ABC):
    """Common to all: the options, and what happens when the agent says no or nothing."""

    def __init__(self, help_: str, *, example: str, wrong: str) -> None:
        self.help = help_
        head = "examples" if "\n" in example else "example"
        self._epilog = f"{head}:\n  {example}\n\n{fill(EXITS.format(wrong=wrong), WIDTH)}"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare what all commands share."""
        parser.epilog = self._epilog
        parser.add_argument("--json", action="store_true", help="print JSON for programs")
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")

    def run(self, args: argparse.Namespace) -> int:
        """Ask, print, and say by the exit code whether all is well."""
        try:
            return self.talk(Client(args.socket), args)
        except ControlError as error:
            return complain(error, WRONG if isinstance(error, ControlRefusedError) else UNREACHED)

    @abstractmethod
    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """The command itself."""


class Question(Asking):
    """One question, one reply."""

    def __init__(
        self,
        help_: str,
        ask: Callable[[Client, argparse.Namespace], Reply],
        show: Show,
        is_wrong: Callable[[Any], bool],
        *,
        example: str,
        wrong: str,
    ) -> None:
        super().__init__(help_, example=example, wrong=wrong)
        self._ask, self._show, self._is_wrong = ask, show, is_wrong

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Print the reply."""
        reply = self._ask(client, args)
        if args.json:
            say(pretty(reply))
        else:
            for line in self._show(reply, colour=colourful()):
                say(line)
        return WRONG if self._is_wrong(reply) else WELL


class Pressing(Question):
    """The press, with how long."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the hold."""
        super().configure(parser)
        told = f"how long the button is held, at most {LONGEST_HOLD_S:g} s (default %(default)g)"
        parser.add_argument("--hold", metavar="S", type=number(0.0, LONGEST_HOLD_S), default=USUAL_HOLD_S, help=told)


class Figures(Asking):
    """The figures, as they come."""

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Print them; JSON is a list of name, labels and value."""
        for line in client.metrics().splitlines():
            if not args.json:
                say(line)
            elif not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                say(json.dumps({"name": name, "value": float(value)}))
        return WELL


class Listening(Asking):
    """The live stream, one line an event."""

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Print until the agent stops (3) or the person does (Ctrl-C)."""
        for live in client.events():
            say(encode(live).decode() if args.json else text.event(live))
        return WELL


def colourful() -> bool:
    """Whether whoever reads this sees colours and wants them."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _is_open(reply: Help) -> bool:
    return reply.case is not None and reply.state not in ENDED


def cancelling(example: str) -> Question:
    """The command that takes a help request back, by either of its names."""
    return Question(
        "cancel the help request",
        lambda client, _: client.cancel(),
        story.help_,
        _is_open,
        example=example,
        wrong="it is still open, or there is none",
    )


STATUS = Question(
    "how the agent is: its parts and devices, and one sentence for all of it",
    lambda client, _: client.status(),
    text.status,
    lambda reply: not reply.ready,
    example="edge-agent status",
    wrong="something is not ready",
)
QUEUE = Question(
    "what waits to be sent, by lane",
    lambda client, _: client.queue(),
    text.queue,
    lambda reply: any(lane.quarantined for lane in reply.lanes),
    example="edge-agent queue --json",
    wrong="messages are quarantined",
)
HELP = Question(
    "the help request: its case, and what the lamp means now",
    lambda client, _: client.help(),
    story.help_,
    _is_open,
    example="edge-agent help",
    wrong="a help request is open",
)
LAMP = Question(
    "what the lamp shows and means",
    lambda client, _: client.lamp(),
    text.lamp,
    lambda reply: reply.pattern == "not_ready",
    example="edge-agent lamp",
    wrong="help is not ready",
)
CHANNELS = Question(
    "the newest value of each channel",
    lambda client, _: client.channels(),
    text.channels,
    lambda reply: any(channel.value is None for channel in reply.channels),
    example="edge-agent channels",
    wrong="a channel has no value",
)
PRESS = Pressing(
    "press the help button, as if by hand: this calls for help",
    lambda client, args: client.press(args.hold),
    story.pressed,
    lambda reply: not (reply.state == "CANCEL_WINDOW" or _is_open(reply)),
    example="edge-agent press --hold 4",
    wrong="no help request came of it",
)
CANCEL = cancelling("edge-agent cancel")
METRICS = Figures(
    "print the agent's figures as Prometheus text",
    example="edge-agent metrics > /var/lib/node_exporter/edge_agent.prom",
    wrong="the agent refused",
)
EVENTS = Listening(
    "print what happens, as it happens, until Ctrl-C",
    example="edge-agent events --json | head -n 20",
    wrong="too many listeners",
)
