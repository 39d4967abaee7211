"""SMS protocol data units, against messages of the literature and anything at all."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.errors import WireError
from edge_agent.core.gsm7 import _BASIC, _EXTENDED, pack_septets, septets_of, text_of_septets, unpack_septets
from edge_agent.core.sms import Sms, decode_deliver, decode_submit, encode_deliver, encode_submit

ALPHABET = [character for character in _BASIC if character != "\x1b"] + list(_EXTENDED.values())
numbers = st.tuples(st.sampled_from(["", "+"]), st.text("0123456789", min_size=1, max_size=20)).map("".join)


def test_the_packing_of_the_standard():
    # TS 23.038, 6.1.2.1.1: characters one to eight fill seven bytes; and the nine of the usual example
    assert pack_septets(septets_of("12345678", 160)).hex() == "31d98c56b3dd70"
    assert pack_septets(septets_of("hellohello", 160)).hex().upper() == "E8329BFD4697D9EC37"


def test_the_alphabet_has_its_characters_where_the_standard_has_them():
    # TS 23.038, 6.2.1 and 6.2.1.1
    for character, septets in {
        "@": [0],
        "Δ": [16],
        " ": [32],
        "A": [65],
        "ä": [123],
        "à": [127],
        "€": [27, 101],
    }.items():
        assert septets_of(character, 10) == septets
    assert len(_BASIC) == 128


@pytest.mark.parametrize(
    ("pdu", "number", "text"),
    [
        # the example of gnokii's and most other PDU descriptions
        (
            "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07",
            "+31641600986",
            "How are you?",
        ),
        # "SMS and the PDU format", dreamfabric.com/sms
        ("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37", "27838890001", "hellohello"),
    ],
)
def test_messages_of_the_literature_are_read(pdu, number, text):
    assert decode_deliver(pdu) == Sms(number, text=text)


def test_a_text_goes_out_as_in_the_literature():
    # "SMS and the PDU format", dreamfabric.com/sms: the same with four days (AA) instead of one (A7)
    pdu = encode_submit(Sms("+46708251358", text="hellohello"))
    assert pdu.hexadecimal == "0011000B916407281553F80000A70AE8329BFD4697D9EC37"
    assert pdu.length == 23


def test_data_goes_out_as_eight_bit():
    pdu = encode_submit(Sms("+46708251358", data=b"\x01\x02\xff"))
    assert pdu.hexadecimal == "0011000B916407281553F80004A7030102FF"
    assert pdu.length == 17


@given(numbers, st.binary(min_size=1, max_size=140))
def test_data_comes_back_both_ways(number, data):
    assert decode_submit(encode_submit(Sms(number, data=data)).hexadecimal) == Sms(number, data=data)
    assert decode_deliver(encode_deliver(Sms(number, data=data)).hexadecimal) == Sms(number, data=data)


@given(numbers, st.text(ALPHABET, max_size=80))
def test_text_comes_back_both_ways(number, text):
    assert decode_submit(encode_submit(Sms(number, text=text)).hexadecimal) == Sms(number, text=text)
    assert decode_deliver(encode_deliver(Sms(number, text=text)).hexadecimal) == Sms(number, text=text)


@given(st.text(max_size=300))
def test_any_text_goes_out_in_one_message(text):
    pdu = encode_submit(Sms("+1", text=text))
    assert len(pdu.hexadecimal) <= 2 * (1 + pdu.length) <= 2 * 165
    back = decode_submit(pdu.hexadecimal).text
    assert len(back) <= 160
    assert len(septets_of(back, 1000)) <= 160


@pytest.mark.parametrize("number", ["", "+", "12a4x", "1" * 21, "+49 170", "äh"])
def test_what_is_no_number_is_a_named_error(number):
    with pytest.raises(WireError):
        encode_submit(Sms(number, text="x"))


def test_more_than_one_message_is_a_named_error():
    with pytest.raises(WireError):
        encode_submit(Sms("+1", data=bytes(141)))


def test_a_name_for_a_sender_and_ucs2_are_read():
    # alphanumeric: the length counts half bytes of the packed name (TS 23.040, 9.1.2.5)
    packed = pack_septets(septets_of("Alphanu", 11)).hex()
    pdu = "00" + "04" + "0d" + "d0" + packed + "00" + "08" + "62011000000000" + "04" + "00e42665"
    assert decode_deliver(pdu) == Sms("Alphanu", text="ä♥")


def test_a_header_is_skipped_in_data_and_in_text():
    header = "0500030a0201"
    data = "00" + "44" + "0491" + "2143" + "0004" + "62011000000000" + "08" + header + "abcd"
    assert decode_deliver(data) == Sms("+1234", data=b"\xab\xcd")
    septets = [0] * 7 + septets_of("hi", 10)
    packed = bytearray(pack_septets(septets))
    packed[:6] = bytes.fromhex(header)
    text = "00" + "44" + "0491" + "2143" + "0000" + "62011000000000" + "09" + packed.hex()
    assert decode_deliver(text).text == "hi"


def test_a_status_report_is_none_of_ours():
    with pytest.raises(WireError, match="another kind"):
        decode_deliver("0006" + "00" * 20)


@given(st.text("0123456789ABCDEFabcdef", max_size=400) | st.text(max_size=50))
def test_anything_at_all_is_a_message_or_a_named_error(pdu):
    for decode in (decode_deliver, decode_submit):
        with suppress(WireError):
            assert isinstance(decode(pdu), Sms)


@given(st.binary(max_size=140), st.integers(0, 400))
def test_a_message_that_is_cut_is_a_named_error(data, length):
    pdu = encode_deliver(Sms("+491701234567", data=data or b"x")).hexadecimal
    if 2 <= length < len(pdu):
        with pytest.raises(WireError):
            decode_deliver(pdu[: length // 2 * 2])


@given(st.lists(st.integers(0, 127), max_size=170))
def test_septets_come_back(septets):
    assert unpack_septets(pack_septets(septets), len(septets)) == septets
    assert isinstance(text_of_septets(septets), str)
