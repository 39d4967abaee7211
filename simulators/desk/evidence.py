"""Tier 1 of a help request: what came with a case by standing consent, as blocks to draw and as text to read."""

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
            if isinstance(inner, dict | list) and inner:
                yield f"{indent}{name}:"
                yield from _lines(inner, depth + 1)
            else:
                yield f"{indent}{name}: {inner}"
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(inner, depth)
            if isinstance(inner, dict):
                yield ""
    else:
        yield f"{indent}{value}"
