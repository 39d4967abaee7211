"""What every bridge owes its driver, asked of every language there is: the rules of firmware_bridges.contract, and
Hypothesis in place of their seeded chance."""

from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.reading import Advert, Chunk, Content, Frame, Level, Notify, Pulses, uuid
from firmware_bridges.contract import RULES, SAMPLES, SPOKEN, ContractError, check, examine, subject
from firmware_bridges.registry import LANGUAGES, language
from tests.firmware.support import ADDRESS, BTHOME, ROOT, feed, make, vectors

NAMES = sorted(LANGUAGES)
SERIAL = [name for name in NAMES if "serial" in language(name).transports]
CHARACTERISTICS = sorted(
    {uuid(0x2A19)}.union(*(spec.gatt.characteristics for spec in map(language, NAMES) if spec.gatt is not None))
)
KNOWN = [v.chunk for name in NAMES for v in vectors(name) if isinstance(v.chunk, Advert)]
SERVICES = sorted({BTHOME}.union(*(advert.service_data for advert in KNOWN)))
COMPANIES = sorted(set().union(*(advert.manufacturer_data for advert in KNOWN)))
ADVERTS = st.builds(
    Advert,
    st.sampled_from([ADDRESS, "A4:C1:38:00:00:01", "", "not an address"]),
    st.sampled_from(sorted({advert.name for advert in KNOWN})) | st.text(max_size=10),
    st.integers(-127, 20),
    st.dictionaries(
        st.sampled_from(SERVICES),
        st.binary(max_size=40) | st.binary(max_size=250).map(lambda raw: b"\x40" + raw),
        max_size=2,
    ),
    st.dictionaries(st.sampled_from(COMPANIES) | st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=2),
    st.lists(st.sampled_from(sorted({s for advert in KNOWN for s in advert.services})), max_size=2).map(tuple),
)
CHUNKS = st.one_of(
    st.binary(max_size=300),
    ADVERTS,
    st.builds(Level, st.booleans()),
    st.builds(Pulses, st.integers(0, 1 << 20), st.floats(0.0, 1e9)),
    st.builds(Content, st.binary(max_size=300)),
    st.builds(Frame, st.integers(0, (1 << 29) - 1), st.binary(max_size=8)),
    st.builds(Notify, st.sampled_from(CHARACTERISTICS), st.binary(max_size=40)),
)
# Bytes that are nearly right reach further into a decoder than any others.
NEARLY = {
    name: b"".join(v.chunk for v in vectors(name) if isinstance(v.chunk, bytes)) or bytes(range(256)) for name in NAMES
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_of_the_contract(rule: Any, name: str) -> None:
    rule(subject(language(name), ROOT / "firmware_bridges" / name))


def test_the_rules_know_every_kind_of_chunk() -> None:
    assert set(SPOKEN.values()) == set(get_args(Chunk)) == {type(sample) for sample in SAMPLES.values()}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(chunks=st.lists(CHUNKS, max_size=6))
def test_nothing_that_arrives_makes_it_raise(name: str, chunks: list[Chunk]) -> None:
    bridge = make(name)
    recognise = language(name).recognise
    for step, chunk in enumerate(chunks):
        check(bridge.feed(chunk, step * 7.0))
        deadline, item = bridge.next(step * 7.0)
        assert deadline is None or deadline > step * 7.0 or item is not None
        check([item])
        if recognise is not None and isinstance(chunk, Advert):
            assert recognise(chunk) is None or recognise(chunk)


@pytest.mark.parametrize("name", SERIAL)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_bytes_cut_anywhere_give_the_same(name: str, data: st.DataObject) -> None:
    part = st.one_of(st.binary(max_size=60), st.sampled_from(NEARLY[name].split(b"\n")).map(lambda line: line + b"\n"))
    raw = b"".join(data.draw(st.lists(part, max_size=12)))
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    pieces = [raw[a:b] for a, b in pairwise(sorted({0, len(raw), *cuts}))]
    items = feed(make(name), [raw])
    check(items)
    assert feed(make(name), pieces) == items


def test_a_language_that_breaks_a_rule_is_told_which() -> None:
    spec = language("contact")
    with pytest.raises(ContractError, match="transports are some of serial"):
        examine(type(spec)("x", frozenset({"smoke"}), spec.make, {}, "x"), ROOT / "firmware_bridges" / "contact")
    with pytest.raises(ContractError, match="does not name the options"):
        examine(
            type(spec)("contact", spec.transports, spec.make, {"new": next(iter(spec.options.values()))}, "x"),
            ROOT / "firmware_bridges" / "contact",
        )
    with pytest.raises(ContractError, match='no example of a configuration, with `language = "x"`'):
        examine(type(spec)("x", spec.transports, spec.make, {}, "x"), ROOT / "firmware_bridges" / "contact")
