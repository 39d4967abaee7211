"""`edge-agent survey` alone: which surveys there are."""

import argparse

from edge_agent.console.cli import COMMANDS, find
from edge_agent.console.commands import WELL
from edge_agent.console.out import say

EPILOG = """example:
  edge-agent survey ble --for 1m

exit codes: 0 they were named, 2 wrong usage"""


class Overview:
    """The command."""

    help = "listen to what is near, on site: each survey is a command of its own"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """It takes nothing."""
        parser.epilog = EPILOG

    def run(self, _: argparse.Namespace) -> int:
        """Name them."""
        for name in COMMANDS:
            if name.startswith("survey ") and (command := find(name)):
                say(f"edge-agent {name:<14}  {command.help}")
        return WELL


SURVEY = Overview()
