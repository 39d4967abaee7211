"""How the agent is: its parts and devices, its outbox, and the newest values."""

from edge_agent.control.types.base import Part, Reply


class Device(Reply):
    """A device: totals since start, and how long ago it was heard (None: never)."""

    name: str
    readings: int
    faults: int
    last_heard_s: float | None
    ready: bool
    sentence: str
    fix: str = ""


class Status(Reply):
    """All of the agent at a glance; `sentence` is the whole of it in plain words.

    `version` is the agent's, `consent` the purposes that the householder allowed, `open_block_readings` how many
    readings are not yet on disk. `rss_mb` and `cpu_s` are those of the process.
    """

    version: str
    gateway: str
    site: str
    uptime_s: float
    ready: bool
    sentence: str
    parts: list[Part]
    devices: list[Device]
    rss_mb: float
    cpu_s: float
    clock_trusted: bool
    consent: list[str]
    open_block_readings: int


class Lane(Reply):
    """A lane of the outbox. `events` and `bytes` wait; `withheld` of them have no consent to leave.

    `in_flight` are sent and not yet acknowledged. `dropped` (for want of space) and `quarantined` (failed in the
    drain three times) are totals.
    """

    name: str
    events: int
    bytes: int
    oldest_s: float | None
    dropped: int
    in_flight: int
    withheld: int
    quarantined: int


class Queue(Reply):
    """The outbox, first lane first, and what the broker has acknowledged since start."""

    lanes: list[Lane]
    sent_events: int
    sent_bytes: int


class Channel(Reply):
    """A channel's newest value; None with a reason where the data is bad, None age where there was no reading."""

    name: str
    unit: str
    value: float | int | bool | str | None
    at_age_s: float | None
    reason: str = ""


class Channels(Reply):
    """All channels by name."""

    channels: list[Channel]
