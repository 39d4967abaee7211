"""What a person is told: by notices, within a budget, and never of the same thing twice."""

import asyncio

import pytest
from findings_scene import DAY, Flat, check, silent

from edge_agent.core.finding import Severity
from edge_agent.core.notices import GROUP_S

LOW = check("boiler.pressure", min=1.0)
KEY = "boiler.pressure:range"


def test_fifty_sensors_lost_with_one_radio_are_one_notice(tmp_path):
    flat = Flat(tmp_path, *(silent(f"s{n}.temperature") for n in range(50)))
    flat.watches.buses.update({f"s{n}": "ble" for n in range(50)})
    for n in range(50):
        flat.say(f"s{n}.temperature")

    def dead() -> None:
        for name in ("ble", *(f"s{n}" for n in range(50))):
            flat.away(name, gone=True)

    flat.wait(600, 5.0, also=dead)
    assert flat.notices == ["There is no adapter."]
    assert [n["findings"] for n in flat.sent("notice")] == [["ble:away"]]
    assert len(flat.sent("confirmed")) == 1


def test_fifty_sensors_that_are_silent_before_their_radio_is_known_to_be_dead_are_one_notice(tmp_path):
    flat = Flat(tmp_path, *(silent(f"s{n}.temperature") for n in range(50)))
    flat.watches.buses.update({f"s{n}": "ble" for n in range(50)})
    flat.wait(62)
    assert len(flat.standing) == 50
    flat.wait(600, 5.0, also=lambda: flat.away("ble", gone=True))
    assert flat.notices == ["There is no adapter."]


def test_safety_is_told_at_once_and_as_often_as_it_comes(tmp_path):
    flat = Flat(tmp_path, check("gas.level", max=1.0, severity=Severity.ALARM))
    for _ in range(3):
        flat.say("gas.level", 3.0)
        flat.say("gas.level", 0.0)
        flat.wait(7200, 60.0)
    assert flat.notices == ["Gas level is 3 bar; it should be at most 1 bar."] * 3
    assert all(n["safety"] for n in flat.sent("notice"))


def test_what_a_rule_calls_help_for_is_told_at_once(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.register.calls_for_help = lambda finding: finding.channel == "boiler.pressure"
    flat.say("boiler.pressure", 0.5)
    assert len(flat.notices) == 1


def test_what_chatters_is_one_finding_that_stays_and_one_notice(tmp_path):
    flat = Flat(tmp_path, LOW)
    for n in range(200):
        flat.say("boiler.pressure", 0.5 if n % 2 else 1.5)
        flat.wait(3)
    assert len(flat.sent("confirmed")) == 3
    assert len(flat.notices) == 1
    flat.say("boiler.pressure", 1.5)
    flat.wait(400)
    assert flat.standing == []


def test_the_rest_of_a_bad_day_is_one_digest_the_next_day(tmp_path):
    flat = Flat(tmp_path, check("*", max=1.0))
    flat.say("a.x", 2.0)
    flat.wait(GROUP_S + 1)
    for name in ("b.x", "c.x", "d.x"):
        flat.say(name, 2.0)
        flat.wait(600, 10.0)
    flat.say("d.x", 0.0)
    assert len(flat.notices) == 1
    flat.wait(DAY, 60.0)
    (digest,) = flat.notices[1:]
    assert digest.startswith("Since the last message: B x is 2 bar; it should be at most 1 bar. C x is 2 bar;")
    assert digest.endswith("One more came and is over.")
    assert len(flat.sent("confirmed")) == 4, "the service hears of all of them as they come"


def test_what_was_not_told_before_a_restart_is_told_behind_it(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.say("boiler.pressure", 0.5)
    flat.wait(5)
    flat = flat.again()
    flat.wait(GROUP_S + 1)
    assert flat.notices == ["Boiler pressure is 0.5 bar; it should be at least 1 bar."]
    flat = flat.again()
    flat.wait(DAY * 2, 60.0)
    assert flat.notices == []


def test_a_shelved_finding_is_no_notice_until_its_time_is_over(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.say("boiler.pressure", 0.5)
    flat.register.shelve(KEY, "service is due", "caretaker", DAY)
    flat.telling.know(KEY)
    flat.wait(DAY - 60, 60.0)
    assert flat.notices == []
    flat.say("boiler.pressure", 1.5)
    flat.say("boiler.pressure", 0.4)
    flat.wait(DAY, 60.0)
    assert flat.notices == ["Boiler pressure is 0.4 bar; it should be at least 1 bar."]


def test_many_at_once_are_named_as_far_as_a_person_reads(tmp_path):
    flat = Flat(tmp_path, check("*", max=1.0, severity=Severity.NOTICE), check("z.x", min=0.0))
    for name in "abcdefg":
        flat.say(f"{name}.x", 2.0)
    flat.say("z.x", -1.0)
    flat.wait(GROUP_S + 1)
    (said,) = flat.notices
    assert said.startswith("8 things at once. Z x is -1 bar; it should be at least 0 bar."), "warnings come first"
    assert said.endswith("And 3 more.")


@pytest.mark.parametrize("key", ["findings", "told"])
def test_a_damaged_record_of_notices_begins_anew(tmp_path, key):
    flat = Flat(tmp_path, LOW)
    flat.notebook.write("notices", "state", {key: 5})
    flat = flat.again()
    flat.say("boiler.pressure", 0.5)
    flat.wait(GROUP_S + 1)
    assert len(flat.notices) == 1


def test_without_consent_a_notice_is_on_site_only(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.telling._allows = lambda _: False
    flat.say("boiler.pressure", 0.5)
    flat.wait(GROUP_S + 1)
    asyncio.run(flat.post.flush())
    assert len(flat.notices) == 1
    assert flat.events == []
