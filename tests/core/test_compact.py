"""The compact form: every value comes back, every byte has its place, and it fits one SMS."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from edge_agent.core import compact_word
from edge_agent.core.clock import Instant
from edge_agent.core.command import believe, believe_compact
from edge_agent.core.compact import (
    MAX_BYTES,
    SIZE,
    CompactCall,
    Power,
    call_of,
    finding_code,
    gateway_number,
    rule_number,
    unpack_call,
)
from edge_agent.core.consent import PURPOSES
from edge_agent.core.errors import RefusedError, WireError
from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid_bytes, uuid_text
from edge_agent.core.request import Trigger, case_code
from edge_agent.core.wire import Envelope, pack, seal
from edge_agent.uplink.signature import load_keys

RAISED, REOPENED, CANCELLED = "edge.help.raised.v1", "edge.help.reopened.v1", "edge.help.cancelled.v1"
REQUEST = uuid_bytes("01a0c450-6c00-773e-8d8f-ab5f5bdb99ec")
NOW = Instant(5000.0, "boot", 1_790_000_000.0, True)
CONSENTS = tuple(PURPOSES)
KEY = SigningKey(bytes(range(32)))
VERIFY = load_keys({"main": bytes(KEY.verify_key).hex()})

calls = st.builds(
    CompactCall,
    type=st.sampled_from([RAISED, REOPENED, CANCELLED]),
    event=st.binary(min_size=16, max_size=16),
    request=st.binary(min_size=16, max_size=16),
    case=st.binary(min_size=5, max_size=5).map(case_code),
    gateway=st.binary(min_size=8, max_size=8),
    sequence=st.integers(0, 2**32 - 1),
    pressed_ms=st.integers(0, 2**48 - 1),
    age_ds=st.integers(0, 2**32 - 1),
    trigger=st.sampled_from(list(Trigger)),
    clock_trusted=st.booleans(),
    power=st.sampled_from(list(Power)),
    consent=st.frozensets(st.sampled_from(CONSENTS)),
    rule=st.integers(0, 2**16 - 1),
    findings=st.lists(st.integers(1, 2**32 - 1), max_size=2).map(tuple),
    battery_pct=st.none() | st.integers(0, 254),
)


@given(calls)
def test_every_call_comes_back_as_it_was_and_fits_one_sms(call):
    packed = call.pack()
    assert unpack_call(packed) == call
    assert len(packed) == SIZE <= MAX_BYTES


@given(st.binary(max_size=160))
def test_bytes_of_anybody_are_a_call_or_a_named_error(payload):
    with suppress(WireError):
        unpack_call(payload)


@given(calls, st.integers(0, SIZE - 1), st.integers(1, 255))
def test_a_damaged_call_is_another_call_or_a_named_error(call, place, flip):
    packed = bytearray(call.pack())
    packed[place] ^= flip
    with suppress(WireError):
        unpack_call(bytes(packed))


# docs/wire.md shows these bytes; they must never change within version 1.
GOLDEN_CALL = CompactCall(
    type=RAISED,
    event=REQUEST,
    request=REQUEST,
    case="XC5WNMX9",
    gateway=gateway_number("gw-example"),
    sequence=1,
    pressed_ms=1_790_000_000_000,
    age_ds=75,
    trigger=Trigger.AUTOMATIC,
    clock_trusted=True,
    power=Power.BATTERY,
    consent=frozenset({"help_ready", "findings"}),
    rule=rule_number("flood"),
    findings=(finding_code("boiler.pressure", "range"),),
    battery_pct=81,
)
GOLDEN_BYTES = (
    "0101"
    "01a0c4506c00773e8d8fab5f5bdb99ec"
    "01a0c4506c00773e8d8fab5f5bdb99ec"
    "b574432770"
    "ff92c15fc8b530db"
    "00000001"
    "01a0c4506c00"
    "0000004b"
    "00b5"
    "d886"
    "01bd0430"
    "00000000"
    "51"
)


def test_the_golden_call_has_always_the_same_bytes():
    assert GOLDEN_CALL.pack().hex() == GOLDEN_BYTES
    assert unpack_call(bytes.fromhex(GOLDEN_BYTES)) == GOLDEN_CALL


@pytest.mark.parametrize(
    "wrong",
    [
        {"case": "XC5WNMX8"},
        {"case": "xc5wnmx9"},
        {"sequence": 2**32},
        {"pressed_ms": -1},
        {"battery_pct": 256},
        {"consent": frozenset({"everything"})},
        {"type": "edge.help.nudged.v1"},
        {"event": b"short"},
        {"gateway": bytes(9)},
    ],
)
def test_what_has_no_place_is_a_named_error(wrong):
    with pytest.raises(WireError):
        replace(GOLDEN_CALL, **wrong).pack()


def raised(**more):
    data = {
        "request": uuid_text(REQUEST),
        "case": "XC5WNMX9",
        "trigger": "automatic",
        "rule": "flood",
        "pressed_time": 1_789_999_990.0,
        "pressed_age_s": 5.0,
        "clock_trusted": True,
        "consent": ["help_ready"],
        "findings": [{"channel": "boiler.pressure", "kind": "range"}, {"channel": "a.b", "kind": "odd"}, {}],
    }
    return Event(REQUEST, EventKind.HELP, RAISED, "XC5WNMX9", 4995.0, "boot", pack(data | more), sequence=7)


def test_the_call_of_an_event_says_what_the_event_says():
    call = call_of(raised(), "gw-example", NOW)
    assert call.request == call.event == REQUEST
    assert (call.case, call.sequence, call.trigger) == ("XC5WNMX9", 7, Trigger.AUTOMATIC)
    assert call.pressed_ms == 1_789_999_990_000
    assert call.age_ds == 100, "five seconds to the event, and five since"
    assert call.findings == (finding_code("boiler.pressure", "range"), finding_code("a.b", "odd"))
    assert call.findings[0] >> 24 == 1
    assert call.findings[1] >> 24 == 255
    assert call.battery_pct is None
    assert unpack_call(call.pack()) == call


def test_a_reopened_case_names_its_first_request_and_dates_itself():
    data = pack({"request": uuid_text(REQUEST), "case": "XC5WNMX9", "count": 1})
    event = Event(b"e" * 16, EventKind.HELP, REOPENED, "XC5WNMX9", 4990.0, "boot", data, sequence=9)
    call = call_of(event, "gw-example", NOW)
    assert (call.event, call.request, call.sequence) == (b"e" * 16, REQUEST, 9)
    assert call.pressed_ms == 1_789_999_990_000
    assert call.age_ds == 100


@given(
    st.dictionaries(
        st.sampled_from(["pressed_time", "pressed_age_s", "consent", "findings", "rule", "trigger", "battery_pct"]),
        st.none()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5)
        | st.lists(st.integers(0, 9)),
    )
)
def test_whatever_an_event_says_its_call_can_be_packed(odd):
    call = call_of(raised(**odd), "gw-example", NOW)
    assert unpack_call(call.pack()) == call


def test_another_event_has_no_compact_form():
    event = Event(b"e" * 16, EventKind.HELP, "edge.help.nudged.v1", "XC5WNMX9", 1.0, "boot", pack({}))
    with pytest.raises(WireError, match="nudged"):
        call_of(event, "gw", NOW)


# -- the way down


def word(**more):
    body = {
        "aud": "gw-example",
        "iat": 1_790_000_000,
        "id": "01a0c450-6c00-7001-8203-040506070809",
        "type": "edge.help.received.v1",
        "event": uuid_text(REQUEST),
    }
    return body | more


def signed(data, key=KEY, kid="main"):
    body = compact_word.word_body(kid, data)
    return body + key.sign(body).signature


def heard(payload, *, requests=(REQUEST,), seen=lambda _: False, verify=VERIFY, kids=("main",)):
    return believe_compact(payload, "gw-example", verify=verify, kids=kids, open_requests=requests, seen=seen)


def by_mqtt(data):
    body = pack(data)
    payload = seal(Envelope("main", body, KEY.sign(body).signature))
    return believe(payload, "gw-example", NOW, verify=VERIFY, open_requests=[REQUEST], seen=lambda _: False)


short = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


@given(
    kind=st.sampled_from(["received", "engaged", "message", "resolved", "cancel_received", "progress"]),
    reference=short,
    name=short,
    text=st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=5),
    number=st.integers(0, 2**32 - 1),
    minutes=st.integers(0, 1000),
    knows=st.booleans(),
)
def test_a_compact_word_is_the_same_message_as_over_mqtt(kind, reference, name, text, number, minutes, knows):
    who = "helper" if kind == "engaged" else "receiver"
    told = {
        "reference": reference,
        who: name,
        "text": text,
        "knows" if knows else "through": number,
        "next_word_wall": 1_790_000_000 + 60 * minutes if minutes else 0,
    }
    data = word(type=f"edge.help.{kind}.v1", **{key: value for key, value in told.items() if value})
    payload = signed(data)
    assert len(payload) <= MAX_BYTES
    assert heard(payload) == by_mqtt(data)


def test_text_is_cut_at_a_whole_character_and_the_reference_stays():
    payload = signed(word(reference="SD-00001", receiver="service desk", text="ä" * 100))
    assert len(payload) in (MAX_BYTES - 1, MAX_BYTES)
    message = heard(payload)
    assert message.data["reference"] == "SD-00001"
    assert message.data["receiver"] == "service desk"
    assert set(message.data["text"]) == {"ä"}


GOLDEN_WORD = (
    "100d01a0c4506c00700182030405060708098d8fab5f5bdb99ec6ab13b8000000001000a53442d30"
    "303030310073657276696365206465736b4c8840b9d0e578e177210ab90017aaedeb66ffcdc26e23"
    "740a30773b2b5e762b600c069427d7a9e221971f26b50cc167badf004b9b2304f7ddee71577af943"
    "04"
)


def test_the_golden_word_has_always_the_same_bytes():
    data = word(reference="SD-00001", receiver="service desk", knows=1, next_word_wall=1_790_000_600)
    assert signed(data).hex() == GOLDEN_WORD


def test_a_word_by_another_key_or_of_another_case_is_refused():
    for payload, code in (
        (signed(word(), key=SigningKey.generate()), "signature"),
        (signed(word(), kid="other"), "signature"),
        (signed(word(event="01a0c450-6c00-773e-8d8f-ab5f5bdb0000")), "audience"),
    ):
        with pytest.raises(RefusedError) as refused:
            heard(payload)
        assert refused.value.code == code


@given(st.integers(0, 8 * 100 - 1))
def test_no_single_bit_of_a_signed_word_can_be_changed(bit):
    payload = bytearray(signed(word(reference="SD-00001")))
    bit %= 8 * len(payload)
    payload[bit // 8] ^= 1 << bit % 8
    with pytest.raises((RefusedError, WireError)):
        heard(bytes(payload))


def test_a_word_that_was_here_before_comes_back_as_again():
    assert heard(signed(word()), seen=lambda _: True).again


@given(st.binary(max_size=200))
def test_bytes_of_anybody_are_no_word(payload):
    with pytest.raises((RefusedError, WireError)):
        heard(payload)


@given(st.tuples(st.integers(0x10, 0x1F).map(lambda head: bytes([head])), st.binary(max_size=75)).map(b"".join))
def test_even_a_signed_body_can_only_be_a_word_or_a_named_error(body):
    with suppress(RefusedError, WireError):
        heard(body + KEY.sign(body).signature, requests=(REQUEST, bytes(16)))


def test_where_no_signature_is_asked_for_any_word_of_an_open_case_is_believed():
    payload = signed(word(), key=SigningKey.generate())
    assert heard(payload, verify=lambda *_: True, kids=()).type == "edge.help.received.v1"


def test_an_envelope_is_never_taken_for_a_compact_word():
    body = pack(word())
    assert not compact_word.is_compact(seal(Envelope("main", body, bytes(64))))
    assert not compact_word.is_compact(b"")
