"""The script `edge-agent`: finds the command and hands it its arguments.

Nothing is imported before it is needed: `edge-agent run` is the daemon, and every module that stays in it for
nothing costs memory for months (http.client is 6.7 MB when it comes alone, importlib.metadata 4.7).
"""

import argparse
import errno
import os
import sys
from importlib import import_module
from typing import Any, Protocol

from edge_agent import __version__

# Where each command is; the object there is a Command. Commands of other packages come by ENTRY_POINTS.
COMMANDS = {
    "status": "edge_agent.console.commands:STATUS",
    "queue": "edge_agent.console.commands:QUEUE",
    "queue offline": "edge_agent.offline:OFFLINE",
    "queue dump": "edge_agent.offline:DUMP",
    "findings": "edge_agent.console.findings:FINDINGS",
    "findings explain": "edge_agent.console.findings:EXPLAIN",
    "findings normal": "edge_agent.console.findings:NORMAL",
    "findings clear": "edge_agent.console.findings:CLEAR",
    "findings shelve": "edge_agent.console.findings:SHELVE",
    "findings unshelve": "edge_agent.console.findings:UNSHELVE",
    "help": "edge_agent.console.commands:HELP",
    "help lamp": "edge_agent.card:LAMP_CARD",
    "help answer": "edge_agent.console.helping:ANSWER",
    "help say": "edge_agent.console.helping:SAY",
    "help cancel": "edge_agent.console.helping:CANCEL",
    "help test": "edge_agent.console.helptest:TEST",
    "lamp": "edge_agent.console.commands:LAMP",
    "channels": "edge_agent.console.commands:CHANNELS",
    "metrics": "edge_agent.console.commands:METRICS",
    "events": "edge_agent.console.commands:EVENTS",
    "watch": "edge_agent.console.watch.command:WATCH",
    "consent": "edge_agent.console.consenting:CONSENT",
    "consent give": "edge_agent.console.consenting:GIVE",
    "consent withdraw": "edge_agent.console.consenting:WITHDRAW",
    "console": "edge_agent.console.web.command:SERVE",
    "console open": "edge_agent.console.page:OPEN",
    "console shut": "edge_agent.console.page:SHUT",
    "press": "edge_agent.console.commands:PRESS",
    "cancel": "edge_agent.console.commands:CANCEL",
    "report": "edge_agent.console.report.command:REPORT",
    "report verify": "edge_agent.console.report.command:VERIFY",
    "report compare": "edge_agent.console.report.command:COMPARE",
    "check": "edge_agent.check:CHECK",
    "survey": "edge_agent.survey.overview:SURVEY",
    "survey ble": "edge_agent.survey.ble:SURVEY_BLE",
    "survey gpio": "edge_agent.survey.gpio:SURVEY_GPIO",
    "survey serial": "edge_agent.survey.serial:SURVEY_SERIAL",
    "playbook": "edge_agent.playbook:PLAYBOOK",
    "completion": "edge_agent.console.completion:COMPLETION",
    "run": "edge_agent.run:RUN",
    "check-config": "edge_agent.check_config:CHECK_CONFIG",
}
ENTRY_POINTS = "edge_agent.commands"
USAGE = 2
INTERRUPTED = 130


class Command(Protocol):
    """One command: a line for the overview, its arguments, and what it does."""

    help: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments; `parser.epilog` is shown as it is written, so an example goes there."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's own, told the width: to find it by itself it imports shutil with all its compressors, 0.3 MB."""

    def __init__(self, prog: str) -> None:
        try:
            width = os.get_terminal_size().columns
        except OSError:
            width = 80
        super().__init__(prog, width=width - 2)

    def _split_lines(self, text: str, width: int) -> list[str]:
        """The name of a command is never broken at its hyphen."""
        from textwrap import wrap  # noqa: PLC0415 - as argparse does

        return wrap(" ".join(text.split()), width, break_on_hyphens=False)


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code (2: the command line was wrong)."""
    words = sys.argv[1:] if argv is None else argv
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - while it runs; no pathlib
    try:
        code = _dispatch(words)
        sys.stdout.flush()  # so that a closed pipe shows here and not at exit
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        # print has no file name to tell; what a command could not open or reach, it has told by itself
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            raise
        _drop_output()
        print(f"edge-agent: the output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _drop_output() -> None:
    """What is still buffered goes nowhere, so that the end of the program does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(words: list[str]) -> int:
    # a command of two words goes before one of one
    length = 2 if " ".join(words[:2]) in COMMANDS else 1
    name, rest = " ".join(words[:length]), words[length:]
    if name in ("-h", "--help", "--version"):
        print(f"edge-agent {__version__}" if name == "--version" else _overview())  # noqa: T201 - to a person
        return 0
    if not name or name.startswith("-"):
        return _complain(f"unknown option {name}" if name else "which command?")
    try:
        command = find(name)
    except (ImportError, AttributeError) as error:
        return _complain(f"the command {name} is not complete on this machine: {error}")
    if command is None:
        return _complain(f"there is no command {name}{_nearest(name)}")
    if rest and not rest[0].startswith("-") and (inner := _inner(name)):
        word = f"{name} {rest[0]}"
        return _complain(f"there is no command {word}" + (_nearest(word) or f"; there are {', '.join(inner)}"))
    return command.run(parser_of(name, command).parse_args(rest))


def parser_of(name: str, command: Command) -> argparse.ArgumentParser:
    """What reads the command's arguments, and tells them with --help."""
    parser = argparse.ArgumentParser(
        prog=f"edge-agent {name}",
        description=command.help,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    command.configure(parser)
    if inner := _inner(name):
        parser.epilog = f"{parser.epilog or ''}\n\nmore commands, each with its own --help: {', '.join(inner)}".strip()
    return parser


def _inner(name: str) -> list[str]:
    """The commands of two words that begin so; the first word alone then takes nothing but options."""
    return [each for each in COMMANDS if each.startswith(f"{name} ")]


def find(name: str) -> Command | None:
    """The command of that name. Raises ImportError or AttributeError where it is not complete on this machine."""
    if name in COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found: Command = getattr(import_module(module), attribute)
        return found
    point = others().get(name)
    return point.load() if point else None


def others() -> dict[str, Any]:
    """Commands that other packages bring. A command of ours keeps its name."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - not for the daemon

    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in COMMANDS}


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - not for the daemon

    near = get_close_matches(name, [*COMMANDS, *others()], n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _overview() -> str:
    lines = ["usage: edge-agent COMMAND [options]", "", "commands:"]
    names = (*COMMANDS, *sorted(others()))
    width = max(map(len, names))
    for name in names:
        try:
            command = find(name)
            told = command.help if command else ""
        except (ImportError, AttributeError) as error:
            told = f"(not complete on this machine: {error})"
        lines.append(f"  {name:<{width}}  {told}")
    lines += ["", "edge-agent COMMAND --help shows options and an example; edge-agent --version the version."]
    return "\n".join(lines)


def _complain(what: str) -> int:
    print(f"edge-agent: {what}\nSee edge-agent --help.", file=sys.stderr)  # noqa: T201
    return USAGE
