"""`edge-agent survey gpio`: press it now, and see what the line does."""

import argparse
import sys
from textwrap import fill

from edge_agent.config import DEFAULT_FILE
from edge_agent.console.commands import ENDED, UNREACHED, USAGE, WELL, WRONG, colourful
from edge_agent.console.out import complain, say
from edge_agent.console.text import clean
from edge_agent.control.client import Client, ControlError
from edge_agent.control.types import GpioSurvey, pretty
from edge_agent.core.errors import DriverError
from edge_agent.survey import gpio_text
from edge_agent.survey.gpio_heard import Event, Heard, held_since
from edge_agent.survey.gpio_lines import Lines, NoLineError, Wish, lines
from edge_agent.survey.gpio_trace import strokes
from edge_agent.survey.lasting import add_duration, looks, make_room

LOOK_EVERY_S = 0.25
# A meter that counts, or a line that howls, would fill the screen.
MOST_PICTURES = 20
CALLED = "THAT HOLD HAS CALLED FOR HELP. Take it back: press twice at once, or edge-agent help cancel"
EPILOG = """\
examples:
  edge-agent survey gpio                         all inputs that are configured: press them now
  edge-agent survey gpio --line button --for 2m
  edge-agent survey gpio --line 17 --pull up     a line that nothing uses yet
  edge-agent survey gpio --plain                 in words alone, for a screen reader

No line is driven, none is taken from the agent, and a press means what it always means: the help button, held, calls
for help.
exit codes: 0 a line changed; 1 none did, or it was refused; 2 wrong usage; 3 no agent answers and no line is known"""


class SurveyingGpio:
    """The command."""

    help = "press it now: levels, edges and bounce of GPIO inputs, drawn, and whether debounce_ms suffices"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = EPILOG
        parser.add_argument("--line", default="", metavar="NAME|NUMBER", help="only this one (as gpioinfo numbers it)")
        told = "the resistor for a line that is not configured (default: none, it then floats where nothing holds it)"
        parser.add_argument("--pull", choices=("up", "down", "none"), help=told)
        add_duration(parser, "30s")
        parser.add_argument("--plain", action="store_true", help="no pictures: every level in words")
        parser.add_argument("--config", default=DEFAULT_FILE, metavar="FILE", help="where no agent runs: %(default)s")
        parser.add_argument("--json", action="store_true", help="print JSON for programs, once it is done")
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")

    def run(self, args: argparse.Namespace) -> int:
        """Look, and tell what happens as it happens."""
        if args.pull and not args.line.isdecimal():
            return complain("--pull needs --line with the number of a line, such as --line 17", USAGE)
        client, wish = Client(args.socket), Wish(args.line, args.pull, args.config)
        try:
            with lines(args.socket, wish) as found:
                return _Survey(client, args, found).run()
        except NoLineError as error:
            return complain(clean(str(error)), UNREACHED if error.unreached else WRONG)
        except (ControlError, DriverError) as error:
            return complain(clean(str(error)), WRONG)


class _Survey:
    """One, from the first look to the table at its end."""

    def __init__(self, client: Client, args: argparse.Namespace, found: Lines) -> None:
        self._client, self._args, self._found = client, args, found
        self._heard = Heard()
        self._signs = None if args.plain else strokes(sys.stdout.encoding or "utf-8")
        self._presses: dict[int, int] = {}
        self._shown = 0
        self._called_ms = -1.0

    def run(self) -> int:
        """0: a line changed; 1: none did, or the agent went."""
        self._heard.see(self._found.look())
        self._begin()
        gone = None
        try:
            self._look()
        except ControlError as error:
            gone = error
        survey = self._heard.survey
        self._tell(end=True)
        if self._args.json:
            say(pretty(survey))
        else:
            self._end(survey)
        if gone is not None:
            return complain(clean(str(gone)), WRONG)
        return WELL if any(line.edges for line in survey.lines) else WRONG

    def _look(self) -> None:
        """Until the time is over; not at all where no line can be read. Raises ControlError."""
        if all(line.high is None for line in self._heard.survey.lines):
            return
        for _ in looks(self._args.for_s, LOOK_EVERY_S, lambda: gpio_text.so_far(self._heard.survey)):
            self._heard.see(self._found.look())
            self._warn()
            self._tell()

    def _end(self, survey: GpioSurvey) -> None:
        say("")
        for line in gpio_text.ends(survey, self._presses, colour=colourful()):
            say(line)
        if self._heard.missed:
            say(f"{self._heard.missed} edges came too fast to be kept, and are in no figure.")

    def _begin(self) -> None:
        survey = self._heard.survey
        is_open = self._found.of_agent and self._is_open()
        for line in gpio_text.warnings(survey, of_agent=self._found.of_agent, is_open=is_open):
            sys.stderr.write(f"{fill(clean(line), gpio_text.WIDTH)}\n")
        sys.stderr.write(f"{clean(self._found.note)}\nPress it now; Ctrl-C ends it early.\n")
        if not self._args.json:
            for line in gpio_text.begins(survey, colour=colourful()):
                say(line)
            say("")

    def _tell(self, *, end: bool = False) -> None:
        for event in self._heard.events(end=end):
            self._presses[event.line.line] = event.number
            self._show(event)

    def _show(self, event: Event) -> None:
        self._shown += 1
        if self._args.json or self._shown > MOST_PICTURES + 1:
            return
        if self._shown > MOST_PICTURES:
            make_room()
            say("More is counted, and not shown one by one.")
            return
        make_room()
        for line in gpio_text.event(event, self._signs):
            say(line)

    def _warn(self) -> None:
        """A hold that has called is told at once, and once."""
        survey = self._heard.survey
        made_ms = held_since(survey)
        if self._found.of_agent and made_ms is not None and made_ms != self._called_ms and self._is_open():
            self._called_ms = made_ms
            make_room()
            sys.stderr.write(f"{CALLED}\n")

    def _is_open(self) -> bool:
        return self._client.help().state not in ENDED


SURVEY_GPIO = SurveyingGpio()
