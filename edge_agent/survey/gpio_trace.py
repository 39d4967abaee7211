"""The picture of a line over time, as an oscilloscope shows it: two rows of text for high and low, and an axis."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edge_agent.control.types import GpioEdge

LABEL = "high "
COLUMNS = 74  # with the label within 80
# What an axis may be divided in, and how far apart its figures stand at the least.
STEPS = (1.0, 2.0, 5.0)
APART = 9


class Strokes(NamedTuple):
    """Upper and lower sign of a column: at rest high and low, one edge up and down, several edges."""

    high: str
    low: str
    up: str
    down: str
    many: str


LINES = Strokes("─ ", " ─", "┌┘", "┐└", "┬┴")
# An underscore of the upper row is the top of the lower one.
ASCII = Strokes("_ ", " _", " |", " |", " #")


def strokes(encoding: str) -> Strokes:
    """Lines where the terminal's encoding has them."""
    try:
        "".join(LINES).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return LINES


def picture(edges: Sequence[GpioEdge], begin_ms: float, end_ms: float, signs: Strokes) -> Iterator[str]:
    """Three lines: what these edges, all of a line that there are, did from `begin_ms` to `end_ms`.

    The axis is in milliseconds, 0 at the first edge of that time.
    """
    width_ms = (end_ms - begin_ms) / COLUMNS
    columns = [signs.low] * COLUMNS
    shown = [edge for edge in edges if begin_ms <= edge.at_ms < end_ms]
    level, rest = _before(edges, begin_ms), shown
    for number in range(COLUMNS):
        here = [edge for edge in rest if edge.at_ms < begin_ms + (number + 1) * width_ms]
        rest = rest[len(here) :]
        columns[number] = _column(here, level, signs)
        level = here[-1].high if here else level
    yield LABEL + "".join(column[0] for column in columns).rstrip()
    yield "low".ljust(len(LABEL)) + "".join(column[1] for column in columns).rstrip()
    yield axis(begin_ms - (shown[0].at_ms if shown else begin_ms), width_ms)


def axis(begin_ms: float, width_ms: float) -> str:
    """Figures below their columns; `begin_ms` is that of the first column, `width_ms` what one of them takes."""
    step = _step(APART * width_ms)
    line = " " * len(LABEL)
    number = int(-(-begin_ms // step))
    while True:
        column = round((number * step - begin_ms) / width_ms)
        figure = f"{number * step:g}" + (" ms" if number == 0 else "")
        if column + len(figure) > COLUMNS:
            return line
        line = line.ljust(len(LABEL) + column) + figure
        number += 1


def _before(edges: Sequence[GpioEdge], at_ms: float) -> bool:
    """The level at this time; before the first edge it was the other one."""
    earlier = [edge for edge in edges if edge.at_ms < at_ms]
    return earlier[-1].high if earlier else bool(edges) and not edges[0].high


def _column(here: Sequence[GpioEdge], level: bool, signs: Strokes) -> str:
    if not here:
        return signs.high if level else signs.low
    if len(here) > 1:
        return signs.many
    return signs.up if here[0].high else signs.down


def _step(least: float) -> float:
    size = 0.001
    while True:
        for step in STEPS:
            if step * size >= least:
                return step * size
        size *= 10.0
