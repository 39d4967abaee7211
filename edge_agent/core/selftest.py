"""The gateway examining itself: probes that need one another, and what their verdicts mean together.

A probe whose need did not hold is not run: nobody is sent to mend the broker while the cable is out.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from edge_agent.core.health import Severity, code_of


class Verdict(StrEnum):
    """A traffic light, and the two cases in which there is none."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOT_RUN = "not_run"
    UNKNOWN = "unknown"


class Found(NamedTuple):
    """What a probe found: the verdict, what it is based on, and what a person can do (empty: nothing)."""

    verdict: Verdict
    evidence: str
    fix: str = ""


class Result(NamedTuple):
    """`name` is a condition's code, with what it is of behind it (`device boiler`); `because` the need that failed."""

    name: str
    found: Found
    severity: Severity
    needs: tuple[str, ...] = ()
    because: str = ""
    seconds: float = 0.0

    @property
    def code(self) -> str:
        """The condition."""
        return code_of(self.name)


def ok(evidence: str) -> Found:
    """All well."""
    return Found(Verdict.OK, evidence)


def warn(evidence: str, fix: str) -> Found:
    """It works, and will not for long, or not well."""
    return Found(Verdict.WARN, evidence, fix)


def fail(evidence: str, fix: str) -> Found:
    """It does not work."""
    return Found(Verdict.FAIL, evidence, fix)


def unknown(evidence: str, fix: str = "") -> Found:
    """It cannot be told here."""
    return Found(Verdict.UNKNOWN, evidence, fix)


def not_run(evidence: str, fix: str = "") -> Found:
    """Nobody asked for it, or it made no sense."""
    return Found(Verdict.NOT_RUN, evidence, fix)


def hindered(needs: Sequence[str], results: Mapping[str, Result]) -> str:
    """The first need that did not hold, or that was not run for such a reason; empty: none."""
    for need in needs:
        result = results.get(need)
        if result is not None and (result.found.verdict is Verdict.FAIL or result.because):
            return result.because or need
    return ""


def overall(results: Iterable[Result]) -> Verdict:
    """The worst of all; what was not run or cannot be told here counts for nothing."""
    verdicts = {result.found.verdict for result in results}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.WARN) if verdict in verdicts), Verdict.OK)
