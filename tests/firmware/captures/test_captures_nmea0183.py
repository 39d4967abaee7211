"""NMEA 0183 logs of gpsd's own tests give the positions, speeds and depths that gpsd printed for them."""

import json
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.core.reading import Reading
from tests.firmware.captures.table import captures, count, names, note, path_of
from tests.firmware.support import feed, make, random_pieces, said

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


def log_bytes(path: Path) -> bytes:
    """The bytes of the wire: without the submitter's notes and without gpsd's marks of where a write ended."""
    lines = path.read_bytes().splitlines(keepends=True)
    notes = [line for line in lines if line.startswith(b"#")]
    raw = b"".join(line for line in lines if not line.startswith(b"#"))
    return raw.replace(b"|", b"") if any(b"Delay-Cookie: |" in note for note in notes) else raw


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
    note(
        "nmea0183", "GSV, GSA, ZDA, GST, GBS, routes and AIS give nothing; of a cycle's positions one is told, not each"
    )
    stem = Path(name).name.removesuffix(".chk")
    if stem in SIMULATED:
        assert {values[-1] for _, _, values in mismatches} == {None}
    elif stem not in BINARY:
        assert mismatches == [], f"{len(mismatches)} of {compared}"
        count("nmea0183", frames, decoded, bridge, len(mismatches), compared=compared)


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
