"""Tier 1 of a help request: what came with a case by standing consent, as blocks to draw and as text to read."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from edge_agent.core.errors import WireError
from edge_agent.core.wire import text_of, unpack
from simulators.desk import around
from simulators.desk.cases import Case

EVIDENCE = "edge.finding.evidence.v1"
MAX_PARTS = 200
MAX_TEXT = 20_000
MAX_DEPTH = 6
_LOG = ("timestamp", "level", "event")
# What names the piece and is told elsewhere.
_OWN = ("request", "case", "part", "block")


class Evidence(NamedTuple):
    """`blocks` each with the Unix seconds that its times count from; `texts` as (which part, what it says)."""

    blocks: list[tuple[float, bytes]]
    texts: list[tuple[str, str]]

    @classmethod
    def of(cls, db: sqlite3.Connection, case: Case) -> Self:
        """All evidence of a case that can be read; what cannot is left out."""
        rows = db.execute(
            "SELECT id, payload, arrived FROM events WHERE gateway=? AND subject=? AND lane IN ('help', 'finding')"
            " AND type=? ORDER BY number LIMIT ?",
            (case.gateway, case.code, EVIDENCE, MAX_PARTS),
        ).fetchall()
        found = cls([], [])
        for ident, payload, arrived in rows:
            try:
                data = unpack(payload)
            except WireError:
                continue
            if not isinstance(data, dict) or text_of(data, "request") not in ("", case.request):
                continue
            match data.get("block"):
                case bytes(block):
                    found.blocks.append((around.dated(db, case.gateway, ident) or arrived, block))
            rest = {name: value for name, value in data.items() if name not in _OWN}
            if rest:
                found.texts.append((text_of(data, "part", 20), _readable(rest)))
        return found


def _readable(rest: dict[str, Any]) -> str:
    """As lines for people; where there is only one thing, its name needs no line."""
    (only, *more) = rest.values()
    return "\n".join(_lines(rest if more else only, 0))[:MAX_TEXT]


def _lines(value: object, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if depth > MAX_DEPTH:
        yield f"{indent}and more"
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _is_small(inner):
                yield f"{indent}{name}: {_words(inner)}"
            else:
                yield f"{indent}{name}:"
                yield from _lines(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            if _is_small(inner):
                yield f"{indent}{_words(inner)}"
            else:
                yield from _lines(inner, depth + isinstance(inner, list))
    else:
        yield f"{indent}{_words(value)}"


def _is_small(value: object) -> bool:
    """Whether it stands in one line."""
    if isinstance(value, list):
        return len(value) <= 6 and not any(isinstance(inner, dict | list) or len(str(inner)) > 200 for inner in value)
    return not isinstance(value, dict)


def _words(value: object) -> str:
    """One value, or a few; a line of a gateway's own log in the order in which people read it."""
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    told = _logged(value) if isinstance(value, str) else None
    if told is None:
        return str(value)
    rest = [f"{name}={inner}" for name, inner in told.items() if name not in _LOG and inner is not None]
    return " ".join([*(str(told[name]) for name in _LOG if name in told), *rest])


def _logged(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
