"""What every bridge owes its driver (core.ports.Bridge), asked of every language there is."""

import random
import re
import tracemalloc
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import (
    Advert,
    Channel,
    ChannelKind,
    Chunk,
    Codes,
    Fault,
    Frame,
    Handover,
    Item,
    Level,
    Notify,
    Reading,
    Send,
    uuid,
)
from firmware_bridges.registry import LANGUAGES, language
from tests.firmware.support import BTHOME, DEVICE, ROOT, complete, feed, make, single_bytes, vectors

NAMES = sorted(LANGUAGES)
SERIAL = [name for name in NAMES if "serial" in language(name).transports]
CHARACTERISTICS = sorted(
    {uuid(0x2A19)}.union(*(spec.gatt.characteristics for spec in map(language, NAMES) if spec.gatt is not None))
)
SERVICES = [BTHOME, "0000181c-0000-1000-8000-00805f9b34fb", "0000fe95-0000-1000-8000-00805f9b34fb"]
ADVERTS = st.builds(
    Advert,
    st.sampled_from(["54:48:E6:8F:80:A5", "", "not an address"]),
    st.text(max_size=10),
    st.integers(-127, 20),
    st.dictionaries(
        st.sampled_from(SERVICES),
        st.one_of(st.binary(max_size=40), st.binary(max_size=250).map(lambda raw: b"\x40" + raw)),
    ),
    st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=2),
)
CHUNKS = st.one_of(
    st.binary(max_size=300),
    ADVERTS,
    st.builds(Level, st.booleans()),
    st.builds(Frame, st.integers(0, (1 << 29) - 1), st.binary(max_size=8)),
    st.builds(Notify, st.sampled_from(CHARACTERISTICS), st.binary(max_size=40)),
)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MIN_EVERY_S = 1.0  # a read wakes a device that runs on a coin cell
# Bytes that are nearly right reach further into a decoder than any others.
NEARLY = {
    name: b"".join(v.chunk for v in vectors(name) if isinstance(v.chunk, bytes)) or bytes(range(256)) for name in NAMES
}


def garbled(name: str, seed: int, size: int) -> bytes:
    chance = random.Random(seed)
    raw = bytearray((NEARLY[name] * (size // len(NEARLY[name]) + 1))[:size])
    for _ in range(max(1, size // 40)):
        raw[chance.randrange(size)] = chance.randrange(256)
    return bytes(raw)


def check(items: list[Item]) -> None:
    for item in items:
        assert isinstance(item, Reading | Fault | Codes | Handover | Send)
        if isinstance(item, Reading):
            channel = item.channel
            assert isinstance(channel, Channel)
            assert channel.device == DEVICE
            assert len(channel.name) <= 80
            assert isinstance(channel.kind, ChannelKind)
            assert item.value is None or isinstance(item.value, float | int | bool | str)
            assert bool(item.reason) == (item.value is None)
        if isinstance(item, Handover):
            assert item.channel.startswith(f"{DEVICE}.")
            assert item.key.startswith(f"{DEVICE}:")
            assert item.receipt.payload
            check([item.codes] if item.codes is not None else [])
        if isinstance(item, Codes):
            assert item.device == DEVICE
            assert len({code.code for code in item.codes}) == len(item.codes)
            assert all(code.code and len(code.meaning) <= 200 for code in item.codes)
        if isinstance(item, Fault):
            assert item.device == DEVICE
            assert item.code.isidentifier()
            assert len(item.text) <= 200


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_of_a_language_without_running_it(name: str) -> None:
    spec = language(name)
    assert isinstance(spec, LanguageSpec)
    assert spec.transports
    assert spec.transports <= {"serial", "ble", "gatt", "gpio", "can"}
    assert ("gatt" in spec.transports) == (spec.gatt is not None)
    assert spec.doc
    assert spec.baud > 0
    for key, option in spec.options.items():
        assert key.isidentifier()
        assert option.type in {str, int, float, bool, dict}
        assert option.default is None or isinstance(option.default, option.type)
        assert option.doc


def test_what_languages_want_of_a_connected_device() -> None:
    for gatt in (spec.gatt for spec in map(language, NAMES) if spec.gatt is not None):
        assert gatt.subscribe or gatt.read
        assert all(UUID.fullmatch(characteristic) for characteristic in gatt.characteristics)
        assert len(set(gatt.subscribe)) == len(gatt.subscribe)
        assert all(every_s == 0.0 or every_s >= MIN_EVERY_S for every_s in gatt.read.values())


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_says_how_to_connect_it_and_where_its_numbers_are_from(name: str) -> None:
    readme = (ROOT / "firmware_bridges" / name / "README.md").read_text(encoding="utf-8")
    assert "## Sources" in readme
    assert "| channel |" in readme
    spec = language(name)
    assert all(f"`{option}`" in readme for option in spec.options)
    if "serial" in spec.transports:
        assert str(spec.baud) in readme
    assert vectors(name)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(chunks=st.lists(CHUNKS, max_size=6))
def test_nothing_that_arrives_makes_it_raise(name: str, chunks: list[Chunk]) -> None:
    bridge = make(name)
    for step, chunk in enumerate(chunks):
        check(list(bridge.feed(chunk, step * 7.0)))
        deadline, item = bridge.next(step * 7.0)
        assert deadline is None or deadline > step * 7.0 or item is not None
        check([item] if item is not None else [])


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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_nearly_right_makes_it_raise_neither_and_cuts_change_nothing(name: str, seed: int) -> None:
    raw = garbled(name, seed, 3000)
    items = feed(make(name), [raw])
    check(items)
    if name in SERIAL:
        assert feed(make(name), single_bytes(raw)) == items


@pytest.mark.parametrize("name", NAMES)
def test_a_chunk_of_a_transport_that_it_is_not_spoken_on_is_one_fault(name: str) -> None:
    spoken = {"serial": bytes, "ble": Advert, "gatt": Notify, "gpio": Level, "can": Frame}
    kinds = {spoken[transport] for transport in language(name).transports}
    samples: list[Chunk] = [
        b"x\n",
        Advert("", "", 0, {}, {}),
        Level(True),
        Notify(uuid(0x2A19), b""),
        Frame(0x18FECA00, b"\0"),
    ]
    assert {type(sample) for sample in samples} == set(get_args(Chunk))
    for sample in samples:
        if type(sample) not in kinds:
            (fault,) = make(name).feed(sample, 0.0)
            assert isinstance(fault, Fault)
            assert fault.code == "unsupported"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", ["noise", "nearly right"])
def test_an_hour_of_a_wrong_baud_gives_a_handful_of_faults_and_keeps_no_memory(name: str, source: str) -> None:
    chance = random.Random(7)
    bridge = make(name)

    def minute(at: float) -> list[Item]:
        data = chance.randbytes(2000) if source == "noise" else garbled(name, int(at), 2000)
        chunk: Chunk = data
        spec = language(name)
        if spec.gatt is not None and "serial" not in spec.transports:
            chunk = Notify(chance.choice(sorted(spec.gatt.characteristics)), data[: chance.randrange(60)])
        elif spec.transports == {"ble"}:
            chunk = Advert("54:48:E6:8F:80:A5", "", -60, {BTHOME: b"\x40" + data[: chance.randrange(60)]}, {})
        return list(bridge.feed(chunk, at))

    items = [item for second in range(0, 1800, 60) for item in minute(float(second))]
    tracemalloc.start()
    try:
        minute(1800.0)
        before = tracemalloc.get_traced_memory()[0]
        items += [item for second in range(1860, 3600, 60) for item in minute(float(second))]
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    faults = [item for item in items if isinstance(item, Fault)]
    assert len({fault.code for fault in faults}) <= 8
    assert all(sum(fault.code == code for fault in faults) <= 12 for code in {fault.code for fault in faults})
    assert kept < 200_000 + 500 * len(items)


@pytest.mark.parametrize("name", NAMES)
def test_each_device_has_its_own_bridge(name: str) -> None:
    spec = language(name)
    vector = vectors(name)[0]
    options = complete(spec, vector.options)
    first, second = spec.make("one", options), spec.make("two", options)
    names = {i.channel.device for i in first.feed(vector.chunk, 0.0) if isinstance(i, Reading)}
    assert names == {"one"}
    assert {i.channel.device for i in second.feed(vector.chunk, 0.0) if isinstance(i, Reading)} == {"two"}
