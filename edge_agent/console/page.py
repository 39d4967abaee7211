"""`edge-agent console open` and `console shut`: the page on site, and how to get to it."""

import argparse
from collections.abc import Iterator

from edge_agent.console.arguments import number
from edge_agent.console.commands import WELL, WRONG, Asking
from edge_agent.console.out import say
from edge_agent.console.text import span
from edge_agent.console.web.address import Place, find
from edge_agent.control.client import Client
from edge_agent.control.types import LONGEST_OPEN_S, Console, pretty

NOBODY = """Nobody serves the page: start it with
  sudo systemctl start edge-agent-console      or, by hand:
  edge-agent console
If it runs, its own messages say why it cannot be had (another program may have the port: [console] port)."""


class Opening(Asking):
    """Open the page for a while, and say where it is."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add for how long, and for whom."""
        super().configure(parser)
        parser.add_argument(
            "--lan", action="store_true", help="on the network too, over TLS; else only on this machine"
        )
        longest = LONGEST_OPEN_S / 60
        told = f"for how long, at most {longest:g} (default: as configured, 15)"
        parser.add_argument("--minutes", metavar="N", type=number(1.0, longest), help=told)
        parser.add_argument("--look", action="store_true", help="open nothing, only say how it stands")

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Exit code 0 where the page can be reached."""
        seconds = None if args.minutes is None else 60.0 * args.minutes
        reply = client.console(seconds, lan=args.lan, look=args.look)
        if args.json:
            say(pretty(reply))
            return WELL if reply.left_s else WRONG
        if not reply.left_s:
            say("The page is shut. Open it with: edge-agent console open")
            return WRONG
        place = find(reply)
        for line in opened(reply, place):
            say(line)
        return WELL if place else WRONG


class Shutting(Asking):
    """Shut it."""

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Who looks at it is put out."""
        reply = client.console(0.0)
        say(pretty(reply) if args.json else "The page is shut.")
        return WELL


def opened(reply: Console, place: Place | None) -> Iterator[str]:
    """How to get in."""
    if place is None:
        yield NOBODY
        return
    for address in place.addresses:
        yield f"page         {address}"
    yield f"PIN          {reply.pin}"
    yield f"open for     {span(reply.left_s)}"
    if place.fingerprint:
        yield f"fingerprint  {place.fingerprint}"
        if place.new:
            yield "Its certificate is new: a browser that has seen the page before warns again."
        yield "The browser warns once, for nobody signs for a gateway: compare the fingerprint, then go on."
        yield from place.code()


OPEN = Opening(
    "open the page on site for 15 minutes, and say its address and PIN",
    example="edge-agent console open\n  edge-agent console open --lan --minutes 30",
    wrong="it is shut, or nobody serves it",
)
SHUT = Shutting("shut the page on site", example="edge-agent console shut", wrong="the agent refuses")
