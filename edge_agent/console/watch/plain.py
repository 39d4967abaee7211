"""Watching line by line: each change is a sentence of its own and nothing is drawn over, so a screen reader can follow.

A word and Enter asks for more; an empty line tells everything again.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from edge_agent.console.out import say
from edge_agent.console.text import clean, span
from edge_agent.console.watch.feed import EVERY_S, Feed
from edge_agent.console.watch.picture import Lost, Picture, cells
from edge_agent.control.client import Client
from edge_agent.control.types import Finding, Findings

WORDS = "Words: values, findings, queue, test, check, quit. An empty line tells how it is."


class Teller:
    """Says what changed since it last spoke. `say` prints one line; `take` may be called from any thread."""

    def __init__(self, say: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self.picture = Picture()
        self.known = threading.Event()  # all was told once, or there is nobody who tells
        self._say, self._now = say, now
        self._lock = threading.Lock()
        self._told: dict[str, str] = {}
        self._standing: dict[str, str] = {}

    def take(self, told: object) -> None:
        """Anything of the agent; what a person should know of it is said once."""
        with self._lock:
            if isinstance(told, Finding):
                return  # the next list of findings says the same, with what it explains
            self.picture.take(told, self._now())
            status = self.picture.status
            well = status is not None and status.ready and not self.picture.lost
            # numbers in the sentence of a gateway that is well change all the time
            self._changed("", self.picture.sentence(), "well" if well else "")
            self._changed("Lamp: ", self.picture.lamp_words())
            self._changed("Help: ", self.picture.help_words())
            if isinstance(told, Findings):
                self._findings()
            if isinstance(told, Findings | Lost):  # what is asked last
                self.known.set()

    def everything(self) -> Iterator[str]:
        """How it is now."""
        yield self.picture.sentence()
        for name, words in (
            ("Lamp", self.picture.lamp_words()),
            ("Help", self.picture.help_words()),
            ("Queue", self.picture.queue_words()),
        ):
            if words:
                yield f"{name}: {words}"
        yield from self.findings()

    def findings(self) -> Iterator[str]:
        """The findings that stand."""
        standing = self.picture.standing()
        yield f"{len(standing) or 'No'} finding{'' if len(standing) == 1 else 's'}."
        for finding in standing:
            yield f"{clean(finding.severity)}, for {span(finding.since_s)}: {clean(finding.sentence)}"

    def values(self) -> Iterator[str]:
        """The channels, one line each, what is wrong first."""
        rows = sorted(cells(self.picture, self._now()), key=lambda row: row[0] == "ok")
        for state, name, value, age, _ in rows:
            yield f"{name}: {value}, {age} ago" + ("" if state == "ok" else f", {state}")
        if not rows:
            yield "No channels yet."

    def _changed(self, name: str, words: str, as_if: str = "") -> None:
        """Say the words where they, or what they stand for, are new."""
        if words and self._told.get(name) != (as_if or words):
            self._told[name] = as_if or words
            self._say(f"{name}{words}")

    def _findings(self) -> None:
        standing = {f"{f.channel}:{f.kind}": clean(f.sentence) for f in self.picture.standing()}
        for key, sentence in standing.items():
            if key not in self._standing:
                self._say(f"New finding: {sentence}")
        for key, sentence in self._standing.items():
            if key not in standing:
                self._say(f"Over: {sentence}")
        self._standing = standing


def watch(client: Client, run: Callable[[Sequence[str]], int]) -> int:
    """Tell and answer until `quit`, the end of the input, or Ctrl-C; `run` runs another command by its words."""
    teller = Teller(say)

    def take(told: object) -> None:
        try:
            teller.take(told)
        except BrokenPipeError:  # in a thread, while the one that could end waits for a word that may never come
            os._exit(0)

    feed = Feed(client, take, ("finding", "help", "lamp"))
    say(WORDS)
    feed.start()
    asked: dict[str, Callable[[], Iterator[str]]] = {
        "": teller.everything,
        "values": teller.values,
        "findings": teller.findings,
        "queue": lambda: iter([teller.picture.queue_words() or "Not known yet."]),
    }
    commands = {"test": ("help", "test"), "check": ("check",)}
    try:
        for line in sys.stdin:
            teller.known.wait(EVERY_S)  # who asks at once is not told that there is nothing
            word = line.strip().lower()
            if word in ("quit", "q", "exit"):
                break
            if word in commands:
                run(commands[word])
            else:
                for told in asked.get(word, lambda: iter([WORDS]))():
                    say(told)
        else:
            threading.Event().wait()  # no input, such as under a service: go on telling
    finally:
        feed.stop()
    return 0
