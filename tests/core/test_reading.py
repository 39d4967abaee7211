from edge_agent.core.ports import Gatt
from edge_agent.core.reading import Send, uuid


def test_a_16_bit_uuid_stands_for_a_full_one() -> None:
    assert uuid(0x2A19) == "00002a19-0000-1000-8000-00805f9b34fb"


def test_what_a_bridge_sends_goes_where_its_language_usually_writes_unless_it_says_otherwise() -> None:
    assert Send(b"x") == (b"x", "", 0)
    assert Send(b"x", uuid(0x2A00)).characteristic == uuid(0x2A00)


def test_a_language_names_its_characteristics_once() -> None:
    level = uuid(0x2A19)
    assert Gatt((level,), {level: 3600.0, "b": 0.0}, "c").characteristics == {level, "b", "c"}
    assert Gatt().characteristics == frozenset()
