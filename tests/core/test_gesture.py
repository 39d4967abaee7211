"""The help button, as a finger and its bounces feel it."""

import random
from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.gesture import Button, Gesture, Touch


def play(edges: list[tuple[float, bool]], until: float, button: Button | None = None) -> list[Gesture]:
    """Drive a button by (time, level) edges, sampling whenever it asks for it."""
    button = button or Button()
    level, found = False, []
    pending = deque(edges)
    now = 0.0
    while True:
        at = pending[0][0] if pending else float("inf")
        if at <= button.deadline:
            now = at
            _, level = pending.popleft()
            found += button.edge(level, now)
        else:
            now = button.deadline
            if now > until:
                return found
            found += button.sample(level, now)


def touches(found: list[Gesture]) -> list[Touch]:
    return [gesture.touch for gesture in found]


def test_a_hold_of_three_seconds_is_held_once() -> None:
    found = play([(1.0, True), (6.0, False)], until=12.0)
    assert touches(found) == [Touch.CONTACT, Touch.HELD, Touch.LET_GO]
    assert found[0].at == 1.0
    assert found[1].at == 4.0


def test_a_tap_is_one_press_told_after_two_quiet_seconds() -> None:
    found = play([(1.0, True), (1.2, False)], until=6.0)
    assert touches(found) == [Touch.CONTACT, Touch.LET_GO, Touch.PRESSES]
    assert found[-1].presses == 1
    assert 3.2 <= found[-1].at <= 3.3


@pytest.mark.parametrize("count", [2, 3, 7])
def test_several_taps_are_counted(count: int) -> None:
    edges = [(1.0 + 0.4 * i + off, down) for i in range(count) for off, down in ((0.0, True), (0.2, False))]
    found = play(edges, until=10.0)
    assert [g.presses for g in found if g.touch is Touch.PRESSES] == [count]


def test_the_contact_is_told_within_a_tenth_of_a_second() -> None:
    button = Button()
    button.edge(True, 1.0)
    assert button.deadline <= 1.1
    assert touches(button.sample(True, button.deadline)) == [Touch.CONTACT]


def test_a_lost_edge_cannot_lose_a_press() -> None:
    button = Button()
    level_down_from = 0.5
    found: list[Gesture] = []
    button.sample(False, 0.0)
    while button.deadline < 8.0:
        now = button.deadline
        found += button.sample(now >= level_down_from, now)
    assert Touch.HELD in touches(found)


def test_a_button_down_at_the_start_counts_after_the_hold_time() -> None:
    button = Button()
    found = button.sample(True, 100.0)
    while button.deadline < 104.5:
        found += button.sample(True, button.deadline)
    assert touches(found) == [Touch.CONTACT, Touch.HELD]


def test_a_stuck_button_is_told_once_and_freed() -> None:
    found = play([(1.0, True), (200.0, False)], until=210.0)
    assert touches(found) == [Touch.CONTACT, Touch.HELD, Touch.STUCK, Touch.FREED]
    assert found[2].at == 61.0


def bounce(rng: random.Random, at: float, down: bool) -> list[tuple[float, bool]]:
    """A contact that chatters for up to 20 ms before it rests."""
    times = sorted(rng.uniform(0, 0.02) for _ in range(2 * rng.randrange(6)))
    chatter = [(at + t, down if i % 2 else not down) for i, t in enumerate(times)]
    return [(at, down), *chatter]


@pytest.mark.parametrize("seed", range(20))
def test_500_bouncing_taps_raise_nothing(seed: int) -> None:
    rng = random.Random(seed)
    edges, at = [], 1.0
    for _ in range(500):
        edges += bounce(rng, at, True)
        at += rng.uniform(0.06, 2.8)
        edges += bounce(rng, at, False)
        at += rng.uniform(0.1, 3.0)
    assert all(a[0] <= b[0] for a, b in pairwise(edges))
    assert Touch.HELD not in touches(play(edges, until=at + 5))


@pytest.mark.parametrize("seed", range(20))
def test_100_bouncing_holds_raise_exactly_one_each(seed: int) -> None:
    rng = random.Random(1000 + seed)
    edges, at = [], 1.0
    for _ in range(100):
        edges += bounce(rng, at, True)
        at += rng.uniform(3.2, 8.0)
        edges += bounce(rng, at, False)
        at += rng.uniform(0.1, 3.0)
    assert touches(play(edges, until=at + 5)).count(Touch.HELD) == 100


def chatter(rng: random.Random, at: float, until: float) -> list[tuple[float, bool]]:
    """A worn contact: now and then it opens for less than the debounce time while it is held down."""
    edges = []
    while (at := at + rng.uniform(0.1, 1.0)) < until - 0.1:
        edges += [(at, False), (at + rng.uniform(0.001, 0.045), True)]
    return edges


@pytest.mark.parametrize("seed", range(10))
def test_1000_spikes_shorter_than_the_debounce_time_are_nothing_at_all(seed: int) -> None:
    rng = random.Random(2000 + seed)
    edges, at = [], 1.0
    for _ in range(1000):
        edges += [(at, True), (at + rng.uniform(0.0005, 0.045), False)]
        at += rng.uniform(0.12, 2.0)
    assert play(edges, until=at + 5) == []


@pytest.mark.parametrize("seed", range(10))
def test_of_300_taps_and_holds_with_a_worn_contact_each_is_what_it_was(seed: int) -> None:
    rng = random.Random(3000 + seed)
    edges, at, taps, holds = [], 1.0, 0, 0
    for _ in range(300):
        hold = rng.random() < 0.3
        end = at + (rng.uniform(3.2, 12.0) if hold else rng.uniform(0.1, 2.8))
        edges += [*bounce(rng, at, True), *chatter(rng, at + 0.1, end), *bounce(rng, end, False)]
        taps, holds, at = taps + (not hold), holds + hold, end + rng.uniform(2.3, 4.0)
    found = play(edges, until=at + 5)
    assert touches(found).count(Touch.HELD) == holds
    assert [g.presses for g in found if g.touch is Touch.PRESSES] == [1] * taps
    assert touches(found).count(Touch.CONTACT) == touches(found).count(Touch.LET_GO) == taps + holds


@settings(max_examples=100)
@given(st.floats(0.005, 0.2), st.floats(1.0, 10.0), st.integers(0, 2**32 - 1))
def test_whatever_debounce_and_hold_time_are_configured_taps_raise_nothing_and_holds_raise_one(
    debounce_s: float, hold_s: float, seed: int
) -> None:
    rng = random.Random(seed)
    edges, at, holds = [], 1.0, 0
    for _ in range(10):
        hold = rng.random() < 0.5
        lasts_s = hold_s + debounce_s + 0.05 if hold else rng.uniform(debounce_s * 1.1, hold_s * 0.95)
        edges += [(at, True), (at + lasts_s, False)]
        holds, at = holds + hold, at + lasts_s + debounce_s + rng.uniform(0.05, 3.0)
    found = play(edges, until=at + 5, button=Button(debounce_s, hold_s))
    assert touches(found).count(Touch.HELD) == holds


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0.2, 2.9), st.floats(0.1, 1.9)), min_size=1, max_size=8), st.randoms())
def test_a_late_look_may_delay_a_gesture_and_never_changes_it(
    taps: list[tuple[float, float]], rng: random.Random
) -> None:
    """The loop may be busy: a sample comes late, as long as it comes between two edges."""
    button, now, found = Button(), 1.0, []
    for down_s, up_s in taps:
        for level, lasts_s in ((True, down_s), (False, up_s)):
            found += button.edge(level, now)
            found += button.sample(level, now + rng.uniform(0.05, lasts_s))
            now += lasts_s
    while button.deadline < now + 4.0:
        found += button.sample(False, button.deadline)
    assert Touch.HELD not in touches(found)
    assert [g.presses for g in found if g.touch is Touch.PRESSES] == [len(taps)]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0.001, 5.0), st.booleans()), max_size=60))
def test_whatever_the_edges_a_deadline_is_ahead_and_every_hold_lasted(steps: list[tuple[float, bool]]) -> None:
    edges, at = [], 0.0
    for wait, down in steps:
        at += wait
        edges.append((at, down))
    button = Button()
    found = play(edges, until=at + 10, button=button)
    for gesture in found:
        if gesture.touch is Touch.HELD:
            longest = longest_down(edges, gesture.at)
            assert longest >= button.hold_s - button.debounce_s


def longest_down(edges: list[tuple[float, bool]], at: float) -> float:
    """How long the level had been down at this time, forgiving gaps as short as the debounce time."""
    since, last_up = None, None
    for when, down in [*edges, (at, True)]:
        if when > at:
            break
        if (down and since is None) or (down and last_up is not None and when - last_up > 0.051):
            since = when
        if down:
            last_up = None
        elif last_up is None:
            last_up = when
    return at - since if since is not None else 0.0
