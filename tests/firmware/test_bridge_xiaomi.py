"""MiBeacon: frames of every version, encryption with its counter, objects that lie."""

import struct
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.reading import Advert, uuid
from firmware_bridges.xiaomi.models import MODELS
from firmware_bridges.xiaomi.objects import OBJECTS
from tests.firmware.support import codes, feed, make, said

ADDRESS = "A4:C1:38:00:00:01"
REVERSED = bytes.fromhex("01000038c1a4")
KEY = "231d39c1d7cc1ab1aee224cd096db932"
WARM = bytes.fromhex("041002b400")  # object 1004, 18.0 Cel
THERMOMETER, REMOTE = 0x01AA, 0x0153


def frame(
    body: bytes, control: int = 0x5050, product: int = THERMOMETER, counter: int = 1, head: bytes = b""
) -> Advert:
    """An advert with this body behind the address; `head` is the capability."""
    raw = struct.pack("<HHB", control, product, 1) + (REVERSED if control & 0x10 else b"") + head + body
    return Advert(ADDRESS, "", -60, {uuid(0xFE95): raw}, {})


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_plain_frame_of_every_version_is_read(version: int) -> None:
    assert said(feed(make("xiaomi"), [frame(WARM, version << 12 | 0x50)]))[0] == ("temperature", 18.0, "Cel")


@pytest.mark.parametrize("control", [0x0050, 0x1050, 0x50D0])
def test_older_frames_and_mesh_are_unsupported(control: int) -> None:
    assert codes(feed(make("xiaomi"), [frame(WARM, control)])) == ["unsupported"]


@pytest.mark.parametrize(("head", "control"), [(b"\x09", 0x5070), (b"\x20\x01", 0x5070), (b"", 0x5040)])
def test_a_capability_and_a_missing_address_are_passed_over(head: bytes, control: int) -> None:
    assert said(feed(make("xiaomi"), [frame(WARM, control, head=head)]))[0] == ("temperature", 18.0, "Cel")


def test_a_frame_without_objects_says_nothing_but_that_a_scale_is_empty() -> None:
    assert feed(make("xiaomi"), [frame(b"", 0x5010)]) == []
    assert said(feed(make("xiaomi"), [frame(b"", 0x5010, product=0x30D9)]))[0] == ("steady", False, "")


def test_a_product_that_is_not_known_is_read_all_the_same_and_not_recognised() -> None:
    advert = frame(WARM, product=0xFFF0)
    assert said(feed(make("xiaomi"), [advert]))[0] == ("temperature", 18.0, "Cel")
    assert 0xFFF0 not in MODELS


@pytest.mark.parametrize("number", sorted(OBJECTS), ids=hex)
def test_an_object_that_is_too_short_is_a_fault_and_its_neighbour_is_told(number: int) -> None:
    least = OBJECTS[number][0]
    for size in range(least):
        body = struct.pack("<HB", number, size) + bytes(size) + WARM
        items = feed(make("xiaomi"), [frame(body)])
        assert codes(items) == ["truncated"]
        assert ("temperature", 18.0, "Cel") in said(items)


@given(st.sampled_from(sorted(OBJECTS)), st.binary(max_size=20), st.sampled_from(sorted(MODELS)))
def test_any_bytes_in_any_object_of_any_model_raise_nothing(number: int, raw: bytes, product: int) -> None:
    feed(make("xiaomi"), [frame(struct.pack("<HB", number, len(raw)) + raw, product=product)])


@pytest.mark.parametrize("size", range(21))
def test_a_frame_cut_short_anywhere_tells_no_value(size: int) -> None:
    whole = frame(WARM).service_data[uuid(0xFE95)]
    items = feed(make("xiaomi"), [Advert(ADDRESS, "", -60, {uuid(0xFE95): whole[: min(size, len(whole) - 1)]}, {})])
    assert said(items) == []


class TestWithAKey:
    """Needs the optional `cryptography`."""

    @pytest.fixture(autouse=True)
    def library(self) -> None:
        pytest.importorskip("cryptography", reason="the optional cryptography is not installed")

    def sealed(self, counter: int, plain: bytes = WARM, extension: int = 0) -> Advert:
        aead = import_module("cryptography.hazmat.primitives.ciphers.aead")
        head, tail = struct.pack("<HHB", 0x5058, THERMOMETER, counter), extension.to_bytes(3, "little")
        raw = aead.AESCCM(bytes.fromhex(KEY), tag_length=4).encrypt(REVERSED + head[2:] + tail, plain, b"\x11")
        return Advert(ADDRESS, "", -60, {uuid(0xFE95): head + REVERSED + raw[:-4] + tail + raw[-4:]}, {})

    def old(self, plain: bytes, key: bytes) -> Advert:
        """Version 3: counter mode from block 1 on, and one byte that nobody looks at."""
        ciphers = import_module("cryptography.hazmat.primitives.ciphers")
        head, extension = struct.pack("<HHB", 0x3058, REMOTE, 7), b"\x01\x02\x03"
        block = b"\x01" + head + extension + REVERSED[:5] + b"\0\1"
        stream = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.ECB()).encryptor().update(block)
        body = bytes(a ^ b for a, b in zip(plain, stream, strict=False))
        return Advert(ADDRESS, "", -60, {uuid(0xFE95): head + REVERSED + body + extension + b"\x99"}, {})

    def values(self, bridge: Any, advert: Advert, at: float) -> list[Any]:
        return said(bridge.feed(advert, at))[:-1]

    def test_a_recording_of_an_older_advert_is_not_believed(self) -> None:
        bridge = make("xiaomi", key=KEY)
        assert self.values(bridge, self.sealed(5, extension=9), 0.0) == [("temperature", 18.0, "Cel")]
        assert self.values(bridge, self.sealed(6, extension=9), 10.0)
        assert codes(bridge.feed(self.sealed(5, extension=9), 3600.0)) == ["replay"]

    def test_the_same_advert_is_told_once_however_late_it_comes_again(self) -> None:
        bridge = make("xiaomi", key=KEY)
        press = bytes.fromhex("0c4a00")
        assert self.values(bridge, self.sealed(5, press, 9), 0.0) == [("button", "press", "")]
        assert list(bridge.feed(self.sealed(5, press, 9), 3600.0)) == []

    def test_the_counter_goes_on_over_the_end_of_its_first_byte_and_anew_with_a_new_battery(self) -> None:
        bridge = make("xiaomi", key=KEY)
        assert self.values(bridge, self.sealed(255, extension=9), 0.0)
        assert self.values(bridge, self.sealed(0, extension=10), 10.0)
        assert self.values(bridge, self.sealed(1), 3600.0)

    def test_a_plain_advert_and_a_wrong_key_are_refused(self) -> None:
        assert codes(feed(make("xiaomi", key=KEY), [frame(WARM)])) == ["plain"]
        assert codes(feed(make("xiaomi", key="00" * 16), [self.sealed(1)])) == ["key"]

    @pytest.mark.parametrize("middle", ["", "8d3d3c97"])
    def test_a_remote_before_version_4_opens_with_its_short_key_and_with_the_long_form_of_it(self, middle: str) -> None:
        short = "b853075158487ca39a5b5ea9"
        key = bytes.fromhex(short[:12] + "8d3d3c97" + short[12:])
        advert = self.old(bytes.fromhex("0110030000") + b"\x00", key)
        bridge = make("xiaomi", key=short[:12] + middle + short[12:])
        assert self.values(bridge, advert, 0.0) == [("button_on", "press", "")]
        assert codes(feed(make("xiaomi", key="00" * 12), [advert])) == ["key"]

    def test_a_frame_without_a_tag_is_not_believed_of_a_device_whose_frames_have_one(self) -> None:
        advert = self.old(bytes.fromhex("0110030000") + b"\x00", bytes.fromhex(KEY))
        assert codes(feed(make("xiaomi", key=KEY), [advert])) == ["key"]
