"""What is in a flat: a gas boiler, rooms, a meter, contacts, a freezer. Orders of magnitude from data sheets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from edge_agent.core.reading import Value
from simulators.physics import Drift, Model, quantise, toward

AMBIENT_C = 20.0


@dataclass(kw_only=True)
class Boiler(Model):
    """A gas boiler with its heating circuit.

    The circuit holds about 80 l of water (330 kJ/K), radiators give 0.12 kW/K, the pump moves 0.15 kg/s. Water that
    is heated by 40 K raises the pressure by a quarter of a bar, as a small expansion vessel lets it. Below 0.5 bar a
    boiler locks out (code 118 of common Dutch boilers), after failed ignition likewise (133).
    """

    FAULTS: ClassVar[frozenset[str]] = frozenset({"leak", "ignition", "stuck_sensor"})

    pressure_bar: float = 1.25
    leak_bar_per_h: float = 4.0
    power_kw: float = 18.0
    set_flow_c: float = 60.0
    flow_c: float = field(default=58.0)
    burner: bool = field(default=False, init=False)
    starts: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._ripple = Drift(self.chance, 0.003, 20.0)
        self._shown_flow_c = self.flow_c
        self._emitted_kw = 0.0

    def step(self, dt: float) -> None:
        """Burner with 5 K of hysteresis, radiators, and the leak."""
        wanted = self.flow_c < self.set_flow_c - 5.0 or (self.burner and self.flow_c < self.set_flow_c + 5.0)
        lit = wanted and self._code() == 0
        self.starts += lit and not self.burner
        self.burner = lit
        self._emitted_kw = 0.12 * max(0.0, self.flow_c - 4.0 - AMBIENT_C)
        gained_kw = (self.power_kw if self.burner else 0.0) - self._emitted_kw
        self.flow_c += gained_kw * dt / 330.0
        if "leak" in self.broken:
            self.pressure_bar = max(0.0, self.pressure_bar - self.leak_bar_per_h * dt / 3600.0)
        if "stuck_sensor" not in self.broken:
            self._shown_flow_c = self.flow_c
        self._ripple.step(dt)

    def values(self) -> Mapping[str, Value]:
        """A sensor of 0.01 bar, two of 0.1 K, and what the controller knows."""
        drop_k = self._emitted_kw / (0.15 * 4.19)
        return {
            "pressure_bar": quantise(max(0.0, self._pressure_bar() + self._ripple.value), 2),
            "flow_c": quantise(self._shown_flow_c, 1),
            "return_c": quantise(self.flow_c - drop_k, 1),
            "burner": self.burner,
            "modulation_pct": round(100.0 * min(1.0, self._emitted_kw / self.power_kw)) if self.burner else 0,
            "starts": self.starts,
            "fault_code": self._code(),
        }

    def _pressure_bar(self) -> float:
        if self.pressure_bar <= 0.0:
            return 0.0
        return self.pressure_bar + 0.006 * (self.flow_c - 4.0 - AMBIENT_C)

    def _code(self) -> int:
        if self._pressure_bar() < 0.5:
            return 118
        return 133 if "ignition" in self.broken else 0


@dataclass(kw_only=True)
class Room(Model):
    """A room with a thermometer: temperature and humidity wander slowly; an open window cools it to 8 degrees."""

    FAULTS: ClassVar[frozenset[str]] = frozenset({"window_open", "overheating", "flat_battery"})

    temperature_c: float = 20.5
    humidity_pct: float = 45.0
    battery_pct: float = 92.0

    def __post_init__(self) -> None:
        self._set_c, self._set_pct = self.temperature_c, self.humidity_pct
        self._warmth = Drift(self.chance, 0.4, 1800.0)
        self._damp = Drift(self.chance, 1.5, 900.0)

    def step(self, dt: float) -> None:
        """Approach what heating and faults make of it."""
        target_c = self._set_c + self._warmth.step(dt)
        if "window_open" in self.broken:
            target_c = 8.0
        elif "overheating" in self.broken:
            target_c = 38.0
        self.temperature_c = toward(self.temperature_c, target_c, 600.0, dt)
        target_pct = self._set_pct + self._damp.step(dt) - 1.5 * (self.temperature_c - self._set_c)
        self.humidity_pct = min(99.0, max(5.0, toward(self.humidity_pct, target_pct, 600.0, dt)))
        per_h = 60.0 if "flat_battery" in self.broken else 0.002
        self.battery_pct = max(1.0, self.battery_pct - per_h * dt / 3600.0)

    def values(self) -> Mapping[str, Value]:
        """As a BTHome thermometer sends it."""
        return {
            "temperature_c": quantise(self.temperature_c, 2),
            "humidity_pct": quantise(self.humidity_pct, 2),
            "battery_pct": round(self.battery_pct),
        }


@dataclass(kw_only=True)
class Meter(Model):
    """An electricity meter with a gas meter behind it: a base load, a cycling fridge, now and then a kettle."""

    FAULTS: ClassVar[frozenset[str]] = frozenset({"heater_stuck", "brownout"})

    import_1_kwh: float = 4213.447
    import_2_kwh: float = 3870.112
    export_kwh: float = 120.018
    gas_m3: float = 2188.305
    base_kw: float = 0.22

    def __post_init__(self) -> None:
        self._noise = Drift(self.chance, 0.015, 30.0)
        self._volts = Drift(self.chance, 0.8, 120.0)
        self._kettle_s = 0.0
        self._clock_s = 0.0

    def step(self, dt: float) -> None:
        """Loads, counters and the grid's voltage."""
        self._clock_s += dt
        self._noise.step(dt)
        self._volts.step(dt)
        self._kettle_s = max(0.0, self._kettle_s - dt)
        if self._kettle_s <= 0.0 and self.chance.random() < dt / 1800.0:
            self._kettle_s = 150.0
        self.import_1_kwh += self._power_kw() * dt / 3600.0
        self.gas_m3 += 0.9 * dt / 3600.0

    def values(self) -> Mapping[str, Value]:
        """DSMR 5 resolutions: 1 W, 1 Wh, 0.1 V, 1 A, 1 dm3."""
        power_kw, voltage_v = self._power_kw(), self._voltage_v()
        return {
            "import_1_kwh": quantise(self.import_1_kwh, 3),
            "import_2_kwh": quantise(self.import_2_kwh, 3),
            "export_1_kwh": quantise(self.export_kwh, 3),
            "export_2_kwh": 0.0,
            "power_import_kw": quantise(power_kw, 3),
            "power_export_kw": 0.0,
            "voltage_v": quantise(voltage_v, 1),
            "current_a": round(power_kw * 1000.0 / voltage_v),
            "gas_m3": quantise(self.gas_m3, 3),
        }

    def _power_kw(self) -> float:
        fridge_kw = 0.09 if self._clock_s % 1500.0 < 500.0 else 0.0
        kettle_kw = 2.0 if self._kettle_s > 0.0 else 0.0
        heater_kw = 7.5 if "heater_stuck" in self.broken else 0.0
        return max(0.02, self.base_kw + self._noise.value + fridge_kw + kettle_kw + heater_kw)

    def _voltage_v(self) -> float:
        return (195.0 if "brownout" in self.broken else 231.0) + self._volts.value - 0.4 * self._power_kw()


@dataclass(kw_only=True)
class Contact(Model):
    """Something with two states: a door, a motion detector, a flood sensor (`mean_off_s` 0: never by itself)."""

    FAULTS: ClassVar[frozenset[str]] = frozenset({"active"})

    mean_off_s: float = 600.0
    mean_on_s: float = 60.0
    active: bool = False

    def step(self, dt: float) -> None:
        """Change by chance, with these mean times."""
        if "active" in self.broken:
            self.active = True
            return
        mean_s = self.mean_on_s if self.active else self.mean_off_s
        if mean_s > 0.0 and self.chance.random() < dt / mean_s:
            self.active = not self.active

    def values(self) -> Mapping[str, Value]:
        """Whether it is active."""
        return {"active": self.active}


@dataclass(kw_only=True)
class Freezer(Model):
    """A freezer or fridge with a thermometer inside: 2 K of hysteresis; ajar it warms with a time constant of 1 h."""

    FAULTS: ClassVar[frozenset[str]] = frozenset({"door_ajar", "compressor", "flat_battery"})

    set_c: float = -18.0
    temperature_c: float = -18.2
    humidity_pct: float = 62.0
    battery_pct: float = 81.0
    compressor: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._damp = Drift(self.chance, 2.0, 600.0)

    def step(self, dt: float) -> None:
        """Compressor on above, off below; warmth comes in all the time."""
        if self.temperature_c > self.set_c + 1.0:
            self.compressor = True
        elif self.temperature_c < self.set_c - 1.0:
            self.compressor = False
        tau_s = 3600.0 if "door_ajar" in self.broken else 40_000.0
        self.temperature_c = toward(self.temperature_c, AMBIENT_C, tau_s, dt)
        if self.compressor and "compressor" not in self.broken:
            self.temperature_c -= 0.0025 * dt
        self.humidity_pct = min(99.0, max(20.0, 62.0 + self._damp.step(dt)))
        per_h = 60.0 if "flat_battery" in self.broken else 0.004
        self.battery_pct = max(1.0, self.battery_pct - per_h * dt / 3600.0)

    def values(self) -> Mapping[str, Value]:
        """As a BTHome thermometer sends it."""
        return {
            "temperature_c": quantise(self.temperature_c, 2),
            "humidity_pct": quantise(self.humidity_pct, 2),
            "battery_pct": round(self.battery_pct),
        }
