"""River and PySAD from the package index, in a virtual environment of their own, on the same data in the same run."""

import json
import math
import os
import subprocess
import sys
import tempfile
from bisect import insort
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.learning.alarm import HOLD, MARGIN
from tests.bench.detect.data import Series
from tests.bench.detect.scoring import Said
from tests.bench.peer.rig import say

PACKAGES = ("river", "pysad")
_ROOT = Path(__file__).resolve().parents[3]
_INSTALL_S, _RUN_S = 600.0, 3600.0
# The tail of the scores beyond this quantile is taken for exponential.
_QUANTILE = 0.98
_KEPT = 2000


class Peer(NamedTuple):
    """One detector: what it said as shipped, what with tail probability and hold, and microseconds a reading."""

    name: str
    raw: list[Said]
    handled: list[Said]
    us: float


class NotInstalledError(Exception):
    """They cannot be had here; the text says why."""


def environment() -> Path:
    """The virtual environment that has them: DETECT_VENV, or .venv-detect, made where it is not."""
    folder = Path(os.environ.get("DETECT_VENV", _ROOT / ".venv-detect")).absolute()
    if (folder / ".ready").exists():
        return folder
    say(f"installing {' and '.join(PACKAGES)} into {folder.name} (minutes, the first time only)")
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]
    try:
        for command in ([sys.executable, "-m", "venv", str(folder)], pip):
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
        (folder / ".ready").touch()
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise NotInstalledError(" ".join(said)[:300]) from error
    return folder


def measure(data: Path, all_series: list[Series]) -> list[Peer]:
    """Raises NotInstalledError."""
    python = environment() / "bin/python"
    with tempfile.TemporaryDirectory() as out:
        command = [str(python), "-m", "tests.bench.detect.peer_scores", str(data.absolute()), out]
        try:
            subprocess.run(command, check=True, cwd=_ROOT, timeout=_RUN_S)
        except (subprocess.SubprocessError, OSError) as error:
            raise NotInstalledError(str(error)[:300]) from error
        found = [json.loads(path.read_text()) for path in sorted(Path(out).iterdir())]
    return [_peer(one, all_series) for one in found]


def _peer(one: dict, all_series: list[Series]) -> Peer:
    raw = [Said(s, one["scores"][s.name], [False] * s.rows) for s in all_series if s.name in one["scores"]]
    handled = [said._replace(scores=handle(said.scores)) for said in raw]
    return Peer(one["name"], raw, handled, one["us"])


def handle(scores: list[float]) -> list[float]:
    """Any scores as -log10 of their tail probability on the channel itself, with a hold: what lifts most detectors."""
    newest: list[float] = []
    order: list[float] = []
    excess, peak, at, out = 0.0, 0.0, -HOLD, []
    for row, score in enumerate(scores):
        bound = order[int(_QUANTILE * len(order))] if len(order) >= 100 else math.inf
        rare = 0.0
        if score > bound:
            excess = excess + 0.02 * (score - bound - excess) if excess else score - bound
            rare = 1.7 + (score - bound) / (excess * math.log(10.0))
        newest.append(score)
        insort(order, score)
        if len(newest) > _KEPT:
            order.remove(newest.pop(0))
        since = row - at
        if rare and since < HOLD and rare <= (peak + MARGIN) * (1.0 - since / HOLD):
            rare = 0.0
        elif rare > 4.0:
            peak, at = rare, row
        out.append(rare)
    return out
