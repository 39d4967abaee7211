from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridges.base import FAULT_AT_LEAST_EVERY_S, QUIET_S, Faults, ListeningBridge
from firmware_bridges.framing import LineSplitter

STREAM = st.binary(max_size=200).map(lambda raw: raw.replace(b"\x01", b"\n").replace(b"\x02", b"\r\n"))


def test_lines_end_with_cr_or_lf_or_both() -> None:
    assert list(LineSplitter(80).feed(b"a\r\nb\nc\rd")) == [b"a", b"b", b"c"]


def test_a_line_that_is_too_long_is_told_once_and_the_next_one_is_whole() -> None:
    lines = LineSplitter(4)
    assert list(lines.feed(b"12345")) == [None]
    assert list(lines.feed(b"6789" * 1000)) == []
    assert list(lines.feed(b"0\nabcd\n")) == [b"abcd"]


@given(STREAM, st.lists(st.integers(0, 200), max_size=10), st.integers(1, 30))
def test_lines_are_the_same_wherever_the_stream_is_cut(data: bytes, cuts: list[int], limit: int) -> None:
    whole = list(LineSplitter(limit).feed(data))
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    lines = LineSplitter(limit)
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert [line for piece in pieces for line in lines.feed(piece)] == whole
    assert len(lines._rest) <= limit


def test_a_lasting_fault_is_told_less_and_less_often_and_all_are_counted() -> None:
    faults = Faults("meter")
    told = [fault.at for second in range(7200) for fault in faults.say("checksum", "wrong", float(second))]
    assert told[:4] == [0.0, 10.0, 30.0, 70.0]
    assert len(told) < 12
    assert faults.counts == {"checksum": 7200}
    assert FAULT_AT_LEAST_EVERY_S == 3600.0


def test_a_fault_says_how_many_were_held_back() -> None:
    faults = Faults("meter")
    for at in (0.0, 1.0, 2.0):
        list(faults.say("checksum", "wrong", at))
    (fault,) = faults.say("checksum", "wrong", 10.0)
    assert fault.text == "wrong (2 more since the last report)"


def test_after_quiet_minutes_a_fault_is_news_again() -> None:
    faults = Faults("meter")
    for second in range(100):
        list(faults.say("checksum", "wrong", float(second)))
    assert list(faults.say("checksum", "wrong", 100.0 + QUIET_S))
    assert list(faults.say("checksum", "wrong", 110.0 + QUIET_S))


def test_a_lasting_gap_is_told_once_a_minute_and_ends_with_a_value() -> None:
    bridge = ListeningBridge("gps")
    channel = bridge.channel("altitude", "m")
    told = [reading.at for second in range(180) for reading in bridge.absent(channel, "no fix", float(second))]
    assert told == [0.0, 60.0, 120.0]
    assert bridge.present(channel, 12.0, 181.0).value == 12.0
    assert [reading.at for reading in bridge.absent(channel, "no fix", 182.0)] == [182.0]
