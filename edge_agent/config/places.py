"""Where values stand in the file, and whether the same stands twice: what the checks across tables share."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report

Table = dict[str, Any]


class Device(NamedTuple):
    """One configured device: where it stands, its transport and its fields."""

    path: Path
    transport: str
    table: Table


class Used(NamedTuple):
    """A value, and where it stands."""

    path: Path
    value: Any


def real_path(port: str) -> str:
    """Where a link to a port leads."""
    return os.path.realpath(port) if port.startswith("/") else port


def unique(
    used: list[Used], report: Report, *, expected: str, same: Callable[[Any], Any] = lambda value: value
) -> None:
    """Report each value that stood before; two are one when `same` gives one for both."""
    first: dict[Any, Path] = {}
    for path, value in used:
        identity = same(value)
        if identity in first:
            report.add(path, value, what=f"the same as in line {report.line(first[identity])}", expected=expected)
        first.setdefault(identity, path)


def within(table: Table, name: str) -> Table:
    """A table in a table; empty where there is none."""
    inner = table.get(name)
    return inner if isinstance(inner, dict) else {}
