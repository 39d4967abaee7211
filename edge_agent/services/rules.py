"""Rules at work: readings and findings to core.rules, and what comes of it to the help service.

That a rule has called is on disk only when its case is: after a crash between the two it calls again, into the case
that is open by then. So a restart while the alarm lasts makes no second case, whether the first is open or over.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import structlog

from edge_agent.core.errors import StoreError
from edge_agent.core.finding import Finding, FindingState
from edge_agent.core.health import Health
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Reading
from edge_agent.core.request import HelpRequest
from edge_agent.core.rhythm import until_next
from edge_agent.core.rules import Condition, Rule, RuleSetting
from edge_agent.texts import Said
from edge_agent.threads import in_thread

ROUND_S = 1.0
# A device needs so long after the start to be heard; a rule that is blind for longer is said to be.
PATIENCE_S = 60.0

_log = structlog.get_logger("rules")
_NO_CONSENT = Health(False, Said("part.no_consent"), Said("part.no_consent_fix"))


class Raises(Protocol):
    """The help service, as far as rules need it."""

    @property
    def case(self) -> HelpRequest | None:
        """The live case, or the last one."""

    def trigger(self, rule: str, text: str, cancel_window_s: float, fall_back_now: bool) -> None:
        """Call for help by a rule; in an open case a word to the desk and no second case."""


class Rules:
    """`see` and `finding` take what happens, `run` lets time speak and keeps on disk which rules have called.

    `raised` are the names of those that had at the last stop, `save` brings such names to disk (from a thread, raises
    StoreError). `case_changed` is to be called when a change of the case is saved. Without `allowed` nothing calls, and
    what lasts until it is allowed calls then.
    """

    def __init__(
        self,
        clock: Clock,
        settings: Sequence[RuleSetting],
        help_: Raises,
        *,
        allowed: Callable[[], bool],
        save: Callable[[list[str]], None],
        raised: Collection[str] = (),
    ) -> None:
        self._clock = clock
        self._help = help_
        self._allowed = allowed
        self._save = save
        self._rules = [Rule(setting, raised=setting.name in raised) for setting in settings]
        self._channels: defaultdict[str, list[Rule]] = defaultdict(list)
        self._findings: defaultdict[str, list[Rule]] = defaultdict(list)
        for rule in self._rules:
            of = self._findings if rule.setting.condition is Condition.FINDING else self._channels
            of[rule.setting.subject].append(rule)
        self._first = {setting.name for setting in settings}
        self._unsaved: set[str] = set()
        self._kept = sorted(raised)
        self._started_at = clock.now().monotonic

    @property
    def health(self) -> Health | None:
        """How the rules are; None where there are none."""
        if not self._rules:
            return None
        if not self._allowed():
            return _NO_CONSENT
        late = self._clock.now().monotonic - self._started_at >= PATIENCE_S
        blind = [r.setting for rules in self._channels.values() for r in rules if late and not r.known]
        if blind:
            channel, rule = blind[0].subject, blind[0].name
            key = "part.rule_blind_more" if blind[1:] else "part.rule_blind"
            said = Said(key, channel=channel, rule=rule, more=len(blind) - 1)
            return Health(False, said, Said("part.rule_blind_fix"))
        called = [rule.setting.name for rule in self._rules if rule.raised]
        count = Said("part.rules" if self._rules[1:] else "part.rule", n=len(self._rules))
        return Health(True, Said("part.rules_called", said=count, names=", ".join(called)) if called else count)

    def see(self, reading: Reading) -> None:
        """One reading, of any channel."""
        rules = self._channels.get(reading.channel.name)
        for rule in rules or ():
            if rule.see(reading.value, reading.at):
                self._call(rule)

    def looks_at(self, finding: Finding) -> bool:
        """Whether a rule calls for help by this finding, or by a reading of its channel."""
        return finding.key in self._findings or finding.channel in self._channels

    def finding(self, finding: Finding) -> None:
        """A finding was confirmed or cleared."""
        now = self._clock.now().monotonic
        for rule in self._findings.get(finding.key, ()):
            if rule.see(finding.state is FindingState.CONFIRMED, now):
                self._call(rule)

    def case_changed(self) -> None:
        """What the help service was told until now is on disk, as far as it may be."""
        self._unsaved.clear()

    async def run(self) -> None:
        """Look at the time and keep what changed, until cancelled. Optional: it goes on where it was."""
        while True:
            now = self._clock.now().monotonic
            for rule in self._rules:
                if rule.tick(now):
                    self._call(rule)
            await self.keep()
            await asyncio.sleep(until_next(now, ROUND_S))

    async def keep(self) -> None:
        """Which rules have called, to disk; again in the next round where it refuses."""
        called = sorted(rule.setting.name for rule in self._rules if rule.raised)
        called = [name for name in called if name not in self._unsaved]
        if called != self._kept:
            with suppress(StoreError):
                await in_thread(partial(self._save, called))
                self._kept = called

    def _call(self, rule: Rule) -> None:
        if not self._allowed():
            return
        setting, case = rule.setting, self._help.case
        rule.raised, first = True, setting.name in self._first
        self._first.discard(setting.name)
        if first and case is not None and case.open and case.rule == setting.name:
            return  # the alarm of before a restart, and its case
        _log.warning("rule_calls_for_help", rule=setting.name, what=setting.text)
        self._unsaved.add(setting.name)
        self._help.trigger(setting.name, setting.text, setting.cancel_window_s, setting.fall_back_at_once)
