"""Playbooks' signs and matches: findings in, diagnoses out."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.finding import Change, Confidence, Finding, FindingState, Severity
from edge_agent.core.guard import Guard
from edge_agent.core.playbook import Diagnosis, Match, Playbook, Sign, Told

LOW = Sign("range", "pressure", "low")
COLD = Sign("range", "flow", "low")
NO_OTHERS: dict[str, list[str]] = {}


def playbook(match: Match, clear_s: float = 0.0) -> Playbook:
    told = {"en": Told("Water", "It loses water", "Top it up."), "de": Told("Wasser", "Es verliert", "Nachfüllen.")}
    return Playbook("water", ("boiler",), Severity.WARNING, Confidence.LIKELY, match, told, clear_s=clear_s)


def diagnosis(match: Match, clear_s: float = 0.0) -> Diagnosis:
    return Diagnosis(playbook(match, clear_s), "boiler", lambda kind: NO_OTHERS.get(kind, []))


def finding(sign: Sign, *, over: bool = False, device: str = "boiler", side: str | None = None) -> Finding:
    state = FindingState.CLEARED if over else FindingState.CONFIRMED
    channel = f"{device}.{sign.quantity}" if sign.quantity else device
    said = f"{channel} is {sign.side}."
    found = sign.side if side is None else side
    return Finding(b"i" * 16, channel, sign.check, state, Severity.WARNING, said, 0.0, "boot", side=found)


def test_one_sign_is_a_diagnosis_that_ends_with_it():
    it = diagnosis(Match(all=(LOW,)))
    assert it.see(finding(LOW), 1.0) == Change(FindingState.CONFIRMED, "boiler.pressure is low.", 1.0)
    assert it.stands
    assert it.findings == {"boiler.pressure:range"}
    change = it.see(finding(LOW, over=True), 9.0)
    assert change is not None
    assert change.state is FindingState.CLEARED
    assert not it.stands


def test_a_pressure_that_is_too_high_is_not_one_that_is_too_low():
    it = diagnosis(Match(all=(LOW,)))
    assert it.see(finding(LOW, side="high"), 1.0) is None


def test_another_boiler_is_another_boiler():
    it = diagnosis(Match(all=(LOW,)))
    assert it.see(finding(LOW, device="boiler2"), 1.0) is None


def test_all_needs_every_sign_and_any_needs_one():
    both = diagnosis(Match(all=(LOW, COLD)))
    assert both.see(finding(LOW), 1.0) is None
    assert both.see(finding(COLD), 2.0) is not None
    one = diagnosis(Match(any=(LOW, COLD)))
    assert one.see(finding(COLD), 1.0) is not None


@pytest.mark.parametrize(("first", "second", "found"), [(LOW, COLD, True), (COLD, LOW, False)])
def test_a_sequence_has_its_order(first, second, found):
    it = diagnosis(Match(sequence=(LOW, COLD)))
    it.see(finding(first), 1.0)
    assert (it.see(finding(second), 2.0) is not None) is found


@pytest.mark.parametrize(("later_s", "found"), [(59.0, True), (61.0, False)])
def test_signs_that_began_too_far_apart_do_not_belong_together(later_s, found):
    it = diagnosis(Match(all=(LOW, COLD), within_s=60.0))
    it.see(finding(LOW), 0.0)
    assert (it.see(finding(COLD), later_s) is not None) is found


def test_a_sign_that_is_over_still_counts_within_the_time():
    it = diagnosis(Match(sequence=(LOW, COLD), within_s=60.0))
    it.see(finding(LOW), 0.0)
    it.see(finding(LOW, over=True), 5.0)
    assert it.see(finding(COLD), 30.0) is not None
    assert it.evidence == ["boiler.flow is low."]


def test_a_diagnosis_waits_before_it_is_over():
    it = diagnosis(Match(all=(LOW,)), clear_s=10.0)
    it.see(finding(LOW), 0.0)
    assert it.see(finding(LOW, over=True), 5.0) is None
    assert it.tick(14.0) is None
    assert it.tick(15.0) is not None


def test_a_sign_may_be_of_another_kind_of_device():
    sign = Sign("range", "flow", kind="meter")
    it = Diagnosis(playbook(Match(all=(sign,))), "boiler", lambda kind: ["water"] if kind == "meter" else [])
    assert it.see(finding(sign), 1.0) is None
    assert it.see(finding(sign, device="water"), 1.0) is not None


def test_any_quantity_is_also_the_device_itself():
    sign = Sign("silent", "*")
    for silence in (Sign("silent"), Sign("silent", "flow")):
        assert diagnosis(Match(all=(sign,))).see(finding(silence), 1.0) is not None


def test_what_the_bus_explains_is_no_sign_of_a_device_until_it_outlives_the_bus():
    it = diagnosis(Match(all=(Sign("silent"),)))
    explained = replace(finding(Sign("silent")), cause="ble:away")
    assert it.see(explained, 1.0) is None
    assert it.see(replace(explained, cause=""), 2.0) is not None


def test_a_playbook_speaks_the_language_or_english():
    assert playbook(Match()).says("de").title == "Wasser"
    assert playbook(Match()).says("es").title == "Water"


def test_a_guard_holds_for_what_it_names_only():
    assert Guard("rpm", above=400.0).holds(800)
    assert not Guard("rpm", above=400.0).holds(400)
    assert not Guard("rpm", above=400.0).holds(None)
    assert not Guard("rpm", above=400.0).holds("fast")
    assert Guard("on", equals=True).holds(True)
    assert not Guard("on", equals=True).holds(False)
    assert Guard("t", above=1.0, below=2.0).holds(1.5)


SIGNS = (LOW, COLD, Sign("stuck", "flow"), Sign("silent"))
signs = st.lists(st.sampled_from(SIGNS), max_size=3).map(tuple)
histories = st.lists(st.tuples(st.sampled_from(SIGNS), st.booleans(), st.floats(0, 100)), max_size=60)


@given(signs, signs, signs, st.sampled_from([0.0, 30.0]), st.sampled_from([0.0, 20.0]), histories)
def test_whatever_happens_a_diagnosis_begins_and_ends_in_turn_and_stands_on_something(
    all_, any_, sequence, within_s, clear_s, history
):
    it = diagnosis(Match(all_, any_, sequence, within_s), clear_s)
    now, states = 0.0, []
    for sign, over, later_s in history:
        now += later_s
        for change in (it.tick(now), it.see(finding(sign, over=over), now)):
            if change is not None:
                states.append(change.state)
                if change.state is FindingState.CONFIRMED:
                    assert it.findings
                    assert change.sentence
        assert it.stands == bool(states and states[-1] is FindingState.CONFIRMED)
    assert all(one is not other for one, other in pairwise(states))
    assert len(it.evidence) <= 3
