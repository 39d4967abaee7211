"""The models that scenarios may name, by kind."""

import random
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from simulators.models.home import Boiler, Contact, Freezer, Meter, Room
from simulators.models.vehicle import Van
from simulators.physics import Model

KINDS: dict[str, type[Model]] = {
    "boiler": Boiler,
    "contact": Contact,
    "freezer": Freezer,
    "meter": Meter,
    "room": Room,
    "van": Van,
}


def options_of(kind: str) -> dict[str, Any]:
    """The options of a kind of model and their defaults."""
    return {f.name: f.default for f in fields(KINDS[kind]) if f.init and f.default is not MISSING}


def make(kind: str, chance: random.Random, options: Mapping[str, Any]) -> Model:
    """A model of this kind; its options have been looked at (see options_of)."""
    return KINDS[kind](chance=chance, **options)
