"""The timers of a help request, and when it is sent again. Values only."""

from typing import NamedTuple

from edge_agent.core.clock import Instant, passed_s
from edge_agent.core.gesture import QUIET_S
from edge_agent.core.mayday_table import Signal
from edge_agent.core.request import HelpRequest, State


class Timers(NamedTuple):
    """Seconds, as configured under [help]; `hold_s` and `quiet_s` are those of the button (core.gesture)."""

    cancel_window_s: float = 5.0
    ack_wait_s: float = 10.0
    queued_after_s: float = 5.0
    reopen_s: float = 3600.0
    silence_s: float = 600.0
    hold_s: float = 3.0
    quiet_s: float = QUIET_S
    burst_resends: int = 10
    burst_s: float = 120.0
    slow_resend_s: float = 240.0
    slow_for_s: float = 3600.0
    rare_resend_s: float = 3600.0
    fallback_after_s: float = 120.0
    fallback_queued_s: float = 15.0


def resend_after(attempts: int, waited_s: float, timers: Timers, share: float) -> float:
    """Seconds to wait for the desk before the next resend; `share` is random in 0..1.

    By default ten in a burst at the acknowledgement time, 20 % more or less; then random 3.5 to 4.5 minutes for an
    hour, as maritime DSC repeats a distress call; then hourly, and never giving up.
    """
    if attempts < timers.burst_resends and waited_s < timers.burst_s:
        return timers.ack_wait_s * (0.8 + 0.4 * share)
    if waited_s < timers.slow_for_s:
        return timers.slow_resend_s * (0.875 + 0.25 * share)
    return timers.rare_resend_s * (0.9 + 0.2 * share)


class Waits(NamedTuple):
    """What the timers of a state depend on: when the case was raised, how long to wait for what, if there is a path."""

    raised_at: float
    resend_s: float
    silence_s: float
    reopen_s: float
    connected: bool = False


# What runs in each state: a live case always has a timer. Questions have theirs beside them.
_S = State
RUNS: dict[State, tuple[Signal, ...]] = {
    _S.CANCEL_WINDOW: (Signal.WINDOW_OVER,),
    _S.RAISED: (Signal.NO_PATH, Signal.OTHER_WAYS),
    _S.SENDING: (Signal.NO_PATH, Signal.UNANSWERED, Signal.OTHER_WAYS),
    _S.QUEUED: (Signal.UNANSWERED, Signal.OTHER_WAYS),
    _S.FALLBACK: (Signal.UNANSWERED,),
    _S.DELIVERED: (Signal.UNANSWERED, Signal.OTHER_WAYS),
    _S.RECEIVED: (Signal.SILENCE,),
    _S.ENGAGED: (Signal.SILENCE,),
    _S.RESOLVED: (Signal.REOPEN_OVER, Signal.UNANSWERED),
    _S.CANCELLED: (Signal.UNANSWERED, Signal.OTHER_WAYS),
}


def timers_of(state: State, at: float, t: Timers, waits: Waits) -> dict[Signal, float]:
    """When each timer of a state runs out that was entered `at` this monotonic time."""
    other_ways = waits.raised_at + t.fallback_after_s
    if state is _S.QUEUED:
        other_ways = min(other_ways, at + t.fallback_queued_s)
    elif state is _S.CANCELLED:
        other_ways = at + (t.fallback_after_s if waits.connected else t.fallback_queued_s)
    ends = {
        Signal.WINDOW_OVER: at + t.cancel_window_s,
        Signal.NO_PATH: at + t.queued_after_s,
        Signal.OTHER_WAYS: other_ways,
        Signal.UNANSWERED: at + waits.resend_s,
        Signal.SILENCE: at + waits.silence_s,
        Signal.REOPEN_OVER: at + waits.reopen_s,
    }
    return {signal: ends[signal] for signal in RUNS.get(state, ())}


def left_s(case: HelpRequest | None, now: Instant, timers: Timers) -> tuple[float, float]:
    """What is left until the desk is asked why it is silent, and of the time to reopen.

    The first is until the promised next word, when one was promised for a sensible time. Of the second there is all
    where no clock tells how long ago the case was resolved.
    """
    last = case.steps[-1] if case and case.steps else None
    ago_s = passed_s(last.at, last.boot_id, last.wall, now, trusted=last.trusted) if last else 0.0
    promised = case.next_word_wall if case else None
    silence_s = timers.silence_s
    if promised is not None and now.trusted and 0.0 < promised - now.wall < 86400.0:
        silence_s = promised - now.wall
    return silence_s, max(0.0, timers.reopen_s - ago_s)


def raised_ago_s(case: HelpRequest, now: Instant) -> float:
    """How long ago a case was raised, or opened again, for certain."""
    raised = next((step for step in reversed(case.steps) if step.state is State.RAISED), None)
    return passed_s(raised.at, raised.boot_id, raised.wall, now, trusted=raised.trusted) if raised else 0.0
