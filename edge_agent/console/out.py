"""Printing for a person."""

import sys


def say(line: str) -> None:
    """Print what the terminal's encoding can show, a question mark for the rest, and at once."""
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)  # noqa: T201 - a console talks to a person
