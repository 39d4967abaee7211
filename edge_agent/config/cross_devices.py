"""The devices' part of the cross checks: GPIO lines do one thing, and each device's language can be spoken there."""

from edge_agent.config.convert import choice
from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report
from edge_agent.config.nearest import nearest
from edge_agent.config.options import Languages, check_options
from edge_agent.config.places import Device, Table, Used, unique, within
from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec

_COLOURS = ("red", "green", "blue")
# A [[ble.device]] is listened to or connected to, of a [[gpio.input]] levels or pulses are told: its language decides.
_CARRIES = {"ble": frozenset({"ble", "gatt"}), "gpio": frozenset({"gpio", "pulses"})}


def check_lines(good: Table, report: Report) -> None:
    """A GPIO line does one thing; a lamp and a buzzer need lines."""
    gpio = within(good, "gpio")
    used: list[Used] = []
    for name in ("button", "lamp", "buzzer"):
        table = gpio.get(name) or {}
        used += [Used(("gpio", name, key), table[key]) for key in ("line", *_COLOURS) if table.get(key) is not None]
    used += [
        Used(("gpio", "input", i, "line"), row["line"]) for i, row in enumerate(gpio.get("input", ())) if "line" in row
    ]
    used += [
        Used(("gpio", "relay", i, "line"), row["line"]) for i, row in enumerate(gpio.get("relay", ())) if "line" in row
    ]
    unique(used, report, expected="a line that nothing else uses")
    _check_output(gpio.get("lamp"), ("gpio", "lamp"), report, coloured=True)
    _check_output(gpio.get("buzzer"), ("gpio", "buzzer"), report, coloured=False)


def _check_output(table: Table | None, path: Path, report: Report, *, coloured: bool) -> None:
    if table is None or not report.clean(path):
        return
    colours = [name for name in _COLOURS if table[name] is not None]
    line = table["line"] is not None
    if coloured and line == bool(colours):
        what = "it has both a line and colours" if line else "it has no line"
        report.add(path, what=what, expected="line for one colour, or some of red, green, blue")
    elif not coloured and colours:
        report.add((*path, colours[0]), table[colours[0]], what="a buzzer has no colours", expected="line")
    elif not coloured and not line:
        report.add(path, what="it has no line", expected="line")


def check_languages(found: list[Device], languages: Languages, report: Report) -> None:
    """A device's language is known, speaks over its transport, and takes its options."""
    for device in found:
        name, path = device.table.get("language"), (*device.path, "language")
        if name is None:
            continue
        try:
            spec = languages.spec(name)
        except ConfigError as error:
            _report_language(device, error, languages, report)
            continue
        if not _speaks(spec, device.transport):
            spoken = {
                table for table in ("gpio", "serial", "can", "file", "ble") if _speaks(spec, table)
            } or spec.transports
            what = f"this language is for {choice(sorted(spoken))}, not for {device.transport}"
            report.add(path, name, what=what)
        elif "options" in device.table:
            check_options(spec, device.table, device.path, report)


def _report_language(device: Device, error: ConfigError, languages: Languages, report: Report) -> None:
    name, path = device.table["language"], (*device.path, "language")
    if name in languages.names():
        report.add(path, name, what=str(error))
        return
    known = [each for each in sorted(languages.names()) if _speaks_over(each, device.transport, languages)]
    known = known or sorted(languages.names())
    report.add(path, name, what="unknown language", expected=choice(known), nearest=nearest(name, known))


def _speaks_over(name: str, transport: str, languages: Languages) -> bool:
    try:
        return _speaks(languages.spec(name), transport)
    except ConfigError:  # one of somebody else's that cannot be loaded here
        return False


def _speaks(spec: LanguageSpec, transport: str) -> bool:
    return not spec.transports.isdisjoint(_CARRIES.get(transport, {transport}))
