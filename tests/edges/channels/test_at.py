"""The dialogue with a modem: echo or none, whole or byte by byte, with anything between the lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.uplink.channels.at import MAX_LINE_BYTES, Dialogue, error_of, numbers


def talk(command, answer, prefix="", size=1000):
    dialogue = Dialogue()
    assert dialogue.ask(command, prefix) == command.encode() + b"\r"
    for start in range(0, len(answer), size):
        dialogue.feed(answer[start : start + size])
    return dialogue


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("echo", [b"", b"AT+CSQ\r"])
def test_an_answer_is_found_with_echo_and_without_and_in_any_pieces(size, echo):
    said = echo + b"\r\nRING\r\n\r\n+CREG: 1\r\n\r\n+CSQ: 18,99\r\n\r\nOK\r\n"
    dialogue = talk("AT+CSQ", said, "+CSQ:", size)
    assert dialogue.answer.lines == ("+CSQ: 18,99",)
    assert dialogue.answer.error is None
    assert list(dialogue.between) == ["RING", "+CREG: 1"]


def test_messages_keep_their_units_with_their_heads_wherever_they_come():
    said = b"+CMGL: 1,0,,24\r\n0011\r\n+CMT: ,24\r\n0022\r\n+CMGL: 2,1,,24\r\n0033\r\nOK\r\n"
    dialogue = talk("AT+CMGL=4", said, "+CMGL:")
    assert dialogue.answer.lines == ("+CMGL: 1,0,,24", "0011", "+CMGL: 2,1,,24", "0033")
    assert list(dialogue.between) == ["+CMT: ,24", "0022"]


def test_a_prompt_is_seen_and_what_is_given_is_not_taken_for_an_answer():
    dialogue = talk("AT+CMGS=20", b"AT+CMGS=20\r\r\n> ", "+CMGS:", 1)
    assert dialogue.prompted
    assert dialogue.give("0011AA") == b"0011AA\x1a"
    dialogue.feed(b"0011AA\x1a\r\n\r\n+CMGS: 4\r\n\r\nOK\r\n")
    assert dialogue.answer.lines == ("+CMGS: 4",)


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ("ERROR", "the modem said no, and not why", 0),
        ("NO CARRIER", "the modem said no carrier", 0),
        ("+CMS ERROR: 331", "the modem says: there is no network (+CMS 331)", 331),
        ("+CME ERROR: 10", "the modem says: there is no SIM card in it (+CME 10)", 10),
        ("+CME ERROR: 999", "the modem says: an error (+CME 999)", 999),
        ("+CMS ERROR: SIM busy", "the modem says: SIM busy", 0),
        ("+CMS ERROR:", "the modem says: an error", 0),
    ],
)
def test_errors_are_told_in_words(line, said, code):
    assert talk("AT+X", line.encode() + b"\r\n").answer.error.args[0] == said
    assert error_of(line).code == code


def test_what_comes_when_nothing_was_asked_is_set_aside():
    dialogue = Dialogue()
    dialogue.feed(b'\r\n+CMTI: "SM",3\r\n\r\nOK\r\n')
    assert list(dialogue.between) == ['+CMTI: "SM",3', "OK"]
    assert dialogue.answer is None


def test_numbers_of_answers():
    assert numbers("+CREG: 0,5") == [0, 5]
    assert numbers('+CREG: 2,1,"00C3","A1B2",7') == [2, 1, 7]
    assert numbers('+CMTI: "SM",3') == [3]
    assert numbers("nothing") == []


def test_a_line_without_an_end_is_given_up():
    dialogue = Dialogue()
    for _ in range(100):
        dialogue.feed(b"x" * 1000)
    assert len(dialogue._buffer) <= MAX_LINE_BYTES + 1000


@given(st.lists(st.binary(max_size=60), max_size=30), st.booleans())
def test_no_bytes_of_a_modem_raise_anything(chunks, asked):
    dialogue = Dialogue()
    if asked:
        dialogue.ask("AT+CMGL=4", "+CMGL:")
    for chunk in chunks:
        dialogue.feed(chunk)
    assert len(dialogue.between) <= 100


@given(
    st.lists(
        st.sampled_from([b"OK\r\n", b"+CMGL: 1\r\n", b"ERROR\r", b"> ", b"+CMS ERROR: 3\r\n", b"AB\r\n"]), max_size=40
    )
)
def test_lines_in_any_order_raise_nothing(lines):
    dialogue = Dialogue()
    dialogue.ask("AT+CMGL=4", "+CMGL:")
    for line in lines:
        dialogue.feed(line)
