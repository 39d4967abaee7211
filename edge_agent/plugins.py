"""Probes that other packages bring, by the entry point group `edge_agent.checks`.

Each runs in a process of its own, with a time limit: one that hangs, crashes or eats memory touches nothing here. An
entry point names a function without arguments that returns `(verdict, evidence, fix)`: verdict is ok, warn, fail or
unknown, the others are sentences. `python -m edge_agent.plugins` lists them, with a name it runs that one.
"""

import asyncio
import json
import sys
from contextlib import suppress
from functools import partial

from edge_agent.child import output
from edge_agent.core.selftest import Found, Verdict, unknown
from edge_agent.services.selftest.runner import WHOLE_S, Probe
from edge_agent.texts import Said

GROUP = "edge_agent.checks"
LIST_S, LIMIT_S = 10.0, 10.0
MOST = 20
# An interpreter takes 10 MB and a second of a small computer.
AT_ONCE = 2
MAX_BYTES = 4096
_VERDICTS = frozenset({Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN})


async def plugin_probes() -> list[Probe]:
    """One for each plug-in that is installed; none where they cannot be listed."""
    with suppress(OSError, TimeoutError, ValueError):
        names = json.loads(await _ask(LIST_S))
        turns = asyncio.Semaphore(AT_ONCE)
        return [Probe(f"plugin {name}", partial(_run, turns, str(name)), WHOLE_S) for name in names[:MOST]]
    return []


async def _run(turns: asyncio.Semaphore, name: str) -> Found:
    try:
        async with turns:
            said = await _ask(LIMIT_S, name)
        verdict, evidence, fix = json.loads(said)
        found = Found(Verdict(verdict), str(evidence)[:300], str(fix)[:300])
    except (ValueError, TypeError, TimeoutError) as error:
        late = isinstance(error, TimeoutError)
        why = Said("probe.late", seconds=round(LIMIT_S)) if late else Said("probe.plugin_nonsense")
        return unknown(Said("probe.plugin_failed", name=name, why=why), Said("probe.plugin_failed_fix"))
    return found if found.verdict in _VERDICTS else unknown(Said("probe.plugin_mute", name=name))


async def _ask(limit_s: float, *words: str) -> bytes:
    return await output(("edge_agent.plugins", *words), limit_s, MAX_BYTES)


def main(names: list[str]) -> None:
    """In the process: list, or run one and print what it returns as JSON."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - not for the daemon

    found = {point.name: point for point in entry_points(group=GROUP)}
    said = [str(word) for word in found[names[0]].load()()] if names else sorted(found)
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
