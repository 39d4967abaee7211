"""Time is four values: monotonic, boot id, wall, trusted; and a late truth back-dates what was stamped before.

Whoever can tell the time makes a `Claim`; `Trust` keeps the best one of this boot and never forgets it while the boot
lasts, so that a wall clock that is stepped afterwards changes nothing. `Boots` remembers for each boot what its wall
clock was ahead of its monotonic one: what was stored in an earlier boot is dated by that.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

# A clock of the desk or of GPS is believed where it leaves no more doubt than a sender's clock may be ahead.
MAX_DOUBT_S = 60.0
# A kernel that says that it is synchronised is asked again at once when its wall clock jumps by so much.
JUMP_S = 0.5
# What is known of a boot is written down again when it changes by more than this.
WRITE_S = 1.0
# Events of older boots than these have no time. One is 100 bytes; a gateway that is switched on daily has two months.
MAX_BOOTS = 64
# No gateway of this program ran before: a wall clock that says so starts where its hardware does, and tells nothing.
EARLIEST = 1_735_689_600.0  # 2025-01-01T00:00:00Z
LATEST = 32_503_680_000.0  # the year 3000


class Instant(NamedTuple):
    """One look at the clocks: monotonic seconds of boot `boot_id`, Unix seconds, and whether those were trusted.

    `monotonic` goes on while the machine is suspended (Linux: CLOCK_BOOTTIME). Trusted means that the wall clock was
    known to be right at that moment.
    """

    monotonic: float
    boot_id: str
    wall: float
    trusted: bool


class Stamp(NamedTuple):
    """What the wire says of an event's time. `wall` is Unix seconds, None where no clock of that boot is known."""

    wall: float | None
    trusted: bool
    uptime_s: float


class Source(IntEnum):
    """Who says what time it is; the higher one is believed. GPS is below the desk, for anybody can send its signal."""

    NOBODY = 0
    GPS = 1
    DESK = 2
    KERNEL = 3


class Claim(NamedTuple):
    """The wall clock is ahead of the monotonic one by `offset_s` at least, and by `offset_s + doubt_s` at most."""

    source: Source
    offset_s: float
    doubt_s: float = 0.0


def desk_claim(issued: float, asked_at: float, now: float) -> Claim:
    """What a signed answer tells: `issued` (Unix seconds) lies between the question `asked_at` and its arrival `now`.

    The same holds for one that was held back on its way or sent twice, for no answer is older than its question.
    """
    return Claim(Source.DESK, issued - now, now - asked_at)


class Trust:
    """The best that is known of this boot's time. `known` is that claim, None while nobody said."""

    def __init__(self) -> None:
        self.known: Claim | None = None

    def hear(self, claim: Claim) -> bool:
        """Take a claim if it is good for anything; says whether it was."""
        held = self.known
        if not 0.0 <= claim.doubt_s <= MAX_DOUBT_S or not -LATEST <= claim.offset_s < LATEST:
            return False
        if held and held.source > claim.source:
            return False
        if held is None or held.source < claim.source or claim.source is Source.KERNEL:
            self.known = claim
            return True
        # of the same rank: move no further than the new bounds ask for, so that a slow answer spoils no quick one
        within = min(max(held.offset_s, claim.offset_s), claim.offset_s + claim.doubt_s)
        self.known = held._replace(offset_s=within, doubt_s=min(held.doubt_s, claim.doubt_s))
        return True

    def jumped(self, monotonic: float, wall: float) -> bool:
        """Whether the machine's wall clock is not where the kernel had it: it has to be asked again."""
        held = self.known
        return held is not None and held.source is Source.KERNEL and abs(wall - monotonic - held.offset_s) > JUMP_S

    def instant(self, monotonic: float, boot_id: str, wall: float, *, synchronised: bool) -> Instant:
        """The four values, where the machine's own wall clock says `wall` and its kernel whether that is right."""
        if synchronised:
            self.hear(Claim(Source.KERNEL, wall - monotonic))
        if self.known is None:
            return Instant(monotonic, boot_id, wall, False)
        return Instant(monotonic, boot_id, monotonic + self.known.offset_s, True)


class Boot(NamedTuple):
    """What is known of one boot: its offset wall - monotonic, from whom, and the last monotonic second seen."""

    boot_id: str
    offset_s: float
    source: Source
    last_at: float


class Boots:
    """The boots that this gateway remembers, oldest first. `due` says that the newest is worth a write."""

    def __init__(self, rows: Iterable[Boot] = ()) -> None:
        self._rows = {row.boot_id: row for row in list(rows)[-MAX_BOOTS:]}
        self._kept = next(reversed(self._rows.values()), None)

    def of(self, boot_id: str) -> Boot | None:
        """What is known of a boot."""
        return self._rows.get(boot_id)

    def note(self, now: Instant, source: Source) -> None:
        """Remember what the clocks say now; `source` is who vouches for it.

        What was known to be right once in a boot is not replaced by what is not.
        """
        held = self._rows.get(now.boot_id)
        if held and held.source > source:
            self._rows[now.boot_id] = held._replace(last_at=now.monotonic)
            return
        self._rows[now.boot_id] = Boot(now.boot_id, now.wall - now.monotonic, source, now.monotonic)
        while len(self._rows) > MAX_BOOTS:
            del self._rows[next(iter(self._rows))]

    @property
    def due(self) -> bool:
        """Whether the newest boot differs from what was kept: another one, another source, or by more than WRITE_S."""
        new, kept = next(reversed(self._rows.values()), None), self._kept
        if new is None or kept is None or new.boot_id != kept.boot_id:
            return new is not None
        return new.source != kept.source or abs(new.offset_s - kept.offset_s) > WRITE_S

    def kept(self, newest: Boot) -> None:
        """A record with this as its newest row is on disk."""
        self._kept = newest

    def offset(self, boot_id: str, at: float) -> tuple[float, bool] | None:
        """A boot's offset for what happened `at` in it, and whether it is known to be right; None: nothing is known.

        A boot whose clock was never right began after the last sign of the one before it, and ended before the one
        behind it began: its own wall clock is used where it makes sense and fits between, else the nearest that does.
        """
        held = self._rows.get(boot_id)
        if held is None:
            return None
        if held.source:
            return held.offset_s, True
        rows = self.rows
        place = rows.index(held)
        low = next((row.offset_s + row.last_at for row in reversed(rows[:place]) if row.source), None)
        begun = next((row.offset_s for row in rows[place + 1 :] if row.source), None)
        high = None if begun is None else begun - max(held.last_at, at)
        guess = held.offset_s if EARLIEST <= held.offset_s + at < LATEST else None
        bounds = [bound for bound in (guess, low) if bound is not None]
        found = max(bounds) if bounds else high
        if found is None:
            return None
        return (found if high is None else min(found, high)), False

    def record(self) -> list[list[Any]]:
        """Plain data for the store; `from_record` reads it back."""
        return [[row.boot_id, round(row.offset_s, 3), row.source.value, round(row.last_at, 3)] for row in self.rows]

    @property
    def rows(self) -> Sequence[Boot]:
        """All, oldest first."""
        return list(self._rows.values())

    @classmethod
    def from_record(cls, plain: object) -> "Boots":
        """The boots of a record. Raises ValueError when it is none."""
        rows: list[Boot] = []
        for row in plain if isinstance(plain, list) else [None]:
            match row:
                case [str(boot_id), int() | float() as offset, int(source), int() | float() as last_at]:
                    rows.append(Boot(boot_id, float(offset), Source(source), float(last_at)))
                case _:
                    raise ValueError("not a table of boots")
        return cls(rows)


def wall_of(at: float, boot_id: str, now: Instant, boots: Boots | None = None) -> Stamp:
    """When something stamped `at` on the monotonic clock of `boot_id` happened, by what the clocks say `now`.

    Within the same boot the present offset is used, so that a clock set right after the event dates it right. An
    event of an earlier boot is dated by what `boots` knows of that one.
    """
    if boot_id == now.boot_id:
        return Stamp(now.wall - (now.monotonic - at), now.trusted, at)
    found = boots.offset(boot_id, at) if boots else None
    if found is None:
        return Stamp(None, False, at)
    return Stamp(at + found[0], found[1], at)


def age_s(at: float, boot_id: str, wall: float, now: Instant) -> float:
    """How long ago something was: in this boot by the monotonic clock, else by what the wall clock was then.

    Never less than 0, for one of the two wall clocks may have been wrong.
    """
    return max(0.0, now.monotonic - at if boot_id == now.boot_id else now.wall - wall)


def passed_s(at: float, boot_id: str, wall: float, now: Instant, *, trusted: bool) -> float:
    """How much of a time that began then is over for certain: 0 where no clock that was right tells.

    `trusted` is whether `wall` was.
    """
    if boot_id == now.boot_id:
        return max(0.0, now.monotonic - at)
    return max(0.0, now.wall - wall) if trusted and now.trusted else 0.0
