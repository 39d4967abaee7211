"""Times as a householder says them: local, in words. `at 14:20, in 10 minutes`, `tomorrow at 9:05`."""

import time
from datetime import date, timedelta

from edge_agent.texts import Texts

# Nearer than this it is also said how far it is; beyond, a time of day says more.
NEAR_S = 12 * 3600.0
_HALF_A_MINUTE_S = 30.0


def when(texts: Texts, wall: float, now: float) -> str:
    """An instant, Unix seconds, as seen from `now`, in the time zone of this machine."""
    said = _day(texts, wall, now)
    if abs(wall - now) > NEAR_S:
        return said
    return texts.say("time.both", when=said, distance=distance(texts, wall - now))


def distance(texts: Texts, seconds: float) -> str:
    """How far in the future, or below 0 in the past."""
    if abs(seconds) < _HALF_A_MINUTE_S:
        return texts["time.soon" if seconds >= 0 else "time.just_now"]
    minutes = round(abs(seconds) / 60)
    unit, count = ("minute", minutes) if minutes < 90 else ("hour", round(minutes / 60))
    length = texts.say(f"time.{unit}" if count == 1 else f"time.{unit}s", n=count)
    return texts.say("time.in" if seconds > 0 else "time.past", length=length)


def _day(texts: Texts, wall: float, now: float) -> str:
    then, today = time.localtime(wall), date(*time.localtime(now)[:3])
    day = date(*then[:3])
    at = texts.say("time.at_one" if then.tm_hour == 1 else "time.at", time=f"{then.tm_hour}:{then.tm_min:02d}")
    if day == today:
        return at
    if abs(day - today) == timedelta(days=1):
        return texts.say("time.tomorrow" if day > today else "time.yesterday", at=at)
    if timedelta() < day - today < timedelta(days=7):
        return texts.say("time.on_weekday", weekday=texts["time.weekdays"].split()[then.tm_wday], at=at)
    return texts.say("time.on_date", day=then.tm_mday, month=texts["time.months"].split()[then.tm_mon - 1], at=at)
