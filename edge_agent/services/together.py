"""Across channels: what several channels of one device say against chance, no one loud enough, is one finding.

Each learned check tells by how many powers of ten its channel is unusual now. Of independent channels these add up, and
k of them reach a sum by chance more often than one: as Fisher's combined test (1925) has it, the sum of k such numbers
is that of a gamma distribution of shape k. So the sum has to pass the point where that is as rare as one channel at its
own threshold, which knows how many channels are looked at.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_agent.core.checks.around import STANDS_S
from edge_agent.core.checks.base import Words
from edge_agent.core.finding import GOOD, Finding, Severity, Tracker, Verdict
from edge_agent.core.ports import Clock
from edge_agent.services.register import Register
from edge_agent.texts import Texts

if TYPE_CHECKING:
    from edge_agent.core.checks.learned import Learned

TOGETHER = "together"
# Surprise is looked at once in so long: it comes with the slow clock of the learned checks, of about five minutes.
LOOK_S = 60.0
# A channel takes part with this much, in powers of ten.
PART = 1.0
# So many channels are named.
MOST_NAMED = 4
MOST_ZEROS = 6


class Together:
    """`tick` looks at `checks`, by `channel:kind`; what it finds is told to the register."""

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], bytes],
        register: Register,
        texts: Texts,
        checks: Mapping[str, "Learned"],
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._register = register
        self._words = Words(texts.say, texts.get)
        self._checks = checks
        self._trackers: dict[str, Tracker] = {}
        self._looked = -math.inf
        register.forget.append(self._forget)

    def tick(self, now: float) -> None:
        """Look at all devices, if it is time."""
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        of: defaultdict[str, dict[str, Learned]] = defaultdict(dict)
        for check in self._checks.values():
            of[check.channel.partition(".")[0]][check.channel] = check
        for device, checks in of.items():
            if len(checks) > 1:
                self._look(device, checks, now)

    def channels(self, device: str) -> list[str]:
        """The learned channels of a device: the keys of its checks."""
        return [key for key, check in self._checks.items() if check.channel.partition(".")[0] == device]

    def _look(self, device: str, checks: Mapping[str, "Learned"], now: float) -> None:
        heard = sorted(((check.surprise(now), name) for name, check in checks.items()), reverse=True)
        parts = [(surprise, name) for surprise, name in heard if surprise >= PART]
        together = sum(surprise for surprise, _ in parts)
        threshold = max(check.learner.threshold for check in checks.values())
        bad = len(parts) > 1 and together >= combined(threshold, len(checks))
        key = f"{device}:{TOGETHER}"
        tracker = self._trackers.get(key)
        if tracker is None:
            tracker = self._trackers[key] = Tracker.after(self._register.before(key), clear_s=STANDS_S)
        change = tracker.judge(Verdict(True, self._sentence(parts)) if bad else GOOD, now)
        if bad:
            behind = [f"{name}:{kind}" for _, name in parts for kind in _kinds(self._checks, name)]
            self._register.explain(behind, key)
        if change is None:
            return
        before = self._register.before(key)
        again = before is not None and before.stands
        self._register.tell(
            Finding(
                id=before.id if before is not None and again else self._new_id(),
                channel=device,
                kind=TOGETHER,
                state=change.state,
                severity=Severity.WARNING,
                sentence=change.sentence,
                since=change.since,
                boot_id=self._clock.now().boot_id,
                count=tracker.count,
            )
        )

    def _sentence(self, parts: list[tuple[float, str]]) -> str:
        names = [self._words.name(name) for _, name in parts[:MOST_NAMED]]
        more = len(parts) - len(names)
        channels = ", ".join(names) + (f" +{more}" if more else "")
        zeros = min(MOST_ZEROS, int(sum(surprise for surprise, _ in parts)))
        return self._words.say("finding.together", channels=channels, n=self._words.about(10**zeros))

    def _forget(self, key: str) -> None:
        if key in self._trackers:
            self._trackers[key].forget()


def _kinds(checks: Mapping[str, "Learned"], channel: str) -> list[str]:
    return [key.rpartition(":")[2] for key in checks if key.rpartition(":")[0] == channel]


def combined(decades: float, channels: int) -> float:
    """Powers of ten that the sum of so many channels must reach to be as rare as one that reaches `decades`."""
    rare, total = decades * math.log(10.0), decades * math.log(10.0)
    for _ in range(8):  # P(sum > t) = e^-t (1 + t + t^2/2! + ... + t^(k-1)/(k-1)!)
        term = series = 1.0
        for n in range(1, channels):
            term *= total / n
            series += term
        total = rare + math.log(series)
    return total / math.log(10.0)
