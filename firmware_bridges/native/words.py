"""Texts of a device as the agent can use them: names of channels, and lines that are printable and not too long."""

import re

MAX_TEXT = 160
_NOT_NAME = re.compile(r"[^a-z0-9]+")


def phrase(text: str) -> str:
    """One printable line of bounded length."""
    return "".join(c if c.isprintable() else " " for c in text[:MAX_TEXT]).strip()


def name_of(text: str) -> str:
    """A quantity's name: lower case letters, digits and _, a letter first, at most 32."""
    name = _NOT_NAME.sub("_", text.lower()).strip("_")[:32]
    return name if name[:1].isalpha() else f"c_{name}"[:32].rstrip("_")
