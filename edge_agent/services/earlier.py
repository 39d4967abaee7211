"""Cases of before: which one a restart goes on with, and those that still owe the desk a word."""

from collections import deque
from collections.abc import Sequence

from edge_agent.core.ports import RequestStore
from edge_agent.core.request import HelpRequest, State

MAX_KEPT = 20


class Earlier:
    """Cases that are no more the live one are sent on, and listened for, until the desk has their last word."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store
        self.ids: deque[bytes] = deque(maxlen=MAX_KEPT)

    def take(self, found: Sequence[HelpRequest], live: HelpRequest | None, state: State) -> HelpRequest | None:
        """Of the cases on disk the one to go on with: the newest open one, else what ended last.

        That one may be reopened, or asked about. None while a case is live in memory: the disk came back late, and
        somebody has pressed meanwhile.
        """
        others = [case for case in found if live is None or case.id != live.id]
        chosen = next((case for case in reversed(others) if case.open), None)
        if chosen is None and live is None:
            chosen = next(reversed(others), None)
        if state not in (State.IDLE, State.HOLD):
            chosen = None
        for case in others if chosen is None or live is None else [*others, live]:
            if case is not chosen:
                self.keep(case)
        return chosen

    def keep(self, case: HelpRequest | None) -> None:
        """This case is no more the live one."""
        if case is not None and self.unsettled(case) and case.id not in self.ids:
            self.ids.append(case.id)

    def forget_settled(self) -> None:
        """Those that the desk has acknowledged are done with."""
        for ident in [ident for ident in self.ids if not self._store.unsettled(ident)]:
            self.ids.remove(ident)

    def unsettled(self, live: HelpRequest | None) -> bool:
        """Whether the live case said something that the desk has not acknowledged."""
        return live is not None and self._store.unsettled(live.id) > 0

    def owing(self, live: HelpRequest | None) -> bool:
        """Whether any case did."""
        return bool(self.ids) or self.unsettled(live)

    def send_again(self, live: HelpRequest | None) -> None:
        """What nobody acknowledged is pending again."""
        for ident in [*self.ids, *([live.id] if live else [])]:
            self._store.resend(ident)
