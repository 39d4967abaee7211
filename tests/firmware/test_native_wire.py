"""The gateway's end of the native link: the vectors, any bytes in any pieces, and what must never come out."""

import tracemalloc
from itertools import pairwise
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.errors import WireError
from firmware_bridges.native.bodies import FIELDS, body_of, parse
from firmware_bridges.native.chunks import MAX_OBJECT, Assembly, cut
from firmware_bridges.native.messages import Chunk, Crash, Data, Hello, Log, Type, Unknown
from firmware_bridges.native.wire import MAX_BODY, MAX_PIECE, Bad, Decoder, Frame, Text, cobs, encode, uncobs
from tests.firmware.native_frames import BAD, FRAMES, NATIVE, STREAMS, keyed, named, plain

BODIES = st.one_of(st.binary(max_size=MAX_BODY), st.lists(st.sampled_from([0, 1, 255]), max_size=MAX_BODY).map(bytes))


def decoded(*pieces: bytes) -> list[Any]:
    decoder = Decoder()
    return [each for piece in pieces for each in decoder.feed(piece)]


@pytest.mark.parametrize("vector", **named(FRAMES))
def test_a_frame_of_the_vectors_is_read_and_written_as_it_stands(vector: dict[str, Any]) -> None:
    wire, body = bytes.fromhex(vector["wire"]), bytes.fromhex(vector["body"])
    frame = Frame(vector["type"], vector["number"], body)
    assert decoded(wire) == [frame]
    assert decoded(*(bytes([byte]) for byte in wire)) == [frame]
    assert encode(*frame) == wire


@pytest.mark.parametrize("vector", **named(FRAMES))
def test_what_a_frame_of_the_vectors_says(vector: dict[str, Any]) -> None:
    message = parse(vector["type"], bytes.fromhex(vector["body"]))
    assert keyed(message) == plain(vector["says"])
    assert parse(*body_of(message)) == message


@pytest.mark.parametrize("vector", **named(BAD))
def test_a_spoiled_frame_of_the_vectors_is_bad_and_the_next_one_is_read(vector: dict[str, Any]) -> None:
    assert decoded(bytes.fromhex(vector["wire"]) + encode(2, 9, b"")) == [Bad("checksum"), Frame(2, 9, b"")]


@pytest.mark.parametrize("vector", **named(STREAMS))
def test_what_stands_between_frames_spoils_none(vector: dict[str, Any]) -> None:
    names = {Text: lambda each: each.line, Bad: lambda _: "bad", Frame: lambda each: each.number}
    found = [names[type(each)](each) for each in decoded(bytes.fromhex(vector["wire"]))]
    assert found == vector["holds"]


@given(raw=st.binary(max_size=254))
def test_stuffing_leaves_no_zero_adds_one_byte_and_is_undone(raw: bytes) -> None:
    code = cobs(raw)
    assert 0 not in code
    assert len(code) == len(raw) + 1
    assert uncobs(code) == raw


@settings(max_examples=200)
@given(data=st.data())
def test_any_stream_cut_anywhere_gives_the_same_and_frames_in_it_are_found(data: st.DataObject) -> None:
    part = st.one_of(
        st.binary(max_size=60),
        BODIES.map(lambda body: encode(3, 1, body)),
        st.text(max_size=30).map(str.encode),
        st.just(b"x" * (MAX_PIECE + 20)),
    )
    raw = b"".join(data.draw(st.lists(part, max_size=8)))
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    assert decoded(*(raw[a:b] for a, b in pairwise(sorted({0, len(raw), *cuts})))) == decoded(raw)
    # whatever came before, the next frame is whole
    assert decoded(raw, encode(3, 7, b"\x80"))[-1] == Frame(3, 7, b"\x80")


@settings(max_examples=300)
@given(bits=st.lists(st.integers(0, 8 * 30 - 1), min_size=1, max_size=3, unique=True))
def test_no_frame_with_wrong_bits_is_taken_for_a_good_one(bits: list[int]) -> None:
    wire = bytearray(encode(4, 5, bytes(range(21))))
    assert len(wire) == 30
    for bit in bits:
        wire[bit // 8] ^= 1 << bit % 8
    good = Frame(4, 5, bytes(range(21)))
    # a zero too many or too few at the edges spoils nothing
    assert all(each == good for each in decoded(bytes(wire), b"\0") if isinstance(each, Frame))


def test_a_body_that_is_too_long_is_refused() -> None:
    with pytest.raises(WireError, match="chunks"):
        encode(3, 0, bytes(MAX_BODY + 1))
    with pytest.raises(WireError, match="one byte"):
        encode(256, 0, b"")


def test_a_device_that_only_prints_is_shown_and_one_that_never_ends_a_frame_is_dropped() -> None:
    lines = decoded(b"temperature 21\r\n" * 1000)
    assert lines[0] == Text("temperature 21")
    assert len(lines) > 900
    assert decoded(b"\xfe" * 100_000 + encode(2, 1, b"")) == [Bad("overflow"), Frame(2, 1, b"")]


def test_colours_and_control_characters_of_a_terminal_are_left_out() -> None:
    assert decoded(b"\x1b[32mI (31) boot:\tok\x1b[0m\r\n\0") == [Text("I (31) boot: ok")]


@settings(max_examples=500)
@given(kind=st.integers(0, 255), body=BODIES)
def test_any_body_is_a_message_or_the_named_error(kind: int, body: bytes) -> None:
    try:
        message = parse(kind, body)
    except WireError:
        return
    if not isinstance(message, Unknown):
        assert parse(*body_of(message)) == message


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.integers(0, 20), inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=500)
@given(kind=st.sampled_from(sorted(Type)), said=st.dictionaries(st.integers(0, 20), VALUES, max_size=12))
def test_any_map_is_a_message_or_the_named_error(kind: int, said: dict[int, Any]) -> None:
    try:
        parse(kind, msgpack.packb(said))
    except WireError:
        return


def test_what_a_later_version_says_more_is_skipped() -> None:
    kind, body = body_of(Log(1, 5, "x"))
    said = msgpack.unpackb(body, strict_map_key=False) | {99: ["new", {1: 2}], "word": True}
    assert parse(kind, msgpack.packb(said)) == Log(1, 5, "x")
    assert parse(0x7F, b"anything") == Unknown(0x7F)


def test_what_is_missing_or_of_a_wrong_type_is_named() -> None:
    with pytest.raises(WireError, match=r"not whole.*text"):
        parse(Type.LOG, msgpack.packb({0: 1, 1: 2}))
    with pytest.raises(WireError, match="cannot have -1 as level"):
        parse(Type.LOG, msgpack.packb({0: -1, 1: 2, 2: ""}))
    with pytest.raises(WireError, match="must be a map"):
        parse(Type.LOG, b"\x01")
    with pytest.raises(WireError, match="not msgpack"):
        parse(Type.LOG, b"\xc1")
    assert set(Type) - {kind for kind, _ in FIELDS.values()} == {Type.SMP, Type.CHANNELS}


def test_the_example_of_the_specification_is_what_it_says() -> None:
    lines = (NATIVE / "SPEC.md").read_text(encoding="utf-8").splitlines()
    wire = bytes.fromhex(next(line for line in lines if line.startswith("    00 04 03")))
    bare = bytes.fromhex(next(line for line in lines if line.startswith("    03 04 |")).replace("|", ""))
    (frame,) = decoded(wire)
    assert bytes(frame[:2]) + frame.body == bare[:-4]
    assert parse(frame.type, frame.body) == Data(65250, {0: 21.5})
    (ask,) = [line for line in lines if line.startswith("`01 810001`")]
    assert bytes.fromhex(ask.split("`")[3]) == encode(Type.HELLO, 1, body_of(Hello(1, 0))[1])


# -- chunks ----------------------------------------------------------------------------------------------------------

CRASH = Crash(b"\1\2", 7, 1, 0x1234, 0x5678, stack=bytes(range(256)) * 4)


def test_a_large_crash_record_comes_in_chunks_in_any_order_with_repetitions() -> None:
    kind, body = body_of(CRASH)
    chunks = cut(kind, 1, body, 200)
    assert len(chunks) == 6
    assembly = Assembly()
    first = [chunks[4], chunks[0], chunks[0], chunks[5]]
    assert [assembly.take(chunk) for chunk in first] == [None] * 4
    # the others were lost; the device says all again, and the last that was missing makes it whole
    found = [assembly.take(chunk) for chunk in chunks]
    assert found[3] == CRASH
    assert [each for each in found if each is not None] == [CRASH]


def test_another_object_begins_anew_and_a_spoiled_whole_is_refused() -> None:
    kind, body = body_of(CRASH)
    chunks, others = cut(kind, 1, body, 600), cut(kind, 2, body, 600)
    assembly = Assembly()
    assert assembly.take(chunks[0]) is None
    assert assembly.take(others[1]) is None
    assert assembly.take(chunks[1]) is None, "what was there before is forgotten"
    wrong = Chunk(kind, 1, len(body), chunks[0].crc ^ 1, 0, body[:600])
    assembly.take(wrong)
    with pytest.raises(WireError, match="add up"):
        assembly.take(Chunk(kind, 1, len(body), wrong.crc, 600, body[600:]))
    assert assembly.take(chunks[0]) is None
    assert assembly.take(chunks[1]) == CRASH


@settings(max_examples=300)
@given(
    st.builds(
        Chunk,
        st.integers(0, 40),
        st.integers(0, 3),
        st.integers(0, 2**32 - 1) | st.integers(0, 300),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1) | st.integers(0, 300),
        st.binary(max_size=200),
    )
)
def test_chunks_that_cannot_be_are_the_named_error_and_claim_no_memory(chunk: Chunk) -> None:
    assembly = Assembly()
    tracemalloc.start()
    try:
        assembly.take(chunk)
    except WireError:
        pass
    finally:
        kept = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert kept < 4 * MAX_OBJECT + 20_000
