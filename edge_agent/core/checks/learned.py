"""Learned: what this channel never did before, or, where that is asked for, that it left the level it keeps.

What it knows is a `core.learning` Learner, which is saved and loaded elsewhere; here a reading is made a number that
can be compared (a counter's pace, an angle's way from its mean), and a first a sentence.
"""

import math
from dataclasses import dataclass, field

from edge_agent.core.checks.around import STANDS_S, Around
from edge_agent.core.checks.base import number
from edge_agent.core.checks.learned_words import Teller
from edge_agent.core.finding import GOOD, Verdict
from edge_agent.core.learning.channel import Learner
from edge_agent.core.learning.confidence import LEVEL, RUNS, share_real
from edge_agent.core.reading import Channel, ChannelKind, Reading

# A state holds until it changes: it is looked at again so often, for so long after it was heard.
_LOOK_S, _HELD_S = 60.0, 86400.0
# An angle's mean is over about so long.
_TURN_S = 86400.0


_ALONE = Around()


@dataclass(slots=True)
class Learned:
    """`learner` may be one that was loaded; call `resume` then. `level`: say too when it is off its level."""

    channel: str
    around: Around = _ALONE
    level: bool = False
    learner: Learner = field(default_factory=Learner)
    _shift_s: float | None = 0.0
    _until: float = -math.inf
    _last: tuple[float, float] | None = None
    _held: Reading | None = None
    _looked: float = 0.0
    _left: float | None = None
    _at: float | None = None

    def __post_init__(self) -> None:
        """One more among the channels that are judged."""
        if self.around.crowd is not None:
            self.around.crowd.channels += 1
            self.learner.crowd = self.around.crowd

    def teach(self) -> None:
        """A person says: this is normal here. What is unusual now is so no more, nor when it comes again.

        A finding that stands is over with the next tick.
        """
        self.learner.teach()
        self._until = min(self._until, 0.0)

    def surprise(self, now: float) -> float:
        """Powers of ten by which this channel is unusual at second `now`, to be added up with those of its device.

        It fades within minutes; a level that was left counts as an alert as long as it lasts (where `level` is set).
        """
        learner = self.learner
        if self._off():
            return max(learner.threshold, learner.surprise(now + (self._shift_s or 0.0)))
        return learner.surprise(now + (self._shift_s or 0.0))

    def resume(self, learner: Learner) -> None:
        """Go on with what was saved: time of the gateway's clock may have begun anew."""
        learner.crowd, self.learner, self._shift_s = self.learner.crowd, learner, None
        learner.runs.pause()

    def stand(self, now: float) -> None:
        """A finding of before a restart goes on."""
        self._until = now + STANDS_S

    def see(self, reading: Reading) -> Verdict | None:
        """Bad from an alert on for an hour, and while the level is another."""
        if reading.channel.kind is ChannelKind.STATE:
            self.learner.runs.switch = True
            self._held, self._looked = (reading if reading.value is not None else None), reading.at
        return self._judge(reading)

    def tick(self, now: float) -> Verdict | None:
        """A state that goes on; otherwise only that an alert is over."""
        held = self._held
        if held is not None and now - self._looked >= _LOOK_S and now - held.at < _HELD_S:
            self._looked = now
            return self._judge(held._replace(at=now))
        return GOOD if self._until != -math.inf and now >= self._until and not self._off() else None

    def _judge(self, reading: Reading) -> Verdict | None:
        x = self._comparable(reading)
        if x is None:
            return None
        learner, at = self.learner, reading.at
        if self._shift_s is None:
            self._shift_s = max(learner.runs.until, learner.slow_due) - at
        score = learner.update(at + self._shift_s, x, self.around.local_s(at))
        if score > 1.0:
            self._until = at + STANDS_S
            share = share_real(score) if learner.why else RUNS
            said = self._teller(reading.channel).alert(learner, self.around.local_s(at))
            return Verdict(True, said, confidence=share)
        if not self._off():
            self._left = None
            return None if at < self._until else GOOD
        if self._left is None:
            self._left = at
        said = self._teller(reading.channel).level(x, learner, self.around.local_s(self._left))
        return Verdict(True, said, confidence=LEVEL)

    def _teller(self, channel: Channel) -> Teller:
        return Teller(self.around.words, channel, self.learner.turn or 0.0)

    def _off(self) -> bool:
        return self.level and self.learner.state and not self.learner.runs.onoff

    def _comparable(self, reading: Reading) -> float | None:
        x = number(reading)
        if x is None or not math.isfinite(x):
            return None
        kind = reading.channel.kind
        if kind is ChannelKind.COUNTER:
            return self._pace(reading.at, x)
        return self._turned(reading.at, x) if kind is ChannelKind.ANGLE else x

    def _pace(self, at: float, x: float) -> float | None:
        """A counter's increase an hour; none when it was set back or time stood still."""
        before, self._last = self._last, (at, x)
        if before is None or x < before[1] or at <= before[0]:
            return None
        return 3600.0 * (x - before[1]) / (at - before[0])

    def _turned(self, at: float, degrees: float) -> float:
        """How far an angle is from its mean, -180 to 180."""
        learner, before, self._at = self.learner, self._at, at
        if learner.turn is None:
            learner.turn = degrees % 360.0
        away = (degrees - learner.turn + 180.0) % 360.0 - 180.0
        if before is not None and at > before:
            learner.turn = (learner.turn - away * math.expm1((before - at) / _TURN_S)) % 360.0
        return away
