"""What a reading costs against the prototype: seenmap.py and calmband.py in a folder that is given, in the same run."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from tests.bench.detect.data import Series
from tests.bench.detect.detectors import Detector, Ours, run

ROUNDS = 3


class _Both:
    """The prototype's two detectors."""

    state = False

    def __init__(self, seen: Callable[[], Detector], calm: Callable[[], Detector]) -> None:
        self._seen, self._calm = seen().update, calm().update

    def update(self, at: float, x: float) -> float:
        return max(self._seen(at, x), self._calm(at, x))


def cost(folder: Path, all_series: list[Series]) -> tuple[float, float]:
    """Microseconds a reading, of ours and of the prototype: the best of some rounds, in turn."""
    seen, calm = _load(folder / "seenmap.py").SeenMap, _load(folder / "calmband.py").CalmBand
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(run(Ours, all_series, states=False)[1])
        theirs.append(run(lambda: _Both(seen, calm), all_series, states=False)[1])
    return min(ours), min(theirs)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"there is no {path}: --prototype is a folder with seenmap.py and calmband.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
