"""What comes down: believed only when signed, for us, fresh and new; everything else is counted and stops nothing."""

import pytest
from helpers_uplink import GATEWAY, ROOT
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair
from structlog.testing import capture_logs

from edge_agent.core.errors import ConfigError, RefusedError, StoreError
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.ports import Message
from edge_agent.core.wire import Envelope, down_topic, pack, seal
from edge_agent.uplink.inbound import MAX_REPLIES_A_MINUTE, Inbound
from edge_agent.uplink.signature import load_keys
from tests.fakes import MemoryReplay, SteppedClock

PUBLIC, SECRET = crypto_sign_seed_keypair(b"d" * 32)
_, FORGED = crypto_sign_seed_keypair(b"f" * 32)
NOW = 1_800_000_000.0
CASE = uuid7(NOW, b"0123456789")


def signed(secret: bytes = SECRET, kid: str = "desk", **body) -> bytes:
    whole = {"id": "m1", "type": "edge.command.ping.v1", "iat": NOW, "exp": NOW + 60, "aud": GATEWAY} | body
    packed = pack({name: value for name, value in whole.items() if value is not None})
    return seal(Envelope(kid, packed, crypto_sign(packed, secret)[:64]))


class Bench:
    def __init__(self, *, trusted: bool = True, keys: dict[str, str] | None = None) -> None:
        self.clock = SteppedClock(NOW, trusted=trusted)
        self.replay = MemoryReplay()
        self.done: list = []
        self.again: list = []
        self.replies: list[dict] = []
        self.error: Exception | None = None
        self.inbound = Inbound(
            GATEWAY,
            ROOT,
            verify=load_keys({"desk": PUBLIC.hex()} if keys is None else keys),
            clock=self.clock,
            open_requests=lambda: {CASE},
            replay=self.replay,
            on_desk_message=self._do,
            on_again=self.again.append,
            on_reply=self.replies.append,
        )

    def _do(self, message) -> bool:
        if self.error:
            raise self.error
        self.done.append(message)
        return message.type == "edge.command.ping.v1"

    def gets(self, payload: bytes, kind: str = "command", topic: str = "") -> None:
        self.inbound.on_message(Message(topic or down_topic(ROOT, GATEWAY, kind), payload))


def test_a_signed_message_reaches_the_service_once():
    bench = Bench()
    bench.gets(signed(sequence=7))
    bench.gets(signed(sequence=7))
    assert [m.id for m in bench.done] == ["m1"]
    assert bench.inbound.counts == {"believed": 1, "replay": 1}
    assert bench.inbound.last_sequence == 7
    assert bench.replies == [{"for": "m1", "ok": False, "code": "replay", "text": "the message was here before"}]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (signed(FORGED), "signature"),
        (signed(kid="unknown"), "signature"),
        (signed(aud="another"), "audience"),
        (signed(exp=NOW - 1), "expired"),
        (signed(exp=NOW + 601), "expired"),
        (signed(iat=NOW + 100, exp=NOW + 200), "expired"),
        (signed(exp=None), "expired"),
        (signed(id=None), "garbage"),
        (b"", "garbage"),
        (b"\xc1", "garbage"),
        (pack({"kid": "desk", "body": b"x", "sig": b"short"}), "signature"),
        (pack({"kid": "desk", "body": "text", "sig": b""}), "garbage"),
        (bytes(70_000), "garbage"),
    ],
)
def test_what_may_not_be_obeyed_is_refused_counted_and_answered(payload, code):
    bench = Bench()
    bench.gets(payload)
    assert bench.done == []
    assert bench.inbound.counts == {code: 1}
    assert [reply["code"] for reply in bench.replies] == [code]


def test_a_refusal_that_is_not_of_a_command_is_not_answered():
    bench = Bench()
    bench.gets(signed(FORGED), "help")
    assert bench.inbound.counts == {"signature": 1}
    assert bench.replies == []


def test_an_untrusted_clock_believes_only_what_names_an_open_case():
    bench = Bench(trusted=False)
    bench.gets(signed(id="a"))
    bench.gets(signed(id="b", event=uuid_text(CASE), iat=0, exp=0), "help")
    assert [m.id for m in bench.done] == ["b"]
    assert bench.inbound.counts["clock"] == 1


def test_an_unknown_type_is_counted_and_ignored():
    bench = Bench()
    bench.gets(signed(type="edge.command.from_the_future.v9"))
    assert bench.inbound.counts == {"unknown_type": 1}


@pytest.mark.parametrize("topic", ["edge/v1/gw2/down/command", "edge/v1/gw1/up/help", "edge/v1/gw1/down/x", "x", ""])
def test_a_topic_that_is_not_ours_is_garbage(topic):
    bench = Bench()
    bench.inbound.on_message(Message(topic, signed()))
    assert bench.inbound.counts == {"garbage": 1}
    assert bench.done == []


def test_what_the_service_refuses_is_answered_and_not_done_again():
    bench = Bench()
    bench.error = RefusedError("no consent", code="consent")
    bench.gets(signed())
    bench.error = None
    bench.gets(signed())
    assert bench.done == []
    assert [reply["code"] for reply in bench.replies] == ["consent", "replay"]


def test_what_the_disk_did_not_take_may_come_again():
    bench = Bench()
    bench.error = StoreError("full")
    bench.gets(signed())
    bench.error = None
    bench.gets(signed())
    assert [m.id for m in bench.done] == ["m1"]
    assert bench.inbound.counts == {"store": 1, "believed": 1}


def test_a_flood_of_rubbish_is_one_line_a_minute_and_few_answers():
    bench = Bench()
    with capture_logs() as lines:
        for _ in range(1000):
            bench.gets(signed(FORGED))
        bench.clock.ahead_s = 61.0
        bench.gets(signed(FORGED))
    assert len(lines) == 2
    assert bench.inbound.counts["signature"] == 1001
    assert len(bench.replies) == MAX_REPLIES_A_MINUTE + 1


@given(st.binary(max_size=300))
def test_no_bytes_of_a_broker_raise(payload):
    bench = Bench()
    bench.gets(payload)
    bench.gets(pack({"kid": "desk", "body": payload, "sig": crypto_sign(payload, SECRET)[:64]}))
    assert bench.done == []


@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "iat", "exp", "aud", "event", "sequence"]),
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=9) | st.binary(),
    )
)
def test_no_body_of_a_desk_raises(body):
    Bench().gets(signed(**body))


def test_a_flipped_bit_anywhere_is_no_signature():
    verify = load_keys({"desk": PUBLIC.hex()})
    body = b"body"
    signature = crypto_sign(body, SECRET)[:64]
    assert verify("desk", body, signature)
    for place in range(64):
        assert not verify("desk", body, signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :])
    assert not verify("desk", b"bodx", signature)
    assert not verify("other", body, signature)


@pytest.mark.parametrize("text", ["", "zz", PUBLIC.hex()[:-2], PUBLIC.hex() + "00"])
def test_a_key_that_is_none_is_a_mistake_of_the_config(text):
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        load_keys({"desk": text})


def test_the_stand_in_for_unknown_keys_opens_nothing():
    _, known_secret = crypto_sign_seed_keypair(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    signature = crypto_sign(b"body", known_secret)[:64]
    assert not load_keys({"desk": PUBLIC.hex()})("unknown", b"body", signature)


def test_unsigned_and_no_keys_are_said_at_start():
    with capture_logs() as lines:
        assert load_keys({}, unsigned=True)("x", b"", b"")
        assert not load_keys({})("x", b"", b"")
    assert [line["log_level"] for line in lines] == ["warning", "warning"]
    assert all(line["fix"] for line in lines)


def test_a_message_that_was_here_before_and_names_an_open_case_is_handed_on_as_such_and_refused():
    bench = Bench(trusted=False)
    bench.gets(signed(event=uuid_text(CASE), through=1), "help")
    bench.gets(signed(event=uuid_text(CASE), through=2), "help")
    assert [m.data["through"] for m in bench.done] == [1]
    assert [m.data["through"] for m in bench.again] == [2]
    assert bench.inbound.counts["replay"] == 1


def test_what_concerns_a_case_is_not_done_when_it_is_handed_on():
    bench = Bench()
    bench.gets(signed(id="a", event=uuid_text(CASE)), "help")
    bench.gets(signed(id="b"))
    assert bench.replay.seen("a")
    assert bench.replay.done == {"b"}
