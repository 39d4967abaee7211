"""How large a torture is: seconds in `make test`, all of it in `make torture` (TORTURE=N)."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

SEED = int(os.environ.get("TORTURE_SEED", "1"))
LONG = int(os.environ.get("TORTURE", "0"))
T = TypeVar("T")


def sample(everything: Sequence[T], short: int) -> list[T]:
    """All of it in the long form, else `short` of it."""
    if LONG or short >= len(everything):
        return list(everything)
    chosen = sorted(random.Random(SEED).sample(range(len(everything)), short))
    return [everything[index] for index in chosen]


def times(short: int) -> int:
    """How often something random is done."""
    return LONG or short


def report(line: str) -> None:
    """A figure for the long form's output."""
    print(f"torture (seed {SEED}): {line}")  # noqa: T201 - read by a person
