"""`edge-agent demo`: the main job in a terminal, without hardware."""

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path

import structlog

from edge_agent.core.errors import AgentError, ConfigError
from simulators.scenario import scenario_names

_EPILOG = """\
examples:
  edge-agent demo                         a home, until Ctrl-C
  edge-agent demo vehicle --for 60        a van, for a minute, with a summary
  edge-agent demo home --for 60 --seed 11 --report report.json
  edge-agent demo home --no-network       no network when somebody calls for help: an SMS carries the call
  edge-agent demo home --fast             physics three times as fast: faults grow sooner

exit codes: 0 all well, 1 something was lost, doubled or failed, 2 wrong usage, or it could not start
"""


class _Command:
    help = "the agent among simulated devices, a real broker and a service desk"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = _EPILOG
        known = ", ".join(scenario_names())
        parser.add_argument("scenario", nargs="?", default="home", help=f"{known}, or a FILE.toml (default: home)")
        parser.add_argument(
            "--for", dest="seconds", type=_seconds, metavar="SECONDS", help="end by itself after this long"
        )
        parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="chance of the physics (default: 1)")
        parser.add_argument("--fast", action="store_true", help="speed the physics, never the agent's clock")
        parser.add_argument(
            "--no-network", action="store_true", help="broker and HTTPS are away at the press; a modem carries the call"
        )
        parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep logs and state there")
        parser.add_argument("--json", action="store_true", help="print the report, and the story on standard error")

    def run(self, args: argparse.Namespace) -> int:
        """0: all well; 1: something was lost, doubled or failed; 2: it could not start."""
        from simulators.demo.run import Demo, Wish  # noqa: PLC0415 - heavy, and only for this command

        # the story is told by the narrator; the agent's own log is a file
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        wish = Wish(args.scenario, args.seconds, args.seed, args.fast, args.keep, args.json, args.no_network)
        try:
            if args.report:
                _expect_place(args.report)
            report = asyncio.run(Demo(wish).run())
            if args.report:
                args.report.write_text(json.dumps(report.plain(), indent=2) + "\n", encoding="utf-8")
        except AgentError as error:
            print(f"edge-agent demo: {error}", file=sys.stderr)
            return 2
        except OSError as error:
            print(f"edge-agent demo: {error.filename}: {error.strerror}", file=sys.stderr)
            return 2
        if args.json:
            print(json.dumps(report.plain(), indent=2))
        return 0 if report.well else 1


def _seconds(text: str) -> float:
    wrong = argparse.ArgumentTypeError(f"{text} is no number from 5 to 86400")
    try:
        value = float(text)
    except ValueError:
        raise wrong from None
    if not 5 <= value <= 86400:
        raise wrong
    return value


def _expect_place(report: Path) -> None:
    """Raises ConfigError where no report could be written: said before the demo, not after it."""
    folder = report.parent
    if report.is_dir():
        raise ConfigError(f"--report {report} is a folder", fix="Name a file")
    if not folder.is_dir():
        raise ConfigError(f"--report {report}: there is no folder {folder}", fix="Make it first")
    if not os.access(report if report.exists() else folder, os.W_OK):
        raise ConfigError(f"--report {report}: you may not write there", fix="Name another file")


COMMAND = _Command()
