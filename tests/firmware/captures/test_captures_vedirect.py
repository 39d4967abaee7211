"""Blocks and HEX frames of real chargers and monitors, read here in another way: by cutting at their checksums."""

import re

import pytest

from edge_agent.core.reading import Reading
from firmware_bridges.vedirect.fields import NUMBERS
from tests.firmware.captures.table import count, names, path_of
from tests.firmware.support import feed, make, random_pieces

pytestmark = pytest.mark.captures

BLOCK = re.compile(rb"\r\n(?:PID|H1)\t.*?\r\nChecksum\t.", re.DOTALL)
HEX = re.compile(rb":([0-9A-F]+)\n")


@pytest.mark.parametrize("name", names("vedirect/*.dump"))
def test_every_block_decodes_to_what_it_says(name: str) -> None:
    raw = path_of(name).read_bytes()
    bridge = make("vedirect")
    items = feed(bridge, [raw])
    assert feed(make("vedirect"), random_pieces(raw, 5)) == items
    frames = HEX.findall(raw)
    assert all((int(f[:1], 16) + sum(bytes.fromhex(f[1:].decode()))) & 0xFF == 0x55 for f in frames)
    blocks = [block for block in BLOCK.findall(HEX.sub(b"", raw)) if sum(block) & 0xFF == 0]
    stated = [
        (label.decode(), int(value))
        for block in blocks
        for label, value in (line.split(b"\t") for line in block.split(b"\r\n")[1:-1])
        if label.decode() in NUMBERS and not NUMBERS[label.decode()].rare
    ]
    often = {field.name for field in NUMBERS.values() if not field.rare}
    told = [
        (i.channel.name, i.value) for i in items if isinstance(i, Reading) and i.channel.name.partition(".")[2] in often
    ]
    assert [value for _, value in told] == [
        pytest.approx(value / NUMBERS[label].per_unit, abs=1e-9) for label, value in stated
    ]
    assert bridge.faults.counts == {}
    count("vedirect", len(blocks) + len(frames), len(blocks) + len(frames), bridge, compared=len(stated))
