"""Watching on a screen of 80 by 24 or more, with Textual: channels, findings, lamp, help and queue.

What takes a person's answer (a test press, a check, shelving) leaves the screen for the command that does it: one way
of doing it, and the same words.
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widgets import DataTable, Footer, OptionList, Static

from edge_agent.console.text import clean, span
from edge_agent.console.watch.feed import Feed
from edge_agent.console.watch.picture import Picture, cells
from edge_agent.control.client import Client

HEAD = ("STATE", "CHANNEL", "VALUE", "AGE", "TREND")
NOTHING = "No findings: the checks have nothing to say."
STYLES = {"alarm": "bold red", "warning": "yellow", "no value": "yellow", "old": "dim"}
# Ages go on without news.
REFRESH_S = 1.0


class Heard(Message):
    """Something of the agent, on its way from the feed's threads to the screen."""

    def __init__(self, told: object) -> None:
        super().__init__()
        self.told = told


class Watch(App[int]):
    """The screen. `run_command(words)` runs another command of the console while the screen is away."""

    CSS_PATH = "screen.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "command('help test')", "Test press"),
        Binding("c", "command('check')", "Check"),
        Binding("e", "finding('explain')", "Explain"),
        Binding("n", "finding('normal')", "Normal"),
        Binding("s", "finding('shelve')", "Shelve"),
        Binding("tab", "focus_next", "Next table"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, client: Client, run_command: Callable[[Sequence[str]], int], *, ascii_only: bool) -> None:
        super().__init__(ansi_color=True)
        self.picture = Picture()
        self._feed = Feed(client, lambda told: self.post_message(Heard(told)))
        self._run_command = run_command
        self._ascii = ascii_only

    def compose(self) -> ComposeResult:
        """From above: how it is, channels, findings, help and queue."""
        yield Static(id="sentence", markup=False)
        yield Static(id="lamp", markup=False)
        yield DataTable(id="channels", cursor_type="row")
        yield OptionList(NOTHING, id="findings", markup=False)
        yield Static(id="help", markup=False)
        yield Static(id="queue", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to listen."""
        self.query_one(DataTable).add_columns(*HEAD)
        self.set_interval(REFRESH_S, self._show)
        self._show()
        self._feed.start()

    def on_unmount(self) -> None:
        """The threads have nobody to tell any more."""
        self._feed.stop()

    def on_heard(self, message: Heard) -> None:
        """News; shown at once where it is of the help path, with the next second otherwise."""
        before = (self.picture.lost, self.picture.lamp, self.picture.help)
        self.picture.take(message.told, time.monotonic())
        if before != (self.picture.lost, self.picture.lamp, self.picture.help):
            self._show()

    def action_command(self, words: str) -> None:
        """Leave the screen for a command, and come back at Enter."""
        self._away(words.split())

    def action_finding(self, what: str) -> None:
        """Something about the finding under the cursor."""
        standing = self.picture.standing()
        row = self.query_one(OptionList).highlighted or 0
        if row < len(standing):
            self._away(("findings", what, standing[row].id), asking=shelving if what == "shelve" else None)

    def _away(self, words: Sequence[str], asking: Callable[[], Sequence[str]] | None = None) -> None:
        """Leave the screen for a command; `asking` asks the person for the rest of its arguments."""
        try:
            with self.suspend():
                self._run_command((*words, *(asking() if asking else ())))
                input("Enter goes back to the screen. ")
        except SuspendNotSupported:
            self.notify("This terminal cannot be left for a command: use edge-agent " + " ".join(words))
        except EOFError:
            self.exit(0)

    def _show(self) -> None:
        now, picture = time.monotonic(), self.picture
        well = picture.status is not None and picture.status.ready and not picture.lost
        sentence = self.query_one("#sentence", Static)
        sentence.update(picture.sentence())
        sentence.set_class(not well, "wrong")
        self.query_one("#lamp", Static).update(_named("Lamp", picture.lamp_words()))
        self.query_one("#help", Static).update(_named("Help", picture.help_words()))
        self.query_one("#queue", Static).update(_named("Queue", picture.queue_words()))
        self._fill_channels([list(row) for row in cells(picture, now, ascii_only=self._ascii)])
        self._fill_findings([f"{f.severity}, {span(f.since_s)}: {f.sentence}" for f in picture.standing()] or [NOTHING])

    def _fill_channels(self, rows: Sequence[Sequence[str]]) -> None:
        """Only cells that differ are changed: the cursor stays, and little goes over a slow line."""
        table: DataTable[Any] = self.query_one(DataTable)
        while table.row_count > len(rows):
            table.remove_row(table.ordered_rows[-1].key)
        for place, row in enumerate(rows):
            style = STYLES.get(row[0], "")
            shown = [Text(cell, style=style if column == 0 else "") for column, cell in enumerate(row)]
            if place >= table.row_count:
                table.add_row(*shown)
                continue
            for column, cell in enumerate(shown):
                if table.get_cell_at(Coordinate(place, column)) != cell:
                    table.update_cell_at(Coordinate(place, column), cell, update_width=True)

    def _fill_findings(self, lines: Sequence[str]) -> None:
        options = self.query_one(OptionList)
        if options.option_count == len(lines):
            for place, line in enumerate(lines):
                if options.get_option_at_index(place).prompt != clean(line):
                    options.replace_option_prompt_at_index(place, clean(line))
            return
        before = options.highlighted
        options.clear_options()
        options.add_options([clean(line) for line in lines])
        options.highlighted = None if before is None else min(before, len(lines) - 1)


def shelving(ask: Callable[[str], str] = input) -> Sequence[str]:
    """What shelving needs to know, of the person at the terminal."""
    reason = ask("Why may it rest? ")
    owner = ask("Who answers for it? ")
    length = ask("For how long (90m, 12h, 3d; at most 7d)? [12h] ")
    return ("--reason", reason, "--owner", owner, "--for", length or "12h")


def _named(name: str, words: str) -> str:
    return f"{name}: {words}" if words else ""


def run(client: Client, run_command: Callable[[Sequence[str]], int]) -> int:
    """Watch until `q`; returns the exit code."""
    encoding = (os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "").lower()
    app = Watch(client, run_command, ascii_only="utf" not in encoding)
    return app.run() or 0
