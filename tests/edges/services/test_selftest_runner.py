"""Probes run beside one another, within their time, and none can stop the others."""

import asyncio
import threading
import time

import pytest

from edge_agent.core.errors import StoreError
from edge_agent.core.selftest import Verdict, fail, ok, warn
from edge_agent.services.selftest import runner
from edge_agent.services.selftest.runner import Probe, examine


def verdicts(results):
    return {result.name: result.found.verdict for result in results}


async def test_behind_what_failed_the_rest_is_not_run_and_never_failed():
    asked = []

    def probe(name, found):
        return Probe(name, lambda: (asked.append(name), found)[1])

    way = [
        probe("link", ok("up")),
        probe("address", fail("none", "Restart the router.")),
        *(probe(name, fail("it would", "")) for name in ("dns", "tcp", "portal", "tls", "service", "test")),
        probe("memory", warn("little", "")),
    ]
    results = await examine(way)
    assert [result.name for result in results] == [each.name for each in way]
    assert verdicts(results) == {
        "link": Verdict.OK,
        "address": Verdict.FAIL,
        **dict.fromkeys(("dns", "tcp", "portal", "tls", "service", "test"), Verdict.NOT_RUN),
        "memory": Verdict.WARN,
    }
    assert {result.because for result in results if result.found.verdict is Verdict.NOT_RUN} == {"address"}
    assert set(asked) == {"link", "address", "memory"}


async def test_what_hangs_costs_its_own_verdict_and_its_own_time_only():
    hangs = threading.Event()

    async def sleeps():
        await asyncio.sleep(60)

    began = time.monotonic()
    results = await examine(
        [
            Probe("memory", lambda: hangs.wait(60), 0.2),
            Probe("clock", sleeps, 0.2),
            Probe("power", lambda: ok("mains")),
        ]
    )
    hangs.set()
    assert time.monotonic() - began < 5.0
    assert verdicts(results) == {"memory": Verdict.UNKNOWN, "clock": Verdict.UNKNOWN, "power": Verdict.OK}


async def test_however_many_hang_all_of_it_ends_in_its_time(monkeypatch):
    monkeypatch.setattr(runner, "WHOLE_S", 0.3)
    hangs = threading.Event()
    chain = ["link", "address", "dns", "tcp", "tls", "service", "test"]
    results = await examine([Probe(name, lambda: hangs.wait(60), 30.0) for name in chain])
    hangs.set()
    assert set(verdicts(results).values()) == {Verdict.UNKNOWN}


MISTAKES = [OSError("gone"), ValueError("x"), KeyError("y"), ZeroDivisionError(), TypeError(), StoreError("full")]


@pytest.mark.parametrize("error", MISTAKES)
async def test_a_probe_that_fails_itself_is_no_fault_of_the_gateway(error):
    def broken():
        raise error

    async def broken_too():
        raise error

    results = await examine([Probe("wear", broken), Probe("queue", broken_too), Probe("power", lambda: ok(""))])
    assert list(verdicts(results).values()) == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.OK]
    assert "Please report this" in results[0].found.fix


async def test_results_are_told_as_they_come_and_what_waits_for_another_comes_after_it():
    told = []

    def slow():
        time.sleep(0.2)
        return ok("")

    probes = [
        Probe("portal", lambda: ok(""), after=("tls",), needs=()),
        Probe("tls", slow, needs=()),
        Probe("power", lambda: ok("")),
    ]
    results = await examine(probes, lambda result: told.append(result.name))
    assert told == ["power", "tls", "portal"]
    assert [result.name for result in results] == ["portal", "tls", "power"]
