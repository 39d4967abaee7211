"""Evidence that runs come from elsewhere than before: a CUSUM of likelihood ratios, in powers of ten.

Each run's number falls into a cell of a logarithmic scale. Against what the cells held before stands "it may be
anything within two octaves": log10 of that ratio is added up and never falls below 0 (Page 1954; the mixture that
stands for the unknown alternative: Robbins 1970). If nothing changes, evidence of n powers of ten comes about once in
10^n runs, whatever the channel.
"""

import math
from dataclasses import dataclass, field

PER_OCTAVE = 16
# "Anything" is so many cells.
_WIDE = 24.0
# Weight of "anything" against what was counted, in runs.
_PRIOR = 2.0
# One good run takes back no more than this, so that a change is seen although usual runs come between.
_LEAST = -1.0
# A run that came with so much evidence is counted a quarter: it may belong to a fault.
_SUSPICIOUS = 2.0
_WHOLE, _QUARTER = 4, 1
# Counts are halved at so many runs: older ones fade. More cells than this do not happen to a real machine.
_RUNS = 1024 * _WHOLE
MAX_CELLS = 96


@dataclass(slots=True)
class Tally:
    """`cells`: how often each cell came, in quarters; `evidence`: powers of ten that something changed."""

    cells: dict[int, int] = field(default_factory=dict)
    total: int = 0
    evidence: float = 0.0

    def add(self, number: float, learning: bool) -> None:
        """Take a run's number (above 0); while `learning` only counts it."""
        cell = math.floor(PER_OCTAVE * math.log2(number))
        cells = self.cells
        near = 0.5 * cells.get(cell, 0) + 0.25 * (cells.get(cell - 1, 0) + cells.get(cell + 1, 0))
        share = (near / _WHOLE + _PRIOR / _WIDE) / (self.total / _WHOLE + _PRIOR)
        if not learning:
            self.evidence = max(0.0, self.evidence + max(_LEAST, -math.log10(_WIDE * share)))
        weight = _WHOLE if self.evidence < _SUSPICIOUS else _QUARTER
        cells[cell] = cells.get(cell, 0) + weight
        self.total += weight
        if self.total > _RUNS or len(cells) > MAX_CELLS:
            self._fade()

    def usual(self) -> float:
        """The number in the middle of all that were counted, as well as its cell tells."""
        half = self.total / 2
        for cell in sorted(self.cells):
            half -= self.cells[cell]
            if half <= 0:
                return float(2.0 ** ((cell + 0.5) / PER_OCTAVE))
        return 0.0

    def _fade(self) -> None:
        self.cells = {cell: count // 2 for cell, count in self.cells.items() if count > 1}
        while len(self.cells) > MAX_CELLS:
            del self.cells[min(self.cells, key=self.cells.__getitem__)]
        self.total = sum(self.cells.values())
