"""What a made-up agent answers about its findings."""

from msgspec import structs

from edge_agent.control.types import (
    Clear,
    Cleared,
    Explained,
    Figure,
    Finding,
    Findings,
    Frozen,
    Hygiene,
    Often,
    Readiness,
    Ready,
    Shelve,
    Shelved,
    Stored,
    Taught,
)
from edge_agent.core.errors import RefusedError

FIGURES = [Figure("a_day", 2.0, 150, "ISA-18.2", True), Figure("notices_busiest_day", 2, 1, "budget", False)]


class MadeUpFindings:
    """`found` are its findings; one that is permanent is not cleared, an alarm not shelved."""

    found: list[Finding]
    taught: list[str]

    def findings(self) -> Findings:
        return Findings(findings=self.found)

    async def explain(self, name: str) -> Explained:
        found = self._find(name)
        return Explained(
            finding=found,
            unit="bar",
            evidence=[each for each in self.found if each.cause == found.id],
            cause=None,
            latest=Frozen(20.0, [(-2.0, 1.1), (-1.0, 0.9), (0.0, None), (3.0, 0.8)]),
            first=None,
            stored=[Stored("rpm", 2450, "/min")],
            shelved=Shelved("service is due\x1b[2J", "caretaker", 3600.0) if found.shelved_s else None,
            cleared=Cleared("caretaker", "filled up", 86_400.0, "It was low."),
            may=["normal", "clear", "shelve", "something_new"],
        )

    def hygiene(self) -> Hygiene:
        return Hygiene(12.5, FIGURES, [Often("boiler.pressure:range", 4)], [], ["boiler.pressure:range"])

    def readiness(self) -> Readiness:
        return Readiness([Ready("boiler.pressure", "range", True), Ready("boiler.pressure", "rate", False)])

    async def clear(self, ask: Clear) -> Findings:
        found = list(self.found) if ask.id == "*" else [self._find(ask.id)]
        if any(each.permanent for each in found):
            raise RefusedError("it is permanent", code="permanent", fix="Mend what is wrong.")
        self.found = [each for each in self.found if each not in found]
        return Findings(found)

    async def shelve(self, ask: Shelve) -> Finding:
        found = self._find(ask.id)
        if found.severity == "alarm":
            raise RefusedError("it is a matter of safety", code="not_shelved")
        shelved = structs.replace(found, shelved_s=ask.seconds)
        self.found = [shelved if each is found else each for each in self.found]
        return shelved

    async def unshelve(self, name: str) -> Finding:
        return self._find(name)

    async def normal(self, ask: Clear) -> Taught:
        self.taught.append(ask.id)
        return Taught([self._find(ask.id).channel])

    def _find(self, name: str) -> Finding:
        for each in self.found:
            if name in (each.id, each.channel):
                return each
        raise RefusedError(f"there is no finding {name!r}", code="unknown")
