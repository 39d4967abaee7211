"""`edge-agent consent`, `consent give` and `consent withdraw`: what may leave this house, and the switches for it."""

import argparse
from collections.abc import Iterator

from edge_agent.console.commands import Question
from edge_agent.console.text import clean, paint
from edge_agent.control.types import Consent
from edge_agent.texts import texts
from edge_agent.texts.times import when


class Deciding(Question):
    """A decision of one purpose."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the purpose."""
        super().configure(parser)
        parser.add_argument("purpose", metavar="PURPOSE", help="one of those that `edge-agent consent` lists")


def lines(reply: Consent, *, colour: bool) -> Iterator[str]:
    """Every purpose with what it lets out, and who decided it."""
    here = texts(reply.language)
    yield here["consent.always"]
    yield ""
    width = max(len(purpose.name) for purpose in reply.purposes)
    for purpose in reply.purposes:
        said = here["consent.yes" if purpose.granted else "consent.no"]
        shown = paint(f"{said:<5}", "ok" if purpose.granted else "", colour=colour)
        by = here.get(f"consent.by_{purpose.by}", clean(purpose.by))
        since = "" if purpose.wall is None else f" ({by}, {when(here, purpose.wall, reply.now_wall)})"
        yield f"{shown}{clean(purpose.name):<{width + 2}}{clean(purpose.lets_out)}{since}"


CONSENT = Question(
    "what may leave this house, and since when",
    lambda client, _: client.consent(),
    lines,
    lambda _: False,
    example="edge-agent consent",
    wrong="the agent refuses",
)
GIVE = Deciding(
    "allow a purpose; it stands above the configuration, also after a restart",
    lambda client, args: client.decide(args.purpose, granted=True),
    lines,
    lambda _: False,
    example="edge-agent consent give telemetry",
    wrong="there is no such purpose, or the disk refuses",
)
WITHDRAW = Deciding(
    "take a purpose back: at once, and for good",
    lambda client, args: client.decide(args.purpose, granted=False),
    lines,
    lambda _: False,
    example="edge-agent consent withdraw telemetry",
    wrong="there is no such purpose, or the disk refuses",
)
