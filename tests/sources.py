"""The agent's own sources, for tests that look at how something is written."""

import ast
from collections.abc import Iterator
from pathlib import Path

AGENT = Path(__file__).parents[1] / "edge_agent"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every file of the agent, by its path in it, and what is written there."""
    for file in sorted(AGENT.rglob("*.py")):
        yield file.relative_to(AGENT), _parsed(file)


def _parsed(file: Path) -> ast.Module:
    # before 3.11.5 CPython may say SystemError of a source that is right, where something else was parsed meanwhile
    # (github.com/python/cpython/issues/106905)
    for _ in range(3):
        try:
            return ast.parse(file.read_text("utf-8"))
        except SystemError:
            continue
    raise AssertionError(file)
