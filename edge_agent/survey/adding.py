"""What was found on site is put at the end of the configuration: comments stay, and mistakes are found before."""

import argparse
import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from edge_agent.config import DEFAULT_FILE
from edge_agent.config.load import parse
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.source import read_source
from edge_agent.console.commands import WELL, WRONG
from edge_agent.console.out import complain, say
from edge_agent.console.text import clean
from edge_agent.core.errors import StoreError
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.store.files import replace_file

Plain = str | int | float | bool
RESTART = "Restart the agent, so that it knows it: sudo systemctl restart edge-agent"
_UNSHOWN = "***"


class Addition(NamedTuple):
    """One `[[table]]` with its values, a comment above it, and a text among the values that nobody is shown (a key)."""

    table: str
    values: Mapping[str, Plain | Mapping[str, Plain]]
    comment: str = ""
    secret: str = ""

    @property
    def toml(self) -> str:
        """As it is put in the file."""
        comment = [f"# {clean(self.comment)}"] if self.comment else []
        lines = [f"{name} = {_toml(value)}" for name, value in self.values.items()]
        return "\n".join([*comment, f"[[{self.table}]]", *lines]) + "\n"

    @property
    def shown(self) -> str:
        """As a person may see it."""
        return self.toml.replace(self.secret, _UNSHOWN) if self.secret else self.toml


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config: the file that something is added to."""
    told = "the configuration that --add changes (default: %(default)s)"
    parser.add_argument("--config", default=DEFAULT_FILE, metavar="FILE", help=told)


def add(file: str, addition: Addition) -> None:
    """Put it at the end of the file, whose owner and mode stay.

    Raises ConfigProblems with all mistakes that the file has, or would have then, and StoreError where it cannot be
    written. Nothing is changed in either case.
    """
    source = read_source(file)
    parse(source, file, LANGUAGES)
    newline = "\r\n" if "\r\n" in source else "\n"
    ends = "" if not source or source.endswith("\n") else newline
    added = ends + newline + addition.toml.replace("\n", newline)
    parse(source + added, file, LANGUAGES)
    real = Path(os.path.realpath(file))
    before = real.read_bytes()
    if before.decode("utf-8-sig", "replace") != source:
        raise StoreError(f"{file} was changed by somebody else just now", fix="Try again.")
    replace_file(real, before + added.encode(), like=real.stat())


def add_and_tell(file: str, addition: Addition, *, as_json: bool) -> int:
    """The same for a command: says what was added, or why nothing was and what to put in by hand. An exit code."""
    try:
        add(file, addition)
    except ConfigProblems as problems:
        return refuse(f"nothing was changed:\n{problems}", addition, as_json=as_json)
    except (StoreError, OSError, UnicodeEncodeError) as error:
        return refuse(f"nothing was changed: {_readable(error)}", addition, as_json=as_json)
    if as_json:
        say(json.dumps({"ok": True, "file": file, "added": addition.shown, "next": RESTART}))
    else:
        say(f"Added to {clean(file)}:\n\n{addition.shown}\n{RESTART}")
    return WELL


def refuse(why: str, addition: Addition | None = None, *, as_json: bool) -> int:
    """Say why nothing is added, and what would have been; an exit code."""
    if as_json:
        say(json.dumps({"ok": False, "error": why, "not_added": addition.shown if addition else ""}))
        return WRONG
    by_hand = f"\n\nWhat would have been added:\n\n{addition.shown}" if addition else ""
    return complain(f"{why}{by_hand}", WRONG)


def _readable(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, StoreError) else error
    if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM):
        return f"{error.args[0] if isinstance(error, StoreError) else error}. Run it again with sudo"
    return str(error)


def _toml(value: Plain | Mapping[str, Plain]) -> str:
    """A value as TOML: JSON's form, but for tables and for the one character that TOML wants escaped besides."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
