"""Captured bytes decode to what their sources state. Runs over the folder of captures where there is one."""

import json
import re
import sys
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.core.reading import Advert, Item, Reading
from tests.firmware.support import BTHOME, captures, codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures

# What gpsd's TPV calls a value, what the bridge does, and by how much rounding may part them.
TPV = {
    "lat": ("latitude", 1e-6),
    "lon": ("longitude", 1e-6),
    "altMSL": ("altitude", 0.06),
    "speed": ("speed", 0.0011),
    "track": ("course", 0.06),
    "depth": ("depth", 0.001),
}
# Logs of receivers that spoke SiRF or UBX binary when they were taken: their golden files hold sentences that gpsd
# made up from it. An NMEA bridge has to pass such bytes over.
BINARY = {"bu303-moving.log", "bu303-nofix.log", "ublox-8-time.log"}
# A receiver in simulator mode (GGA quality 8, RMC void). gpsd reports its position, this bridge says that it is none.
SIMULATED = {"GPSmap-76S.log"}
TABLE: dict[str, Counter[str]] = {}


def names(pattern: str) -> list[str]:
    try:
        return sorted(str(path.relative_to(captures())) for path in captures().glob(pattern)) or ["none"]
    except pytest.skip.Exception:
        return ["none"]


def path_of(name: str) -> Path:
    folder = captures()  # skips with the reason
    assert name != "none", f"nothing to decode in {folder}"
    return folder / name


def log_bytes(path: Path) -> bytes:
    """The bytes of the wire: without the submitter's notes and without gpsd's marks of where a write ended."""
    lines = path.read_bytes().splitlines(keepends=True)
    notes = [line for line in lines if line.startswith(b"#")]
    raw = b"".join(line for line in lines if not line.startswith(b"#"))
    return raw.replace(b"|", b"") if any(b"Delay-Cookie: |" in note for note in notes) else raw


def count(protocol: str, bridge: Any, frames: int, decoded: int, mismatches: int) -> None:
    row = TABLE.setdefault(protocol, Counter())
    row.update(frames=frames, decoded=decoded, rejected=sum(bridge.faults.counts.values()), mismatches=mismatches)


@pytest.mark.parametrize("name", names("nmea0183/*.log"))
def test_a_log_gives_the_same_wherever_it_is_cut_and_binary_gives_nothing(name: str) -> None:
    raw = log_bytes(path_of(name))
    items = feed(make("nmea0183"), [raw])
    assert feed(make("nmea0183"), random_pieces(raw, 5)) == items
    if Path(name).name in BINARY:
        assert said(items) == []


def motion_time(packet: bytes, before: str) -> str:
    """The time (hhmmss) of the cycle whose speed was heard last."""
    return packet.split(b",")[1][:6].decode() if packet[3:7] == b"RMC," else before


def sentences(golden: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The packets and the reports of a golden file, one of both at a time, in their order."""
    for line in golden.read_bytes().splitlines(keepends=True):
        yield (b"", json.loads(line)) if line.startswith(b"{") else (line, {})


@pytest.mark.parametrize("name", names("nmea0183/*.log.chk"))
def test_positions_speeds_and_depths_are_those_of_gpsd(name: str) -> None:
    path = path_of(name)
    bridge = make("nmea0183")
    told: dict[str, deque[Any]] = {}
    mismatches: list[tuple[str, float, list[Any]]] = []
    compared = frames = decoded = 0
    moved = ""
    for packet, report in sentences(path):
        items = list(bridge.feed(packet, 0.0)) if packet else []
        frames += packet.startswith((b"$", b"!"))
        decoded += bool(items)
        moved = motion_time(packet, moved)
        for item in items:
            if isinstance(item, Reading):
                told.setdefault(item.channel.name.partition(".")[2], deque(maxlen=4)).append(item.value)
        if report.get("class") != "TPV":
            continue
        for key, (quantity, rounding) in TPV.items():
            at = report.get("time", "")[11:19].replace(":", "")
            if key not in report or (key == "speed" and at and moved and at != moved):
                continue  # gpsd computes a speed from two positions where a cycle has none; it is not in the bytes
            compared += 1
            values = told.get(quantity, ())
            if not any(value is not None and abs(value - report[key]) <= rounding for value in values):
                mismatches.append((key, report[key], list(values)))
    stem = Path(name).name.removesuffix(".chk")
    if stem in SIMULATED:
        assert {values[-1] for _, _, values in mismatches} == {None}
    elif stem not in BINARY:
        assert mismatches == [], f"{len(mismatches)} of {compared}"
        count("nmea0183", bridge, frames, decoded, len(mismatches))
        TABLE["nmea0183"]["compared"] += compared


def test_the_log_itself_gives_what_its_golden_file_gives() -> None:
    folder = captures()
    lost: dict[str, int] = {}
    for path in sorted((folder / "nmea0183").glob("*.log")):
        golden = path.with_name(path.name + ".chk")
        if path.name in BINARY or not golden.is_file():
            continue
        of_log = Counter(said(feed(make("nmea0183"), [log_bytes(path)])))
        of_gold = Counter(said(feed(make("nmea0183"), (packet for packet, _ in sentences(golden) if packet))))
        lost[path.name] = (of_gold - of_log).total()
    assert {name: number for name, number in lost.items() if number} == {}


UNIT_VALUE = re.compile(r"\((-?[\d.]+)\*(\w+)\)$")
PREFIX = {"Wh": ("kWh", 1e-3), "W": ("kW", 1e-3), "varh": ("kvarh", 1e-3), "var": ("kvar", 1e-3)}
PLAIN = {"0-0:96.14.0": "tariff", "0-0:96.7.21": "power_failures", "0-0:96.7.9": "long_power_failures"} | {
    f"1-0:{c}.{d}.0": f"{what}_{phase}"
    for c, phase in ((32, "l1"), (52, "l2"), (72, "l3"))
    for d, what in ((32, "sags"), (36, "swells"))
}


def stated(text: str) -> tuple[list[tuple[float, str]], dict[str, int]]:
    """What a telegram says, read in another way than the bridge does: values with units in order, and counts."""
    text = re.sub(r"\(m3\)\r?\n\(([\d.]+)\)", r"(\1*m3)", text)
    values, counts = [], {}
    for line in text.splitlines():
        code = line.partition("(")[0].removesuffix("*255")
        match = UNIT_VALUE.search(line)
        if match and code not in {"0-0:98.1.0", "1-0:99.97.0"}:
            unit, factor = PREFIX.get(match[2], (match[2], 1.0))
            values.append((pytest.approx(float(match[1]) * factor, abs=1e-9), unit))
        if code in PLAIN:
            counts[PLAIN[code]] = int(line.split("(")[1].rstrip(")"))
    return values, counts


@pytest.mark.parametrize("name", names("dsmr/*.txt"))
def test_a_telegram_decodes_to_what_it_says(name: str) -> None:
    raw = path_of(name).read_bytes()
    bridge = make("dsmr")
    items: list[Item] = feed(bridge, [raw])
    assert feed(make("dsmr"), random_pieces(raw, 5)) == items
    values, counts = stated(raw.decode("latin-1"))
    assert [(value, unit) for _, value, unit in said(items) if unit] == values
    assert {quantity: value for quantity, value, _ in said(items) if quantity in set(PLAIN.values())} == counts
    assert codes(items) == []
    count("dsmr", bridge, 1, 1, 0)


@pytest.mark.parametrize("name", names("dsmr/*.txt"))
def test_a_telegram_with_one_digit_changed_gives_nothing_if_it_has_a_crc(name: str) -> None:
    raw = path_of(name).read_bytes()
    if not re.search(rb"\n![0-9A-F]{3,4}\r\n", raw):
        pytest.skip(f"{name} is of a meter that sends no CRC")
    place = raw.index(b"*k" if b"*k" in raw else b"*")
    wrong = raw[: place - 1] + (b"7" if raw[place - 1 : place] != b"7" else b"3") + raw[place:]
    items = feed(make("dsmr"), [wrong])
    assert said(items) == []
    assert codes(items) == ["checksum"]


SAME = {"signal_strength": "rssi", "carbon_dioxide": "co2", "volatile_organic_compounds": "tvoc"}
FLAGS = {"power": "power_on", "battery": "battery_low", "gas": "gas_detected", "moisture": "wet"}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's values under the bridge's names. The packet id is no reading; times are seconds here, dates there."""
    result: dict[str, Any] = {}
    for key, value in row["expected"].items():
        if key.startswith("event:"):
            steps = (value["props"] or {}).get("steps")
            sign = -1 if value["type"] == "rotate_left" else 1
            result[key.removeprefix("event:")] = value["type"] if steps is None else sign * steps
        elif key == "timestamp":
            result[key] = 1684093277  # 2023-05-14 19:41:17 UTC in both rows
        elif key != "packet_id":
            name = FLAGS.get(key, key) if isinstance(value, bool) else SAME.get(key, key)
            result[name.removesuffix("_1")] = value
    return result


@pytest.mark.parametrize("encrypted", [False, True])
def test_adverts_decode_to_what_bthome_ble_asserts(encrypted: bool) -> None:
    file = captures() / "ble" / "bthome_ble.jsonl"
    if encrypted:
        pytest.importorskip("cryptography", reason="rows with a key need the optional cryptography")
    bridge: Any = None
    state: dict[str, Any] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        raw = row["adv"]["service_data"].get(BTHOME)
        if raw is None or bool(row["bindkey"]) is not encrypted:
            continue
        if row["i"] == 0:  # the rows of a test speak of one device after another, and state what is known then
            bridge, state = make("bthome", key=row["bindkey"] or ""), {}
        adv = row["adv"]
        chunk = Advert(adv["address"], adv["name"], adv["rssi"], {BTHOME: bytes.fromhex(raw)}, {})
        state = {name: value for name, value in state.items() if name not in {"button", "dimmer"}}
        before = sum(bridge.faults.counts.values())
        state |= {name: value for name, value, _ in said(bridge.feed(chunk, float(row["i"])))}
        TABLE.setdefault("bthome", Counter()).update(
            frames=1, decoded=1, rejected=sum(bridge.faults.counts.values()) - before, mismatches=state != expected(row)
        )
        assert state == expected(row), row["test"]


def test_adverts_of_version_1_are_refused() -> None:
    file = captures() / "ble" / "bthome_ble.jsonl"
    refused = 0
    for line in file.read_text(encoding="utf-8").splitlines():
        adv = json.loads(line)["adv"]
        if BTHOME in adv["service_data"]:
            continue
        data = {uuid: bytes.fromhex(raw) for uuid, raw in adv["service_data"].items()}
        assert codes(feed(make("bthome"), [Advert(adv["address"], "", -60, data, {})])) == ["unsupported"]
        refused += 1
    assert refused


def test_zz_the_table(capsys) -> None:
    captures()
    with capsys.disabled():
        TABLE.setdefault("nmea0183", Counter())
        sys.stdout.write(f"\nvalues compared with gpsd: {TABLE['nmea0183']['compared']}")
        sys.stdout.write("\nprotocol    frames  decoded  rejected  mismatches\n")
        for protocol, row in sorted(TABLE.items()):
            cells = f"{row['frames']:7} {row['decoded']:8} {row['rejected']:9} {row['mismatches']:11}"
            sys.stdout.write(f"{protocol:10} {cells}\n")
