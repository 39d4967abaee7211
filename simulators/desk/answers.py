"""What the desk makes of what gateways say: cases open and move, answers are kept, all that arrived is confirmed."""

from collections.abc import Callable

from edge_agent.core.errors import WireError
from edge_agent.core.event import EventKind
from edge_agent.core.ids import uuid_bytes
from edge_agent.core.wire import text_of
from simulators.desk.cases import Case, CaseState, Unseen
from simulators.desk.intake import DeskEvent
from simulators.desk.questions import EFFORT, PressTest
from simulators.desk.store import Store
from simulators.desk.voice import CANCEL_RECEIVED, RESOLVED, Voice

# What turns a case, by the household: the one with the highest sequence counts, in whatever order they come.
TURNS = ("edge.help.cancelled.v1", "edge.help.reopened.v1", "edge.help.closed.v1")
BIRTH = "edge.state.birth.v1"
TEST = "edge.help.test.v1"
# A request that waited longer than this is dated by the desk: its own time says nothing about the way.
_WAY_S = 30 * 86400.0
# Two right clocks differ by less.
_SKEW_S = 60.0
_SEEN_AGAIN = "We have seen that you pressed again."
_STILL_ON_IT = "We are still on it."
_IT_IS_OVER = "Your request is settled."


class Answers:
    """The ear of the desk. Every call stands within a batch of the store."""

    def __init__(self, store: Store, voice: Voice) -> None:
        self._store = store
        self._voice = voice
        self._cases = voice.cases
        self._by_type: dict[str, Callable[[Case, DeskEvent, bool], None]] = {
            "edge.help.raised.v1": self._raised,
            "edge.help.nudged.v1": self._nudged,
            "edge.help.triggered.v1": self._triggered,
            "edge.help.cancelled.v1": self._cancelled,
            "edge.help.reopened.v1": self._reopened,
            "edge.help.asked.v1": self._asked,
            "edge.help.closed.v1": self._closed,
            "edge.help.answered.v1": self._answered,
            "edge.help.expired.v1": self._expired,
            "edge.help.said.v1": self._said,
        }

    def hear(self, arrival: DeskEvent, *, new: bool) -> Case | None:
        """Take an event in, and give the case that it is about as that stands now.

        Raises WireError when a help event does not say what it is about.
        """
        if arrival.type == BIRTH:
            self._birth(arrival)
        if arrival.type == TEST:
            self._test(arrival, new)
        if arrival.kind is not EventKind.HELP or arrival.type == TEST:
            return None
        told = _case_of(arrival)
        case = self._cases.find(told.gateway, told.request) or self._cases.adopt(told)
        if case is None:
            if arrival.type not in self._by_type:
                return None
            self._cases.open(told)
            case = self._cases.find(told.gateway, told.request) or told
        if not case.first_sequence and told.first_sequence:
            self._cases.begin(case, told.first_sequence)
        self._by_type.get(arrival.type, self._noted)(case, arrival, new)
        if not new and not self._voice.policy.silent:
            self._voice.words.again(case.gateway, case.request)
        return self._cases.find(told.gateway, told.request)

    def _raised(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            self._cases.describe(case, _case_of(arrival))
            if case.state is not CaseState.RAISED:
                self._noted(case, arrival, new)

    def _nudged(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            self._cases.nudged(case)
            self._cases.unseen(case, Unseen.URGENT if arrival.data.get("urgent") is True else Unseen.NUDGE)
            self._confirm(case, arrival, _SEEN_AGAIN)

    def _triggered(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        """A rule called for help in a case that is open already."""
        if new:
            self._cases.unseen(case, Unseen.URGENT)
            self._confirm(case, arrival)

    def _confirm(self, case: Case, arrival: DeskEvent, text: str = "") -> None:
        # before the request itself is answered, its answer covers this too
        if case.state is not CaseState.RAISED:
            self._voice.note(case, arrival.arrived, text)

    def _cancelled(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new and self._is_last_turn(case, arrival):
            self._cases.move(case, CaseState.CANCELLED, arrival.arrived)
        if new or not any(words.type == CANCEL_RECEIVED for words in self._voice.words.of(case.gateway, case.request)):
            self._voice.say(case, CANCEL_RECEIVED, arrival.arrived)

    def _reopened(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        # one that came before by SMS opened it already
        if new and self._is_last_turn(case, arrival) and not case.open:
            self._cases.reopen(case, arrival.arrived)
        else:
            self._noted(case, arrival, new)

    def _asked(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        # a household that asks may have missed how it ended: that is said anew, with an id that it cannot know
        over = {CaseState.RESOLVED: RESOLVED, CaseState.CANCELLED: CANCEL_RECEIVED}.get(case.state)
        if new and over:
            self._voice.say(case, over, arrival.arrived, text=_IT_IS_OVER)
        elif new:
            self._cases.unseen(case, Unseen.WORDS)
            self._confirm(case, arrival, _STILL_ON_IT)

    def _closed(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new and case.open and self._is_last_turn(case, arrival):
            self._cases.move(case, CaseState.RESOLVED, arrival.arrived)
        self._noted(case, arrival, new)

    def _answered(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            told = (text_of(arrival.data, "answer", 200), text_of(arrival.data, "by", 20))
            done = self._voice.questions.close(case, text_of(arrival.data, "question", 64), arrival.arrived, *told)
            if done and done.purpose == EFFORT and done.answer in done.options:
                self._cases.rated(case, done.answer)
            elif case.open:
                self._cases.unseen(case, Unseen.WORDS)
            self._noted(case, arrival, new)

    def _expired(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            self._voice.questions.close(case, text_of(arrival.data, "question", 64), arrival.arrived)
            if case.open:
                self._cases.unseen(case, Unseen.WORDS)
            self._noted(case, arrival, new)

    def _said(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            self._cases.unseen(case, Unseen.WORDS)
            self._confirm(case, arrival)

    def _is_last_turn(self, case: Case, arrival: DeskEvent) -> bool:
        """Whether no later turn of this case is here already: what was delayed must not undo it."""
        return not self._store.any_later(case.gateway, arrival.subject, TURNS, arrival.sequence)

    def _noted(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        """What needs no words still needs to be told that it arrived."""
        if new:
            self._voice.note(case, arrival.arrived)

    def _test(self, arrival: DeskEvent, new: bool) -> None:
        test = text_of(arrival.data, "test", 40) or arrival.id
        _expect_uuid(arrival, test)
        if new:
            scheduled = arrival.data.get("scheduled") is True
            self._voice.confirm_test(PressTest(arrival.gateway, test, arrival.sequence, scheduled, arrival.arrived))
        elif not self._voice.policy.silent:
            self._voice.words.again(arrival.gateway, test)

    def _birth(self, arrival: DeskEvent) -> None:
        """A gateway came back: its open cases get again what came behind the last number that it has."""
        if self._voice.policy.silent:
            return
        has = arrival.data.get("last_down_sequence")
        # a number above ours is of another desk, or of this one before it forgot: then it lacks everything
        newest = self._voice.words.newest_seq(arrival.gateway)
        after = has if isinstance(has, int) and 0 <= has <= newest else 0
        told = arrival.data.get("cases")
        named = {text_of(entry, "id") for entry in told if isinstance(entry, dict)} if isinstance(told, list) else ()
        ours = {case.request for case in self._cases.all_open() if case.gateway == arrival.gateway}
        for request in sorted(ours.union(named)):
            self._voice.words.again(arrival.gateway, request, after)


def _case_of(arrival: DeskEvent) -> Case:
    """The case that a help event speaks of, as far as it tells."""
    raises = arrival.type == "edge.help.raised.v1"
    request = text_of(arrival.data, "request") or (arrival.id if raises else "")
    _expect_uuid(arrival, request)
    return Case(
        number=0,
        gateway=arrival.gateway,
        request=request,
        # its events are found by it; the data says the same
        code=arrival.subject or text_of(arrival.data, "case", 40),
        trigger=text_of(arrival.data, "trigger", 20) if raises else "",
        state=CaseState.RAISED,
        opened=arrival.arrived,
        raised=_sent_at(arrival) if raises else None,
        # a nudge that came first must not acknowledge the request before it
        first_sequence=0 if arrival.type == "edge.help.nudged.v1" else arrival.sequence,
        data=arrival.data,
    )


def _sent_at(arrival: DeskEvent) -> float | None:
    """When a request left its cancel window, by a clock that was right; None where that cannot be told."""
    trusted = arrival.attributes.get("clocktrusted") == "true"
    if arrival.wall is None or not trusted or not -_SKEW_S <= arrival.arrived - arrival.wall < _WAY_S:
        return None
    return min(arrival.wall, arrival.arrived)


def _expect_uuid(arrival: DeskEvent, request: str) -> None:
    """Raises WireError."""
    try:
        uuid_bytes(request)
    except ValueError as error:
        raise WireError(f"{arrival.gateway}: {arrival.type} names no request") from error
