"""Probes of other packages: real packages with entry points, in processes of their own."""

import os

import pytest

from edge_agent import plugins
from edge_agent.core.selftest import Verdict
from edge_agent.plugins import plugin_probes
from edge_agent.services.selftest.runner import examine

BODY = """
import os, sys, time
def well(): return "ok", "the roof is dry", ""
def wet(): return "fail", "the roof is wet", "Call a roofer."
def hangs():
    time.sleep(60)
def crashes(): os._exit(3)
def raises(): raise RuntimeError("no roof")
def nonsense(): return "splendid", "x", ""
def short(): return ("ok",)
def endless(): return "ok", "x" * 100_000, ""
def shy(): return "not_run", "nobody asked", ""
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package with these plug-ins."""

    def install(*names: str) -> None:
        (tmp_path / "roof.py").write_text(BODY)
        info = tmp_path / "roof-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: roof\nVersion: 1.0\n")
        points = "".join(f"{name} = roof:{name}\n" for name in names)
        (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{points}")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))

    return install


async def test_where_no_package_brings_any_there_are_none():
    assert await plugin_probes() == []


async def test_each_plug_in_is_a_probe_and_what_it_says_is_its_verdict(installed):
    installed("well", "wet")
    results = {result.name: result.found for result in await examine(await plugin_probes())}
    assert results["plugin well"] == (Verdict.OK, "the roof is dry", "")
    assert results["plugin wet"] == (Verdict.FAIL, "the roof is wet", "Call a roofer.")


async def test_one_that_hangs_crashes_or_talks_nonsense_costs_only_its_own_verdict(installed):
    names = ("hangs", "crashes", "raises", "nonsense", "short", "endless", "shy", "well")
    installed(*names)
    results = {result.name: result.found for result in await examine(await plugin_probes())}
    assert results.pop("plugin well").verdict is Verdict.OK
    assert {found.verdict for found in results.values()} == {Verdict.UNKNOWN}
    assert len(results) == len(names) - 1
