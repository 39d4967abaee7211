"""What time it is, who says so, and when what was stored before happened."""

import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.clock import (
    EARLIEST,
    MAX_BOOTS,
    MAX_DOUBT_S,
    Boot,
    Boots,
    Claim,
    Instant,
    Source,
    Trust,
    desk_claim,
    wall_of,
)
from edge_agent.core.command import CHALLENGE_LIFE_S, Challenge

NOW = 1_800_000_000.0
TEN_YEARS = 10 * 365.25 * 86400.0
steps = st.sampled_from((0.0, 1.0, -1.0, 3600.0, TEN_YEARS, -TEN_YEARS, -NOW))


def at(monotonic: float, wall: float, *, trusted: bool = True, boot: str = "b") -> Instant:
    return Instant(monotonic, boot, wall, trusted)


def boots(*rows: tuple[str, float, Source, float]) -> Boots:
    return Boots(Boot(*row) for row in rows)


# --- who says what time it is ---


def test_nobody_vouches_for_a_clock_that_starts_in_1970():
    assert Trust().instant(10.0, "b", 12.0, synchronised=False) == Instant(10.0, "b", 12.0, False)


def test_the_kernels_word_counts_and_is_not_forgotten_when_it_falls_silent():
    trust = Trust()
    assert trust.instant(10.0, "b", NOW, synchronised=True) == Instant(10.0, "b", NOW, True)
    assert trust.instant(20.0, "b", NOW + 10, synchronised=False) == Instant(20.0, "b", NOW + 10, True)


@given(st.lists(st.tuples(st.floats(0, 1e5), steps), max_size=30))
def test_a_wall_clock_that_is_stepped_by_hand_changes_nothing_once_the_time_was_known(moves):
    trust = Trust()
    trust.instant(0.0, "b", NOW, synchronised=True)
    monotonic, wall = 0.0, NOW
    for passed_s, step_s in moves:
        monotonic, wall = monotonic + passed_s, wall + passed_s + step_s
        seen = trust.instant(monotonic, "b", wall, synchronised=False)
        assert seen.trusted
        assert seen.wall == pytest.approx(NOW + monotonic, abs=1e-3)


def test_a_jump_of_a_synchronised_clock_is_noticed_and_slewing_is_not():
    trust = Trust()
    assert not trust.jumped(0.0, NOW)
    trust.instant(0.0, "b", NOW, synchronised=True)
    assert not trust.jumped(10.0, NOW + 10.005)
    assert trust.jumped(10.0, NOW + 10.0 - TEN_YEARS)


def test_the_higher_rank_is_believed_whatever_the_order():
    gps, desk, kernel = (Claim(source, NOW + source) for source in (Source.GPS, Source.DESK, Source.KERNEL))
    for order in ((gps, desk, kernel), (kernel, desk, gps), (desk, kernel, gps)):
        trust = Trust()
        for claim in order:
            trust.hear(claim)
        assert trust.known == kernel


@pytest.mark.parametrize(
    "claim",
    [
        Claim(Source.DESK, NOW, 61.0),
        Claim(Source.DESK, NOW, -1.0),
        *(Claim(Source.DESK, x) for x in (math.nan, math.inf, 1e300)),
    ],
)
def test_a_claim_that_leaves_too_much_doubt_is_not_taken(claim):
    trust = Trust()
    assert not trust.hear(claim)
    assert trust.known is None


@given(
    offset=st.floats(NOW, NOW + 1e6),
    answers=st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 120), st.floats(0, 120)), min_size=1, max_size=20),
)
def test_however_slowly_and_late_the_desk_answers_its_time_is_never_wrong_by_more_than_its_doubt(offset, answers):
    """Each answer: asked at this second, signed after a while, and held back on its way for another."""
    trust = Trust()
    for asked_at, thought_s, held_s in answers:
        issued = offset + asked_at + thought_s
        trust.hear(desk_claim(issued, asked_at, asked_at + thought_s + held_s))
    if trust.known:
        assert abs(trust.known.offset_s - offset) <= MAX_DOUBT_S + 1e-3
        quick = [t + h for _, t, h in answers if t + h <= MAX_DOUBT_S]
        assert abs(trust.known.offset_s - offset) <= max(quick) + 1e-3


def test_an_answer_an_hour_old_tells_no_time():
    assert not Trust().hear(desk_claim(NOW, 0.0, 3600.0))


# --- when what was stored happened ---


def test_within_a_boot_a_clock_that_is_set_late_dates_what_was_before():
    assert wall_of(100.0, "b", at(3700.0, NOW)) == (NOW - 3600.0, True, 100.0)
    assert wall_of(100.0, "b", at(3700.0, 3712.0, trusted=False)) == (112.0, False, 100.0)


def test_an_earlier_boot_that_once_knew_the_time_is_dated_right():
    known = boots(("a", NOW - 5000.0, Source.KERNEL, 4000.0))
    assert wall_of(10.0, "a", at(5.0, NOW), known) == (NOW - 4990.0, True, 10.0)
    assert wall_of(10.0, "a", at(5.0, 12.0, trusted=False), known) == (NOW - 4990.0, True, 10.0)


def test_a_boot_that_nobody_remembers_has_no_time():
    assert wall_of(10.0, "a", at(5.0, NOW), boots(("c", NOW, Source.KERNEL, 1.0))) == (None, False, 10.0)
    assert wall_of(10.0, "a", at(5.0, NOW)) == (None, False, 10.0)


def test_a_boot_that_never_knew_the_time_lies_between_its_neighbours_and_says_so():
    before, after = ("a", NOW, Source.KERNEL, 1000.0), ("c", NOW + 9000.0, Source.DESK, 5.0)
    in_1970 = ("b", 3.0, Source.NOBODY, 2000.0)
    asleep = ("b", NOW + 4000.0, Source.NOBODY, 2000.0)
    ahead = ("b", NOW + TEN_YEARS, Source.NOBODY, 2000.0)
    now = at(10.0, NOW + 9010.0, boot="c")
    assert wall_of(50.0, "b", now, boots(before, in_1970, after)) == (NOW + 1050.0, False, 50.0)
    assert wall_of(50.0, "b", now, boots(before, asleep, after)) == (NOW + 4050.0, False, 50.0)
    assert wall_of(50.0, "b", now, boots(before, ahead, after)) == (NOW + 7050.0, False, 50.0)
    assert wall_of(50.0, "b", now, boots(in_1970, after)) == (NOW + 7050.0, False, 50.0)
    assert wall_of(50.0, "b", now, boots(in_1970)) == (None, False, 50.0)
    assert wall_of(50.0, "b", now, boots(asleep)) == (NOW + 4050.0, False, 50.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.one_of(st.floats(-1e9, 1e10)), st.sampled_from(Source), st.floats(0, 1e7)
        ),
        max_size=6,
    ),
    st.floats(0, 1e7),
)
def test_of_whatever_stands_in_the_table_only_what_was_known_is_called_right(rows, moment):
    table = boots(*rows)
    for name in "abcd":
        stamp = wall_of(moment, name, at(1.0, NOW, boot="now"), table)
        known = table.of(name)
        assert stamp.trusted == bool(known and known.source)
        if stamp.trusted:
            assert stamp.wall == known.offset_s + moment
        elif stamp.wall is not None and not any(row.source for row in table.rows):
            assert stamp.wall >= EARLIEST


def test_what_was_known_once_is_not_replaced_and_only_what_changed_is_due():
    table = Boots()
    assert not table.due
    table.note(at(1.0, 1.0, trusted=False), Source.NOBODY)
    assert table.due
    table.kept(table.rows[-1])
    table.note(at(3600.0, 3600.5, trusted=False), Source.NOBODY)
    assert not table.due
    table.note(at(3601.0, NOW), Source.DESK)
    assert table.due
    table.kept(table.rows[-1])
    table.note(at(3700.0, 99.0, trusted=False), Source.NOBODY)
    assert not table.due
    assert table.of("b") == Boot("b", NOW - 3601.0, Source.DESK, 3700.0)


def test_small_steps_add_up_to_a_write():
    table, writes = Boots(), 0
    for minute in range(1000):
        table.note(at(minute * 60.0, NOW + minute * 60.0 + minute * 0.01), Source.KERNEL)
        if table.due:
            table.kept(table.rows[-1])
            writes += 1
    assert writes == 10


def test_the_table_is_bounded_and_comes_back_from_its_record():
    table = Boots()
    for number in range(MAX_BOOTS + 10):
        table.note(at(1.0, NOW + number, boot=f"boot-{number}"), Source.KERNEL)
    assert len(table.rows) == MAX_BOOTS
    again = Boots.from_record(json.loads(json.dumps(table.record())))
    assert again.rows == table.rows
    assert again.of("boot-9") is None
    assert not again.due


@pytest.mark.parametrize("plain", [None, {}, [1], [["b", "x", 1, 2.0]], [["b", 1.0, 9, 2.0]], [[]]])
def test_what_is_no_table_is_refused(plain):
    with pytest.raises(ValueError, match=r"table of boots|not a valid Source"):
        Boots.from_record(plain)


@given(st.randoms(use_true_random=False), st.lists(steps, min_size=1, max_size=8))
def test_start_in_1970_reboot_and_get_the_time_late_and_all_that_knew_it_once_is_right(random: Random, wrongs):
    """Boots with clocks that are wrong by anything; each may learn the time at some moment, or never."""
    table, true, events, knew = Boots(), NOW, [], {}
    for number, wrong_s in enumerate(wrongs):
        name, begun, trust = f"boot-{number}", true, Trust()
        learns_at = random.choice((None, random.uniform(0, 4000)))
        for moment in sorted(random.uniform(0, 5000) for _ in range(4)):
            true = begun + moment
            if learns_at is not None and moment >= learns_at:
                trust.hear(Claim(Source.DESK, begun))
                knew[name] = True
            now = trust.instant(moment, name, true + wrong_s, synchronised=False)
            table.note(now, trust.known.source if trust.known else Source.NOBODY)
            table = Boots.from_record(json.loads(json.dumps(table.record())))  # the power fails
            events.append((moment, name, true))
        true += random.uniform(0, 1000)
    end = Instant(1.0, "the end", NOW, False)
    for moment, name, happened in events:
        stamp = wall_of(moment, name, end, table)
        assert stamp.trusted == knew.get(name, False)
        if stamp.trusted:
            assert stamp.wall == pytest.approx(happened, abs=0.01)


# --- challenges ---


def test_a_challenge_is_answered_once_within_its_life():
    challenge, now = Challenge(), at(100.0, 1.0, trusted=False)
    nonce = challenge.ask(now, b"r" * 16)
    assert challenge.ask(now, b"s" * 16) == nonce
    assert challenge.answer("", now) is None
    assert challenge.answer("another", now) is None
    assert challenge.answer(nonce, at(130.0, 1.0)) == 100.0
    assert challenge.answer(nonce, at(130.0, 1.0)) is None


def test_a_challenge_grows_old():
    challenge, now = Challenge(), at(100.0, 1.0, trusted=False)
    nonce = challenge.ask(now, b"r" * 16)
    late = at(100.0 + CHALLENGE_LIFE_S + 0.1, 1.0, trusted=False)
    assert challenge.answer(nonce, late) is None
    assert challenge.ask(late, b"s" * 16) != nonce


def test_who_knows_the_time_asks_for_none():
    assert Challenge().ask(at(1.0, NOW), b"r" * 16) == ""
