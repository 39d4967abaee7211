"""How long a survey listens: the time that was asked for, with progress, or until somebody has seen enough."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator

from edge_agent.console.arguments import duration
from edge_agent.console.text import clean

LONGEST_S = 900.0
# Each look at an agent's survey lets it last so long: it ends soon after a command that was killed.
KEEP_S = 10.0
_CLEAR_LINE = "\r\x1b[K"


def add_duration(parser: argparse.ArgumentParser, usual: str) -> None:
    """Add --for, which gives `for_s` in seconds."""
    told = "how long to listen, such as 30s or 5m (default: %(default)s); Ctrl-C ends it early and shows what was heard"
    parser.add_argument("--for", dest="for_s", type=duration(1.0, LONGEST_S), default=usual, metavar="TIME", help=told)


def looks(for_s: float, every_s: float, so_far: Callable[[], str]) -> Generator[float, None, None]:
    """Give control every so often, with the seconds that have gone by, until the time is over or Ctrl-C was pressed.

    `so_far` says in a few words what was heard; it is shown on a terminal only, on the error output, in one line. A
    second Ctrl-C ends the program.
    """
    began, shown, enough = time.monotonic(), sys.stderr.isatty(), threading.Event()

    def stop(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, usual)
        enough.set()

    usual = signal.signal(signal.SIGINT, stop)
    try:
        while not enough.is_set() and (gone := time.monotonic() - began) < for_s:
            yield gone
            if shown:
                _show(f"{_CLEAR_LINE}{for_s - gone:4.0f} s to go, {clean(so_far())}")
            enough.wait(min(every_s, max(0.0, began + for_s - time.monotonic())))
        yield min(for_s, time.monotonic() - began)
    finally:
        signal.signal(signal.SIGINT, usual)
        if shown:
            _show(_CLEAR_LINE)


def make_room() -> None:
    """Take the progress away, before something is printed while it lasts."""
    if sys.stderr.isatty():
        _show(_CLEAR_LINE)


def _show(words: str) -> None:
    sys.stderr.write(words)
    sys.stderr.flush()
