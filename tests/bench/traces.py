"""Readings to measure with: the simulated home as its bridges decode it, and real sensor traces where they are."""

import csv
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

from edge_agent.config import model
from edge_agent.core.reading import Advert, Channel, Chunk, Level, Reading
from firmware_bridges.registry import language
from simulators.emitters import BTHOME_SERVICE, EMITTERS
from simulators.scenario import DeviceSpec, load_scenario

BLOCK_READINGS = model.Outbox().block_readings
ROOT = Path(__file__).parents[2]
TRACES = Path(os.environ.get("TRACES", ROOT.parent / "shared" / "anomaly" / "dev"))
START = datetime(2026, 1, 6, 7, tzinfo=UTC)
# A serial line and its reader are late by up to this long; an advertiser waits up to 10 ms (advDelay, Bluetooth Core
# Specification 5.4, Vol 6, Part B, 4.4.2.2.1).
LATE_S = {"serial": 0.003, "ble": 0.010, "gpio": 0.001}


@cache
def home(seconds: int, seed: int = 11) -> tuple[Reading, ...]:
    """All readings of the home scenario at real speed, in the order in which the agent would take them."""
    scenario = load_scenario("home")
    physics, chance = scenario.physics(seed), Random(seed)
    devices = [(spec, _bridge(spec), _frames(spec)) for spec in scenario.devices]
    found: list[Reading] = []
    for second in range(seconds):
        physics.advance(1.0)
        for number, (spec, bridge, frames) in enumerate(devices):
            values = {key: physics.value(source) for key, source in spec.values.items()}
            at = 1000.0 + second + number / 20 + chance.uniform(0.0, LATE_S[spec.transport])
            found += [item for item in bridge.feed(frames(values, second), at) if isinstance(item, Reading)]
    return tuple(found)


def repeated(readings: tuple[Reading, ...], count: int) -> list[Reading]:
    """At least `count` of them, cut to it: the trace again and again, each time later."""
    span = readings[-1].at - readings[0].at + 1.0
    found: list[Reading] = []
    turn = 0.0
    while len(found) < count:
        found += [reading._replace(at=reading.at + turn) for reading in readings]
        turn += span
    return found[:count]


def real() -> dict[str, list[Reading]]:
    """Real traces by name, empty where the folder is not there: a pump's rig (8 channels), machines' power."""
    if not TRACES.is_dir():
        return {}
    return {suite: list(_suite(suite)) for suite in ("skab", "appliance") if (TRACES / suite).is_dir()}


def blocks(readings: list[Reading] | tuple[Reading, ...], size: int = BLOCK_READINGS) -> list[list[Reading]]:
    return [list(readings[start : start + size]) for start in range(0, len(readings), size)]


def _suite(suite: str) -> Iterator[Reading]:
    for path in sorted((TRACES / suite).glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            channels = [Channel(f"{path.stem.split('__')[0]}.{name}") for name in next(rows)[1:]]
            for stamp, *values in rows:
                at = datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
                yield from (Reading(c, _number(v), at) for c, v in zip(channels, values, strict=True))


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _bridge(spec: DeviceSpec):
    known = language(spec.language)
    return known.make(spec.name, {name: option.default for name, option in known.options.items()} | spec.options)


def _frames(spec: DeviceSpec):
    """What a device says of its values, as its transport brings it."""
    if spec.transport == "gpio":
        return lambda values, _second: Level(bool(values["active"]))
    emitter = EMITTERS[spec.language]()

    def frame(values: dict, second: int) -> Chunk:
        payload = emitter.frame(values, datetime.fromtimestamp(START.timestamp() + second, UTC))
        if spec.transport == "serial":
            return payload
        return Advert(spec.address, spec.label, -60, {BTHOME_SERVICE: payload}, {})

    return frame
