"""Runs the probes of a self-test: those at once that do not need one another, each with a time limit.

A probe may block: it runs in a thread of its own, and one that hangs costs its own verdict and no more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import structlog

from edge_agent.core.errors import AgentError
from edge_agent.core.health import CONDITIONS, Severity, code_of, condition_of, needs_of
from edge_agent.core.selftest import Found, Result, hindered, not_run, unknown
from edge_agent.texts import Said
from edge_agent.threads import in_thread

# All of it, whatever hangs: somebody stands there and waits.
WHOLE_S = 60.0
# What a probe may raise by a mistake of its own; it costs that probe's verdict and no other's.
_FAULTS = (AgentError, OSError, ValueError, RuntimeError, LookupError, TypeError, ArithmeticError, AttributeError)
_log = structlog.get_logger("selftest")


class Probe(NamedTuple):
    """`run` blocks in a thread, or is a coroutine; within `limit_s`. `name` begins with the code of a condition.

    `after` are probes that only have to be over; `needs` and `severity`, where they are given, take the place of the
    condition's own.
    """

    name: str
    run: Callable[[], Found] | Callable[[], Awaitable[Found]]
    limit_s: float = 5.0
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] | None = None
    severity: Severity | None = None


async def examine(probes: Sequence[Probe], told: Callable[[Result], None] = lambda _: None) -> list[Result]:
    """Run all of them; `told` hears each result as it comes. Gives the results in the order of the probes."""
    names = [probe.name for probe in probes]
    results: dict[str, Result] = {}
    over = {name: asyncio.Event() for name in names}
    ends = time.monotonic() + WHOLE_S

    async def one(probe: Probe) -> None:
        needs = probe.needs if probe.needs is not None else needs_of(code_of(probe.name), names)
        for name in (*needs, *probe.after):
            if name in over:
                await over[name].wait()
        began = time.monotonic()
        because = hindered(needs, results)
        if because:
            found = not_run(Said("probe.because", because=titled(because)))
        else:
            found = await _within(probe, min(probe.limit_s, ends - began))
        severity = probe.severity or condition_of(probe.name).severity
        seconds = round(time.monotonic() - began, 3)
        results[probe.name] = Result(probe.name, found, severity, needs, because, seconds)
        over[probe.name].set()
        told(results[probe.name])

    async with asyncio.TaskGroup() as group:
        for probe in probes:
            group.create_task(one(probe))
    return [results[name] for name in names]


def titled(name: str) -> str:
    """A condition's title, with what it is of."""
    code = code_of(name)
    of = name[len(code) + 1 :]
    title = Said(f"health.{code}") if code in CONDITIONS else code
    return Said("probe.title", title=title, of=of) if of else title


async def _within(probe: Probe, limit_s: float) -> Found:
    try:
        async with asyncio.timeout(limit_s):
            said: Awaitable[Any] = probe.run() if asyncio.iscoroutinefunction(probe.run) else in_thread(probe.run)
            found: Found = await said
            return found
    except TimeoutError:
        return unknown(Said("probe.late", seconds=round(limit_s)), Said("probe.late_fix"))
    except _FAULTS as error:
        _log.error("probe_failed", what=probe.name, error=repr(error), exc_info=error)
        return unknown(Said("probe.broken", error=repr(error)[:200]), Said("probe.broken_fix"))
