"""`python -m tests.bench.detect --data DIR`: the whole protocol of docs/detection.md on a folder of labelled channels.

Prints a table; judges nothing. Without a folder it says what it needs.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_agent.core.learning.state import save
from tests.bench.detect import calibration, overfit, prototype
from tests.bench.detect.data import Series, load
from tests.bench.detect.detectors import AlwaysOn, Blind, Detector, Null, Ours, run
from tests.bench.detect.peers import NotInstalledError, measure
from tests.bench.detect.scoring import PROFILES, NabParts, Result, Said, nab, nab_parts, result

DRAWS = 2000
DETECTORS: dict[str, Callable[[], Detector]] = {
    "learned": Ours,
    "null": Null,
    "blind, every 400": Blind,
    "always on": AlwaysOn,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make bench-detect", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with labels.json and the CSV files it names")
    parser.add_argument("--suite", action="append", help="only these suites")
    parser.add_argument("--prototype", type=Path, help="folder with seenmap.py and calmband.py, to compare the cost")
    parser.add_argument("--no-peers", action="store_true", help="without River and PySAD")
    given = parser.parse_args(arguments)
    if given.data is None:
        raise SystemExit("Which data? make bench-detect DATA=/path/to/folder (docs/detection.md says what is in it).")
    every = [series for series in load(given.data) if not given.suite or series.suite in given.suite]
    for suite in sorted({series.suite for series in every}):
        chosen = [series for series in every if series.suite == suite]
        say(f"\n{suite}: {len(chosen)} files, {sum(s.rows for s in chosen)} rows")
        for name, make in DETECTORS.items():
            said, us = run(make, chosen)
            say(line(name, result(said), us))
            if make is Ours:
                say(f"{'':34}{spread(said)}; state at most {largest(chosen)} bytes")
        for row in calibration.table(calibration.alerts(chosen)):
            say(f"  {row}")
        if given.prototype:
            say(costs(given.prototype, chosen))
        if suite == "nab" and len(chosen) > 1:
            say(overfitted(chosen))
        if suite == "nab" and not given.no_peers:
            peers(given.data, chosen)
    say("\nall suites")
    for row in calibration.table(calibration.alerts(every)):
        say(f"  {row}")
    if given.prototype:
        say(costs(given.prototype, every))


def costs(folder: Path, chosen: list[Series]) -> str:
    ours, theirs = prototype.cost(folder, chosen)
    return f"  cost: {ours:.1f} us a reading, the prototype {theirs:.1f} us: {ours / theirs:.2f} of it"


def overfitted(chosen: list[Series]) -> str:
    """Why the views are not chosen by score."""
    found = overfit.picked(chosen)
    return (
        f"  picking overfits: the best of {overfit.SETS} sets of views on half of the files has {found.here:.1f} there "
        f"and {found.there:.1f} on the other half; a set in the mean has {found.any_set:.1f} (standard profile, "
        f"{overfit.SPLITS} splits). So the set is fixed."
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def line(name: str, found: Result, us: float) -> str:
    f1, wrong, missed = found.row_figures()
    scores = "/".join(f"{nab(found.parts, profile):.1f}" for profile in PROFILES)
    return (
        f"  {name:32}NAB {scores}  recall {found.recall:.2f}  false/week {found.false_a_week:.2f}  "
        f"budget {found.budget:.3f}  first day {found.cold} (a file {found.cold_most})  "
        f"rows F1 {f1:.3f} FAR {100 * wrong:.1f}% MAR {100 * missed:.1f}% J {1 - wrong - missed:.3f}  {us:.1f} us"
    )


def spread(said: list[Said]) -> str:
    """The 90 % interval of NAB's standard profile when files are drawn anew."""
    parts, chance = [nab_parts(one) for one in said], random.Random(1)
    drawn = sorted(nab([chance.choice(parts) for _ in parts], "standard") for _ in range(DRAWS))
    return f"NAB standard {drawn[DRAWS // 20]:.1f} to {drawn[-DRAWS // 20]:.1f} (bootstrap over files, 90 %)"


def largest(chosen: list[Series]) -> int:
    """Bytes of the largest packed state at the end of a file."""
    sizes = []
    for series in chosen:
        for column in series.columns:
            detector = Ours()
            for at, x in zip(series.times, column, strict=True):
                detector.update(at, x)
            sizes.append(len(save(detector.learner)))
    return max(sizes)


def peers(data: Path, chosen: list[Series]) -> None:
    """The others, each at the threshold that is best for it on this very data: better than it could be known."""
    began = time.monotonic()
    try:
        found = measure(data, chosen)
    except NotInstalledError as error:
        say(f"  River and PySAD: not measured, they cannot be installed here ({error})")
        return
    took = time.monotonic() - began
    say(f"  as shipped, then with tail probability and hold; thresholds chosen on this very data ({took:.0f} s)")
    for peer in found:
        say(f"  {peer.name:32}{best(peer.raw)}  |  {best(peer.handled)}  {peer.us:.1f} us")


def best(said: list[Said], steps: int = 40) -> str:
    values = sorted((s for one in said for s in one.scores[one.series.unscored :] if s > 0), reverse=True)
    picked = (
        sorted({values[min(len(values) - 1, int(len(values) ** (i / steps)))] for i in range(steps)}) if values else []
    )
    found: list[tuple[float, list[NabParts]]] = [(0.0, [])]
    for threshold in picked:
        parts = [nab_parts(one._replace(scores=[s / threshold for s in one.scores])) for one in said]
        found.append((nab(parts, "standard"), parts))
    score, parts = max(found, key=lambda one: one[0])
    scores = "/".join(f"{nab(parts, profile):.1f}" for profile in PROFILES) if parts else "0/0/0"
    return f"NAB {scores} budget {result(said).budget:.3f}" if score else "NAB 0/0/0"


if __name__ == "__main__":
    main()
