"""Evidence that runs come from elsewhere than before: a CUSUM of likelihood ratios, in powers of ten.

Each run's number falls into a cell of a logarithmic scale. What the cells held before is expected again, half of it in
the very cell or beside it, half within a quarter of an octave (two kernels: how wide the truth is, few runs do not
tell). Against it stands "it may be anything within an octave and a half", or within more where runs are of many
lengths: log10 of that ratio is added up and never falls below 0 (Page 1954; the mixture that stands for the unknown
alternative: Robbins 1970). If nothing changes, evidence of n powers of ten comes about once in 10^n runs.
"""

import math
from dataclasses import dataclass, field

PER_OCTAVE = 16
# "Anything" is so many cells, or twice as many as those that came would be if each were as frequent (their perplexity).
_WIDE, _WIDER = 24.0, 2.0
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
MAX_CELLS = 64
_FINE = 65536.0


@dataclass(slots=True)
class Tally:
    """`cells`: how often each cell came, in quarters; `evidence`: powers of ten that something changed."""

    cells: dict[int, int] = field(default_factory=dict)
    total: int = 0
    evidence: float = 0.0
    _logs: int = 0  # sum of what `_log` is of each count

    def __post_init__(self) -> None:
        """The sums follow from the cells."""
        self.total = sum(self.cells.values())
        self._logs = sum(map(_log, self.cells.values()))

    def add(self, number: float, learning: bool) -> None:
        """Take a run's number (above 0); while `learning` only counts it."""
        cell = math.floor(PER_OCTAVE * math.log2(number))
        cells = self.cells
        near = _KERNEL[0] * cells.get(cell, 0)
        for away in range(1, _QUARTER_OCTAVE + 1):
            near += _KERNEL[away] * (cells.get(cell - away, 0) + cells.get(cell + away, 0))
        wide = max(_WIDE, _WIDER * self._spread())
        share = (near / _WHOLE + _PRIOR / wide) / (self.total / _WHOLE + _PRIOR)
        if not learning:
            self.evidence = max(0.0, self.evidence + max(_LEAST, -math.log10(wide * share)))
        weight = _WHOLE if self.evidence < _SUSPICIOUS else _QUARTER
        before = cells.get(cell, 0)
        cells[cell] = before + weight
        self.total += weight
        self._logs += _log(before + weight) - _log(before)
        if self.total > _RUNS:
            self.cells = {cell: count // 2 for cell, count in cells.items() if count > 1}
        elif len(cells) > MAX_CELLS:
            del cells[min(cells, key=cells.__getitem__)]
        else:
            return
        self.__post_init__()

    def usual(self) -> float:
        """The number in the middle of all that were counted, as well as its cell tells."""
        half = self.total / 2
        for cell in sorted(self.cells):
            half -= self.cells[cell]
            if half <= 0:
                return float(2.0 ** ((cell + 0.5) / PER_OCTAVE))
        return 0.0

    def _spread(self) -> float:
        """On how many cells the runs are spread."""
        return self.total * math.exp(-self._logs / (_FINE * self.total)) if self.total else 0.0


def _log(count: int) -> int:
    """The count times its logarithm in whole numbers, so that their sum is the same in whatever order."""
    return int(_FINE * count * math.log(count)) if count else 0
