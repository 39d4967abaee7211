"""Sessions of real vehicles through real adapters give what their sources state, in whatever pieces they came."""

from typing import Any

import pytest

from edge_agent.core.reading import Codes
from firmware_bridges.obd2.dialogue import Dialogue, Kind
from firmware_bridges.obd2.pids import supported
from firmware_bridges.obd2.replies import Message, Replies, codes
from tests.firmware.captures.table import count, names, note, rows
from tests.firmware.support import feed, make, said

pytestmark = pytest.mark.captures

SESSIONS = [
    (name, number) for name in names("obd/*.jsonl") if name != "none" for number in range(sum(1 for _ in rows(name)))
] or [("none", 0)]


def messages(row: dict[str, Any]) -> tuple[list[Message], int, list[str]]:
    """All that control units say in a session, how many lines of data there were, and those that were refused."""
    dialogue, replies = Dialogue(), Replies()
    heard: list[Message] = []
    lines, refused = 0, []
    for step, exchange in enumerate(row["exchanges"]):
        for kind, line in dialogue.feed(exchange["rx"].encode("latin-1"), float(step)):
            for message in replies.feed(line) if kind is Kind.DATA else ():
                lines += 1
                refused += [line] if message is None else []
                heard += [message] if message is not None else []
        replies.clear()
    return heard, lines, refused


@pytest.mark.parametrize(("name", "number"), SESSIONS)
def test_a_session_gives_what_its_source_states(name: str, number: int) -> None:
    row = list(rows(name))[number]
    heard, lines, refused = messages(row)
    expected = row["expected"]
    bridge = make("obd2", vin=True)
    items = [
        i for step, e in enumerate(row["exchanges"]) for i in feed(bridge, [e["rx"].encode("latin-1")], float(step))
    ]
    told = {quantity: value for quantity, value, _ in said(items)}
    assert not [i for i in items if isinstance(i, Codes)]  # nobody asked for a whole list
    if refused:
        note("obd", f"{row['vehicle']}: {', '.join(refused)} is no answer of a control unit")
    masks = [m.data[2:6].hex().upper() for m in heard if m.data[:1] == b"\x41" and m.data[1] in {0x00, 0x20}]
    compared = 0
    for key, value in expected.items():
        if key in {"battery_V", "rpm", "speed_kmh", "throttle_pct", "vin"}:
            quantity = {"battery_V": "battery_voltage", "rpm": "engine_speed", "speed_kmh": "speed"}.get(key)
            assert told[quantity or key.removesuffix("_pct")] == value
        elif key in {"dtcs", "dtcs_ecu_11"}:
            lists = [codes(m) for m in heard if m.data[0] == 0x47 and (key == "dtcs" or m.unit == "11")]
            assert [list(told_codes or ()) for told_codes in lists] == [value] * len(lists)
        elif key == "two_ecus":
            assert masks == value
        elif key in {"7E8", "7E9"}:
            assert {m.data[2:6].hex().upper() for m in heard if m.unit == key} == {value}
        elif key == "0120":
            assert {m.unit: m.data[2:6].hex().upper() for m in heard if m.data[:2] == b"\x41\x20"} == value
        elif key == "0100" and isinstance(value, dict):
            assert [m.data for m in heard] == [bytes.fromhex("7F0111")]
        elif key == "0100" and value == "no PIDs supported":
            assert supported(0, heard[0].data[2:6]) == frozenset()
        elif key == "0100" and value == "UNABLE TO CONNECT":
            assert heard == []
        elif key == "0100":
            assert masks == [value.split()[-1]]
        elif key == "010C":
            assert [m.data for m in heard] == [bytes.fromhex("7F0112")] * 2
            assert refused == ["410C000"] * 2
        else:
            continue  # a note on the adapter, or the length of a message
        compared += 1
    assert compared
    count("obd", lines, len(heard), len(refused), compared=compared)
