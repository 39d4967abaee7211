"""Runs in a virtual environment with River and PySAD: their scores of each series, as JSON, one file a detector.

`python -m tests.bench.detect.peer_scores DATA OUT`. As shipped, with five readings at a time where a detector takes
several quantities.
"""

import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.detect.data import Series, load

SHINGLE = 5
SUITE = "nab"


class River:
    """A detector of River: score, then learn."""

    def __init__(self, model: Any, *, shingled: bool) -> None:
        self._model, self._shingled = model, shingled
        self._last: deque[float] = deque(maxlen=SHINGLE)

    def update(self, x: float) -> float:
        self._last.append(x)
        seen = dict(enumerate(self._last)) if self._shingled else x
        if self._shingled and len(self._last) < SHINGLE:
            return 0.0
        score = self._model.score_one(*((None, seen) if not self._shingled else (seen,)))
        self._model.learn_one(*((None, seen) if not self._shingled else (seen,)))
        return float(score)


class Pysad:
    """A detector of PySAD: fit, then score."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._last: deque[float] = deque(maxlen=SHINGLE)

    def update(self, x: float) -> float:
        import numpy as np  # noqa: PLC0415 - only where PySAD is

        self._last.append(x)
        if len(self._last) < SHINGLE:
            return 0.0
        row = np.array(self._last)
        return float(np.ravel(self._model.fit_partial(row).score_partial(row))[0])


def makers() -> dict[str, Callable[[], Any]]:
    """Those that are installed."""
    found: dict[str, Callable[[], Any]] = {}
    try:
        from river import anomaly  # noqa: PLC0415 - may not be installed

        found["River StandardAbsoluteDeviation"] = lambda: River(anomaly.StandardAbsoluteDeviation(), shingled=False)
        found["River OneClassSVM"] = lambda: River(anomaly.OneClassSVM(nu=0.1), shingled=True)
        found["River HalfSpaceTrees"] = lambda: River(anomaly.HalfSpaceTrees(seed=1), shingled=True)
    except ImportError as error:
        sys.stderr.write(f"River: {error}\n")
    try:
        from pysad.models import LODA  # noqa: PLC0415 - may not be installed

        found["PySAD LODA"] = lambda: Pysad(LODA())
    except ImportError as error:
        sys.stderr.write(f"PySAD: {error}\n")
    return found


def scores(make: Callable[[], Any], series: Series) -> list[float]:
    detector, out = make(), []
    for x in series.columns[0]:
        score = detector.update(x) if math.isfinite(x) else 0.0
        out.append(score if math.isfinite(score) else 0.0)
    return out


def main() -> None:
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    chosen = [series for series in load(data) if series.suite == SUITE]
    for number, (name, make) in enumerate(makers().items()):
        sys.stdout.write(f"  {name} ...\n")
        sys.stdout.flush()
        began = time.process_time()
        found = {series.name: scores(make, series) for series in chosen}
        spent = 1e6 * (time.process_time() - began) / sum(series.rows for series in chosen)
        (out / f"{number}.json").write_text(json.dumps({"name": name, "us": spent, "scores": found}))


if __name__ == "__main__":
    main()
