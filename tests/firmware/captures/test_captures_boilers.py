"""Lines of OpenTherm Gateways and telegrams of EMS buses decode to what the threads they are from state."""

import re
from typing import Any

import pytest

from edge_agent.core.reading import Reading
from firmware_bridges.ems.bridge import crc8
from tests.firmware.captures.table import count, note, rows
from tests.firmware.support import codes, feed, make, said

pytestmark = pytest.mark.captures
KINDS = {"Read-Data": 0, "Write-Data": 1, "Read-Ack": 4, "Write-Ack": 5}
NAMES = {
    "Relative modulation level": "modulation",
    "Remote override room setpoint": "room_setpoint_override",
    "Return water temperature": "return_temperature",
    "Boiler water temperature": "flow_temperature",
    "Control setpoint": "control_setpoint",
    "Maximum relative modulation level": "modulation_max",
}


def test_lines_of_a_gateway_say_what_its_own_log_says() -> None:
    for row in rows("opentherm/otgw_lines.jsonl"):
        line = row["line"].split()[0]
        stated = re.match(r"(\w+-\w+) ([^:]+): (.+)", row["expected"])
        assert stated is not None
        kind, name, text = stated.groups()
        assert int(line[1], 16) & 7 == KINDS[kind]
        bridge = make("otgw")
        told = {n: v for n, v, _ in said(feed(bridge, [line.encode() + b"\r\n"]))}
        believed = line[0] in "BA" and kind.endswith("Ack")
        if believed and name == "Status":
            slave = int(text.split()[1], 2)
            assert (told["flame"], told["heating"]) == (bool(slave & 8), bool(slave & 2))
        elif believed:
            assert told == {NAMES[name]: float(text)}
        else:
            assert told == {}
        count("otgw", 1, 1, bridge, compared=1)
    note("otgw", "questions (T, R) give nothing: only what the boiler acknowledges is told of it")


def marked(row: dict[str, Any]) -> bytes:
    raw = bytes.fromhex(row["telegram"] + row["crc"])
    return raw.replace(b"\xff", b"\xff\xff") + b"\xff\x00\x00"


EMS = {
    "0x18 curFlowTemp_C": "flow_temperature",
    "0x18 selFlowTemp_C": "flow_setpoint",
    "0x18 curBurnPow_pct": "burner_power",
    "0x14 uptime_min": "uptime",
}


def test_telegrams_of_a_boiler_say_what_its_owner_says() -> None:
    told: dict[str, dict[str, list[Any]]] = {}
    expected: dict[str, dict[str, Any]] = {}
    for row in rows("ems/telegrams.jsonl"):
        assert crc8(bytes.fromhex(row["telegram"])) == int(row["crc"], 16)
        bridge = make("ems")
        items = feed(bridge, [marked(row)])
        assert codes(items) == []
        values = told.setdefault(row["device"], {})
        for item in items:
            if isinstance(item, Reading):
                values.setdefault(item.channel.name.partition(".")[2], []).append(item.value)
        expected[row["device"]] = row["expected"]
        count("ems", 1, bool(items), bridge)
        if not items:
            note("ems", f"{row['telegram'][:12]}…: a question, or a type that no channel is made of")
    compared = 0
    for device, values in expected.items():
        for key, value in values.items():
            assert value in told[device][EMS[key]], (device, key)
            compared += 1
    count("ems", 0, 0, compared=compared)
