"""`edge-agent playbook test`: one playbook on the devices of a scenario, in a time of its own, and the story of it."""

import argparse
import json
import sys

from edge_agent.core.errors import AgentError
from edge_agent.core.playbook import Deed
from simulators.scenario import scenario_names

_EPILOG = """\
examples:
  edge-agent playbook test config/playbooks/flood.toml --scenario flood
  edge-agent playbook test my-pump.toml --scenario my-house.toml --for 6h --language de

exit codes: 0 it made its diagnosis, 1 it did not, 2 wrong usage, playbook or scenario
"""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_S = 7 * 86_400.0


class _Test:
    help = "one playbook against a simulated device"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = _EPILOG
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("file", metavar="FILE", help="the playbook")
        known = ", ".join(scenario_names())
        parser.add_argument("--scenario", required=True, metavar="S", help=f"{known}, or a FILE.toml")
        parser.add_argument(
            "--for", dest="seconds", type=_seconds, default=14_400.0, metavar="TIME", help="default: 4h"
        )
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="chance of the physics (default: 1)")
        parser.add_argument("--language", default="en", help="de, en or es (default: en)")
        parser.add_argument(
            "--may", nargs="*", choices=list(Deed), default=list(Deed), metavar="DEED", help="remedies that are allowed"
        )
        parser.add_argument("--json", action="store_true", help="the story as JSON")

    def run(self, args: argparse.Namespace) -> int:
        """0: it made its diagnosis; 1: it did not; 2: playbook or scenario are wrong."""
        from simulators.playbook.story import Story  # noqa: PLC0415 - only for this command

        try:
            story = Story(args.file, args.scenario, args.seed, args.language, frozenset(args.may))
        except AgentError as error:
            print(error, file=sys.stderr)
            return 2
        story.run(args.seconds)
        if args.json:
            print(json.dumps([line._asdict() for line in story.lines]))
        else:
            for line in story.lines:
                print(f"{_clock(line.at_s)}  {line.what:<10}{line.text}")
            print(story.summary)
        return 0 if story.diagnosed else 1


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


def _seconds(text: str) -> float:
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = 0.0
    if not 1.0 <= seconds <= _MAX_S:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 90s, 30m or 6h, of at most seven days")
    return seconds


COMMAND = _Test()
