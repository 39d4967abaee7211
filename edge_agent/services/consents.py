"""The household's switches: what it allows and takes back on site, at once and for good."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from edge_agent.core.consent import HELP_READY, PURPOSES, Consent, Decision, consent, newest
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.event import EventKind
from edge_agent.core.ports import Clock

_log = structlog.get_logger("consent")


class Consents:
    """`current` is what may leave now. `changed()` is called after every decision.

    `saved` is what was decided before, oldest first; None where that cannot be read: then nothing is allowed that the
    household may have taken back, but being reachable for help stays as `configured`.
    """

    def __init__(
        self,
        configured: frozenset[str],
        saved: Sequence[Decision] | None,
        keep: Callable[[Decision], Awaitable[None]],
        changed: Callable[[], None],
        clock: Clock,
    ) -> None:
        self.configured = configured if saved is not None else configured & {HELP_READY}
        self._decided = dict(newest(saved or ()))
        self._keep, self._changed, self._clock = keep, changed, clock
        self.current: Consent = consent(self.configured, self._decided)

    @property
    def decided(self) -> Mapping[str, Decision]:
        """The last decision of each purpose that the household decided of."""
        return self._decided

    def allows(self, kind: EventKind) -> bool:
        """Whether an event of this kind may leave now."""
        return self.current.allows(kind)

    async def decide(self, purpose: str, *, granted: bool, by: str) -> None:
        """Allow a purpose or take it back. What is taken back stops at once, also where the disk refuses to note it.

        Raises RefusedError for an unknown purpose, StoreError where it would not outlive a restart; nothing is allowed
        then.
        """
        if purpose not in PURPOSES:
            raise RefusedError(f"there is no purpose {purpose[:40]!r}; there are {', '.join(PURPOSES)}", code="purpose")
        decision = Decision(purpose, granted, by, round(self._clock.now().wall, 3))
        if not granted:
            self._take(decision)
        try:
            await self._keep(decision)
        except StoreError as error:
            if granted:
                raise
            what = f"{purpose} is taken back until the agent is started anew, but that could not be noted: {error}"
            raise StoreError(what, fix="Take it back again when the disk is well") from error
        self._take(decision)

    def _take(self, decision: Decision) -> None:
        if self._decided.get(decision.purpose) == decision:
            return
        self._decided[decision.purpose] = decision
        self.current = consent(self.configured, self._decided)
        _log.info("consent", purpose=decision.purpose, granted=decision.granted, by=decision.by)
        self._changed()
