"""What the tests of all three ends of the native link share: the vectors, and plain values for comparing."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from firmware_bridges.native.bodies import FIELDS
from firmware_bridges.native.messages import Channels, Message, Smp

NATIVE = Path(__file__).parents[2] / "firmware_bridges" / "native"
VECTORS = json.loads((NATIVE / "vectors" / "frames.json").read_text(encoding="utf-8"))
FRAMES = VECTORS["frames"]
BAD = VECTORS["bad"]
STREAMS = VECTORS["streams"]


def named(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Arguments for parametrize: the rows with their names."""
    return {"argvalues": rows, "ids": [row["name"] for row in rows]}


def plain(said: Any) -> Any:
    """What a vector says, in Python's words: `hex` are bytes, `map` is a dict."""
    if isinstance(said, dict):
        if "hex" in said:
            return bytes.fromhex(said["hex"])
        return {key: plain(value) for key, value in said["map"]}
    return [plain(each) for each in said] if isinstance(said, list) else said


def keyed(message: Message) -> Any:
    """A message by the keys of its body, without what has its default."""
    if isinstance(message, Smp):
        return message.frame
    if isinstance(message, Channels):
        return {number: [each.name, each.unit, each.kind] for number, each in message.described.items()}
    defaults = {field.name: field.default for field in fields(message)}
    row = FIELDS[type(message)][1]
    said = {key: getattr(message, name) for key, (name, _) in enumerate(row)}
    return {key: value for key, value in said.items() if value != defaults[row[key][0]]}
