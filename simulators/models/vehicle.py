"""A van: it drives and stops, its alternator charges the leisure battery, its fridge and lights empty it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from edge_agent.core.reading import Value
from simulators.physics import Drift, Model, quantise, toward

EARTH_M_PER_DEG = 111_320.0
KNOT_M_S = 0.514444
HOT_C = 112.0
# What the engine's control unit stores for a fault (SAE J2012): cylinder 1 misfires, too lean, catalyst, open tank cap.
_CODES = {"misfire": "P0301", "lean": "P0171", "catalyst": "P0420", "tank_cap": "P0455"}


@dataclass(kw_only=True)
class Van(Model):
    """Engine, track and battery share one driver, so they are one model.

    The battery is a lead-acid one: 11.8 V empty, 12.75 V full at rest, 8 mOhm; the alternator holds 14.3 V and gives
    60 A at most. The control unit sleeps while the van rests.
    """

    FAULTS: ClassVar[frozenset[str]] = frozenset(
        {"alternator", "drain", "overheating", "no_fix", "thermostat", "tests_open", *_CODES}
    )

    latitude: float = 52.0907
    longitude: float = 5.1214
    altitude_m: float = 12.0
    capacity_ah: float = 95.0
    soc_pct: float = 88.0
    mean_drive_s: float = 1800.0
    mean_rest_s: float = 300.0
    driving: bool = True
    since_clear_km: float = 1200.0
    run_time_s: float = field(default=0.0, init=False)
    speed_m_s: float = field(default=0.0, init=False)
    course_deg: float = field(default=75.0, init=False)
    coolant_c: float = field(default=60.0, init=False)

    def __post_init__(self) -> None:
        self._turn = Drift(self.chance, 0.8, 20.0)
        self._pace = Drift(self.chance, 4.0, 60.0)
        self._hill = Drift(self.chance, 6.0, 300.0)
        self._load = Drift(self.chance, 0.6, 40.0)
        self._base_m = self.altitude_m
        self._consumed_ah = self.capacity_ah * (1.0 - self.soc_pct / 100.0)
        self._battery_c = 21.0
        self._current_a = 0.0

    def step(self, dt: float) -> None:
        """Driver, track, engine, battery."""
        if self.chance.random() < dt / (self.mean_drive_s if self.driving else self.mean_rest_s):
            self.driving = not self.driving
        self.run_time_s = self.run_time_s + dt if self.driving else 0.0
        self._move(dt)
        target_c = 20.0
        if self.driving:
            target_c = 128.0 if "overheating" in self.broken else 55.0 if "thermostat" in self.broken else 90.0
        self.coolant_c = toward(self.coolant_c, target_c, 300.0 if self.driving else 3000.0, dt)
        self._charge(dt)

    def values(self) -> Mapping[str, Value]:
        """GPS to 1e-5 minutes, the battery monitor to 10 mV, 0.1 A and 0.1 %."""
        return {
            "latitude": quantise(self.latitude, 7),
            "longitude": quantise(self.longitude, 7),
            "altitude_m": quantise(self.altitude_m, 1),
            "speed_knots": quantise(self.speed_m_s / KNOT_M_S, 2),
            "course_deg": quantise(self.course_deg, 1) % 360.0,
            "satellites": 0 if "no_fix" in self.broken else 9,
            "hdop": 99.9 if "no_fix" in self.broken else 0.9,
            "engine": self.driving,
            "rpm": round(850.0 + 95.0 * self.speed_m_s) if self.driving else 0,
            "speed_kmh": round(self.speed_m_s * 3.6),
            "load_pct": round(18.0 + 2.0 * self.speed_m_s) if self.driving else 0,
            "fuel_pct": 61,
            "codes": " ".join(self._codes()),
            "awake": self.driving,
            "run_time_s": round(self.run_time_s),
            "since_clear_km": round(self.since_clear_km),
            "tests_open": "tests_open" in self.broken,
            "coolant_c": quantise(self.coolant_c, 0),
            "voltage_v": quantise(self._voltage_v(), 2),
            "current_a": quantise(self._current_a, 1),
            "soc_pct": quantise(self._soc() * 100.0, 1),
            "consumed_ah": quantise(self._consumed_ah, 1),
            "battery_c": quantise(self._battery_c, 1),
        }

    def _move(self, dt: float) -> None:
        target_m_s = max(5.0, 19.0 + self._pace.step(dt)) if self.driving else 0.0
        # 1.5 m/s2 is a calm driver, braking or not.
        change = max(-1.5 * dt, min(1.5 * dt, target_m_s - self.speed_m_s))
        self.speed_m_s += change
        if self.speed_m_s > 0.0:
            self.course_deg = (self.course_deg + self._turn.step(dt) * dt) % 360.0
            way_m = self.speed_m_s * dt
            self.since_clear_km += way_m / 1000.0
            course = math.radians(self.course_deg)
            self.latitude += way_m * math.cos(course) / EARTH_M_PER_DEG
            self.longitude += way_m * math.sin(course) / (EARTH_M_PER_DEG * math.cos(math.radians(self.latitude)))
            self.altitude_m = toward(self.altitude_m, self._base_m + self._hill.step(dt), 60.0, dt)

    def _charge(self, dt: float) -> None:
        load_a = max(0.5, 4.0 + self._load.step(dt))
        if "drain" in self.broken:
            load_a += 45.0
        charge_a = 0.0
        if self.driving and "alternator" not in self.broken:
            charge_a = min(60.0, load_a + (14.3 - self._rest_v()) / 0.05 * (1.02 - self._soc()))
        self._current_a = charge_a - load_a
        self._consumed_ah = min(self.capacity_ah, max(0.0, self._consumed_ah - self._current_a * dt / 3600.0))
        self._battery_c = toward(self._battery_c, 21.0 + abs(self._current_a) * 0.1, 3600.0, dt)

    def _codes(self) -> list[str]:
        """What the engine's control unit has stored: also too hot, and on-board voltage too low while it runs."""
        codes = [code for fault, code in _CODES.items() if fault in self.broken]
        if self.coolant_c > HOT_C:
            codes.append("P0217")
        return [*codes, "P0562"] if self.driving and "alternator" in self.broken else codes

    def _soc(self) -> float:
        return 1.0 - self._consumed_ah / self.capacity_ah

    def _rest_v(self) -> float:
        return 11.8 + 0.95 * self._soc()

    def _voltage_v(self) -> float:
        if self.driving and "alternator" not in self.broken:
            return 14.3 - 0.004 * max(0.0, self._current_a)
        return self._rest_v() + 0.008 * self._current_a
