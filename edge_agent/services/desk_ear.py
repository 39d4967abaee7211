"""What believed messages of the desk do to the live case, and to what earlier ones still owe."""

from collections.abc import Callable
from dataclasses import replace

from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import ON_THE_WAY, Effect, Signal
from edge_agent.core.ports import RequestStore
from edge_agent.core.question import Purpose
from edge_agent.core.request import State
from edge_agent.services.desk_words import QUESTION, UNANSWERED, question_of, through_of, word_of
from edge_agent.services.earlier import Earlier


class DeskEar:
    """Every method gives the effects of what it heard. `obeyed` is told the id of what was not here before.

    `may_ask_effort` is the household's consent to a question after the end.
    """

    def __init__(
        self,
        mayday: Mayday,
        store: RequestStore,
        earlier: Earlier,
        obeyed: Callable[[str], None],
        may_ask_effort: Callable[[], bool],
    ) -> None:
        self._mayday = mayday
        self._store = store
        self._earlier = earlier
        self._obeyed = obeyed
        self._may_ask_effort = may_ask_effort

    def hear(self, message: DeskMessage, now: Instant, share: float) -> tuple[Effect, ...]:
        """What the desk says: settle what it has, keep its words, move on."""
        if message.type == UNANSWERED:
            return self._mayday.signal(Signal.ASKED_AGAIN, now, share)
        self._obeyed(message.id)
        word = word_of(message)
        self._settle(message, acknowledges=word is not None and word.signal is not None)
        if word is None or not self._is_mine(message):
            return ()
        if message.type == QUESTION:
            return self._asked(message, now, share)
        effects = self._mayday.hear(word, now, share)
        return effects if Effect.CLOSE in effects else effects + self.settled(now, share)

    def hear_again(self, message: DeskMessage, now: Instant, share: float) -> tuple[Effect, ...]:
        """One that was here before may say that the desk has more by now."""
        self._settle(message, acknowledges=False)
        return self.settled(now, share)

    def _asked(self, message: DeskMessage, now: Instant, share: float) -> tuple[Effect, ...]:
        question = question_of(message, now)
        if question is None:
            return ()
        if question.purpose is Purpose.EFFORT and not self._may_ask_effort():
            question = replace(question, expires_s=0.0)
        return self._mayday.asked(question, now, share)

    def settled(self, now: Instant, share: float) -> tuple[Effect, ...]:
        """A case that is over, and of which the desk has the last word, is done with."""
        mayday = self._mayday
        if mayday.state in (State.CANCELLED, State.RESOLVED) and not self._earlier.unsettled(mayday.case):
            return mayday.signal(Signal.SETTLED, now, share)
        return ()

    def _settle(self, message: DeskMessage, *, acknowledges: bool) -> None:
        """The desk has what it says it has.

        What waits for an acknowledgement is not settled by any other word: if the acknowledgement was lost, only
        sending again fetches it.
        """
        waits = self._is_mine(message) and self._mayday.state in ON_THE_WAY and not acknowledges
        if message.request is not None and not waits:
            self._store.settle(message.request, through_of(message))
            self._earlier.forget_settled()

    def _is_mine(self, message: DeskMessage) -> bool:
        return self._mayday.case is not None and message.request == self._mayday.case.id
