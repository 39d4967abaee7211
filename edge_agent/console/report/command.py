"""`edge-agent report`, `report verify` and `report compare`."""

import argparse
import json
import sys
import time
from pathlib import Path

from edge_agent import __version__
from edge_agent.console.commands import WELL, WRONG, Asking
from edge_agent.console.out import complain, say
from edge_agent.console.report.compare import differences
from edge_agent.console.report.page import language_of, page
from edge_agent.console.report.seal import BadReportError, Opened, fingerprint, opened
from edge_agent.console.text import clean, size, table
from edge_agent.control.client import Client, ControlRefusedError
from edge_agent.control.types import pretty
from edge_agent.texts import languages

LOOK_S = 0.2


class Reporting(Asking):
    """Make one."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        super().configure(parser)
        parser.add_argument("--out", type=Path, metavar="FILE", help="default: edge-agent-report-DATE.html, here")
        parser.add_argument("--language", choices=languages(), help="default: the gateway's")
        parser.add_argument("--no-check", action="store_true", help="do not let the gateway examine itself before")

    def talk(self, client: Client, args: argparse.Namespace) -> int:
        """Examine, ask, write; JSON goes to the output instead."""
        if not args.no_check:
            _examine(client, quiet=args.json)
        report = client.report()
        if args.json:
            say(pretty(report))
            return WELL
        out = args.out or Path(time.strftime("edge-agent-report-%Y%m%d-%H%M%S.html"))
        try:
            made = page(report, args.language or "").encode()
            out.write_bytes(made)
        except (BadReportError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            return complain(f"the report cannot be written to {out}: {why}; name another file with --out", WRONG)
        say(f"Written to {out} ({size(len(made))}), signed with the key {fingerprint(report.key)}.")
        say("It opens in every browser without a network. Look through it before you hand it on.")
        return WELL


def _examine(client: Client, *, quiet: bool) -> None:
    """Let the gateway examine itself; one that does so already is waited for."""
    try:
        found = client.start_selftest()
    except ControlRefusedError:
        found = client.selftest()
    if not quiet:
        say(clean(found.sentence))
    while found.outcome == "running":
        time.sleep(LOOK_S)
        found = client.selftest()
        if not quiet and sys.stdout.isatty():
            sys.stdout.write(f"\r{len(found.results)} of {found.planned or '?'} ...")
            sys.stdout.flush()
    if not quiet:
        say(("\r" if sys.stdout.isatty() else "") + clean(found.sentence))


class _Files:
    """Common to those that read reports: the way a file is opened, and its faults told."""

    help = ""

    def _opened(self, path: Path) -> tuple[Opened, str] | None:
        try:
            return opened(path)
        except BadReportError as error:
            complain(f"{path}: {error}", WRONG)
        except OSError as error:
            complain(f"{path} cannot be read: {error.strerror}", WRONG)
        return None


class Verifying(_Files):
    """Check one."""

    help = "check that a report is as its gateway signed it"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.epilog = (
            "example:\n  edge-agent report verify report.html --key '1f0c 22b7 9e4d 01aa'\n\n"
            "exit codes: 0 it is as it was signed, 1 it is not, or by another key, 2 wrong usage"
        )
        parser.add_argument("file", type=Path, metavar="FILE", help="the report")
        parser.add_argument("--key", metavar="FINGERPRINT", help="as `edge-agent report` prints it there")
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def run(self, args: argparse.Namespace) -> int:
        """Say whether it is; the page around the data is made anew and compared."""
        found = self._opened(args.file)
        if found is None:
            return WRONG
        (report, told), html = found
        key, version = fingerprint(report.key), str((told.get("status") or {}).get("version"))
        if args.key and args.key.replace(" ", "").lower() != key.replace(" ", ""):
            return complain(f"{args.file}: it is signed with another key, {key}", WRONG)
        try:
            same_page = page(report, language_of(html)) == html
        except BadReportError as error:
            return complain(f"{args.file}: {error}", WRONG)
        if not same_page and version == __version__:
            return complain(
                f"{args.file}: the data are as they were signed, but the page around them was changed", WRONG
            )
        if args.json:
            say(json.dumps({"signed": True, "key": key, "page": same_page, "version": version, "made": told["made"]}))
            return WELL
        say(f"The report of {clean(str(told['made']))} is as it was signed, with the key {key}.")
        if not same_page:
            say(f"Its page was made by version {clean(version)}: of it nothing is said, only of the data in it.")
        if not args.key:
            say("Whose key that is, only the gateway can say: `edge-agent report` prints it there.")
        return WELL


class Comparing(_Files):
    """Two of them."""

    help = "say what is better and what is worse between two reports of one gateway"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.epilog = (
            "example:\n  edge-agent report compare before.html after.html\n\n"
            "exit codes: 0 nothing is worse, 1 something is, or a report is not as it was signed, 2 wrong usage"
        )
        parser.add_argument("before", type=Path, metavar="BEFORE", help="the earlier report")
        parser.add_argument("after", type=Path, metavar="AFTER", help="the later one")
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def run(self, args: argparse.Namespace) -> int:
        """Print the differences, what is worse first."""
        first, second = self._opened(args.before), self._opened(args.after)
        if first is None or second is None:
            return WRONG
        if first[0].report.key != second[0].report.key:
            return complain("these reports are of two gateways: their keys differ", WRONG)
        try:
            found = differences(first[0].told, second[0].told)
        except BadReportError as error:
            return complain(error, WRONG)
        worse = any(difference.trend == "worse" for difference in found)
        if args.json:
            say(json.dumps([difference._asdict() for difference in found], indent=2))
        elif not found:
            say("Nothing has changed.")
        else:
            rows = [(each.trend, each.what, each.before, each.after) for each in found]
            for line in table(("TREND", "WHAT", "BEFORE", "AFTER"), rows, colour=False):
                say(line)
        return WRONG if worse else WELL


REPORT = Reporting(
    "write all about this gateway into one signed file that opens on a phone; what is private is left out",
    example="edge-agent report --out before.html",
    wrong="the report cannot be made or written",
)
VERIFY = Verifying()
COMPARE = Comparing()
