"""Simple physics: models that step in fixed steps from a seed, so that the same seed gives the same course.

A model is a dataclass: its fields are its options in a scenario, `values` what its sensors would show, and FAULTS
what may break in it.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from edge_agent.core.reading import Value

# Long enough to be cheap, short against every time constant here (the fastest is a contact of some ten seconds).
STEP_S = 1.0
# A computer that slept does not make the simulation run for minutes to catch up.
MAX_ADVANCE_S = 3600.0


@dataclass(kw_only=True)
class Model(ABC):
    """One simulated thing. `chance` is its own stream of random numbers."""

    FAULTS: ClassVar[frozenset[str]] = frozenset()

    chance: random.Random = field(repr=False)
    broken: set[str] = field(default_factory=set, init=False)

    @abstractmethod
    def step(self, dt: float) -> None:
        """Let `dt` seconds pass."""

    @abstractmethod
    def values(self) -> Mapping[str, Value]:
        """What its sensors show now, in the resolution of real ones. Names carry units."""

    def fail(self, fault: str) -> None:
        """Break it. Raises ValueError for a fault that it cannot have."""
        if fault not in self.FAULTS:
            raise ValueError(f"{type(self).__name__} has no fault {fault!r}")
        self.broken.add(fault)


@dataclass(slots=True)
class Drift:
    """Noise that wanders and comes back: a first-order autoregressive process around 0."""

    chance: random.Random
    sigma: float
    tau_s: float
    value: float = 0.0

    def step(self, dt: float) -> float:
        """The next value; its standard deviation stays `sigma` whatever the step."""
        keep = max(0.0, 1.0 - dt / self.tau_s)
        self.value = keep * self.value + self.chance.gauss(0.0, self.sigma) * (1.0 - keep * keep) ** 0.5
        return self.value


def quantise(value: float, digits: int) -> float:
    """As a sensor with so many decimals shows it; never minus zero."""
    return round(value, digits) + 0.0


def toward(value: float, target: float, tau_s: float, dt: float) -> float:
    """First-order approach to `target` with time constant `tau_s`."""
    return value + (target - value) * min(1.0, dt / tau_s)


class Physics:
    """Named models on one time axis; `at_s` is how much of it has passed. Faults begin at their times."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self.models = dict(models)
        self.at_s = 0.0
        self._owed_s = 0.0
        self._faults: list[tuple[float, str, str]] = []

    def plan(self, at_s: float, model: str, fault: str) -> None:
        """Break `model` when `at_s` seconds have passed. Raises KeyError or ValueError when there is no such thing."""
        if fault not in self.models[model].FAULTS:
            raise ValueError(f"{model} has no fault {fault!r}")
        self._faults.append((at_s, model, fault))
        self._faults.sort()

    def advance(self, dt: float) -> None:
        """Let `dt` seconds pass, in whole steps; what is left over is kept for the next time."""
        self._owed_s = min(self._owed_s + dt, MAX_ADVANCE_S)
        while self._owed_s >= STEP_S:
            self._owed_s -= STEP_S
            self.at_s += STEP_S
            while self._faults and self._faults[0][0] <= self.at_s:
                _, model, fault = self._faults.pop(0)
                self.models[model].fail(fault)
            for each in self.models.values():
                each.step(STEP_S)

    def value(self, source: str) -> Value:
        """A model's value by `model.value`. Raises KeyError when there is none."""
        model, _, name = source.partition(".")
        return self.models[model].values()[name]
