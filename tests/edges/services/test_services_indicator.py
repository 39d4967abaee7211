"""The arbiter and its players: rhythm and tone as core.lamp says."""

import asyncio
from functools import wraps
from itertools import pairwise

import pytest
from services_scene import until

from edge_agent.core import lamp
from edge_agent.core.errors import RefusedError
from edge_agent.core.lamp import ASSIST_BEGINS, PATTERNS, Pattern, Shown
from edge_agent.services import indicator
from edge_agent.services.indicator import Arbiter


class LeapLoop(asyncio.SelectorEventLoop):
    """Its time stands still while there is something to do and leaps to the next timer, however busy the machine."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 1000.0
        look = self._selector.select

        def leap(timeout: float | None) -> list:
            ready = look(0 if timeout is not None else None)
            if timeout and not ready:
                self._at += timeout
            return ready

        self._selector.select = leap

    def time(self) -> float:
        return self._at


def leaping(test):
    """Run a test on that loop."""

    @wraps(test)
    def run(*args, **options):
        with asyncio.Runner(loop_factory=LeapLoop) as runner:
            runner.run(test(*args, **options))

    return run


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


def starts(buzzer: Recording) -> int:
    return sum(on for _, on, _ in buzzer.told)


def sounding(monkeypatch: pytest.MonkeyPatch, what: Shown, **changes: object) -> None:
    """The tone of a row, made short."""
    row = PATTERNS[what]
    monkeypatch.setitem(lamp.PATTERNS, what, row._replace(tone=row.tone._replace(**changes)))


def arbiter() -> tuple[Arbiter, Recording, Recording, list[Pattern]]:
    light, buzzer, changes = Recording(), Recording(), []
    return Arbiter([light], [buzzer], changes.append), light, buzzer, changes


@pytest.mark.parametrize("what", [Shown.CANCEL_WINDOW, Shown.SENDING, Shown.HOLD])
@leaping
async def test_the_lamp_keeps_the_rhythm_of_its_card(what: Shown) -> None:
    room, light, _, _ = arbiter()
    room.show(what)
    rhythm = PATTERNS[what].rhythm_ms
    await until(lambda: len(light.lengths()) >= len(rhythm) + 1)
    room.dark()
    for lasted, meant in zip(light.lengths(), rhythm + rhythm[:1], strict=False):
        assert lasted == pytest.approx(meant, abs=1)
    assert {colour for _, on, colour in light.told if on} == {PATTERNS[what].colour}


@leaping
async def test_hold_beeps_every_second() -> None:
    room, _, buzzer, _ = arbiter()
    room.show(Shown.HOLD)
    await until(lambda: sum(on for _, on, _ in buzzer.told) == 3)
    room.dark()
    starts = [at for at, on, _ in buzzer.told if on]
    for before, after in pairwise(starts):
        assert after - before == pytest.approx(1000, abs=1)
    assert not buzzer.on


@leaping
async def test_a_tone_that_is_played_once_ends_in_silence() -> None:
    room, _, buzzer, _ = arbiter()
    room.show(Shown.CANCEL_WINDOW)
    await asyncio.sleep(0.7)
    assert sum(on for _, on, _ in buzzer.told) == 3
    assert not buzzer.on
    room.dark()


@leaping
async def test_steady_is_steady() -> None:
    room, light, buzzer, _ = arbiter()
    room.show(Shown.ENGAGED)
    await asyncio.sleep(0.15)
    assert [row[1] for row in light.told] == [True]
    assert not buzzer.on
    room.dark()


@leaping
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


@leaping
async def test_dark_is_dark_and_stays_so() -> None:
    room, light, buzzer, _ = arbiter()
    room.show(Shown.HOLD)
    room.dark()
    count = len(light.told)
    await asyncio.sleep(0.4)
    assert (light.on, buzzer.on, room.pattern) == (False, False, None)
    assert len(light.told) == count


@leaping
async def test_a_queued_request_sounds_once_more_after_a_while_and_then_no_more(monkeypatch) -> None:
    assert PATTERNS[Shown.QUEUED].tone.every_s == 120.0
    sounding(monkeypatch, Shown.QUEUED, beeps_ms=(20, 0), every_s=0.1)
    room, _, buzzer, _ = arbiter()
    room.show(Shown.QUEUED)
    await asyncio.sleep(0.5)
    assert starts(buzzer) == 2
    room.dark()


@leaping
async def test_a_second_tone_that_nobody_needs_any_more_does_not_sound(monkeypatch) -> None:
    sounding(monkeypatch, Shown.QUEUED, beeps_ms=(20, 0), every_s=0.1)
    room, _, buzzer, _ = arbiter()
    room.show(Shown.QUEUED)
    await until(lambda: starts(buzzer) == 1)
    room.show(Shown.ENGAGED)
    await asyncio.sleep(0.2)
    assert starts(buzzer) == 1
    room.dark()


@leaping
async def test_not_ready_chirps_when_it_stays_so_and_at_most_once_an_hour_however_often_it_comes(monkeypatch) -> None:
    assert (indicator.SETTLED_S, PATTERNS[Shown.NOT_READY].tone.every_s) == (60.0, 3600.0)
    monkeypatch.setattr(indicator, "SETTLED_S", 0.05)
    sounding(monkeypatch, Shown.NOT_READY, beeps_ms=(5, 0), every_s=0.6)
    room, _, buzzer, _ = arbiter()
    room.show(Shown.NOT_READY)
    await asyncio.sleep(0.01)
    assert starts(buzzer) == 0, "a restart or a reconnect is no reason to chirp"
    await until(lambda: starts(buzzer) == 1)
    for _ in range(3):
        room.show(Shown.READY)
        room.show(Shown.NOT_READY)
        await asyncio.sleep(0.06)
    assert starts(buzzer) == 1
    await until(lambda: starts(buzzer) == 2)
    room.dark()


@leaping
async def test_no_chirp_in_quiet_hours_and_one_when_they_are_over(monkeypatch) -> None:
    monkeypatch.setattr(indicator, "SETTLED_S", 0.02)
    monkeypatch.setattr(indicator, "LOOK_AGAIN_S", 0.02)
    quiet, buzzer = [True], Recording()
    room = Arbiter([], [buzzer], lambda _: None, lambda: not quiet[0])
    room.show(Shown.NOT_READY)
    await asyncio.sleep(0.15)
    assert starts(buzzer) == 0
    quiet[0] = False
    await until(lambda: starts(buzzer) == 1)
    room.dark()


@leaping
async def test_an_assist_session_sounds_at_start_and_end_and_no_other_tone_cuts_that_short() -> None:
    room, light, buzzer, _ = arbiter()
    room.show(Shown.ENGAGED)
    room.assist(True)
    room.assist(True)
    await asyncio.sleep(0.02)
    room.show(Shown.RESOLVED)
    await until(lambda: starts(buzzer) == 4 and not buzzer.on)
    for lasted, meant in zip(buzzer.lengths(), ASSIST_BEGINS.beeps_ms[:5], strict=False):
        assert meant - 10 < lasted < meant + 150
    room.assist(False)
    await until(lambda: starts(buzzer) == 6 and not buzzer.on)
    assert room.pattern is PATTERNS[Shown.RESOLVED]
    room.dark()
    assert (light.on, buzzer.on) == (False, False)


@leaping
async def test_a_tone_waits_for_the_end_of_the_sessions_tone(monkeypatch) -> None:
    room, _, buzzer, _ = arbiter()
    room.assist(True)
    room.show(Shown.SENDING)
    await until(lambda: starts(buzzer) == 4)
    assert sum(buzzer.lengths()[:5]) > sum(ASSIST_BEGINS.beeps_ms) - 20
    room.dark()


@leaping
async def test_the_mark_of_a_session_lies_over_what_shows() -> None:
    room, light, _, _ = arbiter()
    room.show(Shown.ENGAGED)
    room.assist(True)
    await asyncio.sleep(2.6)
    room.dark()
    darks = [b[0] - a[0] for a, b in pairwise(light.told) if not a[1]]
    assert darks == [pytest.approx(150, abs=60)] * 2


@leaping
async def test_an_example_is_shown_only_while_the_lamp_has_nothing_to_say_and_ends_at_once_when_it_has() -> None:
    room, light, buzzer, changes = arbiter()
    with pytest.raises(RefusedError):
        room.play(Shown.RECEIVED, 1.0)
    room.show(Shown.NOT_READY)
    room.play(Shown.ENGAGED, 0.05)
    assert light.told[-1][1:] == (True, "green")
    room.show(Shown.NOT_READY)
    assert light.told[-1][1:] == (True, "green"), "what was true already does not end it"
    assert room.pattern is PATTERNS[Shown.NOT_READY]
    await until(lambda: light.told[-1][1:] == (True, "red"))
    room.play(Shown.ENGAGED, 10.0)
    room.show(Shown.HOLD)
    assert light.told[-1][1:] == (True, "amber")
    with pytest.raises(RefusedError):
        room.play(Shown.READY, 1.0)
    await asyncio.sleep(0.02)
    assert [pattern.shown for pattern in changes] == [Shown.NOT_READY, Shown.HOLD]
    assert starts(buzzer) == 1, "examples are silent"
    room.dark()
