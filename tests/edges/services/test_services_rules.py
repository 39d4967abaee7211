"""Rules at work: consent, restarts between any two steps, and what they tell of themselves."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services_scene import HandClock

from edge_agent.core.errors import StoreError
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.core.rules import Condition, RuleSetting
from edge_agent.services.rules import Rules
from edge_agent.store.record import RecordFile

WET = Channel("leak.wet")
FLOOD = RuleSetting("flood", "leak.wet", Condition.EQUALS, "Water!", True, for_s=5.0, rearm_s=60.0)
FROST = RuleSetting("frost", "cellar.temperature:range", Condition.FINDING, "Frost!", rearm_s=0.0)


class Desk:
    """The help service of a gateway whose disk is `saved`: a case that is not saved is gone at a crash."""

    def __init__(self) -> None:
        self.case: HelpRequest | None = None
        self.saved: HelpRequest | None = None
        self.cases = 0
        self.told: list[tuple[object, ...]] = []

    def trigger(self, rule, text, cancel_window_s, fall_back_now):
        self.told.append((rule, text, cancel_window_s, fall_back_now))
        if self.case is None or not self.case.open:
            self.case = HelpRequest(
                random.randbytes(16), "C", Trigger.AUTOMATIC, State.RAISED, 0.0, "boot", 0.0, True, rule=rule
            )

    def save(self) -> None:
        self.cases += self.case is not None and (self.saved is None or self.saved.id != self.case.id)
        self.saved = self.case

    def ends(self) -> None:
        if self.case is not None:
            self.case = self.case.with_state(State.RESOLVED, 0.0, "boot", 0.0)
            self.saved = self.case if self.saved is not None and self.saved.id == self.case.id else self.saved


class House:
    """A gateway with its clock, desk and disk; `restart` is a crash."""

    def __init__(self, *settings: RuleSetting) -> None:
        self.clock, self.desk, self.settings = HandClock(), Desk(), settings
        self.on_disk: list[str] = []
        self.consent = True
        self.broken = False
        self.restart()

    def restart(self) -> None:
        self.desk.case = self.desk.saved
        self.rules = Rules(
            self.clock,
            self.settings,
            self.desk,
            allowed=lambda: self.consent,
            save=self._save,
            raised=self.on_disk,
        )

    def _save(self, names: list[str]) -> None:
        if self.broken:
            raise StoreError("the card is gone")
        self.on_disk = names

    def see(self, value) -> None:
        self.rules.see(Reading(WET, value, self.clock.monotonic, "" if value is not None else "no answer"))

    async def later(self, seconds: float = 0.0) -> None:
        """One round, `seconds` later."""
        self.clock.monotonic += seconds
        for rule in self.rules._rules:
            if rule.tick(self.clock.monotonic):
                self.rules._call(rule)
        await self.rules.keep()

    async def saved(self) -> None:
        self.desk.save()
        self.rules.case_changed()
        await self.rules.keep()


async def test_water_for_its_time_calls_with_what_the_rule_says():
    house = House(FLOOD._replace(cancel_window_s=0.0, fall_back_at_once=True))
    house.see(True)
    await house.later(4)
    assert house.desk.told == []
    await house.later(1)
    assert house.desk.told == [("flood", "Water!", 0.0, True)]


async def test_a_restart_after_the_case_is_over_does_not_call_again_while_the_water_stays():
    house = House(FLOOD)
    house.see(True)
    await house.later(5)
    await house.saved()
    house.desk.ends()
    house.restart()
    house.see(True)
    await house.later(999)
    assert len(house.desk.told) == 1
    house.see(False)
    await house.later(60)
    house.see(True)
    await house.later(5)
    assert len(house.desk.told) == 2


async def test_a_crash_before_the_case_was_saved_calls_again_and_one_after_it_stays_in_that_case():
    house = House(FLOOD)
    house.see(True)
    await house.later(5)
    house.restart()
    house.see(True)
    await house.later(5)
    assert len(house.desk.told) == 2
    house.desk.save()  # and the crash comes before the rule is on disk
    house.restart()
    house.see(True)
    await house.later(5)
    assert (len(house.desk.told), house.desk.cases) == (2, 1)


async def test_without_consent_nothing_calls_and_it_calls_when_consent_comes():
    house = House(FLOOD)
    house.consent = False
    house.see(True)
    await house.later(50)
    assert house.desk.told == []
    assert not house.rules.health.ready
    assert "help_ready" in house.rules.health.fix
    house.consent = True
    await house.later(1)
    assert len(house.desk.told) == 1


async def test_a_finding_calls_when_it_is_confirmed_and_again_into_the_open_case_when_it_was_cleared():
    house = House(FROST)
    for state in (FindingState.CONFIRMED, FindingState.CONFIRMED, FindingState.CLEARED, FindingState.CONFIRMED):
        house.rules.finding(
            Finding(b"f" * 16, "cellar.temperature", "range", state, Severity.ALARM, "Cold.", 0.0, "boot")
        )
        await house.later(1)
    assert [told[0] for told in house.desk.told] == ["frost", "frost"]


async def test_a_rule_that_cannot_see_says_so_after_a_minute_and_not_before():
    house = House(FLOOD, FROST)
    await house.later(59)
    assert house.rules.health == (True, "2 rules watch", "")
    await house.later(2)
    assert house.rules.health.sentence == "leak.wet says nothing, so the rule flood cannot call for help"
    house.see(False)
    assert house.rules.health.ready
    house.see(None)
    assert not house.rules.health.ready
    house.see(True)
    await house.later(5)
    assert house.rules.health == (True, "2 rules watch; not yet over: flood", "")


async def test_a_disk_that_refuses_is_asked_again():
    house = House(FLOOD)
    house.broken = True
    house.see(True)
    await house.later(5)
    await house.saved()
    assert house.on_disk == []
    house.broken = False
    await house.later(1)
    assert house.on_disk == ["flood"]


def test_no_rules_are_no_part_of_the_gateway():
    assert House().rules.health is None


WHAT = st.sampled_from(["wet", "dry", "none", "wait", "wait", "save", "resolve", "restart"])


@given(st.lists(st.tuples(WHAT, st.sampled_from([0.5, 1.0, 4.0, 5.0, 20.0])), max_size=60))
async def test_one_alarm_is_never_two_cases_and_one_that_lasts_is_one_whatever_crashes(steps):
    house = House(FLOOD)
    alarms = dry_s = wet_s = 0.0
    value, over = None, True  # `over`: the last alarm is, so that a new one may call
    for what, dt in steps:
        if what == "wait":
            dry_s, wet_s = dry_s + dt * (value is False), wet_s + dt * (value is True)
            over = over or dry_s >= FLOOD.rearm_s
            await house.later(dt)
        elif what == "save":
            await house.saved()
        elif what == "resolve":
            await house.saved()  # the desk resolves only what it was told, and it was told what is saved
            house.desk.ends()
            house.desk.save()
        elif what == "restart":
            house.restart()
            value, wet_s, dry_s = None, 0.0, 0.0
        else:
            value = {"wet": True, "dry": False}.get(what)
            wet_s, dry_s = wet_s * (value is not False), dry_s * (value is not True)
            house.see(value)
        if house.desk.case is not None and house.desk.case.open and over:
            alarms, over = alarms + 1, False
        assert house.desk.cases <= alarms, "one alarm, one case"
        if value is True and wet_s >= FLOOD.for_s:
            assert house.rules._rules[0].raised, "an alarm that lasts has called"
            assert house.desk.case is not None


def test_the_file_of_a_service_that_is_damaged_is_put_aside_and_told(tmp_path: Path):
    path, problems = tmp_path / "rules", []
    file = RecordFile(path)
    assert file.load(list, [], problems, "x") == []
    file.save(["flood"])
    assert file.load(list, [], problems, "x") == ["flood"]
    path.write_bytes(path.read_bytes().replace(b"flood", b"flock"))
    assert file.load(list, [], problems, "a rule may call again") == []
    (said,) = problems
    assert "a rule may call again" in said
    assert not path.exists()
    assert (tmp_path / "rules.1.bad").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"00000000\n[]", b"\xff" * 100])
def test_any_rubbish_in_that_file_is_no_file(tmp_path: Path, content: bytes):
    (tmp_path / "rules").write_bytes(content)
    assert RecordFile(tmp_path / "rules").load(list, ["x"], [], "") == ["x"]
