"""Making bridges of our own languages; cutting bytes and reading vectors comes from the package itself."""

from pathlib import Path
from typing import Any

import pytest

from edge_agent.core.ports import Bridge, LanguageSpec
from firmware_bridges.contract import feed
from firmware_bridges.registry import LANGUAGES, language
from firmware_bridges.vectors import (
    ADDRESS,
    BTHOME,
    DEVICE,
    Vector,
    advert,
    codes,
    full,
    gaps,
    random_pieces,
    read,
    said,
    single_bytes,
)

__all__ = [
    "ADDRESS",
    "BTHOME",
    "DEVICE",
    "ROOT",
    "Vector",
    "advert",
    "codes",
    "complete",
    "every_vector",
    "feed",
    "full",
    "gaps",
    "language",
    "make",
    "random_pieces",
    "said",
    "single_bytes",
    "vectors",
]

# What a language cannot do without.
NEEDED = {"modbus": {"map": "sdm630"}, "victron": {"key": "231d39c1d7cc1ab1aee224cd096db932"}}
ROOT = Path(__file__).parents[2]


def complete(spec: LanguageSpec, options: dict[str, Any] | None = None) -> dict[str, Any]:
    needed = {} if options else NEEDED.get(spec.name, {})
    return {name: option.default for name, option in spec.options.items()} | needed | (options or {})


def make(name: str, **options: Any) -> Bridge:
    spec = language(name)
    return spec.make(DEVICE, complete(spec, options))


def vectors(name: str) -> list[Vector]:
    return read(ROOT / "firmware_bridges" / name)


def every_vector() -> list[Any]:
    return [pytest.param(v, id=f"{name}: {v.name}") for name in LANGUAGES for v in vectors(name)]
