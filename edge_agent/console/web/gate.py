"""Who may look at the page: who knows the PIN that was shown at the opening, in few tries."""

import hmac
import secrets
import time
from collections import OrderedDict

# Of a million PINs: after so many wrong ones the page is shut, and opened again by a person with another PIN.
MAX_WRONG = 5
MAX_SESSIONS = 20


class Gate:
    """One opening of the page: its PIN and who came in by it. Times are monotonic seconds of this machine."""

    def __init__(self, pin: str) -> None:
        self.pin = pin
        self.wrong = 0
        self._sessions: OrderedDict[str, float] = OrderedDict()

    @property
    def barred(self) -> bool:
        """Whether somebody guessed too often."""
        return self.wrong >= MAX_WRONG

    def enter(self, pin: str) -> str | None:
        """A new session's id for who knows the PIN, else None."""
        if self.barred or not hmac.compare_digest(pin.encode(errors="replace"), self.pin.encode()):
            self.wrong += 1
            return None
        self.wrong = 0
        ident = secrets.token_urlsafe(24)
        self._sessions[ident] = time.monotonic()
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return ident

    def knows(self, ident: str) -> bool:
        """Whether this is somebody who came in."""
        return ident in self._sessions

    def leave(self, ident: str) -> None:
        """Log out."""
        self._sessions.pop(ident, None)
