"""Conditions are declared once and whole; a probe whose need failed is never blamed."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import core
from edge_agent.core.health import CONDITIONS, Condition, Severity, code_of, condition_of, needs_of
from edge_agent.core.selftest import Found, Result, Verdict, fail, hindered, not_run, ok, overall, unknown, warn
from edge_agent.texts import languages, texts


@pytest.mark.parametrize("language", languages())
def test_every_condition_has_a_title_in_every_language_and_no_title_is_left_over(language):
    assert {f"health.{code}" for code in CONDITIONS} == {key for key in texts(language) if key.startswith("health.")}
    assert {f"verdict.{each}" for each in Verdict} == {key for key in texts(language) if key.startswith("verdict.")}


def test_conditions_need_only_conditions_that_there_are_and_never_themselves():
    for code in CONDITIONS:
        seen, new = set(), set(CONDITIONS[code].needs)
        while new:
            assert new <= CONDITIONS.keys()
            seen |= new
            new = {need for each in new for need in CONDITIONS[each].needs} - seen
        assert code not in seen


@pytest.mark.parametrize(
    ("name", "code"),
    [("serial:boiler", "serial"), ("channel web", "channel"), ("device living room", "device"), ("ble", "ble")],
)
def test_a_part_is_of_the_condition_that_its_name_begins_with(name, code):
    assert code_of(name) == code


def test_every_driver_is_of_a_condition_in_the_table():
    sources = "".join(file.read_text() for file in (Path(core.__file__).parents[1] / "drivers").glob("*.py"))
    names = set(re.findall(r'(?:name = |__init__\()f?"([a-z]+)(?::\{|")', sources))
    assert {"gpio", "ble", "serial", "can"} <= names <= CONDITIONS.keys()


def test_a_part_that_the_table_does_not_have_is_looked_at_all_the_same():
    assert condition_of("zigbee:lamp") == Condition("zigbee", Severity.WARNING)
    assert needs_of("zigbee", ["gpio"]) == ()


def test_without_tls_the_service_needs_the_connection_itself():
    way = ["link", "address", "dns", "tcp", "service"]
    assert needs_of("service", [*way, "tls"]) == ("tls", "tcp")
    assert needs_of("service", way) == ("tcp",)
    assert needs_of("test", ["link", "test"]) == ("link",)


def results(**found: Found) -> dict[str, Result]:
    return {name: Result(name, each, Severity.WARNING) for name, each in found.items()}


def test_only_a_need_that_failed_hinders_and_the_first_cause_is_named():
    there = results(link=ok(""), address=warn("", ""), dns=unknown(""), tcp=not_run(""), tls=fail("", ""))
    for name in ("link", "address", "dns", "tcp", "elsewhere"):
        assert hindered((name,), there) == ""
    assert hindered(("link", "tls"), there) == "tls"
    there["service"] = Result("service", not_run(""), Severity.ALARM, because="tls")
    assert hindered(("service",), there) == "tls"


@given(st.lists(st.sampled_from(list(Verdict))))
def test_the_worst_verdict_counts_and_what_was_not_run_counts_for_nothing(verdicts):
    whole = overall(Result("link", Found(each, ""), Severity.NOTICE) for each in verdicts)
    if Verdict.FAIL in verdicts:
        assert whole is Verdict.FAIL
    else:
        assert whole is (Verdict.WARN if Verdict.WARN in verdicts else Verdict.OK)
