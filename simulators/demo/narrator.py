"""Tells what happens, a line each, as it happens."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from edge_agent.control.types import Finding, Help, Lamp, Live, Notice
from simulators.desk.news import News, plain

_COLOURS = {"device": "36", "agent": "32", "lamp": "33", "help": "1;35", "desk": "34", "network": "31", "demo": "2"}
_LAMP_COLOURS = {"green": "32", "amber": "33", "red": "31", "blue": "34"}
_TELEMETRY_EVERY_S = 5.0


class Narrator:
    """Writes `seconds  who  what`; colour only on a terminal and not with NO_COLOR."""

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stdout
        self._colour = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self.started_at = time.monotonic()
        # called when nobody reads any more (`edge-agent demo | head`)
        self.on_unread: Callable[[], None] | None = None
        self._blocks = [0, 0]
        self._told_at = 0.0
        self._state = ""

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started_at

    def say(self, who: str, what: str, dot: str = "") -> None:
        """One line; `dot` is a colour for a lamp's spot in front of it."""
        spot = f"\x1b[{_LAMP_COLOURS.get(dot, '0')}m●\x1b[0m " if dot and self._colour else ""
        name = f"{who:<8}"
        if self._colour:
            name = f"\x1b[{_COLOURS.get(who, '0')}m{name}\x1b[0m"
        try:
            self._stream.write(f"{self.now_s:6.1f} s  {name}{spot}{plain(what)}\n")
            self._stream.flush()
        except BrokenPipeError:
            # whatever is written from now on, by anybody, has a place to go
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            if self.on_unread is not None:
                self.on_unread()

    def live(self, live: Live) -> None:
        """Something the agent's control socket told."""
        match live.data:
            case Notice() as notice:
                self.say("agent", f"tells the household: {notice.sentence}")
            case Finding() as finding if finding.state != "pending":
                what = finding.sentence if finding.state == "confirmed" else f"over: {finding.sentence}"
                self.say("agent", f"{finding.severity} {what}")
            case Lamp() as lamp:
                self.say("lamp", f"{_rhythm(lamp)}: {lamp.sentence}", lamp.colour)
            case Help() as help_now if help_now.case and help_now.state != self._state:
                self._state = help_now.state
                self.say("help", f"case {help_now.case.code} is {help_now.state}")

    def desk(self, news: News) -> None:
        """Something that happened at the desk; blocks are told together now and then."""
        kind = str(news.data.get("type", ""))
        if news.kind in ("event", "again") and kind.startswith("edge.telemetry"):
            self._blocks[0] += 1
            self._blocks[1] += int(news.text.partition(": ")[2].partition(" ")[0] or 0)
            if self.now_s - self._told_at >= _TELEMETRY_EVERY_S:
                self._told_at = self.now_s
                self.say("desk", f"{count(self._blocks[1], 'reading')} in {count(self._blocks[0], 'block')} so far")
        elif "heartbeat" not in kind and news.kind != "link":
            self.say("desk", news.text)


def count(number: int, what: str) -> str:
    """`1 block`, `3 blocks`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _rhythm(lamp: Lamp) -> str:
    """A rhythm as one sees it, a mark for about each fifth of a second."""
    if not lamp.rhythm:
        return f"{lamp.colour} ━━━━━━━━━━"
    marks = "".join(("━" if i % 2 == 0 else " ") * max(1, round(ms / 200)) for i, ms in enumerate(lamp.rhythm))
    return f"{lamp.colour} {marks[:20]:<10}"
