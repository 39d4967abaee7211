"""Printing for a person: what was asked for, and what is wrong."""

import sys


def say(line: str) -> None:
    """Print what the terminal's encoding can show, a question mark for the rest, and at once."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)  # noqa: T201 - a console talks to a person


def complain(what: object, code: int) -> int:
    """Say on the error output what is wrong, and give the exit code back."""
    print(f"edge-agent: {what}", file=sys.stderr)  # noqa: T201 - a console talks to a person
    return code
