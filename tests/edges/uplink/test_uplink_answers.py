"""What other channels bring: believed like what comes over MQTT, whole or compact, and only for an open case."""

import pytest
from helpers_uplink import GATEWAY, ROOT
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign
from test_uplink_inbound import CASE, FORGED, NOW, PUBLIC, SECRET, signed

from edge_agent.core.compact_word import word_body
from edge_agent.core.errors import StoreError
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.uplink.inbound import Inbound
from edge_agent.uplink.signature import load_keys
from tests.fakes import MemoryReplay, SteppedClock

RECEIVED = "edge.help.received.v1"
WORD = {"id": uuid_text(uuid7(NOW, b"w" * 10)), "type": RECEIVED, "iat": int(NOW), "event": uuid_text(CASE), "knows": 4}


class Bench:
    def __init__(self, *, error: Exception | None = None) -> None:
        self.done: list = []
        self.again: list = []
        self.replies: list = []
        self.told: list = []

        def do(message) -> bool:
            if error:
                raise error
            self.done.append(message)
            return True

        self.inbound = Inbound(
            GATEWAY,
            ROOT,
            verify=load_keys({"desk": PUBLIC.hex()}),
            kids=["desk"],
            # no clock is known to be right, and none is needed: the case is the nonce
            clock=SteppedClock(NOW, trusted=False),
            open_requests=lambda: {CASE},
            replay=MemoryReplay(),
            on_desk_message=do,
            on_again=self.again.append,
            on_reply=self.replies.append,
            asked_at=lambda _: 1.0,
            on_time=self.told.append,
        )


def short(secret: bytes = SECRET, **more) -> bytes:
    body = word_body("desk", WORD | more)
    return body + crypto_sign(body, secret)[:64]


def whole(**more) -> bytes:
    return signed(**(WORD | more))


@pytest.mark.parametrize("payload", [short(), whole()])
def test_a_word_in_an_open_case_is_obeyed_once_and_known_again(payload):
    bench = Bench()
    assert bench.inbound.on_answer(payload)
    assert bench.inbound.on_answer(payload), "the desk said it, only not for the first time"
    assert [(m.type, m.request, m.data["knows"]) for m in bench.done] == [(RECEIVED, CASE, 4)]
    assert [m.id for m in bench.again] == [WORD["id"]]
    assert len(bench.told) == 1, "an answer tells the time too"


def test_the_same_word_by_two_ways_is_one_word():
    bench = Bench()
    assert bench.inbound.on_answer(short())
    assert bench.inbound.on_answer(whole())
    assert len(bench.done) == 1


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (short(FORGED), "signature"),
        (signed(FORGED, **WORD), "signature"),
        (short(event=uuid_text(uuid7(NOW, b"another ca"))), "audience"),
        (whole(aud="another"), "audience"),
        (whole(event=uuid_text(uuid7(NOW, b"another ca"))), "clock"),
        (signed(type="edge.command.resend.v1"), "clock"),
        (b"", "garbage"),
        (bytes((0x10,)) + bytes(20), "garbage"),
        (b"<html>please log in</html>", "garbage"),
    ],
)
def test_everything_else_is_refused_counted_and_not_answered(payload, code):
    bench = Bench()
    assert not bench.inbound.on_answer(payload)
    assert bench.inbound.counts == {code: 1}
    assert not bench.done
    assert not bench.replies


def test_a_command_is_not_obeyed_from_there_though_it_is_fresh_and_signed():
    bench = Bench()
    bench.inbound._clock.trusted = True
    assert not bench.inbound.on_answer(signed(type="edge.command.resend.v1"))
    assert bench.inbound.counts == {"audience": 1}
    assert not bench.done


def test_a_disk_that_does_not_keep_up_is_no_answer():
    bench = Bench(error=StoreError("slow"))
    assert not bench.inbound.on_answer(short())
    assert bench.inbound.counts == {"store": 1}


@given(st.binary(max_size=300))
def test_bytes_of_anybody_raise_nothing(payload):
    assert not Bench().inbound.on_answer(payload)
