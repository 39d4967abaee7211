"""Pulses of a meter or flow sensor on a GPIO line: a counter, and how fast it counts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Item, Pulses
from firmware_bridges.base import ListeningBridge

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
# A counter that stands still is told as often as this.
ALIVE_S = 60.0


class PulseCounter(ListeningBridge):
    """Counts from 0 at every start of the agent; `rate` is from the time between pulses, 0 after `idle_s` without."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        _check(device, options)
        self._per_unit: float = options["per_unit"]
        self._counter = self.channel(options["quantity"], options["unit"], ChannelKind.COUNTER)
        self._rate = self.channel(options["rate"], options["rate_unit"]) if options["rate"] else None
        self._rate_s: float = options["rate_s"]
        self._idle_s: float = options["idle_s"]
        self._total = 0
        self._pulse_at: float | None = None
        self._told_at: float | None = None
        self._idle_at: float | None = None

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What came since the last look."""
        if not isinstance(chunk, Pulses):
            yield from self.unsupported(chunk, at)
            return
        self._total += chunk.number
        if chunk.number or self._told_at is None or at - self._told_at >= ALIVE_S:
            self._told_at = at
            yield self.present(self._counter, self._counted(), at)
        if chunk.number:
            self._pulse_at, self._idle_at = at, None
        if self._rate is None:
            return
        if chunk.number and chunk.span_s > 0.0:
            value = chunk.number / chunk.span_s * self._rate_s / self._per_unit
            yield self.present(self._rate, float(f"{value:.6g}"), at)
        elif not chunk.number and self._is_idle(at):
            self._idle_at = at
            yield self.present(self._rate, 0.0, at)

    def _counted(self) -> float | int:
        return self._total if self._per_unit == 1.0 else round(self._total / self._per_unit, 6)

    def _is_idle(self, at: float) -> bool:
        """Whether the rate is 0, and that is to be told now."""
        if self._pulse_at is None:
            self._pulse_at = at  # nothing is known of the time before
        quiet = at - self._pulse_at >= self._idle_s
        return quiet and (self._idle_at is None or at - self._idle_at >= ALIVE_S)


def _check(device: str, options: Mapping[str, Any]) -> None:
    wrong = ""
    names = [options["quantity"], *([options["rate"]] if options["rate"] else [])]
    if not all(_NAME.match(name) for name in names) or len(set(names)) < len(names):
        wrong, fix = "quantity or rate is no name of its own", "Use lower case letters, digits and _"
    elif options["per_unit"] <= 0.0 or options["rate_s"] <= 0.0:
        wrong, fix = "per_unit and rate_s are more than 0", "Give the pulses of one unit, and 3600 for a rate an hour"
    elif not 1.0 <= options["idle_s"] <= 86400.0:
        wrong, fix = f"idle_s is {options['idle_s']:g}", "Use 1 to 86400 seconds"
    elif len(options["unit"]) > 16 or len(options["rate_unit"]) > 16:
        wrong, fix = "a unit is more than 16 characters", "Use a symbol such as kWh"
    if wrong:
        raise ConfigError(f"{device}: {wrong}", fix=fix)


SPEC = LanguageSpec(
    name="pulses",
    transports=frozenset({"pulses"}),
    make=PulseCounter,
    options={
        "quantity": Option(str, "count", "what is counted: energy, volume"),
        "unit": Option(str, "", "the counter's unit: kWh, L, m3"),
        "per_unit": Option(float, 1.0, "pulses of one unit: 1000 for a meter with 1000 imp/kWh"),
        "rate": Option(str, "", "a second channel, how fast it counts: power, flow; empty: none"),
        "rate_unit": Option(str, "", "the rate's unit: kW, L/min"),
        "rate_s": Option(float, 3600.0, "seconds in the rate's time: 3600 for kW of kWh, 60 for L/min"),
        "idle_s": Option(float, 300.0, "without a pulse for so long, the rate is 0"),
    },
    doc="pulses of meters and flow sensors on a GPIO line",
)
