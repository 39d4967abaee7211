"""P1 telegrams of many makers decode to what they say, read here in another way."""

import re

import pytest

from edge_agent.core.reading import Item
from tests.firmware.captures.table import count, names, path_of
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures

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
    count("dsmr", 1, 1, bridge, compared=len(values) + len(counts))


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
