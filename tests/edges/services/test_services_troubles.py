"""Trouble codes that a device tells of itself are findings, for as long as it tells them."""

from typing import Any

import pytest

from edge_agent.core.clock import Instant
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.reading import Code, Codes
from edge_agent.services.register import Register
from edge_agent.services.troubles import MAX_CODES, Troubles
from edge_agent.services.watch import plain
from edge_agent.texts import languages, texts

MISFIRE = Code("P0301", "cylinder 1 misfires", frame=(("rpm", 2450, "/min"), ("coolant_temperature", 91, "Cel")))


class Car:
    """A register of findings, and a device that tells its codes."""

    def __init__(self, language: str = "en") -> None:
        self.at = 0.0
        self.told: list[Finding] = []
        self.number = 0
        register = Register(self, self.told.append)
        self.troubles = Troubles(self, self._id, texts(language), register.findings, register.tell)

    def now(self) -> Instant:
        return Instant(self.at, "boot", 1e9 + self.at, True)

    def _id(self) -> bytes:
        self.number += 1
        return self.number.to_bytes(16)

    def says(self, *codes: Code, memory: str = "") -> None:
        self.at += 10.0
        self.troubles.see(Codes("engine", codes, self.at, memory))

    @property
    def news(self) -> list[tuple[str, str]]:
        return [(f.channel, f.state.value) for f in self.told]


def test_a_code_is_one_finding_in_words_with_what_the_device_stored_and_is_over_when_it_is_gone():
    car = Car()
    car.says(MISFIRE)
    car.says(MISFIRE)
    (found,) = car.told
    assert (found.key, found.sentence) == (
        "engine.p0301:code",
        "Engine reports trouble code P0301: cylinder 1 misfires.",
    )
    assert plain(found)["stored"] == (("rpm", 2450, "/min"), ("coolant_temperature", 91, "Cel"))
    assert found.count == 1
    car.says()
    assert car.news[1:] == [("engine.p0301", "cleared")]
    assert car.told[-1].sentence == "Engine does not report P0301 any more."
    assert car.told[-1].id == found.id
    car.says(MISFIRE)
    assert car.told[-1].count == 2
    assert car.told[-1].id != found.id


def test_a_code_goes_from_pending_over_confirmed_to_permanent_as_one_finding():
    car = Car()
    for pending, permanent in ((True, False), (False, False), (False, True)):
        car.says(MISFIRE._replace(pending=pending, permanent=permanent))
    assert [f.state for f in car.told] == [FindingState.PENDING, FindingState.CONFIRMED, FindingState.CONFIRMED]
    assert [(f.count, f.permanent) for f in car.told] == [(0, False), (1, False), (1, True)]
    assert len({f.id for f in car.told}) == 1
    assert car.told[0].sentence == "Engine has seen P0301 once: cylinder 1 misfires; it waits whether that comes again."


def test_one_control_unit_says_nothing_of_anothers_codes():
    car = Car()
    car.says(MISFIRE, memory="7E8")
    car.says(Code("U0100"), memory="7E9")
    car.says(memory="7E9")
    assert car.news[:2] == [("engine.7e8.p0301", "confirmed"), ("engine.7e9.u0100", "confirmed")]
    assert car.news[2:] == [("engine.7e9.u0100", "cleared")]
    assert car.told[1].sentence == "Engine reports trouble code U0100."


@pytest.mark.parametrize("code", ["SPN 100 FMI 1", "\x00\x1b[2J", "", "ä", "E" * 500, "a.b"])
def test_any_code_makes_a_channel_that_can_be_typed(code: str):
    car = Car()
    car.says(Code(code, severity=Severity.ALARM))
    (found,) = car.told
    device, _, name = found.channel.partition(".")
    assert device == "engine"
    assert name.replace("_", "a").isalnum()
    assert len(name) <= 40
    assert found.severity is Severity.ALARM
    car.says()
    assert car.told[-1].state is FindingState.CLEARED


def test_a_device_gone_mad_fills_no_memory():
    car = Car()
    car.says(*(Code(f"P{n:05}") for n in range(5 * MAX_CODES)))
    car.says(*(Code(f"U{n:05}") for n in range(5)), memory="another")
    assert len(car.told) == MAX_CODES
    car.says()
    car.says(Code("P0301"), memory="another")
    assert car.news[-1] == ("engine.another.p0301", "confirmed")


@pytest.mark.parametrize("language", languages())
def test_a_code_is_told_in_every_language(language: str):
    said: list[Any] = []
    for code in (MISFIRE, MISFIRE._replace(pending=True)):
        car = Car(language)
        car.says(code)
        car.says()
        said += [f.sentence for f in car.told]
    assert len(set(said)) == 3
    assert all("P0301" in sentence for sentence in said)
