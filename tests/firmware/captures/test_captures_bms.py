"""Frames of real batteries: JBD and Daly over wire and BLE. Batteries of other makers are named, and not read."""

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from edge_agent.core.reading import Codes, Notify, uuid
from tests.firmware.captures.table import count, names, note, path_of, rows, stated
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures


def answers(name: str) -> list[bytes]:
    return [bytes.fromhex(row["hex"]) for row in rows(name) if row["dir"] == "rx"]


def values(items: Any) -> dict[str, Any]:
    return {name: value for name, value, _ in said(items)}


def cells(told: dict[str, Any]) -> list[float]:
    return [told[f"cell_{number}"] for number in range(1, 100) if f"cell_{number}" in told]


@pytest.mark.parametrize("name", names("bms/JBD-*.jsonl"))
def test_jbd_answers_are_whole_and_questions_are_no_answers(name: str) -> None:
    frames = [bytes.fromhex(row["hex"]) for row in rows(name)]
    bridge = make("jbd")
    items = feed(bridge, frames)
    assert codes(items) == []
    assert feed(make("jbd"), random_pieces(b"".join(frames), 5)) == items
    useful = sum(frame[1] in {3, 4} for frame in answers(name))
    assert len([i for i in items if isinstance(i, Codes)]) == sum(frame[1] == 3 for frame in answers(name))
    count("jbd", len(frames), len(frames), bridge, compared=useful)


def test_jbd_values_are_those_that_the_index_states() -> None:
    name = "bms/JBD-SP04S034-L4S-200A-B-U.jsonl"
    expected = stated(name)["expected"]
    told = values(feed(make("jbd"), answers(name)[:1]))
    first = expected["0x03 first"]
    assert [told["voltage"], told["current"], told["remaining"], told["capacity"], told["charge"]] == [
        first[key] for key in ("voltage_V", "current_A", "remaining_Ah", "nominal_Ah", "soc")
    ]
    assert [told[f"temperature_{number}"] for number in (1, 2, 3)] == first["temps_C"]
    told = values(feed(make("jbd"), [next(frame for frame in answers(name) if frame[1] == 4)]))
    assert cells(told) == expected["0x04 first"]["cells_V"]
    count("jbd", 0, 0, compared=12)


def attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and value of each ATT write and notification of an Android HCI log."""
    place = 16
    while place < len(raw):
        _, size, _, _, _ = struct.unpack_from(">IIIIq", raw, place)
        packet = raw[place + 24 : place + 24 + size]
        place += 24 + size
        if packet[0] == 2 and packet[7:9] == b"\x04\x00" and len(packet) > 12:
            yield packet[9], packet[12:]


def test_an_app_that_talks_to_a_jbd_over_ble_is_understood() -> None:
    raw = path_of("bms/btsnoop_hci_jbd-sp04s034-l4s-200a-b-u.log").read_bytes()
    heard = [value for opcode, value in attributes(raw) if opcode == 0x1B and value != b"\0"]
    bridge = make("jbd")
    items = feed(bridge, (Notify(uuid(0xFF01), value) for value in heard))
    assert codes(items) == []
    joined = b"".join(heard)
    assert len([i for i in items if isinstance(i, Codes)]) == joined.count(bytes.fromhex("dd03001d"))
    told = values(items)
    assert cells(told) == [3.43, 3.425, 3.432, 3.417]
    assert told["remaining"] == 279.98
    count("jbd", len(heard), len(heard), bridge, compared=5)


@pytest.mark.parametrize("name", names("bms/daly_*.jsonl"))
def test_daly_answers_are_whole(name: str) -> None:
    frames = answers(name)
    bridge = make("daly")
    items = feed(bridge, frames)
    assert codes(items) == []
    assert feed(make("daly"), random_pieces(b"".join(frames), 5)) == items
    voltages = [value for quantity, value, _ in said(items) if quantity == "voltage"]
    assert len(voltages) == len(frames)
    for frame in frames:  # each in itself: the sum of the cells is the battery's voltage to its own rounding
        told = values(feed(make("daly"), [frame]))
        assert sum(cells(told)) == pytest.approx(told["voltage"], rel=0.005)
        assert -200 < told["current"] < 200
    count("daly", len(frames), len(frames), bridge, compared=len(frames))


def test_daly_values_are_those_that_the_index_states() -> None:
    name = "bms/daly_bms_24cells.jsonl"
    expected = stated(name)["expected"]["first_frame"]
    told = values(feed(make("daly"), answers(name)[:1]))
    assert len(cells(told)) == expected["cells"]
    assert [told["cell_1"], told["voltage"], told["current"], told["charge"]] == [
        expected[key] for key in ("cell1_V", "pack_V", "current_A", "soc_pct")
    ]
    count("daly", 0, 0, compared=5)


SAME = {
    "voltage": "voltage",
    "current": "current",
    "battery_level": "charge",
    "cycle_charge": "remaining",
    "cycles": "cycles",
    "chrg_mosfet": "charging_enabled",
    "dischrg_mosfet": "discharging_enabled",
}


def test_frames_of_aiobmsble_give_what_its_tests_assert_and_other_makers_are_named() -> None:
    others = []
    for row in rows("bms/aiobmsble_frames.jsonl"):
        if row["bms"] not in {"jbd", "daly"}:
            others.append(row["bms"])
            continue
        expected = row["expected"]
        frames = [bytes.fromhex(frame) for frame in row["frames"]]
        bridge = make(row["bms"])
        told = values(feed(bridge, frames))
        assert cells(told) == expected["cell_voltages"]
        assert {key: told[mine] for key, mine in SAME.items()} == {key: expected[key] for key in SAME}
        if "temp_values" in expected:
            assert [told[f"temperature_{i}"] for i in range(1, expected["temp_sensors"] + 1)] == expected["temp_values"]
        count(row["bms"], len(frames), len(frames), bridge, compared=len(SAME) + len(expected["cell_voltages"]))
    note("bms", f"no language for {', '.join(others)}")
