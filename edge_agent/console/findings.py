"""`edge-agent findings` and what goes with it: list, explain, clear, shelve, and "this is normal"."""

import argparse
import sys
from collections.abc import Callable, Iterator
from getpass import getuser
from typing import Any

from edge_agent.console import finding_text
from edge_agent.console.arguments import duration
from edge_agent.console.commands import USAGE, WELL, WRONG, Asking, Question, Show, colourful
from edge_agent.console.out import say
from edge_agent.control.client import Client
from edge_agent.control.types import LONGEST_SHELVING_S, Finding, Reply, pretty

ALL = "*"


class Listing(Asking):
    """The list, or one of the two reports about it."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the reports."""
        super().configure(parser)
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--hygiene", action="store_true", help="how findings behaved in the last 30 days")
        which.add_argument("--readiness", action="store_true", help="which checks have come to a verdict yet")

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Print what was asked for."""
        reply: Reply
        show: Show
        if args.hygiene:
            hygiene = client.hygiene()
            reply, show, wrong = hygiene, finding_text.hygiene, not all(figure.good for figure in hygiene.figures)
        elif args.readiness:
            reply, show, wrong = client.readiness(), finding_text.readiness, False
        else:
            found = client.findings()
            reply, show, wrong = found, finding_text.lines, any(_counts(finding) for finding in found.findings)
        if args.json:
            say(pretty(reply))
        else:
            for line in show(reply, colour=colourful()):
                say(line)
        return WRONG if wrong else WELL


class OfOne(Question):
    """A question about one finding, with whatever else the command takes."""

    def __init__(
        self, *given: Any, add: Callable[[argparse.ArgumentParser], None], what: str, or_all: bool = False, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._add, self._what, self._or_all = add, what, or_all

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the finding's id and the rest."""
        super().configure(parser)
        parser.add_argument("id", metavar="ID", nargs="?" if self._or_all else None, help=self._what)
        self._add(parser)

    def run(self, args: argparse.Namespace) -> int:
        """An id is needed, unless all are meant."""
        if getattr(args, "all", False):
            args.id = ALL
        if not args.id:
            print("edge-agent: name a finding, or --all: edge-agent findings lists them", file=sys.stderr)  # noqa: T201
            return USAGE
        return super().run(args)


def plainly(told: Callable[[Any], Iterator[str]]) -> Show:
    """A reply in lines that have no colour."""

    def show(reply: Any, *, colour: bool) -> Iterator[str]:  # noqa: ARG001 - the Show contract
        return told(reply)

    return show


def _counts(finding: Finding) -> bool:
    return finding.state == "confirmed" and finding.shelved_s is None


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return ""


def _clearing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="every finding that may be cleared by hand")
    _signed(parser)


def _signed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--why", default="", metavar="TEXT", help="the reason, kept with it")
    parser.add_argument("--by", default=_user(), metavar="NAME", help="who says so (default: you)")


def _shelving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it may rest")
    parser.add_argument("--owner", required=True, metavar="NAME", help="who answers for it")
    length, told = duration(60.0, LONGEST_SHELVING_S), "90m, 12h or 3d; at most 7d"
    parser.add_argument("--for", dest="seconds", required=True, type=length, metavar="TIME", help=told)


def _nothing(_: argparse.ArgumentParser) -> None:
    """No more arguments."""


_WHICH = "a finding's id, or its channel where that is clear; edge-agent findings lists them"
_REFUSED = "there is no such finding, or that may not be done"
FINDINGS = Listing(
    "what the checks found, in plain words, and how well findings behave",
    example="edge-agent findings\n  edge-agent findings --hygiene",
    wrong="a finding is confirmed; with --hygiene, a figure is worse than it should be",
)
EXPLAIN = OfOne(
    "all that is known of a finding, with its freeze frames",
    lambda client, args: client.explain(args.id),
    plainly(finding_text.explained),
    lambda _: False,
    example="edge-agent findings explain boiler.pressure:range",
    wrong=_REFUSED,
    add=_nothing,
    what=_WHICH,
)
CLEAR = OfOne(
    "say that a finding is over; permanent ones are cleared by their own check alone",
    lambda client, args: client.clear(args.id, args.by, args.why),
    plainly(finding_text.cleared),
    lambda _: False,
    example='edge-agent findings clear boiler.pressure:range --why "filled up"',
    wrong=_REFUSED,
    add=_clearing,
    or_all=True,
    what=_WHICH,
)
SHELVE = OfOne(
    "let a finding rest: it is watched on, and nobody is told of it",
    lambda client, args: client.shelve(args.id, args.reason, args.owner, args.seconds),
    plainly(finding_text.shelved),
    lambda _: False,
    example='edge-agent findings shelve freezer.door:range --reason "defrosting" --owner caretaker --for 12h',
    wrong=_REFUSED,
    add=_shelving,
    what=_WHICH,
)
UNSHELVE = OfOne(
    "let a shelved finding count again",
    lambda client, args: client.unshelve(args.id),
    plainly(finding_text.unshelved),
    lambda _: False,
    example="edge-agent findings unshelve freezer.door:range",
    wrong=_REFUSED,
    add=_nothing,
    what=_WHICH,
)
NORMAL = OfOne(
    "say that this is normal here: the channel learns it, and the finding is over",
    lambda client, args: client.normal(args.id, args.by, args.why),
    plainly(finding_text.taught),
    lambda _: False,
    example="edge-agent findings normal cellar.humidity",
    wrong="it is no matter of learning, or there is no such finding",
    add=_signed,
    what="a finding's id, or a channel that learns",
)
