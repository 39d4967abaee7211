"""Noise around a telegram changes no reading. What else vectors are asked is in firmware_bridges.contract."""

import pytest

from tests.firmware.support import Vector, every_vector, feed, make, said

TEXTS = [case for case in every_vector() if isinstance(case.values[0].chunk, bytes)]
# What precedes a good telegram on a line that was just opened, ending so that the good one begins on a line.
NOISE = bytes(range(0x80, 0x100)) + b"\xff\x00\x7f5:0.0*\r\n"


@pytest.mark.parametrize("vector", TEXTS)
def test_noise_around_it_changes_no_reading(vector: Vector) -> None:
    bridge = make(vector.language, **vector.options)
    before, items, after = feed(bridge, [NOISE]), feed(bridge, [vector.chunk]), feed(bridge, [NOISE])
    assert said(items) == vector.readings
    assert not said(before)
    assert not said(after)
