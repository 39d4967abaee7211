"""Frames of particle and carbon dioxide sensors decode to what PyPMS's own tables have."""

import pytest

from tests.firmware.captures.table import count, rows
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures
NAMES = {
    "pm01": "pm1", "pm25": "pm25", "pm10": "pm10", "raw01": "pm1_cf1", "raw25": "pm25_cf1", "raw10": "pm10_cf1",
    "n0_3": "particles_0_3", "n0_5": "particles_0_5", "n1_0": "particles_1", "n2_5": "particles_2_5",
    "n5_0": "particles_5", "n10_0": "particles_10", "temp": "temperature", "rhum": "humidity", "CO2": "co2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "language", "options"),
    [
        ("PMSx003", "pms", {}),
        ("PMS5003T", "pms", {"model": "pms5003t"}),
        ("SDS01x", "sds011", {}),
        ("MHZ19B", "mhz19", {}),
    ],
)
def test_a_frame_says_what_the_table_has(file: str, language: str, options: dict[str, str]) -> None:
    bridge = make(language, **options)
    stream = b""
    for row in rows(f"pm/{file}.jsonl"):
        frame = bytes.fromhex(row["frame"])
        stream += frame
        told = {name: value for name, value, _ in said(feed(bridge, [frame]))}
        wanted = {NAMES[key]: value for key, value in row["expected"].items() if key != "time"}
        assert told == pytest.approx(wanted)
        count(f"{language} ({file})", 1, 1, compared=len(wanted))
    items = feed(make(language, **options), [stream])
    assert feed(make(language, **options), random_pieces(stream, 3)) == items
    assert codes(items) == []
