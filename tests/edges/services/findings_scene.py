"""Findings over a real notebook: checks, register, frames and telling as the agent has them; the clock is moved."""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from edge_agent.core.causes import SILENT
from edge_agent.core.clock import Instant
from edge_agent.core.event import Event
from edge_agent.core.finding import Finding, Severity
from edge_agent.core.health import Health
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.wire import unpack
from edge_agent.services.events import EventMaker
from edge_agent.services.frames import Frames
from edge_agent.services.lessons import Lessons
from edge_agent.services.post import Post
from edge_agent.services.register import Register
from edge_agent.services.telling import Telling
from edge_agent.services.watch import CheckSetting, Watches
from edge_agent.store.lessons import LessonsFile
from edge_agent.store.notebook import Notebook
from edge_agent.texts import texts

NONE = dict.fromkeys(("min", "max", "per_s", "window_s", "level")) | {"hysteresis": 0.0}
DAY = 86_400.0
_ids = count(1)


def check(channel: str, kind: str = "range", *, severity: Severity = Severity.WARNING, **more: Any) -> CheckSetting:
    delays = more.pop("confirm_s", 0.0), more.pop("clear_s", 0.0)
    return CheckSetting(channel, kind, NONE | more, *delays, severity)


def silent(channel: str) -> CheckSetting:
    return check(channel, SILENT, window_s=60.0)


class Flat:
    """One life of an agent's findings in a folder; `again` is the next one after a restart."""

    def __init__(
        self, folder: Path, *settings: CheckSetting, at: float = 1000.0, boot_id: str = "first", wall: float = 1.8e9
    ) -> None:
        self.folder, self.settings = folder, settings
        self.at, self.boot_id, self.wall, self.trusted = at, boot_id, wall, True
        self.notebook = Notebook(folder / "findings.db")
        self.told: list[Finding] = []
        self.events: list[Event] = []
        self.notices: list[str] = []
        self.register = Register(self, book=self.notebook)
        self.recorder = Recorder(600.0)
        lessons = LessonsFile(folder)
        self.lessons = Lessons(self, lessons.load([]), lessons.save)
        self.watches = Watches(settings, self, self.new_id, self.register, self._quiet_since, texts("en"), self.lessons)
        self.post = post = Post(self._append, lambda _: None, self._commit)
        frames = Frames(self, lambda: self.recorder, self.register)
        self.frames = frames
        self.telling = Telling(
            self,
            EventMaker(self),
            post,
            self.register,
            frames,
            texts("en"),
            lambda _: True,
            lambda _, sentence: self.notices.append(sentence),
        )
        self.register.told = [self.telling.see, self.told.append]
        self._last: dict[str, float] = {}

    def again(self, *settings: CheckSetting, at: float = 50.0, off_s: float = 60.0) -> "Flat":
        """The machine starts anew, after so long."""
        self.lessons.finish()
        self.notebook.close()
        wall = self.now().wall + off_s - at
        return Flat(self.folder, *(settings or self.settings), at=at, boot_id=f"{self.boot_id}+", wall=wall)

    def now(self) -> Instant:
        return Instant(self.at, self.boot_id, self.wall + self.at, self.trusted)

    def new_id(self) -> bytes:
        return next(_ids).to_bytes(16)

    def say(self, name: str, value: float | bool = 1.0) -> None:
        reading = Reading(Channel(name, "bar"), value, self.at)
        self._last[name] = self.at
        self.recorder.keep([reading])
        self.watches.see(reading)

    def wait(self, seconds: float, step: float = 1.0, also: Callable[[], None] = lambda: None) -> None:
        for _ in range(round(seconds / step)):
            self.at += step
            also()
            self.watches.tick(self.at)
            self.telling.tick(self.now())

    def away(self, subject: str, *, gone: bool) -> None:
        self.watches.condition(subject, Health(not gone, "there is no adapter" if gone else "listening"))

    @property
    def standing(self) -> list[str]:
        return [f.key for f in self.register.confirmed()]

    def sent(self, what: str) -> list[dict[str, Any]]:
        asyncio.run(self.post.flush())
        return [unpack(e.payload) for e in self.events if e.type == f"edge.finding.{what}.v1"]

    def _append(self, event: Event) -> Event:
        self.events.append(event)
        return event

    async def _commit(self, _lane: object) -> None:
        pass

    def _quiet_since(self, subject: str) -> float | None:
        times = [at for name, at in self._last.items() if name == subject or name.startswith(f"{subject}.")]
        return max(times, default=None)
