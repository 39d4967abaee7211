"""`edge-agent help answer`, `say` and `cancel`: what the household tells the desk in an open help request."""

import argparse

from edge_agent.console import story
from edge_agent.console.commands import Question, cancelling
from edge_agent.control.types import LONGEST_TEXT


class Answering(Question):
    """An answer, and to which question."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the answer."""
        super().configure(parser)
        parser.add_argument(
            "answer", metavar="yes|no|OPTION", help="what to answer; `edge-agent help` says what may be"
        )
        told = "the id of the question (default: the one that is asked now)"
        parser.add_argument("--question", metavar="ID", default="", help=told)


class Saying(Question):
    """A text."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the text."""
        super().configure(parser)
        told = f"what to tell the desk, at most {LONGEST_TEXT} characters"
        parser.add_argument("text", metavar="TEXT", type=_text, help=told)


def _text(word: str) -> str:
    if not word.strip() or len(word) > LONGEST_TEXT:
        raise argparse.ArgumentTypeError(f"a text has 1 to {LONGEST_TEXT} characters")
    return word


ANSWER = Answering(
    "answer what the desk asks",
    lambda client, args: client.answer(args.answer, args.question),
    story.help_,
    lambda _: False,
    example="edge-agent help answer yes",
    wrong="nothing is asked, or not so",
)
SAY = Saying(
    "write to the desk in an open help request",
    lambda client, args: client.say(args.text),
    story.help_,
    lambda _: False,
    example='edge-agent help say "The key is under the mat."',
    wrong="no help request is open",
)
CANCEL = cancelling("edge-agent help cancel")
