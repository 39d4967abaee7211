"""Cases that a new one replaced before the desk had all that they said."""

from collections import deque

from edge_agent.core.ports import RequestStore
from edge_agent.core.request import HelpRequest

MAX_KEPT = 20


class Earlier:
    """They are sent on, and listened for, until the desk has their last word."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store
        self.ids: deque[bytes] = deque(maxlen=MAX_KEPT)

    def keep(self, case: HelpRequest) -> None:
        """This case is no more the live one."""
        if self._store.unsettled(case.id) and case.id not in self.ids:
            self.ids.append(case.id)

    def forget_settled(self) -> None:
        """Those that the desk has acknowledged are done with."""
        for ident in [ident for ident in self.ids if not self._store.unsettled(ident)]:
            self.ids.remove(ident)

    def send_again(self) -> None:
        """What nobody acknowledged is pending again."""
        for ident in self.ids:
            self._store.resend(ident)
