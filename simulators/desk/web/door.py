"""Who may use the desk's page: a token opens it, a cookie keeps it open, and other pages cannot knock."""

import hmac
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from edge_agent.console.web.talks import check_origin
from edge_agent.control.bounds import Refused
from edge_agent.core.errors import RefusedError, StoreError
from simulators.desk.hand import MAX_NAME, words_of

TOKEN_BYTES = 16
# A shift, and some.
SESSION_S = 12 * 3600.0
MAX_SESSIONS = 100
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Session(NamedTuple):
    """Somebody who logged in: the name that households are shown, and until when (monotonic seconds)."""

    helper: str
    until: float


class Door:
    """`hosts` are the names by which browsers may call this server, besides those of loopback."""

    def __init__(self, token: str, hosts: frozenset[str] = frozenset()) -> None:
        self.token = token
        self._hosts = LOOPBACK | hosts
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def check_origin(self, headers: Mapping[str, str], method: str) -> None:
        """Refuse requests that another page had the browser make. Raises Refused."""
        check_origin(headers, method, self._hosts.__contains__)

    def open(self, token: str, name: str) -> str:
        """A new session's id for who knows the token. Raises Refused."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Refused(401, "That is not the token.", "The desk printed it when it started.")
        try:
            helper = words_of(name, MAX_NAME, "your name or role")
        except RefusedError as error:
            raise Refused(400, error.args[0], "Households see it.") from error
        ident = secrets.token_urlsafe(TOKEN_BYTES)
        self._sessions[ident] = Session(helper, time.monotonic() + SESSION_S)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return ident

    def session(self, ident: str) -> Session | None:
        """Who that is, while the session lasts."""
        found = self._sessions.get(ident)
        if found is not None and time.monotonic() > found.until:
            del self._sessions[ident]
            return None
        return found

    def close(self, ident: str) -> None:
        """Log out."""
        self._sessions.pop(ident, None)


def token_of(path: Path | None) -> str:
    """The token of a file, made there when there is none, for its owner alone; without a file a new one.

    Raises StoreError.
    """
    fresh = secrets.token_urlsafe(TOKEN_BYTES)
    if path is None:
        return fresh
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(fresh + "\n")
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"the token file {path} cannot be used: {error}", fix="Name another file") from error
    if len(token) < TOKEN_BYTES:
        raise StoreError(f"the token in {path} is too short", fix="Remove the file to make a new one")
    return token
