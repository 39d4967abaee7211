"""Playbooks at work: diagnoses are told, remedies are tried within their limits, and help is offered at the end."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

import pytest

from edge_agent.core.clock import Instant
from edge_agent.core.errors import DriverError, StoreError
from edge_agent.core.finding import Confidence, Finding, FindingState, Severity
from edge_agent.core.guard import Guard
from edge_agent.core.playbook import Deed, Diagnosis, Match, Playbook, Remedy, Sign, Told, Worked
from edge_agent.services.diagnoses import Diagnoses, own_checks
from edge_agent.services.register import Register
from edge_agent.services.remedies import Remedies, Senses, Try, tries_from
from edge_agent.texts import texts

CONFIRMED, CLEARED = FindingState.CONFIRMED, FindingState.CLEARED
TOLD = {"en": Told("{device} is silent", "{device} hangs", "Switch it off and on.")}


def playbook(*remedies: Remedy) -> Playbook:
    match = Match(all=(Sign("silent", "*"),))
    return Playbook("mute", ("meter",), Severity.WARNING, Confidence.LIKELY, match, TOLD, remedies=remedies)


def silence(state: FindingState = CONFIRMED) -> Finding:
    return Finding(b"i" * 16, "grid.power", "silent", state, Severity.WARNING, "Grid power is silent.", 0.0, "boot")


class Heard(Register):
    """A register that remembers what was explained."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.explained: list[tuple[frozenset[str], str]] = []

    def explain(self, keys: Collection[str], cause: str) -> None:
        self.explained.append((frozenset(keys), cause))
        super().explain(keys, cause)


class Tool:
    def __init__(self, why: str = "", effect: Callable[[], None] = lambda: None) -> None:
        self.why, self.effect, self.done = why, effect, 0

    def why_not(self, _device: str) -> str:
        return self.why

    async def do(self, _device: str, _remedy: Remedy) -> None:
        self.done += 1
        self.effect()


class Scene:
    """One meter with one playbook; time passes only in sleep."""

    def __init__(self, *remedies: Remedy, may: tuple[str, ...] = tuple(Deed), tries: tuple[Try, ...] = ()) -> None:
        self.at, self.heard = 1000.0, 0.0
        self.told: list[Finding] = []
        self.said: list[str] = []
        self.saved: list[list[dict[str, object]]] = []
        self.values: dict[str, float] = {}
        self.tools = {deed: Tool() for deed in Deed}
        english = texts("en")
        self.remedies = Remedies(
            self,
            self.tools,
            may,
            Senses(self.values.get, lambda _: self.heard),
            english,
            save=self.saved.append,
            tries=tries,
            told=lambda _, said: self.said.append(said),
            gave_up=self.offer,
            sleep=self.sleep,
        )
        self.begun: list[Diagnosis] = []
        register = Heard(self, self.told.append)
        self.explained = register.explained
        book = playbook(*remedies)
        kinds = {"grid": "meter", "boiler": "boiler"}
        self.diagnoses = Diagnoses([book], kinds, register, self, lambda: b"n" * 16, english, self.begun.append)

    def now(self) -> Instant:
        return Instant(self.at, "boot", 1e9 + self.at, True)

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    def offer(self, diagnosis: Diagnosis, tried: str) -> None:
        self.diagnoses.offer(diagnosis, tried)

    async def treat(self) -> None:
        self.diagnoses.see(silence())
        await self.remedies.treat(self.begun[-1])

    @property
    def hows(self) -> list[tuple[str, str]]:
        return [(each.deed, each.how) for each in self.remedies.tries]


def test_a_diagnosis_is_one_sentence_with_cause_evidence_and_action_and_explains_its_signs():
    scene = Scene()
    scene.diagnoses.see(silence())
    found = scene.told[0]
    assert found.key == "grid:mute"
    assert found.sentence == "Probably Grid hangs. Grid power is silent. Switch it off and on."
    assert scene.explained == [({"grid.power:silent"}, "grid:mute")]
    scene.diagnoses.see(silence(CLEARED))
    assert (scene.told[1].state, scene.told[1].sentence) == (CLEARED, "Over: Grid is silent.")
    assert scene.told[1].id == found.id


async def test_the_first_remedy_that_works_is_the_last_one_tried():
    scene = Scene(Remedy(Deed.READ_AGAIN, verify_s=10.0), Remedy(Deed.REOPEN_PORT), Remedy(Deed.POWER_CYCLE))
    scene.tools[Deed.REOPEN_PORT].effect = lambda: setattr(scene, "heard", scene.at + 0.1)
    await scene.treat()
    assert scene.hows == [("read_again", "no_effect"), ("reopen_port", "worked")]
    assert scene.tools[Deed.POWER_CYCLE].done == 0
    assert scene.said == ["Grid: waiting for it to speak again did not help.", "Grid: opening its port anew helped."]
    assert len(scene.told) == 1


async def test_a_try_is_on_disk_before_it_is_done():
    scene = Scene(Remedy(Deed.POWER_CYCLE))
    scene.tools[Deed.POWER_CYCLE].effect = lambda: scene.said.append(str(scene.saved[-1][-1]["how"]))
    await scene.treat()
    assert scene.said[0] == "begun"
    assert scene.saved[-1][-1]["how"] == "no_effect"


async def test_a_limit_ends_it_and_help_is_offered_with_what_was_tried():
    scene = Scene(Remedy(Deed.REOPEN_PORT, limit=2, verify_s=5.0))
    await scene.treat()
    assert scene.tools[Deed.REOPEN_PORT].done == 2
    offer = scene.told[-1]
    assert offer.state is CONFIRMED
    assert offer.sentence.endswith(texts("en").say("diagnosis.offer", tried="opening its port anew"))
    assert scene.remedies.told(1) == [{"what": "reopen_port grid", "how": "no_effect", "ago_s": 35}]
    await scene.treat()
    assert scene.tools[Deed.REOPEN_PORT].done == 2


async def test_limits_hold_over_a_restart_and_end_with_their_time():
    old = Try("grid", "mute", "reopen_port", "begun", 5.0, "earlier", 1e9 + 900.0)
    scene = Scene(Remedy(Deed.REOPEN_PORT, limit=1, per_s=200.0), tries=tuple(tries_from([asdict(old)])))
    assert scene.remedies.tries[0].how == "interrupted"
    await scene.treat()
    assert scene.tools[Deed.REOPEN_PORT].done == 0
    scene.at += 101.0
    await scene.remedies.treat(scene.begun[-1])
    assert scene.tools[Deed.REOPEN_PORT].done == 1


@pytest.mark.parametrize(("pressure", "done"), [(None, 0), (0.2, 0), (1.2, 1)])
async def test_what_must_hold_before_is_looked_at(pressure, done):
    scene = Scene(Remedy(Deed.RESET_DEVICE, only_if=Guard("power", above=1.0), limit=1))
    if pressure is not None:
        scene.values["grid.power"] = pressure
    await scene.treat()
    assert scene.tools[Deed.RESET_DEVICE].done == done


async def test_what_the_householder_has_not_allowed_and_what_cannot_be_done_is_not_tried():
    scene = Scene(Remedy(Deed.POWER_CYCLE), Remedy(Deed.REOPEN_PORT), may=("reopen_port",))
    scene.tools[Deed.REOPEN_PORT].why = "it has no port"
    await scene.treat()
    assert scene.hows == []
    assert len(scene.told) == 1


async def test_a_tool_that_fails_is_told_with_its_reason():
    scene = Scene(Remedy(Deed.RESET_DEVICE, limit=1))

    def fail() -> None:
        raise DriverError("the port is not open")

    scene.tools[Deed.RESET_DEVICE].effect = fail
    await scene.treat()
    assert scene.said == ["Grid: resetting it was not possible: the port is not open"]


async def test_nothing_more_is_done_when_it_is_over_by_itself():
    scene = Scene(Remedy(Deed.READ_AGAIN, worked=Worked.CLEARED), Remedy(Deed.REOPEN_PORT))
    scene.tools[Deed.READ_AGAIN].effect = lambda: scene.diagnoses.see(silence(CLEARED))
    await scene.treat()
    assert scene.hows == [("read_again", "worked")]


async def test_a_disk_that_refuses_stops_no_remedy():
    scene = Scene(Remedy(Deed.REOPEN_PORT, limit=1))

    def refuse(_: list[object]) -> None:
        raise StoreError("the disk is full")

    scene.remedies._save = refuse
    await scene.treat()
    assert scene.hows == [("reopen_port", "no_effect")]


@pytest.mark.parametrize("plain", [{}, [1], [{"device": "x"}], [["x"]]])
def test_a_damaged_record_is_a_value_error(plain):
    with pytest.raises(ValueError, match="not a"):
        tries_from(plain)


def test_checks_of_playbooks_are_made_for_each_device_of_their_kinds():
    assert own_checks([playbook()], {"grid": "meter"}) == ()
