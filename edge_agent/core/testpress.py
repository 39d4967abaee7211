"""The test of the way to the desk: when it is due, and what came of it. Sans-IO."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

# Whatever a test wakes up is looked at by people: local hours, from and to.
CIVIL_FROM_H, CIVIL_TO_H = 9.0, 18.0
DAY_H = 24.0
# After a failure it is tried again after so long, twice as long each time, at most CAP_S.
RETRY_S = 900.0
RETRY_CAP_S = 4 * 3600.0


class Outcome(StrEnum):
    """How a test ended, or that it runs. Only PASSED and FAILED say anything about the way."""

    NEVER = "never"
    RUNNING = "running"
    PASSED = "passed"
    NOT_STORED = "not_stored"
    NOT_SENT = "not_sent"
    NOT_ANSWERED = "not_answered"
    OFFLINE = "offline"
    YIELDED = "yielded"


FAILED = frozenset({Outcome.NOT_STORED, Outcome.NOT_SENT, Outcome.NOT_ANSWERED})


@dataclass(slots=True)
class WayTest:
    """One test. `at` is monotonic seconds of boot `boot_id`, `wall` Unix seconds as the clock then said.

    `recorded_s`, `sent_s` and `desk_s` are seconds from the beginning to the disk, the broker and the desk's answer.
    """

    outcome: Outcome
    scheduled: bool
    at: float
    boot_id: str
    wall: float
    recorded_s: float | None = None
    sent_s: float | None = None
    desk_s: float | None = None

    @property
    def failed(self) -> bool:
        """Whether the way is broken, as far as this test says."""
        return self.outcome in FAILED

    def record(self) -> dict[str, Any]:
        """Plain data for the store."""
        return asdict(self)

    @classmethod
    def from_record(cls, plain: object) -> "WayTest":
        """A test from the store. Raises ValueError."""
        match plain:
            case {
                "outcome": str(outcome),
                "scheduled": bool(scheduled),
                "at": int() | float() as at,
                "boot_id": str(boot_id),
                "wall": int() | float() as wall,
                **rest,
            }:
                steps = {name: _seconds(rest.get(name)) for name in ("recorded_s", "sent_s", "desk_s")}
                return cls(Outcome(outcome), scheduled, float(at), boot_id, float(wall), **steps)
        raise ValueError("not a test of the way to the desk")


def _seconds(plain: object) -> float | None:
    return float(plain) if isinstance(plain, int | float) else None


def due_after(last: float, every_s: float, share: float, hour_of: Callable[[float], float] | None = None) -> float:
    """When the next test is due, on the clock of `last`: at most `every_s` later, at a civil hour where one can be had.

    `share` is random in 0..1, so that gateways do not all come at once. `hour_of(wall)` is the local hour of a Unix
    time (13.5 is half past one), None where the clock is not known to be right.
    """
    at = last + every_s * (0.9 + 0.1 * share)
    if hour_of is None or CIVIL_FROM_H <= hour_of(at) < CIVIL_TO_H:
        return at
    # in the last two civil hours before, unless that is as good as now
    earlier = at - (hour_of(at) - CIVIL_TO_H) % DAY_H * 3600.0 - 60.0 - share * 7200.0
    return earlier if earlier >= last + every_s / 4 else at


def retry_after_s(failures: int) -> float:
    """Seconds from the `failures`-th failure in a row, from 1, to the next try."""
    return float(min(RETRY_CAP_S, RETRY_S * 2.0 ** min(failures - 1, 10)))
