"""Evidence that runs come from elsewhere than before: a CUSUM of likelihood ratios, in powers of ten.

Each run's number falls into a cell of a logarithmic scale. What the cells held before is expected again, half of it in
the very cell or beside it, half within a quarter of an octave (two kernels: how wide the truth is, few runs do not
tell). Against it stands "it may be anything within an octave and a half": log10 of that ratio is added up and never
falls below 0 (Page 1954; the mixture that stands for the unknown alternative: Robbins 1970). If nothing changes,
evidence of n powers of ten comes about once in 10^n runs, whatever the channel.
"""

import math
from dataclasses import dataclass, field

PER_OCTAVE = 16
# "Anything" is so many cells.
_WIDE = 24.0
# Weight of "anything" against what was counted, in runs.
_PRIOR = 6.0
# Weights of the cells around by how far away they are: the mean of two triangles.
_QUARTER_OCTAVE = PER_OCTAVE // 4
_NARROW = (0.5, 0.25, 0.0, 0.0, 0.0)
_KERNEL = tuple(
    0.5 * narrow + 0.5 * (_QUARTER_OCTAVE + 1 - away) / (_QUARTER_OCTAVE + 1) ** 2
    for away, narrow in enumerate(_NARROW)
)
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
        near = _KERNEL[0] * cells.get(cell, 0)
        for away in range(1, _QUARTER_OCTAVE + 1):
            near += _KERNEL[away] * (cells.get(cell - away, 0) + cells.get(cell + away, 0))
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
