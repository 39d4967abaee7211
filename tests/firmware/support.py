"""Making bridges, cutting bytes and reading the short vectors: what the tests of all languages share."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tomli

from edge_agent.core.ports import Bridge, LanguageSpec
from edge_agent.core.reading import Advert, Chunk, Fault, Item, Level, Notify, Reading, uuid
from firmware_bridges.registry import LANGUAGES, language

DEVICE = "thing"
# What a language cannot do without.
NEEDED = {"modbus": {"map": "sdm630"}, "victron": {"key": "231d39c1d7cc1ab1aee224cd096db932"}}
ADDRESS = "54:48:E6:8F:80:A5"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
ROOT = Path(__file__).parents[2]


class Vector(NamedTuple):
    """One entry of a `vectors.toml`.

    What arrives is one of `text` (lines, ended by CR LF), `hex` (bytes of a serial line), `advert` (hex of BTHome's
    service data), `level` (of a GPIO line), `characteristic` and `notify` (hex), or an advertisement by
    `manufacturer` (company id to hex) and `service` (UUID to hex), with `address`, `local_name`, `rssi` and `services`
    (listed UUIDs) where they matter. UUIDs may be short, company ids decimal or 0x….
    """

    language: str
    name: str
    options: dict[str, Any]
    chunk: Chunk
    readings: list[tuple[str, Any, str]]
    absent: list[tuple[str, str]]
    faults: list[str]


def complete(spec: LanguageSpec, options: dict[str, Any] | None = None) -> dict[str, Any]:
    needed = {} if options else NEEDED.get(spec.name, {})
    return {name: option.default for name, option in spec.options.items()} | needed | (options or {})


def make(name: str, **options: Any) -> Bridge:
    spec = language(name)
    return spec.make(DEVICE, complete(spec, options))


def advert(data: bytes, service: str = BTHOME, rssi_dbm: int = -60, address: str = ADDRESS) -> Advert:
    return Advert(address, "", rssi_dbm, {service: data}, {})


def vectors(name: str) -> list[Vector]:
    folder = ROOT / "firmware_bridges" / name
    entries = tomli.loads((folder / "vectors.toml").read_text(encoding="utf-8"))["vector"]
    assert all(entry["source"] for entry in entries)
    return [
        Vector(
            name,
            entry["name"],
            entry.get("options", {}),
            _chunk(entry),
            [tuple(row) for row in entry.get("readings", [])],
            [tuple(row) for row in entry.get("absent", [])],
            entry.get("faults", []),
        )
        for entry in entries
    ]


def every_vector() -> list[Any]:
    return [pytest.param(v, id=f"{name}: {v.name}") for name in LANGUAGES for v in vectors(name)]


def full(text: str) -> str:
    """The full form of a UUID that may be written in 16 bits."""
    return uuid(int(text, 16)) if len(text) == 4 else text.lower()


def _chunk(entry: dict[str, Any]) -> Chunk:
    if "text" in entry:
        return entry["text"].replace("\n", "\r\n").encode()
    if "hex" in entry:
        return bytes.fromhex(entry["hex"])
    if "advert" in entry:
        return advert(bytes.fromhex(entry["advert"]))
    if "notify" in entry:
        return Notify(full(entry["characteristic"]), bytes.fromhex(entry["notify"]))
    if "manufacturer" in entry or "service" in entry:
        return Advert(
            entry.get("address", ADDRESS),
            entry.get("local_name", ""),
            entry.get("rssi", -60),
            {full(key): bytes.fromhex(value) for key, value in entry.get("service", {}).items()},
            {int(key, 0): bytes.fromhex(value) for key, value in entry.get("manufacturer", {}).items()},
            tuple(full(service) for service in entry.get("services", ())),
        )
    return Level(entry["level"])


def feed(bridge: Bridge, chunks: Iterable[Chunk], at: float = 0.0) -> list[Item]:
    return [item for chunk in chunks for item in bridge.feed(chunk, at)]


def said(items: Iterable[Item]) -> list[tuple[str, Any, str]]:
    """Quantity, value and unit of the readings that have a value."""
    return [
        (i.channel.name.removeprefix(f"{DEVICE}."), i.value, i.channel.unit)
        for i in items
        if isinstance(i, Reading) and i.value is not None
    ]


def gaps(items: Iterable[Item]) -> list[tuple[str, str]]:
    return [
        (i.channel.name.removeprefix(f"{DEVICE}."), i.reason)
        for i in items
        if isinstance(i, Reading) and i.value is None
    ]


def codes(items: Iterable[Item]) -> list[str]:
    return [i.code for i in items if isinstance(i, Fault)]


def single_bytes(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def random_pieces(data: bytes, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    place = 0
    while place < len(data):
        size = chance.choice((1, 2, 3, 7, 16, 64, 255))
        yield data[place : place + size]
        place += size
