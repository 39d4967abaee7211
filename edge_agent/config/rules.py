"""Whether channels and help rules name what there is, and a rule can ever be true."""

import math
from typing import Any

from edge_agent.config.convert import WRONG, choice
from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report, shortened
from edge_agent.config.nearest import nearest

Table = dict[str, Any]


def check_channel(channel: str, names: list[str], path: Path, report: Report) -> None:
    """`boiler.pressure` and `boiler.*` need the device boiler; `boi*` any that begins so."""
    device, dot, _ = channel.partition(".")
    if not dot and channel.endswith("*"):
        if not any(name.startswith(channel[:-1]) for name in names):
            report.add(path, channel, what="no device's name begins so")
    elif not dot:
        report.add(path, channel, expected="device.quantity, such as boiler.pressure, or boiler.*")
    elif device not in names:
        close = nearest(device, names)
        expected = shortened(choice(dict.fromkeys(names))) if names else "a configured device: there is none"
        report.add(
            path,
            channel,
            what=f"there is no device {device}",
            expected=expected,
            nearest=close and f"{close}.{channel.partition('.')[2]}",
        )


def check_rules(good: Table, names: list[str | None], report: Report) -> None:
    """Every rule looks at one thing that exists, has what its condition needs, and a name of its own."""
    helping = good.get("help")
    rows = helping.get("rules", ()) if isinstance(helping, dict) else ()
    first: dict[str, Path] = {}
    for number, row in enumerate(rows):
        path: Path = ("help", "rules", number)
        name = row.get("name")
        if name in first:
            line = report.line(first[name])
            report.add((*path, "name"), name, what=f"the same as in line {line}", expected="another name for each rule")
        elif name is not None:
            first[name] = (*path, "name")
        if {"channel", "finding"} <= row.keys():
            _check_rule(row, path, good, names, report)


def _check_rule(row: Table, path: Path, good: Table, names: list[str | None], report: Report) -> None:
    channel, finding = row["channel"], row["finding"]
    if bool(channel) == bool(finding):
        what = "it has both a channel and a finding" if channel else "it has neither a channel nor a finding"
        if channel or report.clean(path):  # a misspelt key is told already
            report.add(path, what=what, expected="channel or finding")
    elif finding:
        _check_finding(row, path, good, report)
    elif channel.endswith("*"):
        report.add((*path, "channel"), channel, expected="one channel: a rule for each")
    else:
        if None not in names:
            check_channel(channel, [name for name in names if name], (*path, "channel"), report)
        _check_condition(row, path, report)


def _check_condition(row: Table, path: Path, report: Report) -> None:
    condition, value = row.get("condition", WRONG), row.get("value", WRONG)
    if condition is None:
        if report.clean(path):
            report.add((*path, "condition"), what="missing", expected="above, below, equals or changes")
    elif condition == "changes":
        if value is not None:
            report.add((*path, "value"), value, what="a change needs no value")
        if row.get("for_s", 0) > 0:
            report.add((*path, "for_s"), row["for_s"], what="a change does not last", expected="0")
    elif condition is not WRONG:
        _check_value(condition, value, path, report)
    if condition in ("equals", "changes") and row.get("hysteresis"):
        report.add((*path, "hysteresis"), row["hysteresis"], what="only above and below have a use for it")


def _check_value(condition: str, value: Any, path: Path, report: Report) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    expected = "a number, in the channel's unit"
    if condition == "equals":
        number = number or isinstance(value, bool | str)
        expected = "true, false, a number or a text"
    if value is None:
        if report.clean(path):
            report.add((*path, "value"), what="missing", expected=expected)
    elif not number:
        report.add((*path, "value"), value, expected=expected)


def _check_finding(row: Table, path: Path, good: Table, report: Report) -> None:
    """A finding is named `channel:kind`, and some check must be able to make it."""
    for key in ("condition", "value", "stale_s"):
        if row.get(key) is not None:
            report.add((*path, key), row[key], what="a finding has no use for it")
    channel, _, kind = row["finding"].rpartition(":")
    checks = [check for check in good.get("check", ()) if "channel" in check and "kind" in check]
    known = [f"{check['channel']}:{check['kind']}" for check in checks]
    if not any(_covers(check, channel) and check["kind"] == kind for check in checks):
        report.add(
            (*path, "finding"),
            row["finding"],
            what="no check makes this finding",
            expected=shortened(choice(known)) if known else "channel:kind of a [[check]]; there is none",
            nearest=nearest(row["finding"], known),
        )


def _covers(check: Table, channel: str) -> bool:
    pattern: str = check["channel"]
    return channel.startswith(pattern[:-1]) if pattern.endswith("*") else channel == pattern
