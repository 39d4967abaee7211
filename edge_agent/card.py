"""`edge-agent help lamp`: plays each row of the lamp's card and names it, in the terminal or on the lamp itself."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from edge_agent.console.arguments import number
from edge_agent.console.out import complain, say
from edge_agent.console.text import paint
from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.types import LONGEST_PLAY_S, Lamp, encode
from edge_agent.core.lamp import PATTERNS, Pattern, Shown, steady
from edge_agent.core.light import Light
from edge_agent.texts import Texts, languages, texts

SHOW_S = 6.0
# Half of the shortest flash but that of ready, so that the fast rhythms look even.
STEP_S = 0.085
FRAME_S, EXACT_S = 0.02, 1e-6
_EPILOG = """\
examples:
  edge-agent help lamp                     play all of them in the terminal
  edge-agent help lamp question            play one
  edge-agent help lamp --list --language de
  edge-agent help lamp received --on-lamp  play it on the lamp of the running agent

On the lamp a row is an example: it is shown only while no help request is open and nobody touches the button, without
a sound, and ends at once when the lamp has something to say.

exit codes: 0 well, 1 the lamp is needed, 2 wrong usage, 3 the agent cannot be reached"""


def lamp_of(pattern: Pattern, here: Texts) -> Lamp:
    """A row as the control socket tells it; an empty rhythm is steady."""
    rhythm = [] if steady(pattern) else list(pattern.rhythm_ms)
    return Lamp(pattern.shown.value, pattern.colour, rhythm, here[f"lamp.{pattern.shown}"], here.language)


class LampCard:
    """The command."""

    help = "play each pattern of the lamp, and say what it means"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.epilog = _EPILOG
        parser.add_argument("rows", nargs="*", metavar="PATTERN", help=f"some of {', '.join(Shown)} (default: all)")
        parser.add_argument("--list", action="store_true", help="print them all, and play nothing")
        parser.add_argument("--json", action="store_true", help="print them as JSON for programs, and play nothing")
        parser.add_argument("--on-lamp", action="store_true", help="on the lamp of the running agent")
        told = f"{', '.join(languages())} (default: %(default)s)"
        parser.add_argument("--language", default="en", metavar="XX", choices=languages(), help=told)
        told = f"how long each, 0.5 to {LONGEST_PLAY_S:g} s (default %(default)g)"
        parser.add_argument("--seconds", type=number(0.5, LONGEST_PLAY_S), default=SHOW_S, metavar="S", help=told)
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")

    def run(self, args: argparse.Namespace) -> int:
        """Print or play; the exit code says whether the lamp could be had."""
        unknown = [row for row in args.rows if row not in list(Shown)]
        if unknown:
            return complain(f"there is no pattern {unknown[0]}; there are {', '.join(Shown)}", 2)
        chosen = [PATTERNS[Shown(row)] for row in args.rows] or list(PATTERNS.values())
        here = texts(args.language)
        if args.json or args.list:
            for pattern in chosen:
                say(encode(lamp_of(pattern, here)).decode() if args.json else _told(pattern, here))
            return 0
        try:
            self._play(chosen, here, args)
        except ControlError as error:
            return complain(error, 1 if isinstance(error, ControlRefusedError) else 3)
        return 0

    def _play(self, chosen: Sequence[Pattern], here: Texts, args: argparse.Namespace) -> None:
        client = Client(args.socket) if args.on_lamp else None
        for pattern in chosen:
            say(_told(pattern, here))
            if client:
                client.play(pattern.shown.value, args.seconds)
                time.sleep(args.seconds)
            elif sys.stdout.isatty():
                for line in drawn(pattern, args.seconds):
                    sys.stdout.write(f"\r  {line}")
                    sys.stdout.flush()
                say("")
            else:
                say(f"  {strip(pattern, args.seconds)}")


def drawn(pattern: Pattern, seconds: float) -> Iterator[str]:
    """The lamp from now on, a line now and then: as it is, and what it did so far."""
    light, begun, whole = Light(), time.monotonic(), strip(pattern, seconds)
    light.show(pattern, 0.0)
    while (now := time.monotonic() - begun) < seconds:
        _on_at(light, now)
        dot = paint("●", pattern.colour, colour=True) if light.on else "○"
        yield f"{dot} {whole[: int(now / STEP_S) + 1]}"
        time.sleep(FRAME_S)
    yield f"○ {whole}"


def strip(pattern: Pattern, seconds: float) -> str:
    """The rhythm as one sees it from its beginning, a mark for STEP_S."""
    light = Light()
    light.show(pattern, 0.0)
    return "".join("━" if _on_at(light, n * STEP_S) else " " for n in range(round(seconds / STEP_S)))


def _on_at(light: Light, now: float) -> bool:
    while light.deadline <= now + EXACT_S:
        light.step(light.deadline)
    return light.on


def _told(pattern: Pattern, here: Texts) -> str:
    what = pattern.shown
    looks = f"{here[f'colour.{pattern.colour}']}: {here[f'rhythm.{what}']}; {here[f'tone.{what}']}"
    return f"{here[f'name.{what}']} ({looks})\n  {here[f'lamp.{what}']}"


LAMP_CARD = LampCard()
