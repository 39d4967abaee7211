"""The arbiter and its players: rhythm and tone as core.lamp says."""

import asyncio
from itertools import pairwise

import pytest
from services_scene import until

from edge_agent.core import lamp
from edge_agent.core.lamp import PATTERNS, Pattern, Shown
from edge_agent.services.indicator import Arbiter


class Recording:
    """An Indicator that writes down when it changed, in milliseconds."""

    def __init__(self) -> None:
        self.told: list[tuple[float, bool, str]] = []

    def show(self, on: bool, colour: str) -> None:
        at = asyncio.get_running_loop().time() * 1000
        if not self.told or self.told[-1][1:] != (on, colour):
            self.told.append((at, on, colour))

    @property
    def on(self) -> bool:
        return self.told[-1][1]

    def lengths(self) -> list[float]:
        """How long each on and off lasted, from the first on."""
        first = next(i for i, (_, on, _) in enumerate(self.told) if on)
        changes = self.told[first:]
        kept = [changes[0]] + [b for a, b in pairwise(changes) if a[1] != b[1]]
        return [b[0] - a[0] for a, b in pairwise(kept)]


def arbiter() -> tuple[Arbiter, Recording, Recording, list[Pattern]]:
    light, buzzer, changes = Recording(), Recording(), []
    return Arbiter([light], [buzzer], changes.append), light, buzzer, changes


@pytest.mark.parametrize("what", [Shown.CANCEL_WINDOW, Shown.SENDING, Shown.HOLD])
async def test_the_lamp_keeps_the_rhythm_of_its_card(what: Shown) -> None:
    room, light, _, _ = arbiter()
    room.show(what)
    rhythm = PATTERNS[what].rhythm_ms
    await until(lambda: len(light.lengths()) >= len(rhythm) + 1)
    room.dark()
    for lasted, meant in zip(light.lengths(), rhythm + rhythm[:1], strict=False):
        assert lasted == pytest.approx(meant, abs=40)
    assert {colour for _, on, colour in light.told if on} == {PATTERNS[what].colour}


async def test_hold_beeps_every_second() -> None:
    room, _, buzzer, _ = arbiter()
    room.show(Shown.HOLD)
    await until(lambda: sum(on for _, on, _ in buzzer.told) == 3)
    room.dark()
    starts = [at for at, on, _ in buzzer.told if on]
    for before, after in pairwise(starts):
        assert after - before == pytest.approx(1000, abs=50)
    assert not buzzer.on


async def test_a_tone_that_is_played_once_ends_in_silence() -> None:
    room, _, buzzer, _ = arbiter()
    room.show(Shown.CANCEL_WINDOW)
    await asyncio.sleep(0.7)
    assert sum(on for _, on, _ in buzzer.told) == 3
    assert not buzzer.on
    room.dark()


async def test_steady_is_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    short = PATTERNS[Shown.ENGAGED]._replace(rhythm_ms=(30, 0))
    monkeypatch.setitem(lamp.PATTERNS, Shown.ENGAGED, short)
    room, light, buzzer, _ = arbiter()
    room.show(Shown.ENGAGED)
    await asyncio.sleep(0.15)
    assert [row[1] for row in light.told] == [False, True]
    assert not buzzer.on


async def test_the_same_again_starts_nothing_anew_and_a_change_begins_at_once() -> None:
    room, light, _, changes = arbiter()
    room.show(Shown.SENDING)
    before = list(light.told)
    room.show(Shown.SENDING)
    assert light.told == before
    room.show(Shown.RECEIVED)
    assert light.told[-1][1:] == (True, "green")
    assert [pattern.shown for pattern in changes] == [Shown.SENDING, Shown.RECEIVED]
    room.dark()


async def test_dark_is_dark_and_stays_so() -> None:
    room, light, buzzer, _ = arbiter()
    room.show(Shown.HOLD)
    room.dark()
    count = len(light.told)
    await asyncio.sleep(0.4)
    assert (light.on, buzzer.on, room.pattern) == (False, False, None)
    assert len(light.told) == count
