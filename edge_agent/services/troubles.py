"""Trouble codes that devices tell of themselves become findings: one a code, with its meaning in words.

Delays are not ours: the device has its own before it sets a code and before it takes it back.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from edge_agent.core.checks.base import Words
from edge_agent.core.finding import CODE, Finding, FindingState
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Code, Codes
from edge_agent.texts import Texts

# A control unit has a few dozen at the worst; more of them is a device gone mad.
MAX_CODES = 200
_SLUG = re.compile(r"[^a-z0-9]+")
_CLEARED = FindingState.CLEARED


class Troubles:
    """`see` takes each list of a device. `known` gives all findings, `tell` is called with each one that changed."""

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], bytes],
        texts: Texts,
        known: Callable[[], Iterable[Finding]],
        tell: Callable[[Finding], None],
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._words = Words(texts.say, texts.get)
        self._known = known
        self._tell = tell

    def see(self, told: Codes) -> None:
        """All codes of one memory: those that are new or told otherwise, and those that are gone."""
        memory = f"{told.device}.{_slug(told.memory)}" if told.memory else told.device
        codes = {f.channel: f for f in self._known() if f.kind == CODE and f.device == told.device}
        now = {f"{memory}.{_slug(code.code)}": code for code in told.codes[:MAX_CODES]}
        standing = {channel for channel, f in codes.items() if f.state is not _CLEARED}
        for channel in [c for c in standing if c.rpartition(".")[0] == memory and c not in now]:
            standing.discard(channel)
            self._tell(self._gone(codes[channel], told.at))
        for channel, code in now.items():
            if channel not in standing and len(standing) >= MAX_CODES:
                break
            standing.add(channel)
            finding = self._there(channel, code, told, codes.get(channel))
            if finding != codes.get(channel):
                self._tell(finding)

    def _there(self, channel: str, code: Code, told: Codes, before: Finding | None) -> Finding:
        """The finding as it is now; the same as `before` where nothing changed."""
        fresh = before is None or before.state is _CLEARED
        state = FindingState.PENDING if code.pending else FindingState.CONFIRMED
        count = before.count if before else 0
        now = Finding(
            id=self._new_id() if before is None or fresh else before.id,
            channel=channel,
            kind=CODE,
            state=state,
            severity=code.severity,
            sentence=self._sentence(told.device, code),
            since=told.at if before is None or fresh else before.since,
            boot_id=self._clock.now().boot_id if before is None or fresh else before.boot_id,
            count=count + (not code.pending and (before is None or before.state is not FindingState.CONFIRMED)),
            permanent=code.permanent,
            stored=code.frame,
        )
        return now if before is None or fresh else replace(now, cause=before.cause)

    def _gone(self, finding: Finding, at: float) -> Finding:
        device, code = self._words.name(finding.device), finding.channel.rpartition(".")[2].upper().replace("_", " ")
        said = self._words.say("finding.code_gone", device=device, code=code)
        return replace(
            finding, state=_CLEARED, sentence=said, since=at, boot_id=self._clock.now().boot_id, permanent=False
        )

    def _sentence(self, device: str, code: Code) -> str:
        key = "finding.code_pending" if code.pending else "finding.code"
        meaning = f": {code.meaning}" if code.meaning else ""
        return self._words.say(key, device=self._words.name(device), code=code.code, meaning=meaning)


def _slug(text: str) -> str:
    """A code as a part of a channel's name."""
    return _SLUG.sub("_", text.lower()).strip("_")[:40] or "_"
