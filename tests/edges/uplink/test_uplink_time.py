"""Commands to a gateway that does not know the time, and what time an answer of the desk tells it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_uplink_inbound import CASE, GATEWAY, NOW, PUBLIC, ROOT, Bench, signed

from edge_agent.core.clock import Source
from edge_agent.core.command import CHALLENGE_LIFE_S
from edge_agent.core.ids import uuid_text
from edge_agent.core.ports import Message
from edge_agent.core.wire import down_topic
from edge_agent.uplink.inbound import Inbound
from edge_agent.uplink.signature import load_keys
from tests.fakes import SteppedClock

YEARS = 365.25 * 86400.0


class Clockless(Bench):
    """A bench in 1970 that keeps what it is told of the time."""

    def __init__(self, wall: float = 100.0, asked_at: float | None = None) -> None:
        super().__init__()
        self.clock = SteppedClock(wall, trusted=False)
        self.claims: list = []
        keys = load_keys({"desk": PUBLIC.hex()})
        self.inbound = Inbound(
            GATEWAY,
            ROOT,
            verify=keys,
            clock=self.clock,
            open_requests=lambda: {CASE},
            replay=self.replay,
            on_desk_message=self._do,
            on_reply=self.replies.append,
            asked_at=lambda _: asked_at,
            on_time=self.claims.append,
        )

    def asked(self) -> str:
        """A command is refused, and the number that the desk has to sign comes with the answer."""
        self.gets(signed())
        return self.replies[-1]["challenge"]


def test_a_command_is_answered_with_a_challenge_and_obeyed_once_when_that_is_signed():
    bench = Clockless()
    nonce = bench.asked()
    assert bench.done == []
    assert bench.replies[-1]["code"] == "clock"
    assert len(bench.replies[-1]["challenge"]) == 32
    bench.gets(signed(challenge=nonce))
    assert [message.id for message in bench.done] == ["m1"]
    (claim,) = bench.claims
    assert claim.source is Source.DESK
    assert claim.offset_s == pytest.approx(NOW - bench.clock.now().monotonic, abs=1.0)
    assert 0.0 <= claim.doubt_s < 5.0
    bench.gets(signed(challenge=nonce))  # the same again
    bench.gets(signed(id="m2", challenge=nonce))  # another one on the same number
    assert len(bench.done) == 1


@pytest.mark.parametrize("wrong", ["", "0" * 32, 7, None])
def test_another_number_is_no_answer(wrong):
    bench = Clockless()
    bench.asked()
    bench.gets(signed(challenge=wrong))
    assert bench.done == []
    assert bench.claims == []


def test_an_answer_that_comes_too_late_is_asked_anew():
    bench = Clockless()
    nonce = bench.asked()
    bench.clock.ahead_s += CHALLENGE_LIFE_S + 1.0
    bench.gets(signed(challenge=nonce))
    assert bench.done == []
    assert bench.replies[-1]["challenge"] not in ("", nonce)


def test_the_desks_time_alone_is_taken_and_needs_no_service():
    bench = Clockless()
    nonce = bench.inbound.challenge()
    bench.gets(signed(type="edge.command.time.v1", challenge=nonce))
    assert bench.done == []
    assert bench.inbound.counts == {"believed": 1}
    assert len(bench.claims) == 1


def test_a_word_in_a_case_of_this_boot_tells_the_time_and_one_of_an_earlier_boot_does_not():
    bench = Clockless(asked_at=0.0)
    bench.gets(signed(event=uuid_text(CASE)), kind="help")
    assert bench.claims[0].doubt_s == pytest.approx(bench.clock.now().monotonic, abs=1.0)
    bench = Clockless(asked_at=None)
    bench.gets(signed(event=uuid_text(CASE)), kind="help")
    assert len(bench.done) == 1
    assert bench.claims == []


def test_a_gateway_that_knows_the_time_asks_for_no_signature():
    bench = Bench()
    bench.gets(signed(exp=NOW - 1))
    assert "challenge" not in bench.replies[-1]
    assert bench.inbound.challenge() == ""


def test_what_was_heard_in_1970_is_remembered_for_as_long_as_the_desk_says():
    bench = Clockless()
    bench.gets(signed(challenge=bench.asked()))
    assert bench.replay.until["m1"] > NOW


@given(st.lists(st.tuples(st.sampled_from((-10 * YEARS, -1.0, 0.0, 1.0, 10 * YEARS)), st.booleans()), max_size=8))
def test_however_the_clock_jumps_a_word_in_a_case_is_believed_and_no_command_is_obeyed_twice(jumps):
    bench = Clockless(wall=NOW)
    sent = 0
    for step_s, trusted in [(0.0, True), *jumps]:
        bench.clock._wall += step_s
        bench.clock.trusted = trusted
        sent += 1
        case = signed(id=f"case-{sent}", event=uuid_text(CASE))
        for payload in (case, case, signed(id="command"), signed(id="command")):
            topic = down_topic(ROOT, GATEWAY, "help")
            bench.inbound.on_message(Message(topic, payload))
    ids = [message.id for message in bench.done]
    assert ids.count("command") <= 1
    assert [ident for ident in ids if ident != "command"] == [f"case-{n}" for n in range(1, sent + 1)]
