"""At which settings a line is listened to: turns without a port, in a time that is made, and what is heard at each."""

import re
from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.survey.serial_hearing import Hearing, Setting
from edge_agent.survey.serial_marks import Marks
from edge_agent.survey.serial_ports import Port
from edge_agent.survey.serial_told import told
from edge_agent.survey.serial_turns import ALIVE_S, LISTEN_ON_S, Turns
from firmware_bridges.trial import bauds
from tests.firmware.support import vectors
from tests.firmware.test_bridge_trial import STREAMS

LOOK_S = 0.1
NOISE = bytes([0x80, 0xF8, 0x00, 0xC0, 0x9E, 0x86]) * 10


def marked(data: bytes) -> bytes:
    return data.replace(b"\xff", b"\xff\xff")


def listened(turns: Turns, seconds: float, said, marks=marked) -> list[tuple[float, Setting]]:
    """When each setting was begun; `said(now, setting)` is what comes."""
    now, hearing = 0.0, Hearing(turns.setting, 0.0)
    begun = [(0.0, turns.setting)]
    while now < seconds and not turns.is_done(now):
        now += LOOK_S
        hearing.take(marks(said(now, turns.setting)), now)
        if turns.is_over(hearing, hearing.candidates(), now):
            hearing = Hearing(turns.go_on(), now)
            begun.append((now, hearing.setting))
    return begun


def beat(every_s: float, data: bytes):
    """Something each so many seconds."""

    def said(now: float, _: Setting) -> bytes:
        return data if now % every_s < LOOK_S else b""

    return said


def test_a_silent_line_is_listened_to_at_every_speed_and_at_the_likely_ones_for_longer():
    begun = listened(Turns(), 60.0, lambda *_: b"")
    assert [setting.baud for _, setting in begun[: len(bauds())]] == bauds()
    lasted = [second - first for (first, _), (second, _) in pairwise(begun)]
    assert lasted[0] > 1.5 * lasted[2]
    assert begun[len(bauds())][0] < 30.0  # a round


def test_nobody_listens_at_1200_baud_which_makes_some_boards_wait_for_a_new_program():
    assert 1200 not in bauds()


def test_noise_sends_one_on_after_two_messages_and_not_in_the_midst_of_the_first():
    begun = listened(Turns(), 10.0, beat(1.0, NOISE))
    first, second = begun[0][0], begun[1][0]
    assert 1.0 < second - first < 3.0


def test_noise_without_a_pause_sends_one_on_too():
    begun = listened(Turns(), 8.0, lambda *_: NOISE * 2)
    assert all(2.0 <= second - first < 2.5 for (first, _), (second, _) in pairwise(begun))


def test_characters_with_wrong_stop_bits_send_one_on_at_once():
    begun = listened(Turns(), 3.0, beat(1.0, NOISE), lambda data: b"".join(b"\xff\x00" + bytes([b]) for b in data) * 2)
    assert begun[1][0] < 1.3


def test_who_speaks_every_ten_seconds_is_waited_for_once_it_was_heard():
    begun = listened(Turns(), 120.0, beat(10.0, NOISE))
    lasted = [second - first for (first, _), (second, _) in pairwise(begun)]
    assert all(seconds >= ALIVE_S - LOOK_S for seconds in lasted[3:])


def test_a_language_that_is_sure_is_stayed_with_until_its_rate_is_known():
    frame = STREAMS["pms"][:32]
    turns = Turns()
    begun = listened(
        turns, 60.0, lambda now, setting: (frame if setting.baud == 9600 else NOISE) if now % 1 < LOOK_S else b""
    )
    assert [setting.baud for _, setting in begun] == [9600]
    assert turns.is_done(LISTEN_ON_S + 3.0)


def test_even_parity_is_tried_only_where_somebody_was_heard():
    silent = {setting.parity for _, setting in listened(Turns(), 300.0, lambda *_: b"")}
    noisy = {setting.parity for _, setting in listened(Turns(), 60.0, beat(1.0, NOISE))}
    assert (silent, noisy) == ({"none"}, {"none", "even"})


@given(st.binary(max_size=60), st.lists(st.integers(0, 59), max_size=8), st.lists(st.integers(1, 9), min_size=1))
def test_marks_are_undone_wherever_the_stream_is_cut(data, damaged, sizes):
    wire = b"".join(
        b"\xff\x00" + bytes([byte]) if place in damaged else marked(bytes([byte])) for place, byte in enumerate(data)
    )
    marks, out, place = Marks(), b"", 0
    for size in sizes * len(wire):
        out += marks.feed(wire[place : place + size])
        place += size
    assert out == data
    wrong = [byte for place, byte in enumerate(data) if place in damaged]
    assert marks.breaks == wrong.count(0)
    assert marks.damaged == len(wrong) - marks.breaks


def heard(data: bytes, marks=marked) -> Hearing:
    hearing = Hearing(Setting(9600), 0.0)
    for number, place in enumerate(range(0, len(data), 64)):
        hearing.take(marks(data[place : place + 64]), number * 0.1)
    return hearing


def even(text: bytes) -> bytes:
    return bytes(byte | (byte.bit_count() % 2 << 7) for byte in text)


def test_a_meter_with_seven_bits_and_parity_is_recognised_as_such():
    vector = next(v for v in vectors("dsmr") if re.search(rb"\r\n!\r\n", v.chunk))  # without a CRC: before version 4
    best = max(heard(even(vector.chunk) * 2).candidates(), key=lambda each: each.score.weight)
    assert (best.score.language, best.setting) == ("dsmr", Setting(9600, 7, "even"))


def test_a_bus_that_ends_its_telegrams_with_breaks_is_recognised_by_the_marks_of_the_port():
    data = b"".join(v.chunk for v in vectors("ems") if isinstance(v.chunk, bytes))
    hearing = heard(data, marks=lambda piece: piece)
    assert hearing.candidates()[0].score.language == "ems"
    measured, count = hearing.measured(hearing.candidates()[0])
    assert len(measured.times) >= 2
    assert measured.understood <= count


def test_errors_are_counted_by_frame_and_what_is_understood_by_byte():
    frame = STREAMS["pms"][:32]
    broken = frame[:20] + b"\x55" + frame[21:]
    hearing = heard((frame * 3 + broken) * 5)
    measured, count = hearing.measured(hearing.candidates()[0])
    assert (len(measured.times), count) == (15, 20 * 32)
    assert measured.rejected == 5
    assert 0.70 <= measured.understood / count <= 0.80


def port_with(*hearings: Hearing):
    line = SimpleNamespace(
        hearings={each.setting: each for each in hearings}, hearing=hearings[-1], began=0.0, gone="", trouble="", cut=0,
        silent_fix="", unknown_fix="listen longer",
    )  # fmt: skip
    return told(Port("/dev/ttyUSB0", "/dev/ttyUSB0", ""), "", line)


def test_of_a_language_that_nobody_knows_the_speed_with_the_fewest_damaged_characters_is_told():
    right, wrong = Hearing(Setting(19_200), 0.0), Hearing(Setting(9600), 0.0)
    right.take(marked(NOISE), 1.0)
    wrong.take(b"\xff\x00\x81" * 40, 1.0)
    found = port_with(wrong, right)
    assert (found.verdict, found.baud, found.fix) == ("unknown", 19_200, "listen longer")
    assert "the fewest damaged characters came at 19200 baud 8N1" in found.sentence


def test_where_a_port_tells_no_damaged_characters_the_speed_is_said_to_be_unknown():
    one, other = Hearing(Setting(19_200), 0.0), Hearing(Setting(9600), 0.0)
    for each in (one, other):
        each.take(marked(NOISE), 1.0)
    assert port_with(one, other).sentence.endswith("at which speed is not known")


def test_a_bus_whose_units_refuse_is_understood_and_its_section_says_what_is_still_to_be_put_in():
    found = port_with(heard(STREAMS["modbus"] * 4))
    assert (found.guesses[0].language, found.guesses[0].rejected, found.guesses[0].sure) == ("modbus", 0, True)
    assert "docs/languages.md, modbus" in found.fix
    assert 'map = "MAP"' in found.guesses[0].lines


def test_no_more_is_kept_than_is_looked_at():
    hearing = heard(b"x" * 200_000)
    assert hearing.count == 200_000
    assert len(hearing.newest(1 << 20)) <= 65_536
