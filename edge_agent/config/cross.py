"""What single fields cannot show: settings that contradict one another, name nothing, or could never work.

All functions read what `Converter.struct` gave (a wrong value is absent there) and report at the line to change.
"""

from edge_agent.config.convert import choice
from edge_agent.config.cross_broker import check_broker
from edge_agent.config.cross_devices import check_languages, check_lines
from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report, shortened
from edge_agent.config.nearest import nearest
from edge_agent.config.options import Languages
from edge_agent.config.places import Device, Table, Used, real_path, unique, within
from edge_agent.config.rules import check_channel, check_rules


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
