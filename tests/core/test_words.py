"""Ids, codes, clocks, consent, wire and commands."""

import itertools
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core import wire
from edge_agent.core.backoff import Backoff
from edge_agent.core.clock import Instant, wall_of
from edge_agent.core.command import believe
from edge_agent.core.consent import PURPOSE_OF, PURPOSES, Consent
from edge_agent.core.errors import RefusedError, WireError
from edge_agent.core.event import LANE_OF, Event, EventKind, Lane
from edge_agent.core.ids import uuid7, uuid_bytes, uuid_text
from edge_agent.core.request import CODE_ALPHABET, HelpRequest, Note, State, Step, Trigger, case_code, is_case_code

NOW = Instant(500.0, "boot-2", 1_800_000_500.0, trusted=True)


def test_a_uuid7_sorts_by_time_and_names_its_version() -> None:
    early, late = uuid7(1_800_000_000.0, b"\xff" * 10), uuid7(1_800_000_000.001, b"\0" * 10)
    assert early < late
    assert uuid_text(late)[14] == "7"
    assert uuid_text(late)[19] in "89ab"
    assert uuid_bytes(uuid_text(late)) == late


@pytest.mark.parametrize("text", ["", "x", "0190-", "{0190a1b2-0000-7000-8000-000000000000}"])
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a UUID"):
        uuid_bytes(text)


@given(st.binary(min_size=5, max_size=5))
def test_every_case_code_is_eight_clear_characters_that_check(random: bytes) -> None:
    code = case_code(random)
    assert len(code) == 8
    assert is_case_code(code)
    assert is_case_code(f"{code[:4]}-{code[4:]}".lower())


@pytest.mark.parametrize("random", [b"\0\0\0\0\1", b"\xff\xee\xdd\xcc\xbb", b"\x12\x34\x56\x78\x9a"])
def test_every_single_error_and_every_swap_in_a_code_is_caught(random: bytes) -> None:
    code = case_code(random)
    for i, other in itertools.product(range(8), CODE_ALPHABET):
        if other != code[i]:
            assert not is_case_code(code[:i] + other + code[i + 1 :])
    for i in range(7):
        if code[i] != code[i + 1]:
            assert not is_case_code(code[:i] + code[i + 1] + code[i] + code[i + 2 :])


def code_with(place: int, pair: tuple[int, int]) -> str:
    """A valid code with these two values from that place on."""
    values = [0] * 8
    values[place : place + 2] = pair
    # one other place makes the weighted sum 0 modulo 31
    free = next(i for i in range(8) if i not in (place, place + 1))
    total = sum(weight * value for weight, value in enumerate(values, 1))
    values[free] = -total * pow(free + 1, -1, 31) % 31
    code = "".join(CODE_ALPHABET[value] for value in values)
    assert is_case_code(code)
    return code


@pytest.mark.parametrize("place", range(7))
def test_whatever_two_neighbours_are_no_change_of_one_and_no_swap_of_both_is_a_code(place: int) -> None:
    """The sum is linear: what is caught in one code with these two neighbours is caught in every one."""
    for pair in itertools.product(range(31), repeat=2):
        code = code_with(place, pair)
        for i, other in itertools.product((place, place + 1), CODE_ALPHABET):
            assert is_case_code(code[:i] + other + code[i + 1 :]) is (other == code[i])
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert is_case_code(swapped) is (pair[0] == pair[1])


@pytest.mark.parametrize("wrong", ["", "2345678", "234567899", "2345 678O", "0IL10000", "ÄÖÜ23456"])
def test_what_is_no_code_at_all_is_none(wrong: str) -> None:
    assert not is_case_code(wrong)


def test_a_case_survives_its_record_and_unknown_fields_of_later_versions() -> None:
    case = HelpRequest(
        b"r" * 16,
        "ABCDEFGH",
        Trigger.MANUAL,
        State.RECEIVED,
        12.5,
        "boot",
        1.8e9,
        clock_trusted=False,
        next_word_wall=3.0,
        steps=(Step(State.RAISED, 1.0, "boot", 2.0),),
        notes=(Note("desk", "We read it.", 3.0),),
    )
    record = wire.unpack(wire.pack(case.record() | {"later": 1}))
    assert HelpRequest.from_record(record) == case


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=5), max_size=5))
def test_what_is_no_case_is_refused_by_name(record: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        HelpRequest.from_record(record)


def test_an_event_of_this_boot_is_dated_by_the_clock_as_it_is_now() -> None:
    before_ntp = Instant(100.0, "boot-2", 0.0, trusted=False)
    assert wall_of(90.0, "boot-2", before_ntp).wall == -10.0
    assert wall_of(90.0, "boot-2", NOW).wall == 1_800_000_090.0
    assert wall_of(90.0, "boot-1", NOW) == (None, False, 90.0)


def test_backoff_grows_to_its_cap_and_forgives_only_after_stable_minutes() -> None:
    backoff = Backoff(base_s=1.0, cap_s=300.0)
    assert [backoff.delay(1.0) for _ in range(10)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    backoff.stable(5.0)
    assert backoff.delay(1.0) == 300.0
    backoff.stable(121.0)
    assert backoff.delay(0.5) == 0.5


def test_without_consent_only_a_help_request_leaves() -> None:
    nothing = Consent()
    assert [kind for kind in EventKind if nothing.allows(kind)] == [EventKind.HELP]
    everything = Consent(frozenset(PURPOSES))
    assert all(everything.allows(kind) for kind in EventKind)
    # nothing leaves by `effort`: it is what the desk may ask
    assert set(PURPOSE_OF.values()) == set(PURPOSES) - {"effort"}


def test_every_kind_has_its_lane() -> None:
    assert set(LANE_OF) == set(EventKind)
    assert list(Lane) == [Lane.HELP, Lane.FINDING, Lane.STATE, Lane.TELEMETRY]


def an_event(**more: Any) -> Event:
    base = {
        "id": uuid7(1.8e9, b"\1" * 10),
        "kind": EventKind.TELEMETRY,
        "type": "edge.telemetry.block.v1",
        "subject": "block",
        "at": 90.0,
        "boot_id": "boot-2",
        "payload": b"p",
        "sequence": 7,
    }
    return Event(**(base | more))


def test_attributes_are_computed_when_it_is_sent() -> None:
    found = wire.attributes(an_event(), "gw-1", NOW, historical=True)
    assert found == {
        "specversion": "1.0",
        "id": an_event().id_text,
        "source": "edge:gw-1",
        "type": "edge.telemetry.block.v1",
        "subject": "block",
        "sequence": "7",
        "bootid": "boot-2",
        "uptime": "90.000",
        "clocktrusted": "true",
        "historical": "true",
        "time": "2027-01-15T08:01:30.000Z",
    }
    assert "time" not in wire.attributes(an_event(boot_id="boot-1"), "gw-1", NOW, historical=True)


def test_topics_are_built_and_read() -> None:
    topic = wire.up_topic("edge/v1", "gw-1", EventKind.STATE, "birth")
    assert topic == "edge/v1/gw-1/up/state/birth"
    assert wire.parse_topic("edge/v1", topic) == ("gw-1", "up", "state", "birth")
    assert wire.parse_topic("edge/v1", "edge/v1/gw-1/down/help") == ("gw-1", "down", "help", "")
    for bad in ("edge/v1/gw-1", "edge/v1/gw-1/sideways/help", "other/gw-1/up/help", "edge/v1//up/help"):
        with pytest.raises(WireError):
            wire.parse_topic("edge/v1", bad)


def test_times_no_calendar_knows_do_not_stop_anything() -> None:
    assert wire.rfc3339(1e300) == "1970-01-01T00:00:00Z"
    assert wire.unix_seconds("2027-01-15T08:01:30.000Z") == 1_800_000_090.0
    with pytest.raises(WireError):
        wire.unix_seconds("yesterday")


# --- down messages ---

REQUEST = uuid7(1.8e9, b"\2" * 10)


def down(body: dict[str, Any] | bytes, signature: bytes = b"good") -> bytes:
    packed = body if isinstance(body, bytes) else wire.pack(body)
    return wire.seal(wire.Envelope("desk", packed, signature))


def body(**more: Any) -> dict[str, Any]:
    return {
        "aud": "gw-1",
        "id": "m1",
        "type": "edge.help.received.v1",
        "iat": NOW.wall,
        "exp": NOW.wall + 300,
        **more,
    }


def ask(payload: bytes, now: Instant = NOW, seen: tuple[str, ...] = ()) -> Any:
    return believe(
        payload,
        "gw-1",
        now,
        verify=lambda kid, _body, signature: kid == "desk" and signature == b"good",
        open_requests=[REQUEST],
        seen=lambda ident: ident in seen,
    )


def refusal(payload: bytes, now: Instant = NOW, seen: tuple[str, ...] = ()) -> str:
    with pytest.raises(RefusedError) as caught:
        ask(payload, now, seen)
    return caught.value.code


def test_a_signed_fresh_message_is_believed() -> None:
    assert ask(down(body(text="hello"))).data["text"] == "hello"


def test_what_may_not_be_obeyed_is_refused_by_reason() -> None:
    assert refusal(down(body(), b"forged")) == "signature"
    assert refusal(down(body(aud="gw-2"))) == "audience"
    assert refusal(down(body()), seen=("m1",)) == "replay"
    assert refusal(down(body(exp=NOW.wall - 1))) == "expired"
    assert refusal(down(body(exp=NOW.wall + 3600))) == "expired"
    assert refusal(down(body(iat=NOW.wall + 200))) == "expired"
    assert refusal(down(body()), now=NOW._replace(trusted=False)) == "clock"


def test_an_answer_to_an_open_request_needs_no_right_clock() -> None:
    wrong = Instant(5.0, "b", 0.0, trusted=False)
    message = ask(down(body(event=uuid_text(REQUEST), exp=0)), now=wrong)
    assert message.request == REQUEST
    stranger = uuid_text(uuid7(1.8e9, b"\3" * 10))
    assert refusal(down(body(event=stranger)), now=wrong) == "clock"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x80",
        wire.pack({"kid": 1, "body": b"", "sig": b""}),
        wire.pack({"kid": "desk", "body": "text", "sig": b"good"}),
        down(b"\xc1"),
        down(b"\x93\1\2\3"),
        down({"aud": "gw-1", "id": "m"}),
        down({"aud": "gw-1", "id": "m", "type": "t", "iat": 1.0, "event": "no uuid"}),
        b"x" * 70_000,
    ],
)
def test_what_cannot_be_read_gives_the_named_error(payload: bytes) -> None:
    with pytest.raises(WireError):
        ask(payload)


@given(st.binary(max_size=100))
def test_any_bytes_from_below_give_a_named_error(payload: bytes) -> None:
    with pytest.raises((WireError, RefusedError)):
        ask(payload)


def test_lists_that_claim_more_than_they_hold_take_no_room() -> None:
    payload = (b"\xdd" + (wire.MAX_DOWN_BYTES - 1).to_bytes(4, "big")) * 1000
    payload += b"\xc0" * (wire.MAX_DOWN_BYTES - len(payload))
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            wire.open_envelope(payload)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
