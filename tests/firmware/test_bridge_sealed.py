"""Frames that are right outside and nonsense inside: a check sum proves no meaning, and nothing else may come out."""

from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridges.checksums import crc16_arc
from firmware_bridges.contract import check
from firmware_bridges.ems.bridge import crc8
from firmware_bridges.modbus.codec import Request, sealed
from simulators.home_emitters import sml_frame, sml_list, sml_message, sml_octets
from tests.firmware.support import feed, make

# What SML is made of: absent, texts, truths, numbers, and lists of such things, in any order.
VALUES = st.recursive(
    st.one_of(
        st.just(b"\x01"),
        st.binary(max_size=8).map(sml_octets),
        st.sampled_from([b"\x42\x01", b"\x42\x00", b"\x00", b"\x63\x07\x01", b"\x62\x1e", b"\x52\xff"]),
        st.binary(min_size=1, max_size=8).map(lambda raw: bytes([0x51 + len(raw)]) + raw),
        st.binary(max_size=4),
    ),
    lambda inner: st.lists(inner, max_size=7).map(lambda members: sml_list(*members)),
    max_leaves=12,
)
NAMES = st.sampled_from([b"\x01\x00\x01\x08\x00\xff", b"\x01\x00\x10\x07\x00\xff", b"\x01\x00"]).map(sml_octets)
ENTRIES = st.tuples(NAMES, VALUES, VALUES, VALUES, VALUES, VALUES, VALUES).map(lambda members: sml_list(*members))
LISTS = st.lists(ENTRIES | VALUES, max_size=4).map(lambda entries: sml_list(*entries))


def sml(body: bytes) -> bytes:
    response = sml_list(b"\x01", b"\x01", b"\x01", b"\x01", body, b"\x01", b"\x01")
    return sml_frame(body) + sml_frame(sml_message(0x0701, body)) + sml_frame(sml_message(0x0701, response))


def dsmr(body: bytes) -> bytes:
    text = b"/X\n" + body.replace(b"!", b"") + b"\n!"
    return text + f"{crc16_arc(text):04X}\r\n".encode()


def iec62056(body: bytes) -> bytes:
    text = bytes(byte & 0x7F for byte in body if byte & 0x7F > 3) + b"\r\n!\r\n\x03"
    return b"\x02" + text + bytes([reduce(xor, text)])


def ems(body: bytes) -> bytes:
    raw = (b"\x08\x00" + body)[:30]
    return (raw + bytes([crc8(raw)])).replace(b"\xff", b"\xff\xff") + b"\xff\x00\x00"


def otgw(body: bytes) -> bytes:
    message = int.from_bytes(body[:4].ljust(4, b"\0"), "big") & 0x7FFFFFFF
    message |= (message.bit_count() % 2) << 31
    return f"{'TBRAE'[len(body) % 5]}{message:08X}\r\n".encode()


def modbus(body: bytes) -> bytes:
    request = Request(1, "input", (body or b"\0")[0], max(1, len(body) // 2))
    return request.frame + sealed(bytes([1, 4, request.size]) + body.ljust(request.size, b"\0")[: request.size])


def pms(body: bytes) -> bytes:
    frame = b"BM\x00\x1c" + body[:26].ljust(26, b"\0")
    return frame + (sum(frame) & 0xFFFF).to_bytes(2, "big")


SEALS: dict[str, tuple[Callable[[bytes], bytes], st.SearchStrategy[bytes], dict[str, Any]]] = {
    "sml": (sml, LISTS, {}),
    "dsmr": (dsmr, st.text("0123456789.-:*()kWh\n!m3", max_size=200).map(str.encode), {}),
    "iec62056": (iec62056, st.text("0123456789.-:*&()kWhFC!\r\n", max_size=200).map(str.encode), {"mode": "listen"}),
    "ems": (ems, st.binary(max_size=30), {}),
    "otgw": (otgw, st.binary(max_size=9), {}),
    "modbus": (modbus, st.binary(max_size=200), {"map": "sdm630", "listen": True}),
    "pms": (pms, st.binary(max_size=26), {}),
}


@pytest.mark.parametrize("name", SEALS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_nonsense_in_a_right_frame_is_a_fault_or_nothing(name: str, data: st.DataObject) -> None:
    seal, bodies, options = SEALS[name]
    bridge = make(name, **options)
    items = feed(bridge, [seal(data.draw(bodies)) for _ in range(3)])
    check(items)
    assert not {"checksum", "parity"} & bridge.faults.counts.keys() or name in {"otgw", "dsmr"}
