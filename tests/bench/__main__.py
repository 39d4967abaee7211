"""`python -m tests.bench [NAME …]`: measure, print a ratio to a limit or a peer for each figure, judge nothing."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_agent import logs
from tests.bench import block, bridges, checks, help_path, idle, links, path, peer_thingsboard, store, throughput
from tests.bench.measure import Figure, Found, Run

BENCHES: dict[str, Callable[[Run], Iterator[Found]]] = {
    "block": block.run,
    "checks": checks.run,
    "bridges": bridges.run,
    "path": path.run,
    "throughput": throughput.run,
    "store": store.run,
    "help": help_path.run,
    "links": links.run,
    "idle": idle.run,
    "peer": peer_thingsboard.run,
}
# By name only: it installs another gateway, and takes minutes.
ASKED_FOR = {"peer"}


def main() -> int:
    args = _arguments()
    if args.list:
        for name, bench in BENCHES.items():
            _say(f"{name:<11} {(sys.modules[bench.__module__].__doc__ or '').splitlines()[0].partition(': ')[2]}")
        return 0
    report: dict[str, object] = {"machine": machine(args.folder), "quick": args.quick, "figures": [], "remarks": []}
    _say(str(report["machine"]))
    logs.configure("error", "console")
    with tempfile.TemporaryDirectory(prefix="edge-bench-", dir=args.folder) as folder:
        for name in args.names or [name for name in BENCHES if name not in ASKED_FOR]:
            _one(name, Run(Path(tempfile.mkdtemp(dir=folder)), args.quick), report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _one(name: str, run: Run, report: dict) -> None:
    _say(f"{name} ...")
    began = time.monotonic()
    for found in BENCHES[name](run):
        if isinstance(found, Figure):
            _say(found.line())
            report["figures"].append(found.plain())
        else:
            _say(f"  {found.text}")
            report["remarks"].append({"bench": name, "text": found.text})
    _say(f"  [{time.monotonic() - began:.0f} s]")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def machine(folder: Path) -> str:
    """In general words: what the figures were measured on."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    here = str(folder.resolve())
    around = [(len(m[1]), m[2]) for m in mounts if here == m[1] or here.startswith(m[1].rstrip("/") + "/")]
    _, lies_on = max(around, default=(0, "an unknown file system"))
    system = platform.uname()
    return (
        f"{os.cpu_count()} cores ({system.machine}), Linux {system.release.partition('-')[0]}, Python "
        f"{platform.python_version()}, work folder on {lies_on}, load {os.getloadavg()[0]:.1f}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which: {', '.join(BENCHES)} (default: all but {', '.join(ASKED_FOR)})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: does it run?")
    parser.add_argument("--list", action="store_true", help="say what there is and stop")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the disk to measure (default: %(default)s)"
    )
    args = parser.parse_args()
    unknown = set(args.names) - set(BENCHES)
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    return args


if __name__ == "__main__":
    sys.exit(main())
