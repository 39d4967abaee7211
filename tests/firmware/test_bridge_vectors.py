"""Every language decodes its own short vectors, whole and in any pieces, with noise around them."""

import pytest

from edge_agent.core.reading import Reading
from tests.firmware.support import Vector, codes, every_vector, feed, gaps, make, random_pieces, said, single_bytes

TEXTS = [case for case in every_vector() if isinstance(case.values[0].chunk, bytes)]
# What precedes a good telegram on a line that was just opened, ending so that the good one begins on a line.
NOISE = bytes(range(0x80, 0x100)) + b"\xff\x00\x7f5:0.0*\r\n"


@pytest.mark.parametrize("vector", every_vector())
def test_a_vector_decodes_to_what_its_source_states(vector: Vector) -> None:
    items = feed(make(vector.language, **vector.options), [vector.chunk])
    assert said(items) == vector.readings
    assert gaps(items) == vector.absent
    assert codes(items) == vector.faults


@pytest.mark.parametrize("vector", TEXTS)
@pytest.mark.parametrize("seed", range(4))
def test_it_does_not_matter_where_the_stream_is_cut(vector: Vector, seed: int) -> None:
    pieces = single_bytes(vector.chunk) if seed == 0 else random_pieces(vector.chunk, seed)
    assert feed(make(vector.language, **vector.options), pieces) == feed(
        make(vector.language, **vector.options), [vector.chunk]
    )


@pytest.mark.parametrize("vector", TEXTS)
def test_noise_around_it_changes_no_reading(vector: Vector) -> None:
    bridge = make(vector.language, **vector.options)
    before, items, after = feed(bridge, [NOISE]), feed(bridge, [vector.chunk]), feed(bridge, [NOISE])
    assert said(items) == vector.readings
    assert not said(before)
    assert not said(after)


@pytest.mark.parametrize("vector", every_vector())
def test_the_same_channel_object_comes_with_every_reading(vector: Vector) -> None:
    bridge = make(vector.language, **vector.options)
    first, second = feed(bridge, [vector.chunk], 0.0), feed(bridge, [vector.chunk], 1000.0)
    known = {i.channel.name: i.channel for i in first if isinstance(i, Reading)}
    again = [i.channel for i in second if isinstance(i, Reading) and i.channel.name in known]
    assert all(known[channel.name] is channel for channel in again)
