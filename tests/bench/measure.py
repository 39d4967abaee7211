"""What a figure is: something of ours against a limit or a peer that was measured in the same run."""

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

# Rounds that differ by more than this share of their median say more about the machine than about the program.
NOISY = 0.3


@dataclass(frozen=True)
class Figure:
    """`value` of ours and `limit` of what stands `against` it, both in `unit`; `ratios` are value/limit by round."""

    name: str
    value: float
    limit: float
    unit: str
    against: str
    ratios: tuple[float, ...] = ()
    note: str = ""

    @property
    def ratio(self) -> float:
        return median(self.ratios) if self.ratios else self.value / self.limit

    @property
    def spread(self) -> float:
        """Largest less smallest ratio of all rounds, as a share of the median."""
        return (max(self.ratios) - min(self.ratios)) / self.ratio if self.ratios else 0.0

    @property
    def noisy(self) -> bool:
        return self.spread > NOISY

    def line(self) -> str:
        noise = f"  noisy ±{50 * self.spread:.0f} %" if self.noisy else ""
        note = f"  ({self.note})" if self.note else ""
        told = f"{short(self.value):>9} {self.unit:<14} = {short(self.ratio):>6} x {self.against}, {short(self.limit)}"
        return f"  {self.name:<42} {told}{noise}{note}"

    def plain(self) -> dict[str, Any]:
        keys = ("name", "value", "limit", "unit", "against", "ratio", "spread", "noisy", "note")
        return {key: getattr(self, key) for key in keys}


class Remark(NamedTuple):
    """What is no figure: why something was not measured, or what was seen beside."""

    text: str


Found = Figure | Remark


@dataclass
class Run:
    """How to measure: `quick` is a tenth of the work; `folder` lies on the disk that is measured."""

    folder: Path
    quick: bool = False
    made: int = field(default=0, init=False)

    def some(self, many: int) -> int:
        return max(1, many // 10) if self.quick else many

    def new_folder(self) -> Path:
        self.made += 1
        path = self.folder / str(self.made)
        path.mkdir()
        return path


class Timing(NamedTuple):
    wall_s: float
    cpu_s: float


def timed(work: Callable[[], object]) -> Timing:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def in_turn(rounds: int, *works: Callable[[], object]) -> list[list[float]]:
    """CPU seconds of each work, a list of rounds each: they take turns, so that all meet the same machine.

    For work that waits for nothing: other programs on the machine are then left out of the count.
    """
    taken: list[list[float]] = [[] for _ in works]
    gc.freeze()  # what was prepared for the measurement is not what the collector would meet in life
    for _ in range(rounds):
        for work, seconds in zip(works, taken, strict=True):
            seconds.append(timed(work).cpu_s)
    return taken


def duration(
    name: str, ours: Iterable[float], limit: Iterable[float], per: int, against: str, note: str = ""
) -> Figure:
    """Microseconds for one of `per` things, from seconds for all of them."""
    mine, other = list(ours), list(limit)
    ratios = tuple(a / b for a, b in zip(mine, other, strict=True))
    return Figure(name, 1e6 * median(mine) / per, 1e6 * median(other) / per, "us", against, ratios, note)


def rate(name: str, ours: Iterable[float], limit: Iterable[float], count: int, against: str, note: str = "") -> Figure:
    """Things in a second, from seconds for all of them; a ratio of 1 is the limit."""
    mine, other = list(ours), list(limit)
    ratios = tuple(b / a for a, b in zip(mine, other, strict=True))
    return Figure(name, count / median(mine), count / median(other), "/s", against, ratios, note)


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def short(value: float) -> str:
    """Three significant digits, thousands as a person writes them."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
