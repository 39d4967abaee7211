"""checks: what each check costs a reading, through Watches as in the agent, against a bare call and comparison."""

from collections.abc import Iterator

from edge_agent.config import model
from edge_agent.core.reading import Reading
from edge_agent.services.events import EventMaker
from edge_agent.services.register import Register
from edge_agent.services.watch import Watches
from edge_agent.settings import check_settings
from edge_agent.systemclock import SystemClock
from tests.bench import traces
from tests.bench.measure import Found, Run, duration, in_turn, rate

ROUNDS = 5
# Wide limits: the usual case is a reading that is good.
SETTINGS = {
    "range": model.Check(channel="*", kind="range", min=-1e9, max=1e9, hysteresis=0.1),
    "rate": model.Check(channel="*", kind="rate", per_s=1e9, window_s=60.0),
    "stuck": model.Check(channel="*", kind="stuck", window_s=3e7),
    "silent": model.Check(channel="*", kind="silent", window_s=3e7),
}
EVERY = {**SETTINGS, "learned": model.Check(channel="*", kind="learned", level=True)}


def run(run: Run) -> Iterator[Found]:
    readings = traces.repeated(traces.home(600), run.some(100_000))
    kinds = [*EVERY, ""]
    watches = [_watches(*([kind] if kind else EVERY)) for kind in kinds]
    nothing = _watches()
    works = [lambda w=w: _see_all(w, readings) for w in (*watches, nothing)]
    took = in_turn(ROUNDS, *works, lambda: _bare(readings))
    for kind, seconds in zip(kinds, took, strict=False):
        yield duration(f"checks.{kind or 'all five'}", seconds, took[-1], len(readings), "a bare call and comparison")
    yield duration("checks.none", took[-2], took[-1], len(readings), "a bare call and comparison")
    yield rate("checks.all five", took[len(kinds) - 1], took[-1], len(readings), "a bare call and comparison")


def _watches(*kinds: str) -> Watches:
    clock = SystemClock()
    checks = check_settings(model.Config(check=tuple(EVERY[kind] for kind in kinds)))
    return Watches(checks, clock, EventMaker(clock).new_id, Register(clock))


def _see_all(watches: Watches, readings: list[Reading]) -> None:
    see = watches.see
    for reading in readings:
        see(reading)


def _limits(reading: Reading) -> bool:
    value = reading.value
    return isinstance(value, int | float) and -1e9 <= value <= 1e9


def _bare(readings: list[Reading]) -> None:
    for reading in readings:
        _limits(reading)
