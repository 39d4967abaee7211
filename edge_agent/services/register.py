"""The register: every finding there is, whoever made it, with what people did about it. One life, in one place.

Who makes findings tells them here; who wants to know of them is told from here. What stands, what was counted, shelved
or cleared by hand is in the notebook as it changes, and here again after a restart. Nobody but a finding's maker
knows whether it still holds: a maker goes on with what it finds here (`before`), and forgets what was cleared by hand.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from edge_agent.core.clock import Instant
from edge_agent.core.errors import RefusedError
from edge_agent.core.finding import CODE, Finding, FindingState, Severity
from edge_agent.core.hygiene import Episode
from edge_agent.core.ports import Clock
from edge_agent.core.shelving import MAX_SHELVED_S, Shelving, Tombstone

# Findings that are over are kept for the console, the newest of them.
MAX_OVER = 200
# More than a month of a house that is in a bad way. Nothing is forgotten by a clock.
MAX_EPISODES = 5000
ENTRIES, EPISODES = "findings", "episodes"
FIRST_FRAMES, LATEST_FRAMES = "first_frames", "latest_frames"
_CLEARED = FindingState.CLEARED
Made = TypeVar("Made")


class Book(Protocol):
    """Where it is written down (store.notebook)."""

    def page(self, page: str) -> Mapping[str, Any]:
        """All rows of a page."""

    def write(self, page: str, key: str, plain: Any) -> None:
        """Put a row in its place; None takes it away."""


class NoBook:
    """Nothing is kept: for tools and tests that live for a moment."""

    def page(self, page: str) -> Mapping[str, Any]:  # noqa: ARG002 - the Book contract
        """Nothing."""
        return {}

    def write(self, page: str, key: str, plain: Any) -> None:
        """Nowhere."""


@dataclass(slots=True)
class Entry:
    """A finding, when it came into its state by all clocks, and what people did about it."""

    finding: Finding
    at: Instant
    shelving: Shelving | None = None
    tombstone: Tombstone | None = None

    def record(self) -> dict[str, Any]:
        """Plain data for the notebook."""
        return {
            "finding": self.finding.record(),
            "at": list(self.at),
            "shelving": self.shelving.record() if self.shelving else None,
            "tombstone": self.tombstone.record() if self.tombstone else None,
        }

    @classmethod
    def from_record(cls, plain: Mapping[str, Any]) -> "Entry":
        """Raises KeyError, TypeError or ValueError where it is none."""
        shelving, tombstone = plain["shelving"], plain["tombstone"]
        return cls(
            Finding.from_record(plain["finding"]),
            Instant(*plain["at"]),
            Shelving.from_record(shelving) if shelving else None,
            Tombstone.from_record(tombstone) if tombstone else None,
        )


class Register:
    """`told` are called with each finding that changed, in order; `forget` with each key that was cleared by hand.

    `calls_for_help` is whether a rule would call for help by a finding of this key.
    """

    def __init__(self, clock: Clock, *told: Callable[[Finding], None], book: Book | None = None) -> None:
        self._clock = clock
        self.book: Book = book or NoBook()
        self.told = list(told)
        self.forget: list[Callable[[str], None]] = []
        self.calls_for_help: Callable[[Finding], bool] = lambda _: False
        self._entries = dict(sorted(_read(self.book.page(ENTRIES), Entry.from_record).items(), key=_age))
        self.episodes = dict(sorted(_read(self.book.page(EPISODES), Episode.from_record).items()))

    # -- what makers do ----------------------------------------------------------------------------------------------

    def before(self, key: str) -> Finding | None:
        """The finding as it was last, perhaps before a restart."""
        entry = self._entries.get(key)
        return entry.finding if entry else None

    def tell(self, finding: Finding) -> None:
        """A finding changed."""
        self._keep(finding)
        for told in list(self.told):
            told(finding)

    def explain(self, keys: Collection[str], cause: str) -> None:
        """These findings are explained by this one (empty: by none any more). Nobody is told: they were already."""
        for key in keys:
            entry = self._entries.get(key)
            if entry is not None and entry.finding.stands and cause not in (key, entry.finding.cause):
                self._keep(replace(entry.finding, cause=cause))

    def retire(self, looked_for: Callable[[Finding], bool]) -> None:
        """After the start: what stood before and nobody looks for any more is over."""
        for entry in [each for each in self._entries.values() if each.finding.state is not _CLEARED]:
            if not looked_for(entry.finding):
                self._end(entry.finding)

    # -- what people see and do --------------------------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """Confirmed ones first, then those that are over, newest first."""
        newest = [entry.finding for entry in reversed(self._entries.values())]
        return sorted(newest, key=lambda f: f.state is not FindingState.CONFIRMED)

    def confirmed(self) -> list[Finding]:
        """The findings that stand, have no cause among them and are not shelved, newest first."""
        return [f for f in self.findings() if f.stands and not f.cause and not self.shelved(f.key)]

    def behind(self, finding: Finding) -> list[Finding]:
        """What stands and is explained by it."""
        return [f for f in self.findings() if f.stands and f.cause == finding.key]

    def entry(self, key: str) -> Entry | None:
        """All that is known of a finding."""
        return self._entries.get(key)

    def shelved(self, key: str) -> bool:
        """Whether nobody is to be told of it now."""
        entry = self._entries.get(key)
        return entry is not None and entry.shelving is not None and entry.shelving.holds(self._clock.now())

    def find(self, name: str) -> Finding:
        """The finding that a person means: by its id `channel:kind`, or by its channel where that is clear.

        Raises RefusedError.
        """
        entry = self._entries.get(name)
        if entry is not None:
            return entry.finding
        of = [f for f in self.findings() if f.channel == name]
        standing = [f for f in of if f.state is not _CLEARED] or of
        if len(standing) == 1:
            return standing[0]
        if standing:
            known = ", ".join(f.key for f in standing)
            raise RefusedError(f"{name} has several findings", code="many", fix=f"Name one of {known}.")
        raise RefusedError(f"there is no finding {name[:80]!r}", code="unknown", fix="See edge-agent findings.")

    def clear(self, key: str, by: str, why: str) -> Finding:
        """Somebody says that it is over: with what it explains. Raises RefusedError where only its maker may say so."""
        finding = self._standing(key)
        if why_not := self.why_not_cleared(finding):
            fix = "Mend what is wrong: then it is cleared by itself."
            raise RefusedError(f"{finding.key} cannot be cleared by hand: {why_not}", code="permanent", fix=fix)
        return self.take_back(finding, by, why)

    def why_not_cleared(self, finding: Finding) -> str:
        """Why a person may not clear it, for itself or what it explains; empty where one may."""
        if finding.permanent:
            return "it is permanent, and only what found it can say that it is over"
        if finding.kind == CODE:
            return "the device itself tells it"
        return next(filter(None, map(self.why_not_cleared, self.behind(finding))), "")

    def why_not_shelved(self, finding: Finding) -> str:
        """Why it may not rest; empty where it may."""
        if self.calls_for_help(finding):
            return "it calls for help"
        return "it is a matter of safety" if finding.severity is Severity.ALARM else ""

    def take_back(self, finding: Finding, by: str, why: str) -> Finding:
        """It is over because somebody says so, who may; with what it explains. A tombstone tells of it."""
        for behind in self.behind(finding):
            self.take_back(behind, by, why)
        for forget in self.forget:
            forget(finding.key)
        over = self._end(finding)
        entry = self._entries[finding.key]
        entry.tombstone = Tombstone(by, why, self._clock.now(), finding.sentence)
        self._write(entry)
        return over

    def shelve(self, key: str, reason: str, owner: str, seconds: float) -> Finding:
        """Nobody is told of it for so long. Raises RefusedError where that may not be."""
        finding = self._standing(key)
        why_not = self.why_not_shelved(finding)
        if not why_not and not 0.0 < seconds <= MAX_SHELVED_S:
            why_not = "seven days are the most"
        if why_not:
            raise RefusedError(f"{finding.key} cannot be shelved: {why_not}", code="not_shelved")
        self._shelve(finding.key, Shelving(reason, owner, seconds, self._clock.now()))
        return finding

    def unshelve(self, key: str) -> Finding:
        """It counts again. Raises RefusedError where it does not rest."""
        entry = self._entries.get(key)
        if entry is None or entry.shelving is None:
            raise RefusedError(f"{key} is not shelved", code="not_shelved")
        self._shelve(key, None)
        return entry.finding

    def unshelved(self) -> list[Finding]:
        """What was shelved and is not any more, for its time is over; now it counts again."""
        now, found = self._clock.now(), []
        for entry in [each for each in self._entries.values() if each.shelving is not None]:
            left_s = entry.shelving.left_s(now) if entry.shelving else None
            if left_s is not None and left_s <= 0.0:
                self._shelve(entry.finding.key, None)
                found.append(entry.finding)
        return found

    # -- inside ------------------------------------------------------------------------------------------------------

    def _standing(self, key: str) -> Finding:
        finding = self.find(key)
        if finding.state is _CLEARED:
            raise RefusedError(f"{finding.key} is over already", code="over")
        return finding

    def _shelve(self, key: str, shelving: Shelving | None) -> None:
        entry = self._entries[key]
        entry.shelving = shelving
        self._write(entry)

    def _end(self, finding: Finding) -> Finding:
        now = self._clock.now()
        over = replace(finding, state=_CLEARED, since=now.monotonic, boot_id=now.boot_id, permanent=False)
        self.tell(over)
        return over

    def _keep(self, finding: Finding) -> None:
        now, before = self._clock.now(), self._entries.pop(finding.key, None)
        at = now._replace(monotonic=finding.since, wall=now.wall - now.monotonic + finding.since)
        if before is not None and finding.boot_id != now.boot_id:
            at = before.at
        entry = Entry(finding, at) if before is None else replace(before, finding=finding, at=at)
        self._entries[finding.key] = entry
        self._write(entry)
        self._log(finding, before.finding if before else None, now)
        over = [key for key, each in self._entries.items() if each.finding.state is _CLEARED]
        for key in over[: max(0, len(over) - MAX_OVER)]:
            del self._entries[key]
            for page in (ENTRIES, FIRST_FRAMES, LATEST_FRAMES):
                self.book.write(page, key, None)

    def _log(self, finding: Finding, before: Finding | None, now: Instant) -> None:
        """An episode begins, is explained, or ends."""
        name = finding.id.hex()
        episode = self.episodes.get(name)
        quiet = "cause" if finding.cause else "shelved" if self.shelved(finding.key) else ""
        if finding.stands and episode is None:
            episode = Episode(finding.key, finding.severity.value, round(now.wall, 3), None, quiet)
        elif finding.stands and episode is not None and episode.quiet != quiet:
            episode = episode._replace(quiet=quiet)
        elif not finding.stands and before is not None and before.stands and episode is not None:
            episode = episode._replace(until=round(now.wall, 3))
        else:
            return
        self.episodes[name] = episode
        self.book.write(EPISODES, name, episode.record())
        while len(self.episodes) > MAX_EPISODES:
            oldest = next(iter(self.episodes))
            del self.episodes[oldest]
            self.book.write(EPISODES, oldest, None)

    def _write(self, entry: Entry) -> None:
        self.book.write(ENTRIES, entry.finding.key, entry.record())


def _read(rows: Mapping[str, Any], make: Callable[[Any], Made]) -> dict[str, Made]:
    """What can be understood of a page."""
    found = {}
    for key, plain in rows.items():
        try:
            found[key] = make(plain)
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _age(row: tuple[str, Entry]) -> float:
    return row[1].at.wall
