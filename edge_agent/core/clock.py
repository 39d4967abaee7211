"""Time is four values: monotonic, boot id, wall, trusted; and a late truth back-dates what was stamped before."""

from typing import NamedTuple


class Instant(NamedTuple):
    """One look at the clocks: monotonic seconds of boot `boot_id`, Unix seconds, and whether those were trusted.

    Trusted means that the wall clock was known to be right (synchronised) at that moment.
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


def wall_of(at: float, boot_id: str, now: Instant) -> Stamp:
    """When something stamped `at` on the monotonic clock of `boot_id` happened, by what the clocks say `now`.

    Within the same boot the present offset is used, so that a clock set right after the event dates it right. Of an
    earlier boot nothing but the monotonic age is known here: the caller may know that boot's offset.
    """
    if boot_id != now.boot_id:
        return Stamp(None, False, at)
    return Stamp(now.wall - (now.monotonic - at), now.trusted, at)
