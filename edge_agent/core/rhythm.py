"""One rhythm for all that looks around now and then: a wake-up costs more than what is done in it.

A process that wakes up once a second uses 0.02 % of a core by that alone (tests/bench/idle.py), so what is not urgent
waits for the same instant as the rest.
"""


def until_next(now: float, period_s: float) -> float:
    """Seconds from `now` to the next whole multiple of `period_s` of the same clock: above 0, at most `period_s`."""
    return period_s - now % period_s
