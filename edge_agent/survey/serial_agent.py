"""Ports that the running agent holds: which they are, and what comes on one, as the agent hands it on."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from edge_agent.control.client import Client, ControlError
from edge_agent.control.types import LONGEST_WATCH_S
from edge_agent.survey.serial_hearing import Hearing, Setting
from firmware_bridges.registry import language

SELDOM_S, OFTEN_S = 0.5, 0.1
MANY_FRAMES = 50  # a quarter of what the agent keeps
# Questions and answers belong together there.
_BOTH_WAYS = frozenset({"modbus"})


class Row(NamedTuple):
    """A device of the agent's configuration on a serial port; no language: a modem, which nobody can listen to."""

    port: str
    name: str
    language: str
    setting: Setting


def rows(client: Client) -> Mapping[str, Row]:
    """By the terminal behind each configured port. Raises ControlError where the agent cannot be asked."""
    settings = client.config().settings
    held: dict[str, Row] = {}
    for row in settings.get("serial", ()):
        setting = Setting(row["baud"] or language(row["language"]).baud, row["bits"], row["parity"])
        held[os.path.realpath(row["port"])] = Row(row["port"], row["name"], row["language"], setting)
    for channel in _table(settings, "help", "channels"):
        if channel.get("modem"):
            held[os.path.realpath(channel["modem"])] = Row(channel["modem"], channel["name"], "", Setting(115_200))
    return held


def _table(settings: Mapping[str, Any], *names: str) -> Any:
    found: Any = settings
    for name in names:
        found = found.get(name) or {}
    return found


class Watched:
    """A port by way of the agent: only the newest frames, long ones cut. Raises ControlError at the start."""

    unknown_fix = "Other speeds can be tried while the agent is stopped: sudo systemctl stop edge-agent"

    def __init__(self, client: Client, row: Row, seconds: float, now: float) -> None:
        self.began = now
        self.gone = self.trouble = self.silent_fix = ""
        self.cut = 0
        self.hearing = Hearing(row.setting, now, marks=bool(row.language) and language(row.language).marks_breaks)
        self.hearings = {row.setting: self.hearing}
        self._client = client
        self._row = row
        self._after = client.watch(row.name, min(seconds + 1.0, LONGEST_WATCH_S)).newest
        self._next_at = now

    @property
    def is_done(self) -> bool:
        """It goes on until the time is over, for other speeds cannot be tried."""
        return bool(self.gone)

    def look(self, now: float) -> None:
        """Take what came since the last look."""
        if self.gone or now < self._next_at:
            return
        try:
            raw = self._client.raw(self._row.name, self._after)
        except ControlError as error:
            self.gone = error.args[0]
            return
        if raw.newest < self._after:  # somebody ended the watch and began another
            self._after = 0
        self.hearing.missed += max(0, raw.newest - self._after - len(raw.frames))
        self._after = raw.newest
        self.hearing.take(b"", now)
        for frame in raw.frames:
            if frame.way == "in" or self._row.language in _BOTH_WAYS:
                shown = bytes.fromhex(frame.shown)
                self.cut += frame.size - len(shown)
                self.hearing.take(shown, now - frame.ago_s)
        self._next_at = now + (OFTEN_S if len(raw.frames) >= MANY_FRAMES else SELDOM_S)

    def close(self) -> None:
        """What is wrong with it, says the agent. The watch ends by itself: somebody else may look as well."""
        with suppress(ControlError):
            for device in self._client.status().devices:
                if device.name == self._row.name and not device.ready:
                    self.trouble, self.silent_fix = f"; the agent says: {device.sentence}", device.fix
