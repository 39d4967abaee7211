"""`edge-agent findings` and what goes with it, on a made-up agent: what is read, asked and refused."""

import json

import pytest

from edge_agent.control.types import Finding
from tests.edges.control.conftest import plain

LOW = Finding("boiler.pressure", "range", "confirmed", "warning", "Too low.", 60.0, 2, id="boiler.pressure:range")
SMOKE = Finding("hall.smoke", "range", "confirmed", "alarm", "Smoke.", 5.0, 1, id="hall.smoke:range", permanent=True)
BEHIND = Finding("boiler.flow", "silent", "confirmed", "warning", "Silent.", 9.0, 1, LOW.id, "boiler.flow:silent")


@pytest.fixture
def found(house):
    house.agent.found = [LOW, SMOKE, BEHIND]
    return house.agent


def test_the_list_says_what_is_explained_and_what_is_shelved(ask, found):
    found.found = [LOW, BEHIND, Finding(*_plain(SMOKE), shelved_s=7200.0)]
    code, out, _ = ask("findings")
    assert code == 1
    assert out == plain("""
        SEVERITY  STATE      ID                     SINCE  COUNT  WHAT
        warning   confirmed  boiler.pressure:range  1 min  2      Too low.
        warning   explained  boiler.flow:silent     9 s    1      Silent. (because of boiler.pressure:range)
        alarm     shelved    hall.smoke:range       5 s    1      Smoke. (shelved for 2 h more)
    """)
    found.found = found.found[2:]
    assert ask("findings")[0] == 0, "what is shelved is no reason to worry"


def _plain(finding):
    return [getattr(finding, name) for name in Finding.__struct_fields__ if name != "shelved_s"]


def test_one_is_explained_with_all_that_is_known(ask, found):
    code, out, _ = ask("findings", "explain", LOW.id)
    assert code == 0
    assert out == plain("""
        Too low.

        id         boiler.pressure:range
        state      confirmed for 1 min, warning, 2 times
        cleared    by caretaker 1 d ago: filled up (It was low.)
        explains   boiler.flow:silent: Silent.
        the device stored: rpm 2450 /min

        latest freeze frame, 20 s ago (seconds from then: value in bar)
          -2.0: 1.1    -1.0: 0.9    +0.0: -      +3.0: 0.8

        edge-agent findings normal boiler.pressure:range      if this is normal here
        edge-agent findings clear boiler.pressure:range --why "..."
        edge-agent findings shelve boiler.pressure:range --reason "..." --owner NAME --for 3d
    """)


def test_what_a_device_or_person_wrote_cannot_steer_the_terminal(ask, found):
    found.found = [Finding(*_plain(LOW), shelved_s=3600.0)]
    assert "\x1b" not in ask("findings", "explain", LOW.id)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clear", LOW.id], "Cleared: boiler.pressure:range. If it is still so, it comes again.\n"),
        (
            ["shelve", LOW.id, "--reason", "r", "--owner", "caretaker", "--for", "3d"],
            "Shelved for 3 d: boiler.pressure:range. It is still watched; nobody is told of it.\n",
        ),
        (["unshelve", LOW.id], "Counts again: boiler.pressure:range.\n"),
        (["normal", "boiler.pressure"], "Learned: this is normal for boiler.pressure.\n"),
    ],
)
def test_what_is_done_is_said(ask, found, words, said):
    assert ask("findings", *words) == (0, said, "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["clear", SMOKE.id], 1, "it is permanent. Mend what is wrong."),
        (["clear", "--all"], 1, "it is permanent"),
        (["clear"], 2, "name a finding"),
        (["explain", "nobody"], 1, "there is no finding 'nobody'"),
        (["shelve", SMOKE.id, "--reason", "r", "--owner", "caretaker", "--for", "1h"], 1, "it is a matter of safety"),
        (["nonsense"], 2, "there is no command findings nonsense"),
    ],
)
def test_what_is_refused_says_why(ask, found, words, code, said):
    got, _, error = ask("findings", *words)
    assert (got, said in error) == (code, True), error


def test_the_report_has_a_line_a_figure_and_says_by_its_code_whether_all_is_well(ask, found):
    code, out, _ = ask("findings", "--hygiene")
    assert code == 1
    assert out == plain("""
        The last 12.5 days.

             WHAT                          HERE  AT MOST
        ok   findings a day, on average    2     150 (ISA-18.2)
        bad  most notices within 24 hours  2     1 (budget)
        most frequent  boiler.pressure:range (4 times)
        stale          boiler.pressure:range
    """)
    assert json.loads(ask("findings", "--hygiene", "--json")[1])["days"] == 12.5


def test_readiness_is_a_line_a_check(ask, found):
    code, out, _ = ask("findings", "--readiness")
    assert code == 0
    assert out == plain("""
        VERDICT  CHANNEL          CHECK
        ok       boiler.pressure  range
        not yet  boiler.pressure  rate
    """)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--reason", "r", "--owner", "caretaker", "--for", "8d"], "is not from 60s to 7d"),
        (["--reason", "r", "--owner", "caretaker", "--for", "soon"], "no length of time"),
        (["--owner", "caretaker", "--for", "1d"], "--reason"),
    ],
)
def test_shelving_needs_a_reason_an_owner_and_an_end_within_a_week(ask, found, capsys, words, said):
    with pytest.raises(SystemExit, match="2"):
        ask("findings", "shelve", LOW.id, *words)
    assert said in capsys.readouterr().err
