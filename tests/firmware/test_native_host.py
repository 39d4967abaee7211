"""The client side of the native link without any I/O: who is there, commands, the device's clock, credit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.errors import RefusedError, WireError
from firmware_bridges.native.bodies import body_of, parse
from firmware_bridges.native.clock import Offset, stamp
from firmware_bridges.native.host import ASK_AT_MOST_S, MAX_QUEUED, TIMEOUT_S, TRIES, Host, Outcome
from firmware_bridges.native.messages import (
    MAX_U32,
    Ack,
    Beat,
    Command,
    Credit,
    Event,
    Hello,
    Message,
    Smp,
    Status,
    Time,
    Type,
)
from firmware_bridges.native.wire import Decoder, Frame, encode

HELLO = Hello(1, 0, "Acme", "panel", "1.0", "b1", b"\1", 7, "power", 248, beat_ms=5000)


def say(host: Host, *messages: Message, at: float = 0.0) -> list[object]:
    wire = b"".join(encode(kind, number, body) for number, (kind, body) in enumerate(map(body_of, messages)))
    return list(host.feed(wire, at))


def sent(out: bytes) -> list[Message]:
    return [parse(each.type, each.body) for each in Decoder().feed(out) if isinstance(each, Frame)]


def met(hello: Hello = HELLO, at: float = 0.0) -> Host:
    """A host whose device said hello, and whose clock is asked for no more for a while."""
    host = Host()
    say(host, hello, at=at)
    for _ in range(8):
        at = host.due(at)[0] or at
    return host


def test_it_asks_who_is_there_ever_more_rarely_until_it_hears() -> None:
    host, now, times = Host(), 0.0, []
    while now < 200.0:
        deadline, out = host.due(now)
        if out:
            assert sent(out) == [Hello(1, 0)]
            times.append(now)
        assert deadline is not None
        now = deadline
    assert times[:5] == [0.0, 1.0, 3.0, 7.0, 15.0]
    assert times[-1] - times[-2] == ASK_AT_MOST_S
    say(host, HELLO, at=now)
    assert all(not isinstance(each, Hello) for each in sent(host.due(now)[1]))


def test_a_device_that_came_back_another_is_asked_who_it_is() -> None:
    host = met()
    say(host, Beat(1000, boot=7), at=20.0)
    assert host.hello == HELLO
    say(host, Beat(1000, boot=8), at=21.0)
    assert host.hello is None
    assert sent(host.due(21.0)[1]) == [Hello(1, 0)]


def test_a_command_is_repeated_under_its_number_until_it_is_answered() -> None:
    host, ends = met(), []
    n = host.command("relay", {"on": True}, 10.0, ends.append)
    assert sent(host.due(10.0)[1]) == [Command(n, "relay", {"on": True})]
    assert host.due(11.0) == (10.0 + TIMEOUT_S, b"")
    assert sent(host.due(12.0)[1]) == [Command(n, "relay", {"on": True})]
    say(host, Ack(Type.COMMAND, n + 1), at=12.1)
    assert ends == []
    say(host, Ack(Type.COMMAND, n, result=5), Ack(Type.COMMAND, n), at=12.2)
    assert ends == [Outcome(n, Status.OK, 5)]
    assert host.due(14.0)[1] == b""


def test_a_command_that_nobody_answers_ends_after_three_tries() -> None:
    host, ends, tries = met(), [], 0
    n = host.command("reset", None, 10.0, ends.append)
    for second in range(10, 20):
        tries += sum(isinstance(each, Command) for each in sent(host.due(float(second))[1]))
    assert tries == TRIES
    assert ends == [Outcome(n, None)]


def test_commands_are_refused_where_nobody_is_there_or_another_version_or_too_long_or_too_many() -> None:
    with pytest.raises(RefusedError, match="who it is"):
        Host().command("x", None, 0.0, print)
    with pytest.raises(RefusedError, match="version 2"):
        met(replace(HELLO, major=2)).command("x", None, 0.0, print)
    with pytest.raises(RefusedError):
        met(replace(HELLO, major=2)).smp(b"x")
    with pytest.raises(WireError, match="takes 32"):
        met(replace(HELLO, max_body=32)).command("x" * 40, None, 0.0, print)
    host = met()
    for _ in range(MAX_QUEUED):
        host.command("x", None, 10.0, lambda _: None)
    with pytest.raises(RefusedError, match="too many"):
        host.command("x", None, 10.0, print)


def test_a_device_of_another_major_version_is_read_and_asked_nothing() -> None:
    host = Host()
    assert say(host, replace(HELLO, major=9), Beat(5), at=1.0)[1] == Beat(5)
    assert host.due(2.0)[1] == b""


def test_what_is_safe_here_is_receipted_by_boot_and_number() -> None:
    host = met()
    assert sent(host.receipt(Event(b"\1", 6, 3, "help"))) == [Ack(Type.EVENT, 3, boot=6)]


def test_frames_that_were_spoiled_or_never_heard_are_counted() -> None:
    host = Host()
    kind, body = body_of(Beat(1))
    for number in (250, 251, 254, 2):
        list(host.feed(encode(kind, number, body), 0.0))
    list(host.feed(b"\x02\x01\0" + encode(kind, 3, b"\xc1"), 0.0))
    assert (host.lost, host.bad) == (2 + 3, 2)


def test_a_device_with_little_room_is_sent_no_more_than_it_has_credit_for() -> None:
    host = Host()
    say(host, replace(HELLO, credit=40))
    out = b""
    for number in range(6):
        host.smp(bytes(10 + number))
    for now in (0.0, 0.1):
        out += host.due(now)[1]
    assert 0 < len(out) <= 40
    before = len(out)
    say(host, Credit(before + 30), at=1.0)
    out += host.due(1.0)[1]
    assert before < len(out) <= before + 30
    say(host, Credit(10), at=1.1)
    assert host.due(1.1)[1] == b"", "credit never shrinks"
    say(host, Credit(1000), at=1.2)
    out += host.due(1.2)[1]
    assert [each.frame for each in sent(out) if isinstance(each, Smp)] == [bytes(10 + number) for number in range(6)]


def answered(host: Host, now: float, there_s: float, back_s: float, device_ms: int) -> None:
    """The device answers a question for the time that was written `now`."""
    (question,) = [each for each in sent(host.due(now)[1]) if isinstance(each, Time)]
    say(host, Time(question.host_ms, device_ms), at=now + there_s + back_s)


def test_the_devices_clock_is_known_by_the_quickest_answer() -> None:
    host = Host()
    say(host, HELLO, at=100.0)
    answered(host, 100.0, 0.4, 0.1, 5400)  # slow on the way there: 150 ms wrong
    answered(host, 101.0, 0.002, 0.002, 6002)
    answered(host, 102.0, 0.1, 0.7, 7100)
    # its 0 is our 95.0; what it measured at 8 s came late
    assert host.clock.at(8000, 104.9, 60.0) == pytest.approx(103.0, abs=0.003)
    assert host.clock.at(8000, 102.9, 60.0) == 102.9, "never after it arrived"
    assert host.clock.at(8000, 200.0, 60.0) == 200.0, "what is older than it can be is not believed"
    say(host, replace(HELLO, boot=8), at=300.0)
    assert host.clock.at(8000, 301.0, 60.0) == 301.0, "another start, another clock"


@given(now=st.floats(0, 10**7), uptime_ms=st.integers(0, MAX_U32), rtt_ms=st.integers(0, 1900))
def test_the_milliseconds_of_both_may_turn_over(now: float, uptime_ms: int, rtt_ms: int) -> None:
    offset = Offset()
    at = now + rtt_ms / 1000
    offset.take(Time(stamp(now), uptime_ms), at)
    # five seconds later it says so much later, wherever its counter stands
    assert offset.at((uptime_ms + 4000) & MAX_U32, at + 5.0, 60.0) == pytest.approx(at + 4.0, abs=rtt_ms / 1000 + 0.01)


def test_an_answer_to_no_question_of_ours_moves_nothing() -> None:
    offset = Offset()
    offset.take(Time(stamp(50.0), 1000), 100.0)
    offset.take(Time(stamp(100.0), None), 100.0)
    assert offset.at(2000, 101.0, 60.0) == 101.0
