"""The life of a finding: counted, frozen, shelved, cleared by hand or not, and all of it over a restart."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from findings_scene import DAY, Flat, check, silent

from edge_agent.core.errors import RefusedError
from edge_agent.core.finding import FindingState, Severity
from edge_agent.core.reading import Code, Codes
from edge_agent.services.register import FIRST_FRAMES, LATEST_FRAMES
from edge_agent.services.troubles import Troubles
from edge_agent.texts import texts

LOW = check("boiler.pressure", min=1.0, hysteresis=0.1)
KEY = "boiler.pressure:range"


def test_what_stands_is_there_again_after_a_restart_and_is_cleared_by_its_check(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.say("boiler.pressure", 0.8)
    (before,) = flat.register.confirmed()
    flat = flat.again()
    (after,) = flat.register.confirmed()
    assert after == before
    assert flat.sent("confirmed") == [], "nobody is told twice"
    flat.say("boiler.pressure", 0.7)
    assert flat.register.confirmed() == [before], "it is the same one"
    flat.say("boiler.pressure", 1.4)
    assert [f.state for f in flat.told] == [FindingState.CLEARED]
    assert flat.told[0].id == before.id
    flat.say("boiler.pressure", 0.7)
    assert flat.told[-1].count == 2
    assert flat.told[-1].id != before.id


def test_a_count_goes_on_over_restarts_also_of_what_is_over(tmp_path):
    flat = Flat(tmp_path, LOW)
    for _ in range(3):
        flat.say("boiler.pressure", 0.8)
        flat.say("boiler.pressure", 1.4)
        flat = flat.again()
    flat.say("boiler.pressure", 0.8)
    assert flat.register.confirmed()[0].count == 4


def test_a_bus_that_was_away_before_a_restart_is_still_one_finding_and_over_as_one(tmp_path):
    flat = Flat(tmp_path, silent("a.x"), silent("b.x"))
    flat.watches.buses.update({"a": "ble", "b": "ble"})

    def dead(gone: bool = True) -> None:
        for name in ("ble", "a", "b"):
            flat.away(name, gone=gone)

    flat.wait(120, also=dead)
    assert flat.standing == ["ble:away"]
    flat = flat.again()
    flat.watches.buses.update({"a": "ble", "b": "ble"})
    flat.wait(120, also=dead)
    assert flat.standing == ["ble:away"]
    assert flat.told == []
    for name in ("a.x", "b.x"):
        flat.say(name)
    flat.wait(10, also=lambda: dead(gone=False))
    assert flat.standing == []
    assert [f.key for f in flat.told if not f.cause] == ["ble:away"]


def test_a_device_silent_before_a_restart_is_over_when_its_last_channel_speaks(tmp_path):
    flat = Flat(tmp_path, silent("boiler.*"), silent("meter.power"))
    for name in ("boiler.pressure", "boiler.flow"):
        flat.say(name)
    flat.wait(65)
    assert set(flat.standing) == {"meter.power:silent", "boiler:silent"}
    flat = flat.again()
    flat.register.retire(flat.watches.looks_for)
    assert set(flat.standing) == {"meter.power:silent", "boiler:silent"}
    flat.say("boiler.pressure")
    assert "boiler:silent" in flat.standing
    flat.say("boiler.flow")
    assert flat.standing == ["meter.power:silent"]


def test_what_nobody_looks_for_any_more_is_over_after_the_restart(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.say("boiler.pressure", 0.8)
    flat = flat.again(check("boiler.pressure", "rate", per_s=1.0))
    flat.register.retire(flat.watches.looks_for)
    assert flat.standing == []
    assert flat.sent("cleared")[0]["channel"] == "boiler.pressure"


def test_a_frame_has_a_minute_before_and_ten_seconds_behind_of_the_first_and_the_latest_time(tmp_path):
    flat = Flat(tmp_path, LOW)
    value = 2.0

    def read() -> None:
        flat.say("boiler.pressure", value)

    flat.wait(300, also=read)
    value = 0.8
    flat.wait(30, also=read)
    flat = flat.again()
    first = flat.notebook.page(FIRST_FRAMES)[KEY]
    at, times = first["at"][0], [seconds for seconds, _ in first["rows"]]
    assert times[0] == pytest.approx(at - 60.0, abs=1.0)
    assert times[-1] == pytest.approx(at + 10.0, abs=5.0)
    assert [v for s, v in first["rows"] if s < at] == [2.0] * len([s for s in times if s < at])
    assert first["rows"][-1][1] == 0.8
    value = 2.0
    flat.wait(100, also=read)
    value = 0.5
    flat.wait(30, also=read)
    assert flat.frames.of(KEY)[-1][1] == 0.5
    flat = flat.again()
    assert flat.notebook.page(FIRST_FRAMES)[KEY] == first
    assert flat.notebook.page(LATEST_FRAMES)[KEY]["rows"][-1][1] == 0.5
    assert flat.frames.of(KEY)[-1][1] == 0.5, "a help request after the restart has it too"


def test_of_many_readings_the_frame_keeps_a_minute_and_its_extremes(tmp_path):
    flat = Flat(tmp_path, LOW)
    for n in range(3000):
        flat.at += 0.02
        flat.say("boiler.pressure", 5.0 if n == 1500 else 2.0)
    flat.say("boiler.pressure", 0.8)
    rows = flat.frames.of(KEY)
    assert len(rows) <= 60
    assert rows[-1][0] - rows[0][0] > 55.0
    assert {value for _, value in rows} == {2.0, 5.0, 0.8}


def test_clearing_by_hand_leaves_a_tombstone_and_the_check_has_to_come_to_a_verdict_again(tmp_path):
    flat = Flat(tmp_path, LOW)
    assert [r.ready for r in flat.watches.readiness()] == [False]
    flat.say("boiler.pressure", 0.8)
    assert [r.ready for r in flat.watches.readiness()] == [True]
    flat.register.clear(KEY, "ann", "filled up")
    assert flat.standing == []
    assert [r.ready for r in flat.watches.readiness()] == [False]
    flat = flat.again()
    stone = flat.register.entry(KEY).tombstone
    assert (stone.by, stone.why) == ("ann", "filled up")
    assert stone.sentence == "Boiler pressure is 0.8 bar; it should be at least 1 bar."
    flat.say("boiler.pressure", 0.8)
    assert flat.register.confirmed()[0].count == 2, "it is so still, and that is another one"
    flat.say("boiler.pressure", 1.5)
    with pytest.raises(RefusedError, match="over already"):
        flat.register.clear(KEY, "ann", "")


def test_clearing_a_cause_clears_what_it_explains(tmp_path):
    flat = Flat(tmp_path, silent("boiler.pressure"), silent("boiler.flow"))
    flat.say("boiler.pressure")
    flat.say("boiler.flow")
    flat.wait(65)
    assert flat.standing == ["boiler:silent"]
    flat.register.clear("boiler", "ann", "unplugged it")
    assert [f.key for f in flat.register.findings() if f.stands] == []


def test_an_alarm_is_permanent_and_a_devices_own_code_is_the_devices(tmp_path):
    flat = Flat(tmp_path, check("gas.level", max=1.0, severity=Severity.ALARM))
    flat.say("gas.level", 3.0)
    with pytest.raises(RefusedError, match="it is permanent"):
        flat.register.clear("gas.level", "ann", "")
    troubles = Troubles(flat, flat.new_id, texts("en"), flat.register.findings, flat.register.tell)
    troubles.see(Codes("engine", (Code("P0301"), Code("P0420", permanent=True)), flat.at))
    for key, why in (("engine.p0301", "the device itself tells it"), ("engine.p0420", "it is permanent")):
        with pytest.raises(RefusedError, match=why):
            flat.register.clear(key, "ann", "")
    flat = flat.again()
    assert flat.register.before("engine.p0420:code").permanent
    troubles = Troubles(flat, flat.new_id, texts("en"), flat.register.findings, flat.register.tell)
    troubles.see(Codes("engine", (), flat.at))
    assert flat.standing == ["gas.level:range"]
    flat.say("gas.level", 0.1)
    assert flat.standing == []


def test_what_explains_something_permanent_is_not_cleared_by_hand_either(tmp_path):
    flat = Flat(tmp_path, LOW, check("gas.level", max=1.0, severity=Severity.ALARM))
    flat.say("boiler.pressure", 0.8)
    flat.say("gas.level", 3.0)
    flat.register.explain(["gas.level:range"], KEY)
    with pytest.raises(RefusedError, match="permanent"):
        flat.register.clear(KEY, "ann", "")
    assert flat.register.before("gas.level:range").stands


def test_shelving_has_an_end_of_at_most_a_week_and_holds_over_a_restart(tmp_path):
    flat = Flat(tmp_path, LOW)
    flat.say("boiler.pressure", 0.8)
    with pytest.raises(RefusedError, match="seven days"):
        flat.register.shelve(KEY, "service is due", "caretaker", 8 * DAY)
    flat.register.shelve("boiler.pressure", "service is due", "caretaker", 3 * DAY)
    assert flat.standing == []
    assert flat.register.shelved(KEY)
    flat = flat.again(off_s=2 * DAY)
    assert flat.register.shelved(KEY)
    flat.trusted = False
    assert not flat.register.shelved(KEY), "no clock tells how long: then it counts"
    flat.trusted = True
    flat.at += 1.1 * DAY
    assert [f.key for f in flat.register.unshelved()] == [KEY]
    assert flat.standing == [KEY]
    flat = flat.again()
    assert flat.register.entry(KEY).shelving is None


def test_help_and_safety_cannot_be_shelved(tmp_path):
    flat = Flat(tmp_path, LOW, check("gas.level", max=1.0, severity=Severity.ALARM))
    flat.say("boiler.pressure", 0.8)
    flat.say("gas.level", 3.0)
    with pytest.raises(RefusedError, match="safety"):
        flat.register.shelve("gas.level", "smells nice", "caretaker", DAY)
    flat.register.calls_for_help = lambda finding: finding.key == KEY
    with pytest.raises(RefusedError, match="calls for help"):
        flat.register.shelve(KEY, "noise", "caretaker", DAY)


def test_a_name_that_is_not_clear_is_refused_with_those_that_are(tmp_path):
    flat = Flat(tmp_path, LOW, check("boiler.pressure", max=0.5, severity=Severity.NOTICE), silent("boiler.pressure"))
    with pytest.raises(RefusedError, match="no finding"):
        flat.register.find("boiler.pressure")
    flat.say("boiler.pressure", 0.8)
    flat.wait(61)
    with pytest.raises(RefusedError, match="several") as refused:
        flat.register.find("boiler.pressure")
    assert KEY in refused.value.fix
    assert flat.register.find(KEY).key == KEY


@pytest.mark.parametrize("damage", [b"", b"no database", b"\x00" * 5000])
def test_a_damaged_notebook_costs_its_content_and_nothing_else(tmp_path, damage):
    flat = Flat(tmp_path, LOW)
    flat.say("boiler.pressure", 0.8)
    flat.lessons.finish()
    flat.notebook.close()
    (tmp_path / "findings.db").write_bytes(damage)
    again = Flat(tmp_path, LOW)
    again.say("boiler.pressure", 0.8)
    assert again.standing == [KEY]
    again.again().notebook.close()


def learned_of(flat: Flat, values: Iterable[float]) -> list[int]:
    """At which reading the learned check found something; one each five minutes."""
    found, known = [], flat.register.before("boiler.pressure:learned")
    before = known.count if known else 0
    for n, value in enumerate(values):
        flat.at += 300.0
        flat.say("boiler.pressure", value)
        flat.watches.tick(flat.at + 1.0)
        now = flat.register.before("boiler.pressure:learned")
        if now is not None and now.count > before:
            before = now.count
            found.append(n)
    return found


def test_a_fault_that_nobody_explained_is_told_again_when_it_comes_again(tmp_path):
    flat, chance = Flat(tmp_path, check("boiler.pressure", "learned")), Random(5)
    flat.trusted = False
    faults = {*range(2000, 2004), *range(3500, 3504)}
    found = learned_of(flat, (1.5 if n in faults else 3.0 + chance.uniform(-0.05, 0.05) for n in range(3510)))
    assert [n for n in found if n in faults] == [2000, 3500]


def test_what_was_learned_and_what_was_taught_is_still_known_after_a_restart(tmp_path):
    flat, chance = Flat(tmp_path, check("boiler.pressure", "learned")), Random(5)
    flat.trusted = False
    learned_of(flat, (3.0 + chance.uniform(-0.05, 0.05) for _ in range(2000)))
    assert learned_of(flat, [1.5])[-1:] == [0]
    flat.lessons.checks["boiler.pressure:learned"].teach()
    flat.register.take_back(flat.register.find("boiler.pressure"), "caretaker", "a new pump")
    flat = flat.again()
    flat.trusted = False
    assert learned_of(flat, (1.5 + chance.uniform(-0.05, 0.05) for _ in range(1000))) == []
    assert learned_of(flat, [6.0])[-1:] == [0]


def test_a_check_without_a_severity_has_that_of_its_channel_and_a_word_of_the_household_counts_more(tmp_path):
    given = check("kitchen.smoke", max=0.5, severity=Severity.NOTICE)
    flat = Flat(tmp_path, replace(given, severity=None))
    flat.say("kitchen.smoke", True)
    assert flat.register.confirmed()[0].severity is Severity.ALARM
    flat = Flat(tmp_path / "other", given)
    flat.say("kitchen.smoke", True)
    assert flat.register.confirmed()[0].severity is Severity.NOTICE
