"""`edge-agent check`: the gateway examines itself, and says of each thing how it is and what to do.

The running agent does it. Where none runs, this command looks at what can be seen without one.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from edge_agent import __version__
from edge_agent.config import DEFAULT_FILE
from edge_agent.console.out import complain, say
from edge_agent.console.text import clean, paint
from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.types import Probed, SelfTest, pretty
from edge_agent.core.selftest import Found, Result, fail, not_run, ok, overall
from edge_agent.texts import Said, texts

if TYPE_CHECKING:
    from edge_agent.config.model import Config

WELL, WRONG, UNREACHED, CARE = 0, 1, 3, 4
LOOK_S = 0.2
COLOURS = {"ok": "green", "warn": "amber", "fail": "red", "not_run": "", "unknown": ""}
_EPILOG = """\
examples:
  edge-agent check                  all of it, the answer of the service desk included; at most a minute
  edge-agent check --no-round-trip  without asking the desk
  edge-agent check --last           what the last one found
  edge-agent check --json | jq '.results[] | select(.verdict == "fail")'

Where no agent runs, it looks at what can be seen without one: configuration, computer, disk, ports, way to the broker.

exit codes: 0 well, 1 something has failed, 2 wrong usage, 3 no agent runs here (and what could be seen was looked at),
4 it works but something needs care"""


class Check:
    """The command."""

    help = "let the gateway examine itself: power, disk, devices, button, and the way to the service step by step"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.epilog = _EPILOG
        parser.add_argument("--json", action="store_true", help="print JSON for programs, once it is done")
        parser.add_argument("--last", action="store_true", help="only tell what the last one found")
        parser.add_argument("--no-round-trip", action="store_true", help="do not ask the service desk for an answer")
        parser.add_argument("--config", default=DEFAULT_FILE, metavar="FILE", help="where no agent runs: %(default)s")
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")

    def run(self, args: argparse.Namespace) -> int:
        """Ask the agent, or look without one."""
        client = Client(args.socket)
        try:
            begun = client.selftest() if args.last else client.start_selftest(round_trip=not args.no_round_trip)
        except ControlRefusedError as error:
            return complain(error, WRONG)
        except ControlError as error:
            complain(error, UNREACHED)
            return UNREACHED if args.last else alone(args.config, as_json=args.json)
        try:
            done = begun if args.last else self._follow(client, begun, as_json=args.json)
        except ControlError as error:
            return complain(f"the agent went away while it examined itself. {error}", UNREACHED)
        if args.json:
            say(pretty(done))
        else:
            if args.last:
                _each(done.results, done.language)
            say(_bottom(done))
        if done.version != __version__:
            told = f"the agent is of version {done.version}, this command of {__version__}: restart the agent"
            complain(told, WRONG)
        return code_of(done)

    def _follow(self, client: Client, found: SelfTest, *, as_json: bool) -> SelfTest:
        """Tell each result of one that has begun as it comes."""
        told: set[str] = set()  # at the end they come in another order
        if not as_json:
            say(clean(found.sentence))
        while True:
            if not as_json:
                _each([result for result in found.results if result.name not in told], found.language)
                told |= {result.name for result in found.results}
                _progress(len(told), found.planned, over=found.outcome == "done")
            if found.outcome == "done":
                return found
            time.sleep(LOOK_S)
            found = client.selftest()


def code_of(done: SelfTest) -> int:
    """The exit code."""
    return {"ok": WELL, "warn": CARE, "fail": WRONG}.get(done.verdict, WRONG)


def alone(file: str, *, as_json: bool) -> int:
    """What can be seen without an agent; it ends with 3 in any case, for a household without an agent has no help."""
    from edge_agent.examine import probed  # noqa: PLC0415 - only where no agent runs

    config, found = _configured(file)
    here = texts(config.gateway.language)
    told: Callable[[Result], None] = lambda result: (  # noqa: E731
        None if as_json else _each([probed(result, here)], here.language)
    )
    results = list(_looked(config, found, told))
    verdict = overall(results)
    wrong = sum(result.found.verdict is verdict for result in results)
    sentence = here.say(f"selftest.{verdict.value}", n=wrong)
    rows = [probed(result, here) for result in results]
    done = SelfTest("alone", verdict.value, sentence, __version__, rows, len(rows), language=here.language)
    say(pretty(done) if as_json else f"\n{here.say('selftest.alone')} {sentence}")
    return UNREACHED


def _configured(file: str) -> tuple["Config", Found]:
    """The configuration, or where it is wrong the one that holds without a file; and what there is to say of it."""
    from edge_agent.config.load import load  # noqa: PLC0415
    from edge_agent.config.mistakes import ConfigProblems  # noqa: PLC0415
    from edge_agent.config.model import Config  # noqa: PLC0415
    from edge_agent.drivers.registry import LANGUAGES  # noqa: PLC0415

    try:
        return load(file, LANGUAGES), ok(Said("probe.config", file=file))
    except ConfigProblems as problems:
        first = str(problems).partition("\n")[0]
        return Config(), fail(first, Said("probe.config_fix", file=file))


def _looked(config: "Config", found: Found, told: Callable[[Result], None]) -> Iterator[Result]:
    from edge_agent import settings  # noqa: PLC0415
    from edge_agent.core.health import CONDITIONS  # noqa: PLC0415
    from edge_agent.probes import local_probes  # noqa: PLC0415
    from edge_agent.services.selftest.runner import examine  # noqa: PLC0415

    def said(name: str, found: Found) -> Result:
        result = Result(name, found, CONDITIONS[name].severity)
        told(result)
        return result

    yield said("config", found)
    folder = settings.state_folder(config.paths.state)
    if not folder.is_dir():
        yield said("store", not_run(Said("probe.no_folder", folder=folder), Said("probe.no_folder_fix")))
        folder = next(each for each in folder.parents if each.is_dir())
    yield from asyncio.run(examine(list(local_probes(config, folder)), told))


def _each(results: list[Probed], language: str) -> None:
    """Two lines at the most for a result: how it is, and what to do."""
    here, colour = texts(language), sys.stdout.isatty()
    for result in results:
        _clear_line()
        word = here.get(f"verdict.{result.verdict}", result.verdict)
        mark = paint(f"{word:<13}", COLOURS.get(result.verdict, ""), colour=colour)
        say(f"{mark} {clean(result.title):<34} {clean(result.evidence)}")
        if result.fix and result.verdict != "ok":
            say(f"{'':<13} {'':<34} -> {clean(result.fix)}")


def _bottom(done: SelfTest) -> str:
    took = f" ({done.seconds:.1f} s)" if done.seconds else ""
    return f"\n{clean(done.sentence)}{took}"


def _progress(told: int, planned: int, *, over: bool) -> None:
    if sys.stdout.isatty() and not over:
        sys.stdout.write(f"\r{told} of {planned or '?'} ...")
        sys.stdout.flush()


def _clear_line() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K")


CHECK = Check()
