"""`edge-agent survey ble`: who is heard by Bluetooth, who of them can be read, and "add this one"."""

import argparse
import json
import re
import sys
from collections import deque
from collections.abc import Generator
from contextlib import closing

from edge_agent.console.commands import USAGE, WELL, WRONG, colourful
from edge_agent.console.out import complain, say
from edge_agent.console.text import clean
from edge_agent.control.client import ControlError
from edge_agent.control.types import BleSurvey
from edge_agent.survey import ble_text
from edge_agent.survey.adding import add_config
from edge_agent.survey.ble_add import Wanted
from edge_agent.survey.ears import Look, ears
from edge_agent.survey.knowing import plainly
from edge_agent.survey.lasting import add_duration, looks

LOOK_EVERY_S = 1.0
# What may pass by itself (the service restarts, the first scan begins) is waited for.
PATIENCE_S = 4.0
EPILOG = """examples:
  edge-agent survey ble                 who is near, how strong, and which language knows it
  edge-agent survey ble --for 2m --all  longer, and with those whom nobody knows
  sudo edge-agent survey ble --add A4:C1:38:8D:18:B2 --name attic
  sudo edge-agent survey ble --add E2:11:0A:5B:33:90 --name solar --key-file key.txt

--add listens until this address is heard, asks which language knows it, puts a [[ble.device]] at the end of the
configuration when that is then right, and changes nothing otherwise. Where no agent listens the command does so itself.
exit codes: 0 somebody was heard or it is added, 1 nobody was heard or it is refused, 2 wrong usage"""


class SurveyingBle:
    """The command."""

    help = "who is heard by Bluetooth, how strong, which language knows it; --add puts one in the configuration"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = EPILOG
        add_duration(parser, "30s")
        parser.add_argument("--all", action="store_true", help="show also all of those that no language knows")
        parser.add_argument("--add", type=address, metavar="ADDRESS", help="put this device in the configuration")
        parser.add_argument("--name", help="what it is to be called there, such as attic: letters, digits, _")
        told = "what reads it, where none or several know it; with it a device may be added that is silent now"
        parser.add_argument("--language", help=told)
        parser.add_argument(
            "--key-file", metavar="FILE", help="the file its key is in, where its adverts are encrypted"
        )
        add_config(parser)
        parser.add_argument("--json", action="store_true", help="print JSON for programs")
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")

    def run(self, args: argparse.Namespace) -> int:
        """Listen, then show or add."""
        if bool(args.add) != bool(args.name) or (not args.add and (args.language or args.key_file)):
            return complain("--add and --name go together, --language and --key-file with them", USAGE)
        wanted = Wanted.of(args) if args.add else None
        if wanted is not None and (why := wanted.refusal()):
            return wanted.refuse(why)
        survey = _listened(args, wanted)
        if survey is None:
            return WRONG
        if wanted is not None:
            return wanted.add(survey)
        if args.json:
            say(json.dumps(plainly(survey), indent=2))
        else:
            for line in ble_text.lines(survey, everybody=args.all, colour=colourful()):
                say(line)
        return WELL if survey.heard else WRONG


def address(word: str) -> str:
    """A Bluetooth address, in capitals."""
    if not re.fullmatch(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", word):
        raise argparse.ArgumentTypeError(f"{word} is no address such as A4:C1:38:8D:18:B2")
    return word.upper()


def _listened(args: argparse.Namespace, wanted: Wanted | None) -> BleSurvey | None:
    """What was heard at last; None where the agent says no or goes before anything was."""
    survey = None
    try:
        with ears(args.socket, args.config) as (look, note):
            sys.stderr.write(f"{clean(note)} {'Until it is heard' if wanted else 'Ctrl-C ends it early'} ...\n")
            with closing(_surveys(look, args.for_s, wanted)) as surveys:
                for survey in surveys:  # noqa: B007 - the last one counts
                    pass
    except ControlError as error:
        complain(clean(str(error)), WRONG)
    return survey


def _surveys(look: Look, for_s: float, wanted: Wanted | None) -> Generator[BleSurvey, None, None]:
    """Every look, until the time is over, there is no hope, or the one to be added was heard and is known.

    Raises KeyboardInterrupt where Ctrl-C ends it before that: nothing is added then.
    """
    gone_s, newest = 0.0, deque[BleSurvey](maxlen=1)
    for gone_s in looks(for_s, LOOK_EVERY_S, lambda: ble_text.so_far(newest[0])):
        survey = look()
        newest.append(survey)
        yield survey
        hopeless = not survey.ready and survey.fix and not survey.heard and gone_s >= PATIENCE_S
        if hopeless or (wanted is not None and wanted.is_known(survey)):
            return
    if wanted is not None and gone_s < for_s:
        raise KeyboardInterrupt


SURVEY_BLE = SurveyingBle()
