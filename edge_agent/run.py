"""`edge-agent run`: the daemon's entry. It keeps out what a daemon has no use for before anything else is imported."""

import argparse

from edge_agent.config import DEFAULT_FILE
from edge_agent.lean import keep_out


class _Run:
    help = "run the agent"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.add_argument("--config", default=DEFAULT_FILE, metavar="FILE", help="default: %(default)s")
        parser.epilog = (
            "example:\n  edge-agent run --config config/home.toml   (stop it with Ctrl-C or SIGTERM)\n\n"
            "exit codes: 0 stopped, 1 a vital part failed, 2 wrong usage or configuration"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Run until SIGTERM or Ctrl-C. 0: stopped; 1: a vital part failed; 2: the configuration is wrong."""
        keep_out()
        from edge_agent.daemon import main  # noqa: PLC0415 - after the line above

        return main(args.config)


RUN = _Run()
