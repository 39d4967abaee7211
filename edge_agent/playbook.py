"""`edge-agent playbook`: look at playbooks, find what is wrong with them, and try one against a simulated device."""

import argparse
import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.playbooks import load_folder, load_playbook, schema
from edge_agent.console.out import say
from edge_agent.core.playbook import Playbook

# Who can try a playbook: another package than the agent brings it.
TESTERS = "edge_agent.playbook_testers"
_EPILOG = """\
examples:
  edge-agent playbook list config/playbooks
  edge-agent playbook check my-pump.toml
  edge-agent playbook schema > playbook.schema.json
  edge-agent playbook test config/playbooks/flood.toml --scenario flood

exit codes: 0 all well, 1 mistakes, or a playbook that found nothing, 2 wrong usage, or it could not be tried"""
_AS_WRITTEN = argparse.RawDescriptionHelpFormatter
_EXITS = "exit codes: 0 all well, 1 mistakes, 2 wrong usage"


class _PlaybookCommand:
    help = "look at playbooks, check them, or try one against a simulated device"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = _EPILOG
        what = parser.add_subparsers(dest="what", required=True, metavar="list|check|schema|test")
        for name, told in (("list", "what a folder's playbooks are for"), ("check", "every mistake at once")):
            each = what.add_parser(name, help=told, description=told, formatter_class=_AS_WRITTEN)
            place = "FOLDER" if name == "list" else "FILE"
            example = "config/playbooks" if name == "list" else "my-pump.toml"
            each.epilog = f"example:\n  edge-agent playbook {name} {example}\n\n{_EXITS}"
            each.add_argument("place", metavar=place, nargs="+" if name == "check" else None, help="what to look at")
            each.add_argument("--json", action="store_true", help="one JSON document instead of lines")
        told = "the JSON Schema of a playbook, for editors"
        schema_of = what.add_parser("schema", help=told, description=told, formatter_class=_AS_WRITTEN)
        schema_of.epilog = (
            "example:\n  edge-agent playbook schema > playbook.schema.json\n\nexit codes: 0 printed, 2 wrong usage"
        )
        tester = _tester()
        told = "one playbook against a simulated device"
        test = what.add_parser("test", help=told, description=told)
        if tester is not None:
            tester.configure(test)

    def run(self, args: argparse.Namespace) -> int:
        """0: all well; 1: mistakes, or a playbook that found nothing; 2: it could not be tried."""
        if args.what == "schema":
            say(schema_text().rstrip())
            return 0
        if args.what == "test":
            tester = _tester()
            if tester is None:
                sys.stderr.write("edge-agent playbook test: the simulators are not installed\n")
                return 2
            return int(tester.run(args))
        return _list(args) if args.what == "list" else _check(args)


def schema_text() -> str:
    """The schema as it lies beside the playbooks (config/playbooks/playbook.schema.json)."""
    return f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n"


def _tester() -> Any:
    return next((point.load() for point in entry_points(group=TESTERS)), None)


def _list(args: argparse.Namespace) -> int:
    try:
        playbooks = load_folder(args.place)
    except ConfigProblems as problems:
        sys.stderr.write(f"{problems}\n")
        return 1
    if args.json:
        say(json.dumps([_plain(each) for each in playbooks]))
        return 0
    for each in playbooks:
        deeds = "; may " * bool(each.remedies) + ", ".join(remedy.deed for remedy in each.remedies)
        say(f"{each.name:<24}{each.says('en').title}")
        say(f"{'':<24}for {', '.join(each.kinds)}; {each.severity}, {each.confidence}{deeds}")
    return 0


def _check(args: argparse.Namespace) -> int:
    told: list[dict[str, Any]] = []
    wrong = 0
    for place in args.place:
        try:
            names = [each.name for each in (load_folder(place) if Path(place).is_dir() else [load_playbook(place)])]
        except ConfigProblems as problems:
            wrong += 1
            told.append({"file": place, "ok": False, "mistakes": [mistake.text for mistake in problems.mistakes]})
            text = str(problems)
        else:
            told.append({"file": place, "ok": True, "playbooks": names})
            text = f"{place}: {', '.join(names) or 'no playbook'}, all well"
        if not args.json:
            say(text)
    if args.json:
        say(json.dumps(told))
    return 1 if wrong else 0


def _plain(playbook: Playbook) -> dict[str, Any]:
    return {
        "name": playbook.name,
        "kinds": list(playbook.kinds),
        "severity": playbook.severity.value,
        "confidence": playbook.confidence.value,
        "title": {language: told.title for language, told in playbook.told.items()},
        "remedies": [remedy.deed.value for remedy in playbook.remedies],
    }


PLAYBOOK = _PlaybookCommand()
