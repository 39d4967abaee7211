"""The gateway examining itself."""

from edge_agent.control.types.base import Ask, Reply


class Probed(Reply):
    """What one probe found. `verdict` is ok, warn, fail, not_run or unknown; `severity` alarm, warning or notice.

    `name` begins with the code of a condition (`device boiler`), `title` is it in the household's language. `because`
    is the need for whose sake it was not run.
    """

    name: str
    title: str
    verdict: str
    severity: str
    evidence: str
    fix: str
    needs: list[str]
    because: str
    seconds: float


class SelfTest(Reply):
    """The last self-test, or the one that runs: `outcome` is never, running or done, `verdict` the worst so far.

    `planned` is how many results there will be; 0 while that is not known.
    """

    outcome: str
    verdict: str
    sentence: str
    version: str
    results: list[Probed]
    planned: int = 0
    ago_s: float | None = None
    seconds: float = 0.0
    language: str = "en"


class Examine(Ask, frozen=True):
    """Begin a self-test; `round_trip`: ask the desk for an answer too, which wakes nobody."""

    round_trip: bool = True
