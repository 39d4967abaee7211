"""What the checks say, and what a person does about it."""

from typing import Annotated

from msgspec import Meta

from edge_agent.control.types.base import Ask, Reply
from edge_agent.core.shelving import MAX_OWNER, MAX_REASON, MAX_SHELVED_S

LONGEST_SHELVING_S = MAX_SHELVED_S
Name = Annotated[str, Meta(min_length=1, max_length=140)]
Who = Annotated[str, Meta(max_length=MAX_OWNER)]
Why = Annotated[str, Meta(max_length=MAX_REASON)]


class Finding(Reply):
    """What the checks say of a channel. `state` is pending, confirmed or cleared; `since_s` the age of that finding.

    `cause` is the `channel:kind` of the finding that explains it, empty where it stands for itself. `id` is its own.
    One that is `permanent` only its check clears. `shelved_s` is how long nobody is told of it, None where it counts.
    """

    channel: str
    kind: str
    state: str
    severity: str
    sentence: str
    since_s: float
    count: int
    cause: str = ""
    id: str = ""
    permanent: bool = False
    shelved_s: float | None = None


class Findings(Reply):
    """All findings that are remembered, the most severe first."""

    findings: list[Finding]


class Frozen(Reply):
    """Readings around the moment when it was confirmed: seconds before (below 0) or behind it, and the value."""

    since_s: float
    readings: list[tuple[float, float | int | bool | str | None]]


class Stored(Reply):
    """One value of the freeze frame that the device itself kept."""

    quantity: str
    value: float | int | bool | str
    unit: str


class Shelved(Reply):
    """Nobody is told of it for `left_s` more seconds; None: no clock tells how long, and so it counts."""

    reason: str
    owner: str
    left_s: float | None


class Cleared(Reply):
    """The last time that somebody cleared it by hand: who, why, and what it said then."""

    by: str
    why: str
    since_s: float
    sentence: str


class Explained(Reply):
    """All that is known of a finding. `evidence` are those it explains; `may` what a person can do about it now.

    `latest` and `first` are freeze frames (None: there is none), `stored` the device's own.
    """

    finding: Finding
    unit: str
    evidence: list[Finding]
    cause: Finding | None
    latest: Frozen | None
    first: Frozen | None
    stored: list[Stored]
    shelved: Shelved | None
    cleared: Cleared | None
    may: list[str]


class Figure(Reply):
    """One figure of the report: what it should be at the most (None: nothing says), from where, and whether it is."""

    name: str
    value: float
    limit: float | None
    source: str
    good: bool


class Often(Reply):
    """A finding, and how often it came."""

    id: str
    count: int


class Hygiene(Reply):
    """How findings behaved in the last 30 days, or since this gateway keeps them (`days`)."""

    days: float
    figures: list[Figure]
    frequent: list[Often]
    chattering: list[str]
    stale: list[str]


class Ready(Reply):
    """Whether a check has come to a verdict since the start, or since its finding was cleared by hand."""

    channel: str
    kind: str
    ready: bool


class Readiness(Reply):
    """All checks."""

    checks: list[Ready]


class Taught(Reply):
    """The channels that know now that this is normal."""

    channels: list[str]


class Notice(Reply):
    """What a person is told: of these findings, at once where it is `safety`, else within the budget."""

    sentence: str
    findings: list[str]
    digest: bool = False
    safety: bool = False


class Which(Ask, frozen=True):
    """A finding, by its id or by its channel where that is clear."""

    id: Name


class Clear(Ask, frozen=True):
    """Who clears a finding by hand, and why; `*` is every one that may be."""

    id: Name
    by: Who = ""
    why: Why = ""


class Shelve(Ask, frozen=True):
    """For how long nobody is to be told of it, who answers for that, and why."""

    id: Name
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    owner: Annotated[str, Meta(min_length=1, max_length=MAX_OWNER)]
    seconds: Annotated[float, Meta(ge=60.0, le=LONGEST_SHELVING_S)]
