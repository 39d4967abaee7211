"""Pairs of question and answer from issue threads decode, overheard, to what the threads state."""

import pytest

from firmware_bridges.modbus.codec import FUNCTIONS, Request, is_right, request_at
from tests.firmware.captures.table import captures, count, rows
from tests.firmware.support import codes, feed, make, random_pieces, said

pytestmark = pytest.mark.captures
FILE = "modbus/rtu_pairs.jsonl"


def own_map(request: Request) -> str:
    """A map that reads every register or bit of this request."""
    names = (f"{{ name = 'r{n}', address = {n} }}" for n in range(request.address, request.address + request.length))
    return f"title = 'made'\nsource = 'made'\ntable = '{request.table}'\nregister = [{', '.join(names)}]\n"


def wanted(request: Request, expected: dict[str, object]) -> dict[str, int]:
    """What the threads state of the registers and bits of this request."""
    result = {}
    for key, value in expected.items():
        if key.startswith("reg_0x") and request.table in {"holding", "input"}:
            result[int(key.removeprefix("reg_0x"), 16)] = int(str(value))
        elif key.startswith({"coil": "coils_", "discrete": "discrete_"}.get(request.table, "?")):
            data = bytes.fromhex(str(value).split()[0])
            result |= {n: data[n // 8] >> n % 8 & 1 for n in range(request.length)}
    inside = range(request.address, request.address + request.length)
    return {f"r{n}": value for n, value in result.items() if n in inside}


def test_overheard_pairs_say_what_the_threads_state(tmp_path) -> None:
    captures()
    compared = 0
    for row in rows(FILE):
        asked, answered = bytes.fromhex(row["request"]), bytes.fromhex(row["response"])
        request = request_at(asked, 0)
        assert isinstance(request, Request)
        assert is_right(answered)
        assert FUNCTIONS[request.table] == asked[1]
        path = tmp_path / "own.toml"
        path.write_text(own_map(request), encoding="utf-8")
        options = {"map": str(path), "unit": request.unit, "listen": True}
        bridge = make("modbus", **options)
        items = feed(bridge, [asked + answered])
        assert feed(make("modbus", **options), random_pieces(asked + answered, 1)) == items
        told = {name: int(value) for name, value, _ in said(items)}
        want = wanted(request, row["expected"])
        assert want
        assert {name: told[name] for name in want} == want
        assert codes(items) == []
        compared += len(want)
        count("modbus", 2, 2, bridge, compared=len(want))
    assert compared >= 5
