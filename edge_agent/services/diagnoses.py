"""Playbooks at work: each on every device of its kinds; what they say together is a finding of its own.

A diagnosis explains the findings that it rests on: people are told of it, and of them no more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from edge_agent.core.checks.base import Words
from edge_agent.core.finding import Change, Finding, FindingState, Severity
from edge_agent.core.playbook import Diagnosis, Playbook
from edge_agent.core.ports import Clock
from edge_agent.services.register import Register
from edge_agent.services.watch import CheckSetting
from edge_agent.texts import Texts

# Playbooks times devices: as many as the channels that are watched.
MAX_AT_WORK = 2000


def own_checks(playbooks: Sequence[Playbook], kinds: Mapping[str, str]) -> tuple[CheckSetting, ...]:
    """The checks that playbooks bring, for each device (name to kind) they are for; what two bring is there once."""
    wanted = {
        (device, check.quantity, check.name): check
        for playbook in playbooks
        for device, kind in kinds.items()
        if playbook.fits(kind)
        for check in playbook.checks
    }
    return tuple(
        CheckSetting(
            f"{device}.{check.quantity}",
            check.kind,
            check.settings,
            check.confirm_s,
            check.clear_s,
            check.severity,
            check.name,
            None if check.only_while is None else check.only_while.of(device),
        )
        for (device, _, _), check in wanted.items()
    )


class Diagnoses:
    """`see` takes each finding that changes, `tick` lets time speak. `begin` is called with each new diagnosis."""

    def __init__(
        self,
        playbooks: Sequence[Playbook],
        kinds: Mapping[str, str],
        register: Register,
        clock: Clock,
        new_id: Callable[[], bytes],
        texts: Texts,
        begin: Callable[[Diagnosis], None],
    ) -> None:
        self._register = register
        self._clock = clock
        self._new_id = new_id
        self._texts = texts
        self._words = Words(texts.say, texts.get)
        self._begin = begin

        def others(kind: str) -> list[str]:
            return [device for device, its in kinds.items() if its == kind]

        pairs = [(book, device) for book in playbooks for device, kind in kinds.items() if book.fits(kind)]
        self._at_work = [
            Diagnosis(book, device, others, register.before(f"{device}:{book.name}"))
            for book, device in pairs[:MAX_AT_WORK]
        ]
        register.forget.append(self._forget)

    def resume(self) -> None:
        """Go on after a restart with the findings that stood before."""
        now = self._clock.now().monotonic
        for finding in [f for f in self._register.findings() if f.stands]:
            for diagnosis in self._at_work:
                change = diagnosis.see(finding, now)
                if change is not None:
                    self._changed(diagnosis, change)
        for diagnosis in self._at_work:
            if diagnosis.stands:
                self._begin(diagnosis)

    def looks_for(self, finding: Finding) -> bool:
        """Whether it is a diagnosis of ours."""
        return any(key_of(diagnosis) == finding.key for diagnosis in self._at_work)

    def see(self, finding: Finding) -> None:
        """A finding was confirmed or cleared."""
        now = self._clock.now().monotonic
        for diagnosis in self._at_work:
            change = diagnosis.see(finding, now)
            if change is not None:
                self._changed(diagnosis, change)
            elif diagnosis.stands:
                self._register.explain(diagnosis.findings, key_of(diagnosis))

    def tick(self, now: float) -> None:
        """Only time went on."""
        for diagnosis in self._at_work:
            change = diagnosis.tick(now)
            if change is not None:
                self._changed(diagnosis, change)

    def offer(self, diagnosis: Diagnosis, tried: str) -> None:
        """Remedies came to nothing: the diagnosis offers help instead, with what was tried."""
        finding = self._register.before(key_of(diagnosis))
        if finding is not None and diagnosis.stands:
            said = f"{finding.sentence} {self._texts.say('diagnosis.offer', tried=tried)}"
            self._register.tell(replace(finding, sentence=said))

    def _changed(self, diagnosis: Diagnosis, change: Change) -> None:
        book, key = diagnosis.playbook, key_of(diagnosis)
        confirmed = change.state is FindingState.CONFIRMED
        before = self._register.before(key)
        self._register.tell(
            Finding(
                id=self._new_id() if confirmed or before is None else before.id,
                channel=diagnosis.device,
                kind=book.name,
                state=change.state,
                severity=book.severity,
                sentence=self._sentence(diagnosis) if confirmed else self._over(diagnosis),
                since=change.since,
                boot_id=self._clock.now().boot_id,
                count=diagnosis.count,
                permanent=confirmed and book.severity is Severity.ALARM,
            )
        )
        self._register.explain(diagnosis.findings, key if confirmed else "")
        if confirmed:
            self._begin(diagnosis)

    def _forget(self, key: str) -> None:
        for diagnosis in self._at_work:
            if key_of(diagnosis) == key:
                diagnosis.forget()

    def _sentence(self, diagnosis: Diagnosis) -> str:
        """Cause, how sure, evidence and what to do."""
        told, name = diagnosis.playbook.says(self._texts.language), self._words.name(diagnosis.device)
        said = self._texts.say(
            f"diagnosis.{diagnosis.playbook.confidence}",
            cause=told.cause.format(device=name),
            evidence=" ".join(diagnosis.evidence),
            action=told.action.format(device=name),
        )
        return said[:1].upper() + said[1:]

    def _over(self, diagnosis: Diagnosis) -> str:
        told = diagnosis.playbook.says(self._texts.language)
        return self._texts.say("diagnosis.over", title=told.title.format(device=self._words.name(diagnosis.device)))


def key_of(diagnosis: Diagnosis) -> str:
    """The key of a diagnosis' finding."""
    return f"{diagnosis.device}:{diagnosis.playbook.name}"
