"""The configuration of an agent that watches a world, as TOML."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from simulators.scenario import NO_LINE, DeviceSpec, Lines


def toml(value: Any) -> str:
    """A value as TOML: truth, number, text, list or table of such."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_text(str(k))} = {toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    """A JSON text is a TOML text, but for DEL, which only TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def table(header: str, values: Mapping[str, Any]) -> str:
    """One table with its header; keys without a value are left out."""
    lines = [header, *(f"{key} = {toml(value)}" for key, value in values.items() if value not in ({}, None))]
    return "\n".join(lines) + "\n"


def agent_config(
    lines: Lines,
    serial: Sequence[tuple[DeviceSpec, str]],
    ble: Sequence[DeviceSpec],
    contacts: Sequence[DeviceSpec],
    checks: Sequence[Mapping[str, Any]],
    rules: Sequence[Mapping[str, Any]] = (),
) -> str:
    """[[serial]], [ble], [gpio], [[check]] and [[help.rules]] tables; `serial` each has its port's path."""
    parts = [
        table(
            "[[serial]]",
            {"name": d.name, "port": port, "language": d.language, "kind": d.kind or None, "options": d.options},
        )
        for d, port in serial
    ]
    parts += [
        table(
            "[[ble.device]]",
            {
                "name": d.name,
                "address": d.address,
                "language": d.language,
                "kind": d.kind or None,
                "options": d.options,
            },
        )
        for d in ble
    ]
    parts += _outputs(lines)
    parts += [
        table(
            "[[gpio.input]]",
            {
                "name": d.name,
                "line": d.line,
                "pull": "up" if d.active == "low" else "down",
                "active": d.active,
                "language": d.language,
                "kind": d.kind or None,
                "options": d.options,
            },
        )
        for d in contacts
    ]
    parts += [table("[[check]]", check) for check in checks]
    parts += [table("[[help.rules]]", rule) for rule in rules]
    return "\n".join(parts)


def _outputs(lines: Lines) -> list[str]:
    parts = []
    if lines.button != NO_LINE:
        parts.append(table("[gpio.button]", {"line": lines.button, "pull": "up", "active": "low"}))
    colours = {"red": lines.red, "green": lines.green, "blue": lines.blue}
    lamp = {colour: line for colour, line in colours.items() if line != NO_LINE}
    if lamp:
        parts.append(table("[gpio.lamp]", lamp))
    if lines.buzzer != NO_LINE:
        parts.append(table("[gpio.buzzer]", {"line": lines.buzzer}))
    return parts
