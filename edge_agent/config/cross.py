"""What single fields cannot show: settings that contradict one another, name nothing, or could never work.

All functions read what `Converter.struct` gave (a wrong value is absent there) and report at the line to change.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from edge_agent.config.convert import choice
from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report, shortened
from edge_agent.config.nearest import nearest
from edge_agent.config.options import Languages, check_options
from edge_agent.config.rules import check_channel, check_rules
from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec

Table = dict[str, Any]

# 32 bytes: an Ed25519 public key (RFC 8032 §5.1.5).
_DESK_KEY = re.compile(r"[0-9a-fA-F]{64}")
_COLOURS = ("red", "green", "blue")
# A [[ble.device]] is listened to or connected to, of a [[gpio.input]] levels or pulses are told: its language decides.
_CARRIES = {"ble": frozenset({"ble", "gatt"}), "gpio": frozenset({"gpio", "pulses"})}


class Device(NamedTuple):
    """One configured device: where it stands, its transport and its fields."""

    path: Path
    transport: str
    table: Table


def devices(good: Table) -> list[Device]:
    """All devices of the file, in the order of the model."""
    rows = [Device(("gpio", "input", i), "gpio", row) for i, row in enumerate(within(good, "gpio").get("input", ()))]
    rows += [Device(("serial", i), "serial", row) for i, row in enumerate(good.get("serial", ()))]
    rows += [Device(("can", i), "can", row) for i, row in enumerate(good.get("can", ()))]
    rows += [Device(("file", i), "file", row) for i, row in enumerate(good.get("file", ()))]
    rows += [Device(("ble", "device", i), "ble", row) for i, row in enumerate(within(good, "ble").get("device", ()))]
    return rows


def check_all(good: Table, languages: Languages, report: Report) -> None:
    """Every cross check of the file."""
    found = devices(good)
    check_names(found, report)
    check_ports(found, report)
    check_lines(good, report)
    check_languages(found, languages, report)
    check_checks(good, found, report)
    check_channels(good, found, report)
    check_buttons(good, found, report)
    check_relays(good, found, report)
    check_rules(good, [device.table.get("name") for device in found], report)
    check_position(good, [device.table.get("name") for device in found], report)
    check_broker(good, report)
    check_outbox(good, report)
    check_folders(good, report)


def check_names(found: list[Device], report: Report) -> None:
    """Channels begin with the device's name, so no two may share it."""
    names = [Used((*device.path, "name"), device.table["name"]) for device in found if "name" in device.table]
    unique(names, report, expected="another name for each device")


def check_ports(found: list[Device], report: Report) -> None:
    """A port and an advertising address belong to one device. Two links to one port are one port."""
    ports = [Used((*device.path, "port"), device.table["port"]) for device in found if "port" in device.table]
    unique(ports, report, expected="one device on a port", same=real_path)
    addresses = [
        Used((*device.path, "address"), device.table["address"]) for device in found if "address" in device.table
    ]
    unique(addresses, report, expected="one device with an address", same=str.upper)
    files = [Used((*device.path, "path"), device.table["path"]) for device in found if "path" in device.table]
    unique(files, report, expected="one device for a file")


class Used(NamedTuple):
    """A value, and where it stands."""

    path: Path
    value: Any


def real_path(port: str) -> str:
    """Where a link to a port leads."""
    return os.path.realpath(port) if port.startswith("/") else port


def unique(
    used: list[Used], report: Report, *, expected: str, same: Callable[[Any], Any] = lambda value: value
) -> None:
    """Report each value that stood before; two are one when `same` gives one for both."""
    first: dict[Any, Path] = {}
    for path, value in used:
        identity = same(value)
        if identity in first:
            report.add(path, value, what=f"the same as in line {report.line(first[identity])}", expected=expected)
        first.setdefault(identity, path)


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


def check_checks(good: Table, found: list[Device], report: Report) -> None:
    """A check has the settings of its kind, limits the right way round, and a device that exists."""
    names = [device.table.get("name") for device in found]
    for number, row in enumerate(good.get("check", ())):
        path: Path = ("check", number)
        if report.clean(path):
            check_settings(row, path, report)
        if "channel" in row and None not in names:
            check_channel(row["channel"], [name for name in names if name], (*path, "channel"), report)


# What each kind of check cannot do without, and the settings that mean something to it.
_NEEDS = {
    "rate": ("per_s", "the largest change a second"),
    "stuck": ("window_s", "how long a value may stay the same"),
    "silent": ("window_s", "how long it may say nothing"),
}
_TAKES = {
    "range": ("min", "max"),
    "rate": ("per_s", "window_s"),
    "stuck": ("window_s",),
    "silent": ("window_s",),
    "learned": ("level",),
}


def check_settings(row: Table, path: Path, report: Report) -> None:
    """A check has what its kind needs, nothing that means nothing to it, and limits the right way round."""
    kind, low, high = row["kind"], row["min"], row["max"]
    if kind == "range" and low is None and high is None:
        report.add(path, what="a range check without a limit", expected="min or max, or both")
    elif kind in _NEEDS and row[_NEEDS[kind][0]] is None:
        setting, meaning = _NEEDS[kind]
        report.add((*path, setting), what="missing", expected=f"{meaning}: a {kind} check needs it")
    for setting in ("min", "max", "per_s", "window_s", "level"):
        if row.get(setting) is not None and setting not in _TAKES[kind]:
            report.add((*path, setting), row[setting], what=f"a {kind} check has no use for it")
    if low is not None and high is not None and low > high:
        report.add(
            (*path, "min"),
            low,
            what=f"more than max in line {report.line((*path, 'max'))}",
            expected=f"at most {high:g}",
        )


def check_buttons(good: Table, found: list[Device], report: Report) -> None:
    """A button of a device needs that device, and one channel does not do two things: help above all opens nothing."""
    names = [device.table.get("name") for device in found]
    used = []
    for path in (("help", "button_channel"), ("help", "cancel_channel"), ("console", "input_channel")):
        channel = within(good, path[0]).get(path[1])
        if not channel:
            continue
        used.append(Used(path, channel))
        if channel.endswith("*"):
            report.add(path, channel, expected="one channel, as device.quantity")
        elif None not in names:
            check_channel(channel, [name for name in names if name], path, report)
    unique(used, report, expected="another channel")


def check_relays(good: Table, found: list[Device], report: Report) -> None:
    """A relay feeds a device that there is, and each device is fed by one."""
    names = [device.table.get("name") for device in found]
    rows = within(good, "gpio").get("relay", ())
    used = [Used(("gpio", "relay", i, "feeds"), row["feeds"]) for i, row in enumerate(rows) if "feeds" in row]
    for path, name in used:
        if name not in names and None not in names:
            known = [each for each in names if each]
            expected = shortened(choice(known)) if known else "a configured device: there is none"
            report.add(path, name, what=f"there is no device {name}", expected=expected, nearest=nearest(name, known))
    unique(used, report, expected="one relay for a device")


def check_channels(good: Table, found: list[Device], report: Report) -> None:
    """A channel setting says one thing, of a device that exists, and no earlier one says it already."""
    names = [device.table.get("name") for device in found]
    rows = good.get("channel", ())
    for number, row in enumerate(rows):
        path: Path = ("channel", number)
        if report.clean(path) and (row["deadband"] is None) == (row["summary_s"] is None):
            what = "it says nothing" if row["deadband"] is None else "it has both deadband and summary_s"
            report.add(path, what=what, expected="deadband or summary_s")
        if "name" in row and None not in names:
            check_channel(row["name"], [name for name in names if name], (*path, "name"), report)
    unique(
        [Used(("channel", number, "name"), row["name"]) for number, row in enumerate(rows) if "name" in row],
        report,
        expected="one table for a channel",
    )


def check_position(good: Table, names: list[str | None], report: Report) -> None:
    """The device that tells the position is there."""
    name = within(good, "gateway").get("position_from")
    if name is not None and name not in names and None not in names:
        known = [each for each in names if each]
        expected = shortened(choice(known)) if known else "a configured device: there is none"
        report.add(("gateway", "position_from"), name, what=f"there is no device {name}", expected=expected)


def check_broker(good: Table, report: Report) -> None:
    """The broker's files can be read, and whoever answers from there can be believed."""
    desk, broker = within(good, "desk"), within(good, "broker")
    for name, key in desk.get("keys", {}).items():
        if not _DESK_KEY.fullmatch(key):
            report.add(("desk", "keys", name), key, expected="the desk's Ed25519 public key, 64 hex digits")
    if broker.get("host") and report.clean(("desk",)) and not desk["keys"] and not desk["unsigned"]:
        report.add(
            ("broker", "host"),
            broker["host"],
            what="without the desk's key its answers cannot be believed, so that no help request is ever acknowledged",
            expected="a key in [desk.keys], or desk.unsigned = true for a test",
        )
    for i, place in enumerate(broker.get("fallback", ())):
        port = place.rpartition(":")[2] if isinstance(place, str) else ""
        if port.isdecimal() and int(port) > 65535:
            report.add(("broker", "fallback", i), place, what="no such port", expected="1 to 65535 behind the colon")
    check_file(("broker", "password_file"), broker, report)
    check_tls(("broker", "tls"), within(broker, "tls"), report)


def check_tls(path: Path, tls: Table, report: Report) -> None:
    """Certificates can be read, and a gateway's own has its key."""
    for name in ("ca_file", "cert_file", "key_file"):
        check_file((*path, name), tls, report)
    for one, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if tls.get(one) and tls.get(other) == "":
            report.add((*path, one), tls[one], what=f"it needs {other} too", expected="both or neither")


def check_file(path: Path, table: Table, report: Report) -> None:
    """A file that is named can be read; the last part of `path` is its key in `table`."""
    name = table.get(str(path[-1]))
    if name and (wrong := unreadable(name)):
        report.add(path, name, what=wrong, expected="the absolute path of a file that this user can read")


def unreadable(name: str) -> str:
    """Why this file cannot be read; empty when it can."""
    path = FilePath(name)
    if not path.is_absolute():
        return "not an absolute path"
    try:
        if path.exists() and not path.is_file():
            return "not a file"
        with path.open("rb") as file:
            return "" if file.read(1) else "the file is empty"
    except OSError as error:
        return (error.strerror or "cannot be read").lower()


def check_outbox(good: Table, report: Report) -> None:
    """What the outbox promises fits together."""
    outbox = within(good, "outbox")
    if not report.clean(("outbox",)) or not outbox:
        return
    if outbox["reserved_for_help"] >= outbox["in_flight"]:
        report.add(
            ("outbox", "reserved_for_help"),
            outbox["reserved_for_help"],
            what="nothing is left for the rest",
            expected=f"less than in_flight, which is {outbox['in_flight']}",
        )


def check_folders(good: Table, report: Report) -> None:
    """Folders and the socket are absolute: a service has no folder of its own to start from."""
    for section, name in (("paths", "state"), ("paths", "runtime"), ("control", "socket")):
        value = within(good, section).get(name)
        if value and not value.startswith("/"):
            report.add((section, name), value, expected="an absolute path")


def within(table: Table, name: str) -> Table:
    """A table in a table; empty where there is none."""
    inner = table.get(name)
    return inner if isinstance(inner, dict) else {}
