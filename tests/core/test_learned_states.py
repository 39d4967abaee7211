"""What was learned outlives an upgrade: a state of every version that households may have is kept here and read.

Each is of a pump that was watched for two weeks, 4,000 readings of 15 to 26.2 W with the days, by the code of its time.
"""

import math
import zlib
from base64 import b64decode
from pathlib import Path

import pytest

from edge_agent.core.checks.learned import Learned
from edge_agent.core.learning import state
from edge_agent.core.reading import Channel, Reading

STATES = Path(__file__).parent / "learned_states"
PUMP = Channel("pump.power", "W")


def watts(n):
    """Reading number n of the series that was learned, one in five minutes."""
    return round(20.0 + 5.0 * math.sin(n * 300.0 / 86400.0 * 2.0 * math.pi) + (n * 7919 % 13) / 10, 2)


def kept(version):
    return b64decode((STATES / f"{version}.b64").read_text("ascii"))


def test_of_every_version_from_the_oldest_that_is_read_to_this_one_a_state_is_kept():
    assert sorted(int(file.stem) for file in STATES.iterdir()) == list(range(state.OLDEST, state.VERSION + 1))
    for version in range(state.OLDEST, state.VERSION + 1):
        assert kept(version)[0] == version


@pytest.mark.parametrize("version", range(state.OLDEST, state.VERSION + 1))
def test_what_an_older_version_learned_is_known_and_what_it_never_saw_is_new(version):
    check = Learned(PUMP.name)
    check.resume(state.load(kept(version)))
    assert check.learner.alarm.n == 4000
    assert (check.learner.value.low, check.learner.value.high) == pytest.approx((15.0, 26.2), abs=0.1)
    usual = [check.see(Reading(PUMP, watts(n), n * 300.0)) for n in range(4000, 4288)]
    assert not [verdict for verdict in usual if verdict and verdict.bad]
    strange = [check.see(Reading(PUMP, 90.0, n * 300.0)) for n in range(4288, 4294)]
    assert [verdict for verdict in strange if verdict and verdict.bad]


@pytest.mark.parametrize("version", range(state.OLDEST, state.VERSION + 1))
def test_an_older_state_is_saved_as_one_of_today_and_is_the_same(version):
    saved = state.save(state.load(kept(version)))
    assert saved[0] == state.VERSION
    assert state.save(state.load(saved)) == saved
    if version == state.VERSION:
        assert zlib.decompress(saved[1:]) == zlib.decompress(kept(version)[1:])


@pytest.mark.parametrize("version", range(state.OLDEST, state.VERSION + 1))
def test_an_older_state_that_is_cut_is_damaged(version):
    record = zlib.decompress(kept(version)[1:])
    for size in (0, 1, 100, len(record) - 1):
        with pytest.raises(ValueError, match="damaged"):
            state.load(bytes([version]) + zlib.compress(record[:size]))


@pytest.mark.parametrize("version", [0, state.OLDEST - 1, state.VERSION + 1, 255])
def test_a_version_that_nobody_can_read_is_told(version):
    with pytest.raises(ValueError, match="another version"):
        state.load(bytes([version]) + kept(state.VERSION)[1:])
