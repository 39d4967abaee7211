"""What every bridge owes its driver (core.ports.Bridge), as rules that can be asked of any language, also from outside.

    from firmware_bridges.contract import examine

    def test_my_language_keeps_the_contract():
        examine(SPEC, Path(__file__).parent.parent / "my_language")

The folder holds `README.md` and `vectors.toml` (firmware_bridges.vectors). Nothing but the standard library is needed.
"""

import random
import re
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.core.ports import Bridge, LanguageSpec
from edge_agent.core.reading import (
    Advert,
    Channel,
    ChannelKind,
    Chunk,
    Codes,
    Content,
    Fault,
    Frame,
    Handover,
    Item,
    Level,
    Notify,
    Pulses,
    Reading,
    Send,
    uuid,
)
from firmware_bridges.vectors import DEVICE, Vector, codes, gaps, garbled, random_pieces, read, said, single_bytes

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MIN_READ_EVERY_S = 1.0  # a read wakes a device that runs on a coin cell
SPOKEN: Mapping[str, type] = {
    "serial": bytes,
    "ble": Advert,
    "gatt": Notify,
    "gpio": Level,
    "pulses": Pulses,
    "file": Content,
    "can": Frame,
}
SAMPLES: Mapping[str, Chunk] = {
    "serial": b"x\n",
    "ble": Advert("", "", 0, {}, {}),
    "gatt": Notify(uuid(0x2A19), b""),
    "gpio": Level(True),
    "pulses": Pulses(1),
    "file": Content(b"1\n"),
    "can": Frame(0x18FECA00, b"\0"),
}


class ContractError(AssertionError):
    """A rule that a language does not keep, in one sentence."""


class Subject(NamedTuple):
    """A language under examination, with its folder and vectors."""

    spec: LanguageSpec
    folder: Path
    vectors: list[Vector]

    def make(self, options: Mapping[str, Any] | None = None, device: str = DEVICE) -> Bridge:
        """A bridge with these options, or else with those of its first vector."""
        defaults = {name: option.default for name, option in self.spec.options.items()}
        return self.spec.make(device, defaults | dict(options or self.vectors[0].options))


def subject(spec: LanguageSpec, folder: Path) -> Subject:
    """A language with its folder."""
    return Subject(spec, folder, read(folder))


def examine(spec: LanguageSpec, folder: Path) -> None:
    """Ask every rule. Raises ContractError for the first that is not kept."""
    language = subject(spec, folder)
    for rule in RULES:
        rule(language)


def _hold(true: object, sentence: str) -> None:
    if not true:
        raise ContractError(sentence)


def feed(bridge: Bridge, chunks: Iterable[Chunk], at: float = 0.0) -> list[Item]:
    """All that a bridge makes of chunks that arrive at one time."""
    return [item for chunk in chunks for item in bridge.feed(chunk, at)]


def check(items: Iterable[Item | None]) -> None:
    """Whether each item is one that a driver can use. Raises ContractError."""
    for item in items:
        if isinstance(item, Reading):
            _reading(item)
        elif isinstance(item, Handover):
            _hold(item.channel.startswith(f"{DEVICE}."), f"{item.channel} is no channel of {DEVICE}")
            _hold(item.key.startswith(f"{DEVICE}:"), f"the key {item.key} does not begin with the device")
            _hold(item.receipt.payload, "a receipt without bytes")
            check([item.codes])
        elif isinstance(item, Codes):
            _hold(item.device == DEVICE, "trouble codes of another device")
            _hold(len({code.code for code in item.codes}) == len(item.codes), "a trouble code is there twice")
            _hold(all(code.code and len(code.meaning) <= 200 for code in item.codes), "a code is empty or too long")
        elif isinstance(item, Fault):
            _hold(item.device == DEVICE, "a fault of another device")
            _hold(item.code.isidentifier(), f"the fault {item.code!r} is not one word")
            _hold(len(item.text) <= 200, f"the text of {item.code} is longer than 200 characters")
        else:
            _hold(item is None or isinstance(item, Send), f"{item!r} is nothing that a driver knows")


def _reading(item: Reading) -> None:
    channel = item.channel
    _hold(isinstance(channel, Channel) and channel.device == DEVICE, f"{channel} is no channel of {DEVICE}")
    _hold(len(channel.name) <= 80, f"{channel.name} is longer than 80 characters")
    _hold(isinstance(channel.kind, ChannelKind), f"{channel.name} has no kind")
    _hold(item.value is None or isinstance(item.value, float | int | bool | str), f"{channel.name}: {item.value!r}")
    _hold(bool(item.reason) == (item.value is None), f"{channel.name}: a gap has a reason, a value has none")


def what_is_known_of_it_without_running_it(language: Subject) -> None:
    """Transports, doc, baud, options, and what it wants of a connected device."""
    spec = language.spec
    _hold(spec.transports and spec.transports <= SPOKEN.keys(), f"transports are some of {', '.join(SPOKEN)}")
    _hold(("gatt" in spec.transports) == (spec.gatt is not None), "`gatt` goes with the transport gatt")
    _hold(spec.doc, "`doc` says whose language it is")
    _hold(spec.baud > 0, "`baud` is above 0")
    for key, option in spec.options.items():
        _hold(key.isidentifier(), f"the option {key!r} is not one word")
        _hold(option.type in {str, int, float, bool, dict}, f"the type of {key} cannot be configured")
        _hold(
            option.default is None or isinstance(option.default, option.type),
            f"the default of {key} is of another type",
        )
        _hold(option.doc, f"{key} has no doc")
    gatt = spec.gatt
    if gatt is not None:
        _hold(gatt.subscribe or gatt.read, "`gatt` subscribes to something or reads something")
        _hold(all(_UUID.fullmatch(one) for one in gatt.characteristics), "UUIDs are full and lower case")
        _hold(len(set(gatt.subscribe)) == len(gatt.subscribe), "a characteristic is subscribed to once")
        often = [every_s for every_s in gatt.read.values() if 0.0 < every_s < _MIN_READ_EVERY_S]
        _hold(not often, "a characteristic is read once a second at the most")


def its_folder_says_how_to_connect_it_and_where_its_numbers_are_from(language: Subject) -> None:
    """README with wiring, an example of a configuration, channels, options, baud and sources; vectors."""
    readme = (language.folder / "README.md").read_text(encoding="utf-8")
    _hold("**Wiring.**" in readme, "README.md has no paragraph that begins with `**Wiring.**`")
    example = f'language = "{language.spec.name}"'
    _hold(example in readme, f"README.md has no example of a configuration, with `{example}`")
    _hold("## Sources" in readme, "README.md has no heading `## Sources`")
    _hold("| channel |" in readme, "README.md has no table whose first column is `channel`")
    missing = [name for name in language.spec.options if f"`{name}`" not in readme]
    _hold(not missing, f"README.md does not name the options {', '.join(missing)}")
    if "serial" in language.spec.transports:
        _hold(str(language.spec.baud) in readme, "README.md does not name the baud")
    _hold(language.vectors, "vectors.toml has no vector")


def its_vectors_decode_to_what_their_sources_state(language: Subject) -> None:
    """Readings, gaps and faults of each, exactly."""
    for vector in language.vectors:
        items = feed(language.make(vector.options), [vector.chunk])
        check(items)
        told = (said(items), gaps(items), codes(items))
        stated = (vector.readings, vector.absent, vector.faults)
        _hold(told == stated, f"{vector.name}: {told} is not what the vector states, {stated}")


def a_channel_is_the_same_object_in_every_reading(language: Subject) -> None:
    """Drivers and services go by identity."""
    for vector in language.vectors:
        bridge = language.make(vector.options)
        first, again = feed(bridge, [vector.chunk]), feed(bridge, [vector.chunk], 1000.0)
        known = {item.channel.name: item.channel for item in first if isinstance(item, Reading)}
        for item in again:
            if isinstance(item, Reading) and item.channel.name in known:
                _hold(item.channel is known[item.channel.name], f"{item.channel.name} was made anew")


def _streams(language: Subject) -> Iterable[tuple[dict[str, Any], bytes]]:
    return ((v.options, v.chunk) for v in language.vectors if isinstance(v.chunk, bytes))


def it_does_not_matter_where_a_stream_is_cut(language: Subject) -> None:
    """Whole, byte by byte, at random: good bytes and spoiled ones."""
    chance = random.Random(5)  # noqa: S311  # a test, no secret
    for options, raw in _streams(language):
        spoiled = bytes(byte if chance.random() < 0.97 else chance.randrange(256) for byte in raw)
        for data in (raw, spoiled):
            whole = feed(language.make(options), [data])
            check(whole)
            for seed in range(4):
                pieces = single_bytes(data) if seed == 0 else list(random_pieces(data, seed))
                _hold(feed(language.make(options), pieces) == whole, f"cut (seed {seed}), {data.hex()} reads otherwise")


def nothing_that_arrives_makes_it_raise(language: Subject) -> None:
    """Chunks that are nearly right, in a row, and what is asked meanwhile; an advert is recognised or not."""
    for seed in range(8):
        chance = random.Random(seed)  # noqa: S311  # a test, no secret
        bridge = language.make()
        for step in range(60):
            chunk = garbled(language.vectors, chance)
            check(bridge.feed(chunk, step * 7.0))
            deadline, item = bridge.next(step * 7.0)
            _hold(deadline is None or deadline > step * 7.0 or item is not None, "`next` is due and sends nothing")
            check([item])
            if language.spec.recognise is not None and isinstance(chunk, Advert):
                language.spec.recognise(chunk)


def a_chunk_of_another_transport_is_one_fault(language: Subject) -> None:
    """With the code `unsupported`."""
    for transport, sample in SAMPLES.items():
        if transport not in language.spec.transports:
            told = codes(language.make().feed(sample, 0.0))
            _hold(told == ["unsupported"], f"a chunk of {transport} gives {told} in place of one fault `unsupported`")


def an_hour_of_noise_gives_a_handful_of_faults_and_keeps_no_memory(language: Subject) -> None:
    """Nearly right chunks every minute, many of them: at most 8 codes, 12 faults of each, and no memory kept."""
    chance = random.Random(7)  # noqa: S311  # a test, no secret
    bridge = language.make()
    items: list[Item] = []

    def minute(at: float) -> None:
        for _ in range(20):
            items.extend(bridge.feed(garbled(language.vectors, chance), at))

    for second in range(0, 1800, 60):
        minute(float(second))
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    minute(1800.0)
    before, told = tracemalloc.get_traced_memory()[0], len(items)
    for second in range(1860, 3600, 60):
        minute(float(second))
    kept = tracemalloc.get_traced_memory()[0] - before
    if started:
        tracemalloc.stop()
    all_codes = codes(items)
    _hold(len(set(all_codes)) <= 8, f"more than 8 kinds of fault: {sorted(set(all_codes))}")
    often = {code for code in set(all_codes) if all_codes.count(code) > 12}
    _hold(not often, f"more than 12 faults of a kind in an hour: {sorted(often)}")
    _hold(kept < 200_000 + 800 * (len(items) - told), f"{kept} bytes are kept after an hour of noise")


def each_device_has_its_own_bridge(language: Subject) -> None:
    """Nothing is shared between two."""
    vector = next((v for v in language.vectors if v.readings), language.vectors[0])
    for device in ("one", "two"):
        items = language.make(vector.options, device).feed(vector.chunk, 0.0)
        owners = {item.channel.device for item in items if isinstance(item, Reading)}
        _hold(owners <= {device}, f"a bridge of {device} tells of {owners}")


RULES: tuple[Callable[[Subject], None], ...] = (
    what_is_known_of_it_without_running_it,
    its_folder_says_how_to_connect_it_and_where_its_numbers_are_from,
    its_vectors_decode_to_what_their_sources_state,
    a_channel_is_the_same_object_in_every_reading,
    it_does_not_matter_where_a_stream_is_cut,
    nothing_that_arrives_makes_it_raise,
    a_chunk_of_another_transport_is_one_fault,
    an_hour_of_noise_gives_a_handful_of_faults_and_keeps_no_memory,
    each_device_has_its_own_bridge,
)
