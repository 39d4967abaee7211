"""How much may be on its way: the estimate against links that a test makes up, and the bucket."""

import heapq
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.uplink.pace import FLOOR_BYTES, MEMORY_S, Bucket, Pace


class ModelLink:
    """A wire of so many bytes a second behind an endless queue; acknowledgements come a round trip later.

    After a rest `burst` bytes go at once.
    """

    def __init__(self, bytes_per_s: float, round_trip_s: float, burst: int = 0) -> None:
        self.rested_s = burst / bytes_per_s
        self.bytes_per_s = bytes_per_s
        self.round_trip_s = round_trip_s
        self.now = 0.0
        self.free_at = 0.0
        self.acked = 0
        self.most_behind_s = 0.0
        self._coming: list = []

    def send(self, size: int, flight) -> None:
        self.free_at = max(self.free_at, self.now - self.rested_s) + size / self.bytes_per_s
        leaves = max(self.now, self.free_at)
        self.most_behind_s = max(self.most_behind_s, leaves - self.now)
        heapq.heappush(self._coming, (leaves + self.round_trip_s, len(self._coming), size, flight))

    def step(self, pace: Pace) -> None:
        self.now, _, size, flight = heapq.heappop(self._coming)
        self.acked += size
        pace.arrived(flight, self.now)


def drain_for(pace: Pace, link: ModelLink, seconds: float, size: int, window: int = 17) -> None:
    """A backlog of messages of `size`, `window` at the most in flight."""
    ends, flying = link.now + seconds, len(link._coming)
    while link.now < ends:
        while flying < window and pace.open():
            link.send(size, pace.sent(size, link.now))
            flying += 1
            assert pace.in_flight < pace.window + size
        link.step(pace)
        flying -= 1


@pytest.mark.parametrize(
    ("bits_per_s", "round_trip_s", "size", "share"),
    [
        (20_000, 0.6, 1800, 0.95),
        (20_000, 0.6, 1936, 0.95),
        (20_000, 0.06, 1800, 0.95),
        (50_000, 0.3, 1800, 0.95),
        (200_000, 0.6, 1800, 0.95),
        (1_000_000, 0.06, 1800, 0.95),
        (10_000_000, 0.02, 3000, 0.95),
        (10_000_000, 0.6, 60_000, 0.75),
    ],
)
def test_a_link_is_kept_full_and_a_press_waits_a_second_at_the_most(bits_per_s, round_trip_s, size, share):
    pace, link = Pace(), ModelLink(bits_per_s / 8, round_trip_s)
    drain_for(pace, link, 20.0, size)
    before, began = link.acked, link.now
    link.most_behind_s = 0.0
    drain_for(pace, link, 20.0, size)
    possible = min(bits_per_s / 8, 17 * size / round_trip_s)
    assert (link.acked - before) / (link.now - began) >= share * possible
    assert link.most_behind_s <= 1.05 + size / link.bytes_per_s - min(round_trip_s, 0.6)
    assert pace.bytes_per_s <= 1.05 * link.bytes_per_s


@given(
    bits_per_s=st.floats(10_000, 100_000_000),
    round_trip_s=st.floats(0.001, 0.8),
    size=st.integers(450, 1936),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_link_the_rate_is_never_overestimated_and_what_waits_is_bounded(bits_per_s, round_trip_s, size):
    pace, link = Pace(), ModelLink(bits_per_s / 8, round_trip_s)
    drain_for(pace, link, min(10.0, 3000 * size / link.bytes_per_s), size)
    assert pace.bytes_per_s <= 1.05 * link.bytes_per_s
    assert link.most_behind_s <= max(1.05, FLOOR_BYTES / link.bytes_per_s) + size / link.bytes_per_s


@pytest.mark.parametrize("round_trip_s", [0.005, 0.06, 0.3])
@pytest.mark.parametrize("burst", [1600, 5000])
def test_a_shaper_that_lets_a_burst_through_is_not_taken_for_a_fast_link(burst, round_trip_s):
    pace, link = Pace(), ModelLink(2500.0, round_trip_s, burst)
    link.free_at = -link.rested_s
    drain_for(pace, link, 8.0, 1800)
    assert link.most_behind_s <= (2 * burst + FLOOR_BYTES + 1800) / 2500.0
    assert pace.bytes_per_s <= max(2500.0, 2 * (burst + 1800))


def test_a_link_that_becomes_slow_is_not_filled_as_before_for_longer_than_the_memory():
    pace, link = Pace(), ModelLink(250_000, 0.06)
    drain_for(pace, link, 5.0, 1800)
    link.bytes_per_s = 2500.0
    drain_for(pace, link, 40.0, 1800)
    assert pace.bytes_per_s == pytest.approx(2500.0, rel=0.05)


def test_acknowledgements_that_were_held_up_and_come_at_once_do_not_make_the_link_faster():
    pace = Pace()
    flights = deque()
    for n in range(20):  # fed at 1,000 bytes a second, all acknowledged in the same instant
        flights.append(pace.sent(500, n * 0.5))
    for flight in flights:
        pace.arrived(flight, 20.0)
    assert pace.bytes_per_s <= 1100.0


def test_what_was_refused_or_never_left_teaches_nothing_and_frees_its_place():
    pace = Pace()
    flight = pace.sent(100_000, 1.0)
    assert not pace.open()
    pace.forget(flight)
    pace.arrived(flight, 1.001)  # a late answer
    assert (pace.in_flight, pace.bytes_per_s, pace.window) == (0, 0.0, FLOOR_BYTES)


def test_one_message_alone_may_always_leave():
    pace = Pace()
    assert pace.open()
    pace.sent(1_000_000, 0.0)
    assert not pace.open()


def test_a_sample_is_forgotten_when_a_later_one_comes_and_not_before():
    pace = Pace()
    pace.arrived(pace.sent(100_000, 0.0), 1.0)
    pace.arrived(pace.sent(1000, 2.0), 3.0)
    assert pace.bytes_per_s == 100_000
    pace.arrived(pace.sent(1000, 100.0), 100.5 + MEMORY_S)
    assert pace.bytes_per_s < 1000


def test_the_bucket_lets_through_its_rate_and_no_large_burst():
    bucket, now, gone = Bucket(100.0), 0.0, []
    while now < 10.0:
        wait_s = bucket.wait_s(now)
        if wait_s > 0:
            now += wait_s
            continue
        bucket.take()
        gone.append(now)
    assert 990 <= len(gone) <= 1011
    assert sum(at < 0.001 for at in gone) == 10
    assert all(sum(start <= at < start + 1.0 for at in gone) <= 111 for start in range(10))


@given(st.floats(0.1, 5000.0), st.lists(st.floats(0.0, 3.0), max_size=50))
def test_the_bucket_never_lets_more_through_than_rate_and_burst(per_s, pauses):
    bucket, now, gone = Bucket(per_s), 0.0, 0
    for pause in pauses:
        now += pause
        while gone < 5000 and bucket.wait_s(now) == 0:
            bucket.take()
            gone += 1
        assert gone <= now * per_s + max(1.0, per_s / 10) + 1e-6
