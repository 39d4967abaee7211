"""One channel and all that it taught: the layers together, on two clocks.

The quick clock ticks with each reading, at most once a second; the slow one once in about five minutes. So a channel at
50 Hz, at 1 Hz, each minute or each hour is seen through the same windows, and what is faster costs less. Calm band and
runs go by the quick clock, maps, records and season by the slow one.
"""

from edge_agent.core.learning.alarm import KEEP, Alarm
from edge_agent.core.learning.averages import Averages
from edge_agent.core.learning.calm import CalmBand
from edge_agent.core.learning.crowd import Crowd
from edge_agent.core.learning.maps import VIEWS, Maps, Seen
from edge_agent.core.learning.novelty import QUIET
from edge_agent.core.learning.record import Record
from edge_agent.core.learning.runs import DAY_S, ENOUGH, Runs
from edge_agent.core.learning.season import Season

# A little less than a second and five minutes, so that a channel of just that pace ticks with each reading.
QUICK_S, SLOW_S = 0.9, 240.0
# The quick clock may be behind by so much: a reading that comes early after a late one is not merged.
_LATE_S = 2.0
# A tick due farther away than this is left from before the clock was set back.
_FAR_S = 2 * SLOW_S
# What did not come for twice so long is forgotten, and what came within once is not: 60 days in the mean.
AGE_S = 40 * 86400.0
# Records come after the views: of the value, of its distance from the season, of a fast against a slow average.
VALUE, SEASONAL, TREND = range(len(VIEWS) + 1, len(VIEWS) + 4)
# Nothing is said in the first day, for a day is what a household repeats. After so many ticks it is
# over, wherever a clock was set.
_DAY_TICKS = int(DAY_S / SLOW_S)
# Powers of ten a view that are an alert together; and how much of the sum stays for the next tick.
THRESHOLD = 0.28 * (len(VIEWS) + 1 + 3)
KEEP_LEVEL = 0.4
# A step of the slow clock for a channel of its pace.
_STEP_S = 300.0
_NOTHING = 0.05
# Of runs each alert of the last days asks for so many powers of ten more, for their evidence is counted in such.
RUN_BUDGET = 0.5
# Beyond this a number is not a measurement, and single precision would overflow.
_LARGEST = 1e30


class Learner:
    """`update` takes each reading and returns a score: above 1 is an alert. `state` is whether it is off its level."""

    __slots__ = (
        "age_due",
        "alarm",
        "averages",
        "began",
        "calm",
        "compared",
        "crowd",
        "level",
        "maps",
        "quick_due",
        "quick_n",
        "quick_sum",
        "runs",
        "season",
        "seasonal",
        "slow_due",
        "slow_n",
        "slow_sum",
        "tick",
        "too_long",
        "trend",
        "turn",
        "value",
        "why",
    )  # fmt: skip

    def __init__(self, crowd: Crowd | None = None) -> None:
        self.crowd = crowd or Crowd()
        self.averages, self.season, self.maps = Averages(), Season(), Maps()
        self.value, self.seasonal, self.trend = Record(), Record(), Record()
        self.compared = 0
        self.calm, self.runs, self.alarm = CalmBand(), Runs(), Alarm()
        self.began = self.tick = 0.0
        self.level = self.quick_sum = self.slow_sum = 0.0
        self.quick_due = self.slow_due = self.age_due = -1e300
        self.quick_n = self.slow_n = 0
        self.turn: float | None = None  # mean direction of an angle, in degrees
        self.why: tuple[Seen, ...] = ()
        self.too_long = False  # what the last alert of a run was about: it goes on too long

    @property
    def state(self) -> bool:
        """Whether the channel is out of its calm band now."""
        return self.calm.out

    @property
    def threshold(self) -> float:
        """Powers of ten that are an alert."""
        return THRESHOLD + self.crowd.decades

    @property
    def step_s(self) -> float:
        """Seconds between two ticks of the slow clock, in the mean."""
        lasted = self.slow_due - SLOW_S - self.began
        return max(lasted / (self.alarm.n - 1), SLOW_S) if self.alarm.n > 1 else SLOW_S

    @property
    def _ready(self) -> bool:
        """Whether a day is over, and enough of it was seen to tell what is rare."""
        n = self.alarm.n
        return n > _DAY_TICKS or (n > QUIET and self.slow_due - SLOW_S - self.began >= DAY_S)

    def surprise(self, at: float) -> float:
        """Powers of ten by which the channel is unusual at second `at`, fading within minutes; of runs, their evidence.

        What independent channels say of one thing may be added up.
        """
        if self.runs.onoff:
            return self.runs.evidence if self.runs.known else 0.0
        since = at - (self.slow_due - SLOW_S)
        return self.level * KEEP_LEVEL ** (max(0.0, since) / _STEP_S) if self._ready else 0.0

    def teach(self) -> None:
        """A person says: this is normal. What is suspect becomes normal, the level is learned anew from here."""
        self.maps.teach()
        for record in (self.value, self.seasonal, self.trend):
            record.teach()
        self.runs.teach()
        self.calm.teach()
        self.alarm.teach()
        self.level, self.why = 0.0, ()

    def update(self, at: float, x: float, local_s: float | None = None) -> float:
        """A reading at second `at` of a clock that only goes on; `local_s` is local time where that is known."""
        if not -_LARGEST < x < _LARGEST:
            return 0.0
        due = self.quick_due
        if at < due < at + _FAR_S:
            self.quick_sum += x
            self.quick_n += 1
            return 0.0
        due += QUICK_S
        self.quick_due = due if at - _LATE_S < due <= at + QUICK_S else at - _LATE_S
        if self.quick_n:
            x = (self.quick_sum + x) / (self.quick_n + 1)
            self.quick_sum, self.quick_n = 0.0, 0
        self.calm.see(x)
        score = self._run() if self.runs.see(at, x) else 0.0
        due = self.slow_due
        if at < due < at + _FAR_S:
            self.slow_sum += x
            self.slow_n += 1
            return score
        self.slow_due = at + SLOW_S
        if not self.alarm.n:
            self.began = at
        if not at < self.age_due < at + 2 * AGE_S:
            self._age(at)
        if self.slow_n:
            x = (self.slow_sum + x) / (self.slow_n + 1)
            self.slow_sum, self.slow_n = 0.0, 0
        slow = self._slow(x, local_s)
        return slow if slow > score else score  # noqa: FURB136 - a call costs a fiftieth of a reading

    def _age(self, at: float) -> None:
        """Some weeks are over, or the first have begun: what did not come in them gets old, what was old is forgotten.

        A silence of months counts once.
        """
        begun, self.age_due = self.alarm.n > 0, at + AGE_S
        if begun:
            for part in (self.maps, self.value, self.seasonal, self.trend, self.runs):
                part.age()

    def _run(self) -> float:
        """A run ended."""
        runs = self.runs
        if not runs.evidence or not runs.known or not runs.onoff:
            return 0.0
        threshold = ENOUGH + self.crowd.decades + RUN_BUDGET * self.alarm.spent
        score = self.alarm.decide(runs.evidence / threshold)
        if score > 1.0:
            self.why, self.too_long = (), runs.overlong > 0.0
            runs.forget_evidence()
        return score

    def _slow(self, x: float, local_s: float | None) -> float:
        """A tick of the slow clock."""
        self.tick = x
        alarm, e = self.alarm, self.averages
        n = alarm.n = alarm.n + 1
        alarm.spent *= KEEP
        restless = e.add(x)
        if local_s is None:
            found = self.maps.see(x, e, restless, -1, alarm)
        else:
            hours = int(local_s // 3600.0)
            hour = hours % 24
            found = self.maps.see(x, e, restless, hour >> 1, alarm)
            away = self.season.unusual(hour, hours // 24 % 7, x)
            if away is not None:
                record = self.seasonal
                self.compared += 1
                if not record.least <= away <= record.most:
                    found = self._record(SEASONAL, record, away, n, self.compared, found)
        record = self.value
        if not record.least <= x <= record.most:
            found = self._record(VALUE, record, x, n, n, found)
        record = self.trend
        drift = e.e25 - e.e300
        if not record.least <= drift <= record.most:
            found = self._record(TREND, record, drift, n, n, found)
        level = self.level * KEEP_LEVEL
        if found:
            for first in found:
                level += first[0]
        self.level = level
        return 0.0 if level < _NOTHING or not self._ready else self._judge(level, found)

    @staticmethod
    def _record(which: int, record: Record, x: float, n: int, seen: int, found: list[Seen] | None) -> list[Seen] | None:
        bound = record.high if x > record.high else record.low
        surprise = record.see(x, n, seen)
        if not surprise:
            return found
        return [*(found or ()), Seen(surprise, which, x, bound)]

    def _judge(self, level: float, found: list[Seen] | None) -> float:
        if self.runs.onoff:
            return 0.0
        score = self.alarm.judge(level / self.threshold)
        if score > 1.0:
            self.why = tuple(found or ())
            self.maps.suspect(found or [])
        return score
