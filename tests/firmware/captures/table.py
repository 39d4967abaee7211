"""The folder of captured bytes, and the one table of what came of them.

`CAPTURES` names the folder, `make captures` runs all of it and prints the table. Without the folder each test is
skipped with that sentence.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_agent.core.ports import Bridge
from tests.firmware.support import ROOT

FOLDER = Path(os.environ.get("CAPTURES") or ROOT.parent / "shared" / "captures")
COLUMNS = ("frames", "decoded", "rejected", "mismatches", "compared")
TABLE: dict[str, Counter[str]] = {}
NOTES: list[str] = []


def captures() -> Path:
    """The folder of captured bytes, or the test is skipped and says so."""
    if not (FOLDER / "index.json").is_file():
        pytest.skip(f"no captures at {FOLDER}: set CAPTURES to the folder that has index.json")
    return FOLDER


def names(pattern: str) -> list[str]:
    """The files of this pattern, for parametrize; ["none"] where there is no folder."""
    return sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob(pattern)) or ["none"]


def path_of(name: str) -> Path:
    folder = captures()  # skips with the reason
    assert name != "none", f"nothing to decode in {folder}"
    return folder / name


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The rows of a .jsonl file of the folder."""
    for line in path_of(name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def stated(name: str) -> dict[str, Any]:
    """What index.json says of a file."""
    index = json.loads((captures() / "index.json").read_text(encoding="utf-8"))
    entry: dict[str, Any] = next(entry for entry in index["entries"] if entry["file"] == name)
    return entry


def count(
    protocol: str, frames: int, decoded: int, rejected: Bridge | int = 0, mismatches: int = 0, *, compared: int = 0
) -> None:
    """Add to the row of this protocol; `rejected` may be the bridge, whose faults are then counted.

    `compared` is how many values were held against what the source states.
    """
    if not isinstance(rejected, int):
        counts: Mapping[str, int] = rejected.faults.counts  # type: ignore[attr-defined]
        rejected = sum(counts.values())
    TABLE.setdefault(protocol, Counter()).update(
        frames=frames, decoded=decoded, rejected=rejected, mismatches=mismatches, compared=compared
    )


def note(protocol: str, text: str) -> None:
    """Name what cannot be decoded, and why; printed below the table."""
    NOTES.append(f"{protocol}: {text}")


def lines() -> Iterator[str]:
    """The table as text."""
    yield f"{'protocol':22}" + "".join(f"{column:>12}" for column in COLUMNS)
    for protocol, row in sorted(TABLE.items()):
        yield f"{protocol:22}" + "".join(f"{row[column]:12}" for column in COLUMNS)
    yield from sorted(set(NOTES))
