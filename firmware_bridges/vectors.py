"""Short inputs of a language and what they mean, from the `vectors.toml` in its folder; for tests, here and outside."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from edge_agent.core.reading import Advert, Chunk, Content, Fault, Frame, Item, Level, Notify, Pulses, Reading, uuid

DEVICE = "thing"
ADDRESS = "54:48:E6:8F:80:A5"
BTHOME = uuid(0xFCD2)


class Vector(NamedTuple):
    """One entry of a `vectors.toml`.

    What arrives is one of `text` (lines, ended by CR LF), `hex` (bytes of a serial line), `advert` (hex of BTHome's
    service data), `level` (of a GPIO line), `pulses` and `span_s` (of one), `file` (what is in it), `characteristic`
    and `notify` (hex), or an advertisement by `manufacturer` (company id to hex) and `service` (UUID to hex), with
    `address`, `local_name`, `rssi` and `services` (listed UUIDs) where they matter. UUIDs may be short, company ids
    decimal or 0x….
    """

    language: str
    name: str
    options: dict[str, Any]
    chunk: Chunk
    readings: list[tuple[str, Any, str]]
    absent: list[tuple[str, str]]
    faults: list[str]


def read(folder: Path) -> list[Vector]:
    """The vectors of the language in this folder. Raises OSError, KeyError and ValueError for a broken file."""
    entries = tomli.loads((folder / "vectors.toml").read_text(encoding="utf-8"))["vector"]
    return [_vector(folder.name, entry) for entry in entries]


def _vector(language: str, entry: dict[str, Any]) -> Vector:
    if not entry["source"]:
        raise ValueError(f"the vector {entry['name']!r} of {language} has no source")
    return Vector(
        language,
        entry["name"],
        entry.get("options", {}),
        _chunk(entry),
        [tuple(row) for row in entry.get("readings", [])],
        [tuple(row) for row in entry.get("absent", [])],
        entry.get("faults", []),
    )


def full(text: str) -> str:
    """The full form of a UUID that may be written in 16 bits."""
    return uuid(int(text, 16)) if len(text) == 4 else text.lower()


def _chunk(entry: dict[str, Any]) -> Chunk:
    if "manufacturer" in entry or "service" in entry:
        return _advert(entry)
    makers: dict[str, Callable[[Any], Chunk]] = {
        "text": lambda text: bytes(text.replace("\n", "\r\n").encode()),
        "hex": bytes.fromhex,
        "advert": lambda text: advert(bytes.fromhex(text)),
        "notify": lambda text: Notify(full(entry["characteristic"]), bytes.fromhex(text)),
        "file": lambda text: Content(text.lstrip("\n").encode()),
        "pulses": lambda number: Pulses(number, entry["span_s"]),
        "level": Level,
    }
    key = next(key for key in makers if key in entry)
    return makers[key](entry[key])


def _advert(entry: dict[str, Any]) -> Advert:
    return Advert(
        entry.get("address", ADDRESS),
        entry.get("local_name", ""),
        entry.get("rssi", -60),
        {full(key): bytes.fromhex(value) for key, value in entry.get("service", {}).items()},
        {int(key, 0): bytes.fromhex(value) for key, value in entry.get("manufacturer", {}).items()},
        tuple(full(service) for service in entry.get("services", ())),
    )


def advert(data: bytes, service: str = BTHOME, rssi_dbm: int = -60, address: str = ADDRESS) -> Advert:
    """An advert with one piece of service data."""
    return Advert(address, "", rssi_dbm, {service: data}, {})


def said(items: Iterable[Item]) -> list[tuple[str, Any, str]]:
    """Quantity, value and unit of the readings that have a value."""
    return [
        (i.channel.name.removeprefix(f"{DEVICE}."), i.value, i.channel.unit)
        for i in items
        if isinstance(i, Reading) and i.value is not None
    ]


def gaps(items: Iterable[Item]) -> list[tuple[str, str]]:
    """Quantity and reason of the readings without one."""
    return [
        (i.channel.name.removeprefix(f"{DEVICE}."), i.reason)
        for i in items
        if isinstance(i, Reading) and i.value is None
    ]


def codes(items: Iterable[Item]) -> list[str]:
    """The codes of the faults."""
    return [i.code for i in items if isinstance(i, Fault)]


def single_bytes(data: bytes) -> list[bytes]:
    """One byte at a time."""
    return [data[i : i + 1] for i in range(len(data))]


def random_pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """Pieces of the sizes that serial drivers hand over."""
    chance = random.Random(seed)  # noqa: S311  # a test, no secret
    place = 0
    while place < len(data):
        size = chance.choice((1, 2, 3, 7, 16, 64, 255))
        yield data[place : place + size]
        place += size


def garbled(vectors: list[Vector], chance: random.Random) -> Chunk:
    """One of these chunks with bytes that were flipped, lost or added: nearly right reaches deepest into a decoder."""
    chunk = chance.choice(vectors).chunk

    def spoil(raw: bytes) -> bytes:
        spoiled = bytearray(raw[: chance.randrange(len(raw) + 1)] if chance.random() < 0.4 else raw)
        for _ in range(chance.randrange(3)):
            if spoiled:
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        return bytes(spoiled) + (chance.randbytes(chance.randrange(24)) if chance.random() < 0.2 else b"")

    if isinstance(chunk, Advert):
        return chunk._replace(
            address=chance.choice((chunk.address, chunk.address, ADDRESS, "no address")),
            name=chance.choice((chunk.name, chunk.name, "")),
            service_data={service: spoil(raw) for service, raw in chunk.service_data.items()},
            manufacturer_data={
                company if chance.random() < 0.8 else chance.randrange(0x10000): spoil(raw)
                for company, raw in chunk.manufacturer_data.items()
            },
        )
    if isinstance(chunk, Notify):
        return chunk._replace(payload=spoil(chunk.payload))
    if isinstance(chunk, Frame):
        return chunk._replace(data=spoil(chunk.data)[:8])
    if isinstance(chunk, Content):
        return Content(spoil(chunk.payload))
    if isinstance(chunk, Pulses):
        return Pulses(chance.randrange(1000), chance.random() * 60)
    return Level(chance.random() < 0.5) if isinstance(chunk, Level) else spoil(chunk)
