"""Logs of five kinds of gateways; where canboat's analyzer has been run over one, its numbers are ours."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.core.reading import Codes, Reading
from tests.firmware.captures.table import count, names, note, path_of
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures

# What the analyzer calls a field, what this bridge does, and how many of our units one of its is.
SAME = {
    (129029, "Latitude"): ("latitude", 1),
    (129029, "Longitude"): ("longitude", 1),
    (129029, "Altitude"): ("altitude", 1),
    (129029, "Number of SVs"): ("satellites", 1),
    (129029, "HDOP"): ("hdop", 1),
    (129025, "Latitude"): ("latitude", 1),
    (129025, "Longitude"): ("longitude", 1),
    (127251, "Rate"): ("rate_of_turn", 1),
    (127257, "Yaw"): ("yaw", 1),
    (127257, "Pitch"): ("pitch", 1),
    (127257, "Roll"): ("roll", 1),
    (127489, "Oil pressure"): ("oil_pressure", 100),
    (127489, "Oil temperature"): ("oil_temperature", 1),
    (127489, "Temperature"): ("engine_temperature", 1),
    (127489, "Alternator Potential"): ("alternator_voltage", 1),
    (127489, "Fuel Rate"): ("fuel_rate", 1),
    (127489, "Coolant Pressure"): ("coolant_pressure", 100),
    (127489, "Fuel Pressure"): ("fuel_pressure", 100),
    (127489, "Engine Load"): ("engine_load", 1),
    (127489, "Engine Torque"): ("engine_torque", 1),
    (130310, "Water Temperature"): ("water_temperature", 1),
    (130312, "Actual Temperature"): ("water_temperature", 1),
    (130311, "Temperature"): ("water_temperature", 1),  # of the sea, in these files
}
ROUNDING = {"latitude": 6e-7, "longitude": 6e-7, "altitude": 0.006, "rate_of_turn": 6e-5}
TEXT = re.compile(r"^\S+ \d +\d+ +\d+ (\d+) [^:]*:  (.*)$")
FIELD = re.compile(r"([\w /#-]+) = (-?\d+(?:\.\d+)?)(?: [\w/%]+)? \(bytes")
# The analyzer fills a message whose first frame is too short, and reads a time of 79 hours out of it. We refuse it.
REFUSED = "short-frame"


def analysed(path: Path) -> Iterator[tuple[str, float]]:
    """What the analyzer says of the quantities that we tell, in its order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("{"):
            report = json.loads(line)
            found = [(key, value) for key, value in report["fields"].items() if isinstance(value, int | float)]
            pgn = report["pgn"]
        else:
            match = TEXT.match(line)
            found = [(key.strip(), float(value)) for key, value in FIELD.findall(match[2])] if match else []
            pgn = int(match[1]) if match else 0
        for key, value in found:
            if (pgn, key) in SAME:
                quantity, factor = SAME[pgn, key]
                yield quantity, value * factor


@pytest.mark.parametrize("name", [name for name in names("nmea2000/*") if not name.endswith(".out")])
def test_a_log_is_understood_and_gives_the_same_wherever_it_is_cut(name: str) -> None:
    raw = path_of(name).read_bytes()
    bridge = make("nmea2000", every_s=0.0)
    items = feed(bridge, [raw])
    assert feed(make("nmea2000", every_s=0.0), random_pieces(raw, 5)) == items
    frames = raw.count(b"\x10\x02") if name.endswith(".ebl") else raw.count(b"\n") - raw.count(b"#")
    useful = sum(isinstance(item, Reading | Codes) for item in items)
    refused = sum(bridge.faults.counts.values())
    assert refused <= 6
    if refused:
        note("nmea2000", f"{name.partition('/')[2]}: {', '.join(f'{n} {c}' for c, n in bridge.faults.counts.items())}")
    count("nmea2000", frames, useful, bridge)


@pytest.mark.parametrize("name", names("nmea2000/*.out"))
def test_numbers_are_those_of_the_analyzer(name: str) -> None:
    path = path_of(name)
    stem = name.removesuffix(".out").removesuffix("-json")
    items = feed(make("nmea2000", every_s=0.0), [path_of(f"{stem}.in").read_bytes()])
    if REFUSED in name:
        assert said(items) == []
        assert codes(items) == ["sequence"]
        return
    told: dict[str, list[float]] = {}
    for item in items:
        if isinstance(item, Reading) and isinstance(item.value, int | float):
            told.setdefault(item.channel.name.partition(".")[2], []).append(item.value)
    expected: dict[str, list[float]] = {}
    for quantity, value in analysed(path):
        expected.setdefault(quantity, []).append(value)
    assert expected
    for quantity, values in expected.items():
        assert told[quantity] == [pytest.approx(value, abs=ROUNDING.get(quantity, 0.06)) for value in values], quantity
    count("nmea2000", 0, 0, compared=sum(map(len, expected.values())))
