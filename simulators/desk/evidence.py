"""Tier 1 of a help request: what came with a case by standing consent, as blocks to draw and as text to read."""

import json
import sqlite3
from typing import Any, NamedTuple, Self

from edge_agent.core.errors import WireError
from edge_agent.core.wire import text_of, unpack
from simulators.desk import around
from simulators.desk.cases import Case

EVIDENCE = "edge.finding.evidence.v1"
MAX_PARTS = 200
MAX_TEXT = 20_000
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
    """Lines stay lines; everything else as JSON, which anybody at a desk can read."""
    lines = next(iter(rest.values())) if len(rest) == 1 else None
    if isinstance(lines, str):
        return lines[:MAX_TEXT]
    if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
        return "\n".join(lines)[:MAX_TEXT]
    return json.dumps(rest, indent=1, ensure_ascii=False, default=repr)[:MAX_TEXT]
