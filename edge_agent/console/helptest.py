"""`edge-agent help test`: begins a test of the way to the desk, and tells each step as it is reached."""

import argparse
import time

from edge_agent.console.commands import WELL, WRONG, Asking
from edge_agent.console.out import say
from edge_agent.console.text import clean, span
from edge_agent.control.client import Client
from edge_agent.control.types import HelpTest, pretty

LOOK_S = 0.1
RUNNING, PASSED, NEVER = "running", "passed", "never"


class Testing(Asking):
    """Begin one, or look at the last one."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the option."""
        super().configure(parser)
        parser.add_argument("--last", action="store_true", help="only tell how the last test went")

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Exit code 0 where the desk has answered."""
        found = client.help_test() if args.last else self._follow(client, quiet=args.json)
        if args.json:
            say(pretty(found))
        else:
            for line in _result(found, steps=args.last):
                say(line)
        return WELL if found.outcome == PASSED else WRONG

    def _follow(self, client: Client, *, quiet: bool) -> HelpTest:
        found = client.start_help_test()
        told: set[str] = set()
        if not quiet:
            say(clean(found.sentence))
        while True:
            for step, seconds in _steps(found):
                if step not in told and not quiet:
                    say(f"  {seconds:7.3f} s  {clean(found.steps.get(step, step))}")
                told.add(step)
            if found.outcome != RUNNING:
                return found
            time.sleep(LOOK_S)
            found = client.help_test()


def _steps(found: HelpTest) -> list[tuple[str, float]]:
    steps = (("recorded", found.recorded_s), ("sent", found.sent_s), ("desk", found.desk_s))
    return [(step, seconds) for step, seconds in steps if seconds is not None]


def _result(found: HelpTest, *, steps: bool) -> list[str]:
    lines = [clean(found.sentence)]
    if found.fix:
        lines.append(clean(found.fix))
    if steps and found.since_s is not None:
        how = "by itself" if found.scheduled else "asked for"
        lines.append(f"  {span(found.since_s)} ago, {how}")
        lines += [f"  {seconds:7.3f} s  {clean(found.steps.get(step, step))}" for step, seconds in _steps(found)]
    if steps and found.next_s is not None:
        lines.append(f"  the next one by itself in {span(found.next_s)}")
    return lines


TEST = Testing(
    "test the way to the service desk from end to end; nobody is called",
    example="edge-agent help test",
    wrong="the desk has not answered, or it is no time for a test",
)
