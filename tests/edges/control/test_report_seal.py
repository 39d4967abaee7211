"""Anybody can sign anything: a file that is no report is told, and nothing else comes of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from edge_agent.console import cli
from edge_agent.console.report.compare import differences
from edge_agent.console.report.page import page
from edge_agent.console.report.plot import plot
from edge_agent.console.report.seal import BadReportError, embedded, fingerprint, opened, read
from edge_agent.control.types import SIGNED_AS, Report

KEY = SigningKey(bytes(32))
PARTS = {"status": {}, "help": {}, "selftest": {}, "findings": [], "plots": [], "channels": [], "queue": {}}
EMPTY = {
    "format": "edge-agent report 1",
    "made": "now",
    "language": "en",
    "config": {},
    "log": [],
    "metrics": [],
} | PARTS


def signed(plain) -> Report:
    text = json.dumps(plain).replace("<", "\\u003c")
    return Report(text, KEY.sign(SIGNED_AS + text.encode()).signature.hex(), KEY.verify_key.encode().hex())


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "state", "verdict", "points", "parts", "results", "code", "id"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(sorted(EMPTY)), PLAIN)
def test_whatever_a_signed_document_holds_only_the_named_error_comes_of_it(part, plain):
    told = EMPTY | {part: plain}
    try:
        html = page(signed(told))
        differences(EMPTY, told)
    except BadReportError:
        return
    assert html.count("<script") == 1


@pytest.mark.parametrize(("state", "told"), [("RECEIVED", True), ("RESOLVED", True), ("IDLE", False)])
def test_the_code_is_there_to_be_read_out_until_the_case_is_over(state, told):
    html = page(signed(EMPTY | {"help": {"code": "7K2M9QXA", "state": state}}))
    assert ("7K2M 9QXA" in html, 'class="qr"' in html) == (told, told)


def test_a_contact_is_on_or_off_as_everywhere_else():
    before, after = ({"channels": [{"name": "boiler.pump", "unit": "", "value": value}]} for value in (False, True))
    assert [(each.before, each.after) for each in differences(EMPTY | before, EMPTY | after)] == [("off", "on")]


def test_words_of_a_report_cannot_leave_their_place_in_the_page(tmp_path):
    evil = '</script><script>alert(1)</script><img src=x onerror="x">'
    told = EMPTY | {
        "status": {"sentence": evil, "parts": [{"ready": False, "name": evil, "sentence": evil, "fix": evil}]}
    }
    html = page(signed(told))
    assert "<img" not in html
    assert html.count("<script") == 1
    file = tmp_path / "report.html"
    file.write_text(html)
    assert opened(file)[0].told["status"]["sentence"] == evil
    assert cli.main(["report", "verify", str(file)]) == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', "nonsense", "[" * 100_000])
def test_a_document_that_is_none_is_told(text):
    with pytest.raises(BadReportError):
        read(text)


def test_a_file_without_end_is_not_read_whole(tmp_path):
    file = tmp_path / "big.html"
    file.write_bytes(b"x" * (9 << 20) + embedded(signed(EMPTY)).encode())
    with pytest.raises(BadReportError):
        opened(file)


def test_a_fingerprint_is_what_people_compare():
    key = KEY.verify_key.encode().hex()
    assert fingerprint(key) == "139e 3940 e64b 5491"
    assert fingerprint("00" * 32) != fingerprint(key)


@given(st.lists(st.tuples(st.floats(-1e6, 0), st.none() | st.booleans() | st.floats(-1e300, 1e300)), max_size=30))
def test_every_row_of_points_is_drawn_inside_its_picture(points):
    drawn = plot("a.b <c>", sorted(points, key=lambda point: point[0]), ("before", "now"))
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert ("<svg" in drawn) == any(value is not None for _, value in points)
    assert "<c>" not in drawn
