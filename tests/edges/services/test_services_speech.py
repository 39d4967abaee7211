"""The speaker: one voice at a time, the newest truth, and silence as a state. With a script, and the real program."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from services_scene import until

from edge_agent.app import Agent
from edge_agent.config.model import Config, Control, Help, Paths
from edge_agent.core.lamp import PATTERNS, Shown
from edge_agent.core.request import HelpRequest, Note, State, Trigger
from edge_agent.services import speech
from edge_agent.services.speech import Speech
from edge_agent.texts import texts

CASE = HelpRequest(b"i" * 16, "23456789", Trigger.MANUAL, State.RECEIVED, 1.0, "boot", 1.0, clock_trusted=True)
SCRIPT = """#!/bin/sh
read -r line
echo "begins $* $line" >> "$SAID"
exec {then}
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program in the place of espeak-ng that takes its time; gives a reader of what it was told to say."""

    def install(then: str = "sleep 0.2"):
        program = tmp_path / "espeak-ng"
        program.write_text(SCRIPT.format(then=then))
        program.chmod(0o755)

    install()
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def read() -> list[str]:
        file = tmp_path / "said"
        return [line.partition("--stdin ")[2] for line in file.read_text().splitlines()] if file.exists() else []

    read.install = install
    read.file = tmp_path / "said"
    return read


@asynccontextmanager
async def speaking(language: str = "en"):
    speaker = Speech(texts(language))
    task = asyncio.create_task(speaker.run())
    try:
        yield speaker
    finally:
        task.cancel()
        await asyncio.wait({task})


def show(speaker: Speech, *patterns: Shown) -> None:
    for what in patterns:
        speaker.show(PATTERNS[what])


async def test_what_the_lamp_says_is_said_in_the_language_of_the_household(said) -> None:
    async with speaking("de") as speaker:
        show(speaker, Shown.RECEIVED)
        await until(lambda: said() == ["Die Servicezentrale hat Ihren Hilferuf."])
        assert "-v de " in said.file.read_text()
        assert speaker.health.ready


async def test_the_newest_truth_cuts_the_older_short_and_what_came_between_is_not_said(said) -> None:
    said.install("sleep 20")
    async with speaking() as speaker:
        show(speaker, Shown.CANCEL_WINDOW)
        await until(lambda: len(said()) == 1)
        begun = time.monotonic()
        show(speaker, Shown.SENDING, Shown.RECEIVED)
        await until(lambda: len(said()) == 2)
        assert time.monotonic() - begun < 2.0
        assert said()[-1] == texts("en")["lamp.received"]


async def test_never_two_voices_at_once(said, tmp_path: Path) -> None:
    said.install('sh -c \'mkdir "$SAID.busy" || echo two >> "$SAID.two"; sleep 0.1; rmdir "$SAID.busy"\'')
    async with speaking() as speaker:
        speaker.hear(CASE)
        speaker.hear(replace(CASE, notes=tuple(Note("desk", f"word {n}", 1.0) for n in range(3))))
        await until(lambda: len(said()) == 3, 5.0)
        await asyncio.sleep(0.2)
    assert said() == ["word 0", "word 1", "word 2"]
    assert not (tmp_path / "said.two").exists()


async def test_only_new_words_of_the_desk_are_said_and_those_of_an_earlier_run_are_not(said) -> None:
    old = replace(CASE, notes=(Note("desk", "old", 1.0), Note("household", "mine", 2.0)))
    async with speaking() as speaker:
        speaker.hear(None)
        speaker.hear(old)
        speaker.hear(replace(old, notes=(*old.notes, Note("household", "mine too", 3.0), Note("desk", "new", 4.0))))
        await until(said)
        await asyncio.sleep(0.3)
    assert said() == ["new"]


async def test_readiness_is_said_to_who_asks_with_a_short_press_only(said) -> None:
    async with speaking() as speaker:
        show(speaker, Shown.NOT_READY, Shown.READY, Shown.NOT_READY)
        await asyncio.sleep(0.1)
        assert said() == []
        show(speaker, Shown.HOLD, Shown.READY)
        await until(lambda: said() == [texts("en")["lamp.ready"]])


async def test_a_voice_that_hangs_is_ended(said, monkeypatch) -> None:
    monkeypatch.setattr(speech, "LONGEST_S", 0.2)
    said.install("sleep 60")
    async with speaking() as speaker:
        speaker.hear(CASE)
        speaker.hear(replace(CASE, notes=(Note("desk", "one", 1.0), Note("desk", "two", 2.0))))
        await until(lambda: said() == ["one", "two"])


async def test_without_the_program_that_is_a_state_with_a_fix(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with speaking() as speaker:
        show(speaker, Shown.RECEIVED)
        await asyncio.sleep(0.05)
        assert not speaker.health.ready
        assert speaker.health.fix == "sudo apt install espeak-ng"


@pytest.mark.skipif(not which("espeak-ng"), reason="espeak-ng is not installed")
@pytest.mark.parametrize("language", ["en", "de", "es"])
async def test_the_real_program_speaks_or_says_that_it_has_no_sound_card(language, monkeypatch) -> None:
    ended: list[int | None] = []
    end = speech._end

    async def ending(process, said) -> None:
        await end(process, said)
        ended.append(process.returncode)

    monkeypatch.setattr(speech, "_end", ending)
    async with speaking(language) as speaker:
        show(speaker, Shown.RESOLVED)
        await until(lambda: ended, 15.0)
        await asyncio.sleep(0.05)
        assert ended == [0]
        assert speaker.health in (speech._WELL, speech._SILENT)


async def test_the_status_tells_a_household_that_wants_it_spoken_what_is_missing(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = Config(paths=Paths(state=str(tmp_path)), help=Help(speech=True), control=Control(enabled=False))
    agent, stop = Agent(settings), asyncio.Event()
    running = asyncio.create_task(agent.run(stop))
    await asyncio.sleep(0.05)
    (part,) = (part for part in agent.view.status().parts if part.name == "speech")
    assert (part.ready, part.fix) == (False, "sudo apt install espeak-ng")
    stop.set()
    await running
