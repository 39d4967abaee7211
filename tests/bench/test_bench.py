"""The benchmarks run and say what against; how fast anything is, no test asserts."""

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.traces import ROOT


def test_a_quick_run_gives_every_figure_a_limit_of_the_same_run(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    names = ("block", "checks", "bridges", "path", "throughput")
    command = [sys.executable, "-m", "tests.bench", "--quick", "--json", str(report), "--folder", str(tmp_path), *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(report.read_text(encoding="utf-8"))["figures"]
    assert {figure["name"].partition(".")[0] for figure in figures} == set(names)
    assert all(figure["limit"] > 0 and figure["value"] > 0 and figure["against"] for figure in figures)


def test_a_bench_that_does_not_exist_is_named() -> None:
    command = [sys.executable, "-m", "tests.bench", "blok"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "no such bench: blok" in done.stderr
