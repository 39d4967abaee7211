"""A readout of a Landis+Gyr ZMD405, and P1 telegrams, which are readouts that come by themselves."""

import re

import pytest

from firmware_bridges.obis import ELECTRICITY
from tests.firmware.captures.table import count, names, note, path_of
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures
REGISTER = re.compile(r"^(?:1-\d:)?(\d+\.\d+\.\d+)(?:\*255)?\((-?[\d.]+)\*(k?)(?:Wh|W|varh|var|V|A|Hz)\)", re.MULTILINE)


@pytest.mark.parametrize("name", names("iec62056_21/*.txt"))
def test_a_readout_decodes_to_what_it_says(name: str) -> None:
    raw = path_of(name).read_bytes()
    bridge = make("iec62056", mode="listen")
    items = feed(bridge, [raw])
    assert feed(make("iec62056", mode="listen"), random_pieces(raw, 5)) == items
    wanted = [float(m[2]) for m in REGISTER.finditer(raw.decode("ascii").replace("\r", "")) if m[1] in ELECTRICITY]
    told = [value for _, value, unit in said(items) if unit]
    assert told == wanted
    assert wanted
    assert codes(items) == []
    count("iec62056", raw.count(b"\n"), len(wanted), bridge, compared=len(wanted))
    note(
        "iec62056", "of the ZMD405's lines the clock, the numbers, past months and the end of the readout give nothing"
    )


@pytest.mark.parametrize("name", names("dsmr/ESY*.txt"))
def test_a_meter_that_pushes_says_the_same_in_both_languages(name: str) -> None:
    raw = path_of(name).read_bytes()
    assert said(feed(make("iec62056", mode="listen"), [raw])) == said(feed(make("dsmr"), [raw]))
