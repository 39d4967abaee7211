"""The command `edge-agent watch`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from edge_agent.console.commands import Asking
from edge_agent.control.client import Client

USAGE = 2
MISSING = """edge-agent: the screen needs the package textual, which is not installed here.
Install it: pip install 'edge-agent[console]' (in the project's folder: .venv/bin/pip install -e '.[console]'),
or watch line by line: edge-agent watch --plain"""


class Watching(Asking):
    """The screen, or lines."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the choice of the two; there is no JSON of a screen (edge-agent events --json)."""
        super().configure(parser)
        told = "line by line, for a screen reader, a log or a terminal without cursor control"
        parser.add_argument("--plain", action="store_true", help=told)

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Until the person leaves."""
        if args.json:
            print("edge-agent: a screen has no JSON. Use: edge-agent events --json", file=sys.stderr)  # noqa: T201
            return USAGE
        client.status()  # an agent that is not there is told before the screen is taken
        command = _runner(os.fspath(client.path))
        if args.plain or not sys.stdout.isatty() or os.environ.get("TERM") in (None, "", "dumb"):
            from edge_agent.console.watch import plain  # noqa: PLC0415 - one of the two

            return plain.watch(client, command)
        try:
            from edge_agent.console.watch import screen  # noqa: PLC0415 - Textual is an extra
        except ImportError:
            print(MISSING, file=sys.stderr)  # noqa: T201 - a console talks to a person
            return USAGE
        return screen.run(client, command)


def _runner(socket: str) -> Callable[[Sequence[str]], int]:
    """Runs another command of the console at the same agent."""

    def run(words: Sequence[str]) -> int:
        from edge_agent.console.cli import main  # noqa: PLC0415 - it imports this one

        try:
            return main([*words, "--socket", socket])
        except SystemExit as end:  # argparse, about its arguments
            return int(end.code or 0)

    return run


WATCH = Watching(
    "watch the agent live: channels, findings, lamp, help and queue",
    example="edge-agent watch\n  edge-agent watch --plain",
    wrong="the agent refuses",
)
