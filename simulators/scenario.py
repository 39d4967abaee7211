"""Scenarios: TOML files that say which models there are, which devices show them how, and what goes wrong when.

All mistakes of a file are told at once. simulators/scenarios/home.toml explains every key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from simulators.emitters import EMITTERS
from simulators.models import KINDS, make, options_of
from simulators.physics import Physics
from simulators.tables import Table, load, nearest

FOLDER = Path(__file__).parent / "scenarios"
TRANSPORTS = {
    "serial": frozenset({"dsmr", "jbd", "nmea0183", "obd2", "otgw", "pms", "sml", "textline", "vedirect"}),
    "ble": frozenset({"bthome"}),
    "gpio": frozenset({"contact"}),
}
DEVICE_FAULTS = frozenset({"silent", "unplugged", "garbage"})
NO_LINE = -1
FOREVER_S = 1e6


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: its name here, its kind (models.KINDS) and its options."""

    name: str
    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device. `values` maps what it says to `model.value`.

    `cadence_s` is for serial and BLE, `address` and `label` for BLE, `line` (otherwise -1) and `active` for GPIO;
    `options` are the bridge's, `kind` is what playbooks call it (empty: its name says so).
    """

    name: str
    transport: str
    language: str
    values: Mapping[str, str]
    cadence_s: float
    options: Mapping[str, Any]
    address: str
    label: str
    line: int
    active: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """What breaks `at_s` seconds into the run, at normal speed: a model (`model.fault`), or a device's transport.

    A device is `silent`, `unplugged` or noisy (`garbage`) until `until_s`; a model stays broken.
    """

    model: str
    device: str
    kind: str
    at_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Story:
    """What people and the network do, in real seconds since the start; None where it does not happen."""

    press_at_s: float | None
    press_hold_s: float
    outage_from_s: float | None
    outage_to_s: float | None


@dataclass(frozen=True, slots=True)
class Lines:
    """GPIO lines of the help button, of the lamp's colours and of the buzzer (-1: there is none)."""

    button: int
    red: int
    green: int
    blue: int
    buzzer: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file. `speed` is seconds of physics a real second, `fast_speed` the same with --fast."""

    name: str
    title: str
    speed: float
    fast_speed: float
    models: tuple[ModelSpec, ...]
    devices: tuple[DeviceSpec, ...]
    faults: tuple[FaultSpec, ...]
    story: Story
    lines: Lines
    checks: tuple[Mapping[str, Any], ...]
    rules: tuple[Mapping[str, Any], ...]

    def physics(self, seed: int) -> Physics:
        """The models of this scenario with their faults planned; equal seeds give equal courses."""
        physics = Physics({m.name: make(m.kind, Random(f"{seed} {m.name}"), m.options) for m in self.models})
        for fault in self.faults:
            if fault.model:
                physics.plan(fault.at_s * self.speed, fault.model, fault.kind)
        return physics


def scenario_names() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_scenario(name: str) -> Scenario:
    """A scenario by its name, or by the path of a file that ends with .toml. Raises ConfigError with all mistakes."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    root = load(path, name, scenario_names())
    scenario = Scenario(
        name=path.stem,
        title=root.text("title"),
        speed=root.number("speed", 1.0, low=0.1, high=3600.0),
        fast_speed=root.number("fast_speed", 10.0, low=0.1, high=3600.0),
        models=tuple(_model(table) for table in root.tables("model")),
        devices=tuple(_device(table) for table in root.tables("device")),
        faults=tuple(_fault(table) for table in root.tables("fault")),
        story=_story(root.table("story")),
        lines=_lines(root.table("lines")),
        # The agent examines its own tables, and says what is wrong with them better than it could be said here.
        checks=tuple(table.rest() for table in root.tables("check")),
        rules=tuple(table.rest() for table in root.tables("rule")),
    )
    root.done()
    if not root.mistakes.found:
        _examine(root, scenario)
    root.mistakes.raise_if_any()
    return scenario


def _model(table: Table) -> ModelSpec:
    name, kind = table.text("name"), table.text("kind", among=KINDS)
    options = table.rest()
    known = options_of(kind) if kind in KINDS else options
    for key, value in options.items():
        if key not in known:
            table.wrong(key, f"a {kind} has no such option; {nearest(key, known)}")
        elif not _fits(value, known[key]):
            table.wrong(key, f"must be like {known[key]!r}, not {value!r}")
    return ModelSpec(name, kind, options)


def _fits(value: object, default: object) -> bool:
    if isinstance(default, bool):
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _device(table: Table) -> DeviceSpec:
    transport = table.text("transport", among=TRANSPORTS)
    spec = DeviceSpec(
        name=table.text("name"),
        transport=transport,
        language=table.text("language", among=TRANSPORTS.get(transport, ())),
        values={key: str(value) for key, value in table.mapping("values").items()},
        cadence_s=table.number("cadence_s", 1.0, low=0.1, high=3600.0),
        options=table.mapping("options"),
        address=table.text("address") if transport == "ble" else "",
        label=table.text("label", "") if transport == "ble" else "",
        line=table.line("line") if transport == "gpio" else NO_LINE,
        active=table.text("active", "low", among=("high", "low")) if transport == "gpio" else "low",
        kind=table.text("kind", ""),
    )
    table.done()
    return spec


def _fault(table: Table) -> FaultSpec:
    spec = FaultSpec(
        model=table.text("model", ""),
        device=table.text("device", ""),
        kind=table.text("kind"),
        at_s=table.number("at_s"),
        until_s=table.number("until_s", FOREVER_S),
    )
    if bool(spec.model) == bool(spec.device):
        table.wrong("model", "a fault is either of a model or of a device")
    table.done()
    return spec


def _story(table: Table) -> Story:
    story = Story(
        press_at_s=table.number("press_at_s", None),
        press_hold_s=table.number("press_hold_s", 3.5, low=0.05, high=120.0),
        outage_from_s=table.number("outage_from_s", None),
        outage_to_s=table.number("outage_to_s", None),
    )
    if (story.outage_from_s is None) != (story.outage_to_s is None):
        table.wrong("outage_from_s", "an outage needs both outage_from_s and outage_to_s")
    elif story.outage_from_s is not None and story.outage_to_s is not None and story.outage_to_s <= story.outage_from_s:
        table.wrong("outage_to_s", "must be later than outage_from_s")
    table.done()
    return story


def _lines(table: Table) -> Lines:
    colours = [table.line(key, NO_LINE) for key in ("button", "red", "green", "blue", "buzzer")]
    table.done()
    return Lines(*colours)


def _examine(root: Table, scenario: Scenario) -> None:
    """What only the whole file can tell: names that refer to something, and lines that are used once."""
    wrong = root.mistakes.add
    models = {model.name: model for model in scenario.models}
    devices = {device.name: device for device in scenario.devices}
    _once(root, "model", [model.name for model in scenario.models])
    _once(root, "device", [device.name for device in scenario.devices])
    lines = [f"GPIO{line}" for line in _used_lines(scenario)]
    _once(root, "lines", lines)
    for number, device in enumerate(scenario.devices, 1):
        _examine_values(root, f"device[{number}].values", device, models)
    for number, fault in enumerate(scenario.faults, 1):
        known: Mapping[str, object] = models if fault.model else devices
        name = fault.model or fault.device
        if name not in known:
            wrong(f"fault[{number}]", f"there is no {name!r}; {nearest(name, known.keys())}")
            continue
        kinds = KINDS[models[name].kind].FAULTS if fault.model else DEVICE_FAULTS
        if fault.kind not in kinds:
            wrong(f"fault[{number}].kind", f"{name} has no fault {fault.kind!r}; {nearest(fault.kind, kinds)}")


def _examine_values(root: Table, where: str, device: DeviceSpec, models: Mapping[str, ModelSpec]) -> None:
    wrong = root.mistakes.add
    emitter = EMITTERS.get(device.language)
    said = set(device.values)
    known = emitter.KEYS if emitter is not None else frozenset({"active"})
    needed = emitter.REQUIRED if emitter is not None else known or frozenset()
    for key in sorted(said - (known if known is not None else said)):
        wrong(f"{where}.{key}", f"{device.language} cannot say this; {nearest(key, known or ())}")
    for key in sorted(needed - said):
        wrong(where, f"{device.language} needs {key}")
    if not said:
        wrong(where, "a device that says nothing is none")
    for key, source in device.values.items():
        model, _, value = source.partition(".")
        if model not in models:
            wrong(f"{where}.{key}", f"there is no model {model!r}; {nearest(model, models.keys())}")
            continue
        values = make(models[model].kind, Random(0), models[model].options).values()
        if value not in values:
            wrong(f"{where}.{key}", f"{model} has no value {value!r}; {nearest(value, values.keys())}")


def _used_lines(scenario: Scenario) -> list[int]:
    lines = scenario.lines
    outputs = [lines.button, lines.red, lines.green, lines.blue, lines.buzzer]
    return [line for line in [*outputs, *(device.line for device in scenario.devices)] if line != NO_LINE]


def _once(root: Table, where: str, names: Sequence[str]) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        root.mistakes.add(where, f"{name!r} is there more than once")
