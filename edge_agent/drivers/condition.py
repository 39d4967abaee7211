"""How a part of a driver is, said once when it changes: lost once, back once."""

from typing import Any

import structlog

from edge_agent.core.health import Health
from edge_agent.texts.starting import STARTING


class Condition:
    """The health of one thing (`what` names it in the log), and who has to be told when it changes.

    A thing that is down may be down for several reasons in turn (gone, then not allowed): each `code` is news once
    until the thing is up again, so that an attempt every few seconds cannot fill the log.
    """

    __slots__ = ("_log", "_said", "_what", "health")

    def __init__(self, what: str) -> None:
        self.health: Health = STARTING
        self._what = what
        self._said: set[str] = set()
        self._log: Any = structlog.get_logger()

    def up(self, sentence: str) -> bool:
        """It works. Returns whether that is news."""
        news = not self.health.ready
        if self._said:
            self._log.info("back", what=self._what, state=sentence)
        elif news:
            self._log.debug("ready", what=self._what, state=sentence)
        self._said.clear()
        self.health = Health(True, sentence)
        return news

    def down(self, code: str, sentence: str, fix: str) -> bool:
        """It does not work, for the reason `code`. Returns whether that is news."""
        self.health = Health(False, sentence, fix)
        if code in self._said:
            return False
        self._log.warning("lost", what=self._what, reason=code, state=sentence, fix=fix)
        self._said.add(code)
        return True
