"""What the desk can say: each word is written down in the batch that it belongs to, and signed when it goes out."""

import os
from collections.abc import Sequence
from typing import Any

from edge_agent.core.errors import WireError
from edge_agent.core.event import Lane
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.request import case_code
from simulators.desk.cases import Case, Cases, CaseState
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy
from simulators.desk.questions import PressTest, Question, Questions
from simulators.desk.store import Store
from simulators.desk.words import Words, WordsTable

RECEIVED = "edge.help.received.v1"
ENGAGED = "edge.help.engaged.v1"
MESSAGE = "edge.help.message.v1"
PROGRESS = "edge.help.progress.v1"
QUESTION = "edge.help.question.v1"
RESOLVED = "edge.help.resolved.v1"
CANCEL_RECEIVED = "edge.help.cancel_received.v1"
TEST_RECEIVED = "edge.help.test_received.v1"
# docs/wire.md: a signed message lives at most ten minutes
_LIFE_S = 600


class Voice:
    """Words to households. Every call that says something stands within a batch of the store.

    A silent desk (`policy.silent`) writes nothing down. `at` and `now` are Unix seconds.
    """

    def __init__(self, store: Store, key: DeskKey, policy: Policy) -> None:
        self.policy = policy
        self.cases = Cases(store.db)
        self.words = WordsTable(store.db)
        self.questions = Questions(store.db)
        self._store = store
        self._key = key

    def say(self, case: Case, type_: str, at: float, promise_s: float | None = None, **fields: Any) -> None:
        """Write a word down. With `promise_s` it tells when the next word comes, while the case is open."""
        if self.policy.silent:
            return
        if promise_s is not None and case.open:
            fields["next_word_wall"] = round(at + promise_s)
            self.cases.promised(case, at + promise_s)
        self.words.add(case.gateway, case.request, new_id(at), type_, fields, at)

    def note(self, case: Case, at: float, text: str = "") -> None:
        """Confirm what arrived. A script adds a word; where people answer, only they speak and promise."""
        if self.policy.by_hand:
            self.say(case, MESSAGE, at)
        elif text:
            self.tell(case, at, text)
        else:
            self.say(case, MESSAGE, at, self.policy.next_word_s)

    def receive(self, case: Case, at: float, *, receiver: str = "", promise_s: float | None = None) -> None:
        """The desk has the request: its own reference, who has it, and when to expect the next word."""
        self.cases.move(case, CaseState.RECEIVED, at)
        named = receiver or self.policy.receiver
        self.say(case, RECEIVED, at, self._promise(promise_s), reference=case.reference, receiver=named)

    def engage(self, case: Case, at: float, *, helper: str = "", promise_s: float | None = None) -> None:
        """Somebody works on it."""
        name = helper or self.policy.helper
        self.cases.move(case, CaseState.ENGAGED, at)
        self.cases.helped_by(case, name)
        self.say(case, ENGAGED, at, self._promise(promise_s), helper=name)

    def tell(self, case: Case, at: float, text: str) -> None:
        """A sentence for the household."""
        self.say(case, MESSAGE, at, self.policy.next_word_s, text=text)

    def progress(self, case: Case, at: float, text: str, promise_s: float | None = None) -> None:
        """How it goes on, and when the next word comes."""
        self.say(case, PROGRESS, at, self._promise(promise_s), text=text)

    def ask(
        self, case: Case, at: float, text: str, *, expires_s: float, options: Sequence[str] = (), purpose: str = ""
    ) -> Question:
        """A question; its answer comes as an event of the case, or its time runs out."""
        question = Question.make(text, options, purpose, at, expires_s)
        if not self.policy.silent:
            self.questions.add(case, question)
            self.say(case, QUESTION, at, **question.fields())
        return question

    def resolve(self, case: Case, at: float, text: str = "") -> None:
        """It is over."""
        self.cases.move(case, CaseState.RESOLVED, at)
        if text:
            self.say(case, RESOLVED, at, text=text)
        else:
            self.say(case, RESOLVED, at)

    def confirm_test(self, test: PressTest) -> None:
        """A test press arrived; it opens no case."""
        self.questions.tested(test)
        if not self.policy.silent:
            self.words.add(test.gateway, test.test, new_id(test.at), TEST_RECEIVED, {}, test.at)

    def _promise(self, promise_s: float | None) -> float:
        return self.policy.next_word_s if promise_s is None else promise_s

    def payload(self, words: Words, now: float) -> bytes:
        """A word as it goes out `now`: what it covers is looked up, and its life begins, when it is signed."""
        code, through = self._covers(words)
        body = {
            **words.fields,
            "aud": words.gateway,
            "iat": int(now),
            "exp": int(now) + _LIFE_S,
            "id": words.id,
            "sequence": words.seq,
            "type": words.type,
            "event": words.request,
            "case": code,
            "through": through,
        }
        if self.policy.wrong_case:
            # an id of its own: the gateway must still believe the right message when that comes
            body |= {"id": new_id(now), "event": new_id(now), "case": case_code(os.urandom(5))}
        return self.seal(body)

    def seal(self, body: dict[str, Any]) -> bytes:
        """Sign a body, as honestly as the policy is."""
        if self.policy.stranger:
            return DeskKey.make().sign(body)
        return self._key.forge(body) if self.policy.lies else self._key.sign(body)

    def _covers(self, words: Words) -> tuple[str, int]:
        """The code of the case, and up to which sequence its events are here."""
        case = self.cases.find(words.gateway, words.request)
        if case is None:
            test = self.questions.test(words.gateway, words.request)
            if test is None:
                raise WireError(f"the desk's database has words of no case: {words.request}")
            return "", test.sequence
        first = case.first_sequence
        return case.code, self._store.unbroken_from(case.gateway, Lane.HELP, first, case.code) if first else 0


def new_id(at: float) -> str:
    """A UUIDv7 as text."""
    return uuid_text(uuid7(at, os.urandom(10)))
