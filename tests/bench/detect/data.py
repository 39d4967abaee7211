"""The folder of labelled channels: CSV files (`timestamp`, then one column a channel) and labels.json beside them.

A label says of each file: `suite`, `rows`, `windows` ([first, last] row of each event, from 0, both in it), and how
many rows at the start are `unscored`.
"""

import csv
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Series(NamedTuple):
    """One file. `times` are Unix seconds; each column of `columns` is a channel; NaN is a missing reading."""

    name: str
    suite: str
    times: list[float]
    columns: list[list[float]]
    windows: list[tuple[int, int]]
    unscored: int

    @property
    def rows(self) -> int:
        return len(self.times)


def load(folder: Path) -> list[Series]:
    """All that labels.json names. Raises SystemExit with a sentence where there is none."""
    labels = folder / "labels.json"
    if not labels.is_file():
        raise SystemExit(
            f"{folder} has no labels.json. This bench needs a folder of labelled channels, which is no part of the "
            "project: make bench-detect DATA=/path/to/folder (docs/detection.md says what is in it)."
        )
    found = json.loads(labels.read_text("utf-8"))
    return [_series(folder, name, label) for name, label in sorted(found.items())]


def _series(folder: Path, name: str, label: dict) -> Series:
    with (folder / name).open(newline="") as file:
        _, *rows = csv.reader(file)
    times = [datetime.fromisoformat(row[0]).replace(tzinfo=UTC, microsecond=0).timestamp() for row in rows]
    columns = [[_number(row[column]) for row in rows] for column in range(1, len(rows[0]))]
    windows = [(first, last) for first, last in label["windows"]]
    return Series(name, label["suite"], times, columns, windows, math.ceil(label["unscored"]))


def _number(text: str) -> float:
    return float(text) if text else math.nan
