"""Playbooks: findings in, a diagnosis out, and what may be done about it. Values in, values out; time is an argument.

A playbook is for devices of a kind. Its signs are findings of such a device; how they must come together is its match.
One Diagnosis is one playbook at work on one device.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

from edge_agent.core.finding import CODE, GOOD, Change, Confidence, Finding, FindingState, Severity, Tracker, Verdict
from edge_agent.core.guard import Guard

ANY_KIND = "*"
ANY_QUANTITY = "*"
# So many sentences show what a diagnosis rests on.
MAX_EVIDENCE = 3


class Deed(StrEnum):
    """What the agent may be allowed to do by itself."""

    READ_AGAIN = "read_again"
    REOPEN_PORT = "reopen_port"
    RESTART_DRIVER = "restart_driver"
    RESET_DEVICE = "reset_device"
    POWER_CYCLE = "power_cycle"


class Worked(StrEnum):
    """How it is seen that a remedy worked: the device speaks again, or the diagnosis does not hold any more."""

    HEARD = "heard"
    CLEARED = "cleared"


class Sign(NamedTuple):
    """One finding: of `quantity` of the device (empty: of the device itself), made by a check of this kind or name.

    `quantity` may be `*`: any of them, and the device itself; or end in `*`: all that begin so. Of a trouble code
    (check `code`) it is the code in lower case, whichever control unit tells it. `side` (`low`, `high`) narrows it
    where a value left its limits; `kind` is another kind of device to look at.
    """

    check: str
    quantity: str = ""
    side: str = ""
    kind: str = ""


class Match(NamedTuple):
    """What must be there: each of `all`, one of `any`, `sequence` in this order; begun within `within_s` (0: ever)."""

    all: tuple[Sign, ...] = ()
    any: tuple[Sign, ...] = ()
    sequence: tuple[Sign, ...] = ()
    within_s: float = 0.0


class OwnCheck(NamedTuple):
    """A check that a playbook brings for a quantity of its devices; `name` is the kind of the finding it makes."""

    name: str
    quantity: str
    kind: str
    settings: Mapping[str, Any]
    confirm_s: float
    clear_s: float
    severity: Severity
    only_while: Guard | None = None


class Remedy(NamedTuple):
    """One allowed action: what must hold before, how long its effect may take, and how often it may be tried.

    It has worked when `worked` is seen within `verify_s`; at most `limit` tries in `per_s` seconds. `off_s` is how long
    power is away.
    """

    deed: Deed
    only_if: Guard | None = None
    worked: Worked = Worked.HEARD
    verify_s: float = 60.0
    limit: int = 3
    per_s: float = 86_400.0
    off_s: float = 10.0


class Told(NamedTuple):
    """What a playbook says in one language: its title, the cause, and what the householder can do."""

    title: str
    cause: str
    action: str


@dataclass(frozen=True, slots=True)
class Playbook:
    """One file. `told` is by language; `offer_help` is whether help is offered when the remedies came to nothing."""

    name: str
    kinds: tuple[str, ...]
    severity: Severity
    confidence: Confidence
    match: Match
    told: Mapping[str, Told]
    checks: tuple[OwnCheck, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    clear_s: float = 0.0
    offer_help: bool = True

    def fits(self, kind: str) -> bool:
        """Whether it is for devices of this kind."""
        return ANY_KIND in self.kinds or kind in self.kinds

    def says(self, language: str) -> Told:
        """Its words in this language, in English, or in the first there is."""
        return self.told.get(language) or self.told.get("en") or next(iter(self.told.values()))


def _covers(pattern: str, quantity: str) -> bool:
    return quantity.startswith(pattern[:-1]) if pattern.endswith(ANY_QUANTITY) else quantity == pattern


@dataclass(slots=True)
class _Seen:
    """One sign: where it would stand, since when it does or did, and which findings stand now."""

    sign: Sign
    devices: frozenset[str]
    at: float | None = None
    standing: dict[str, str] = field(default_factory=dict)

    def takes(self, finding: Finding) -> bool:
        """Whether the finding is this sign. One that is over is, whatever its side: it was, if it stood."""
        sign, device, _, quantity = self.sign, *finding.channel.partition(".")
        return (
            finding.kind == sign.check
            and device in self.devices
            and _covers(sign.quantity, quantity.rpartition(".")[2] if finding.kind == CODE else quantity)
            and (finding.state is FindingState.CLEARED or not sign.side or finding.side == sign.side)
        )

    def counts(self, now: float, within_s: float) -> bool:
        """Whether it stands, or did so lately."""
        return bool(self.standing) or (within_s > 0.0 and self.at is not None and now - self.at <= within_s)


class Diagnosis:
    """One playbook on one device. `others` gives the devices of a kind, for signs that are not of this one.

    Feed it every finding that changes, and the time; both answer what changed of the diagnosis itself: CONFIRMED with
    its evidence as the sentence, or CLEARED.
    """

    def __init__(
        self, playbook: Playbook, device: str, others: Callable[[str], Iterable[str]], before: Finding | None = None
    ) -> None:
        self.playbook = playbook
        self.device = device
        self._tracker = Tracker.after(before, clear_s=playbook.clear_s)
        match = playbook.match

        def seen(sign: Sign) -> _Seen:
            return _Seen(sign, frozenset(others(sign.kind) if sign.kind else [device]))

        self._all = [seen(sign) for sign in match.all]
        self._any = [seen(sign) for sign in match.any]
        self._sequence = [seen(sign) for sign in match.sequence]
        self._signs = [*self._all, *self._any, *self._sequence]

    @property
    def stands(self) -> bool:
        """Whether the diagnosis holds now."""
        return self._tracker.state is FindingState.CONFIRMED

    @property
    def evidence(self) -> list[str]:
        """The sentences of the findings it rests on, each once."""
        said = [sentence for seen in self._signs for sentence in seen.standing.values()]
        return list(dict.fromkeys(said))[:MAX_EVIDENCE]

    @property
    def findings(self) -> frozenset[str]:
        """The keys of the findings that stand and are explained by it."""
        return frozenset(key for seen in self._signs for key in seen.standing)

    @property
    def count(self) -> int:
        """How often it was made."""
        return self._tracker.count

    def forget(self) -> None:
        """Somebody cleared it by hand, and what it rests on."""
        self._tracker.forget()
        for seen in self._signs:
            seen.standing.clear()

    def see(self, finding: Finding, now: float) -> Change | None:
        """One finding was confirmed or cleared. What a bus or another device explains is no sign of this one."""
        concerned = [seen for seen in self._signs if seen.takes(finding)]
        foreign = finding.cause.partition(":")[0] not in ("", finding.device)
        for seen in concerned:
            if finding.state is FindingState.CONFIRMED and not foreign:
                if not seen.standing:
                    seen.at = now
                seen.standing[finding.key] = finding.sentence
            else:
                seen.standing.pop(finding.key, None)
        return self._judge(now) if concerned else None

    def tick(self, now: float) -> Change | None:
        """Only time went on."""
        return self._judge(now) if self._tracker.state is not FindingState.CLEARED else None

    def _judge(self, now: float) -> Change | None:
        return self._tracker.judge(Verdict(True, " ".join(self.evidence)) if self._holds(now) else GOOD, now)

    def _holds(self, now: float) -> bool:
        within_s = self.playbook.match.within_s
        if not any(seen.standing for seen in self._signs):
            return False
        if self._any and not any(seen.counts(now, within_s) for seen in self._any):
            return False
        needed = [*self._all, *self._sequence]
        if not all(seen.counts(now, within_s) for seen in needed):
            return False
        times = [seen.at for seen in needed if seen.at is not None]
        order = [seen.at for seen in self._sequence if seen.at is not None]
        if any(later < earlier for earlier, later in pairwise(order)):
            return False
        return within_s == 0.0 or not times or max(times) - min(times) <= within_s
