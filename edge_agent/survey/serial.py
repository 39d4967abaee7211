"""`edge-agent survey serial`: what is spoken on each serial port, by listening alone."""

import argparse
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple

from edge_agent.console.commands import USAGE, WELL, WRONG, colourful
from edge_agent.console.out import complain, say
from edge_agent.control.client import Client, ControlError, ControlRefusedError
from edge_agent.control.paths import is_there
from edge_agent.control.types import SerialSurvey, SurveyedPort, pretty
from edge_agent.drivers.port import PortError
from edge_agent.survey import serial_agent, serial_ports, serial_text
from edge_agent.survey.adding import add_and_tell, add_config, refuse
from edge_agent.survey.lasting import add_duration, looks
from edge_agent.survey.serial_agent import Row, Watched
from edge_agent.survey.serial_hearing import Setting
from edge_agent.survey.serial_line import Line
from edge_agent.survey.serial_ports import Port
from edge_agent.survey.serial_told import UNFINISHED, addition, refused, told
from firmware_bridges.trial import asked

LOOK_S = 0.1  # 115200 baud bring 1.2 kB meanwhile; Linux keeps 64 kB
NONE = "no serial port is known here: plug one in (ls -l /dev/serial/by-id), or name one with --port"
_FIXES = {
    "missing": "Plug it in, or look for its name: ls -l /dev/serial/by-id",
    "denied": "Run this with sudo, or join the group that owns it: sudo usermod -aG dialout $USER, then log in again",
    "busy": "Stop the program that uses it (sudo fuser -v {tty} names it), or listen when it is done",
    "settings": "It takes no such speed; look in the kernel's log (dmesg) for what it says of this port",
    "failed": "Name a serial port: ls -l /dev/serial/by-id; if it is one, look in the kernel's log (dmesg)",
}
_EPILOG = """\
examples:
  edge-agent survey serial                                 all ports, a minute at the most
  edge-agent survey serial --port /dev/ttyUSB0 --hex --for 5m
  edge-agent survey serial --port /dev/serial/by-id/usb-FTDI_0001-if00-port0 --add --name meter

Nothing is ever written to a port. Speeds are tried in turn until one is sure. A port that the agent holds stays with
it, and is listened to through it, at the speed that it has.

exit codes: 0 somebody was heard (with --add: it was added), 1 nobody was heard or no port could be had,
2 wrong usage"""


class _Started(NamedTuple):
    """A port that is listened to."""

    port: Port
    holder: str
    line: Line | Watched


class SurveyingSerial:
    """The command."""

    help = "which language is spoken on serial ports, at which speed, with how many errors; only listens"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments."""
        parser.epilog = _EPILOG
        parser.add_argument("--port", action="append", metavar="PATH", help="only this one; may be given again")
        add_duration(parser, "1m")
        parser.add_argument("--hex", action="store_true", help="show the newest bytes as well")
        raised = "leave DTR and RTS on while listening, as the agent does: some devices then restart, others need it"
        parser.add_argument("--dtr", action="store_true", help=raised)
        parser.add_argument("--add", action="store_true", help="put what one port was recognised as into --config")
        parser.add_argument("--name", metavar="NAME", help="how the device is called there")
        add_config(parser)
        parser.add_argument("--json", action="store_true", help="print JSON for programs, once it is done")
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")

    def run(self, args: argparse.Namespace) -> int:
        """Listen, and tell."""
        if args.add != bool(args.name) or (args.add and len(args.port or ()) != 1):
            return complain("--add needs one --port, and a --name for its device", USAGE)
        client = Client(args.socket)
        rows = _rows(client)
        ports = [serial_ports.named(path) for path in args.port] if args.port else _all(rows)
        results = _listen(ports, rows, client, args)
        if args.add:
            return _add(results[0], args)
        if not ports:
            complain(NONE, WRONG)
        found = SerialSurvey(results, asked())
        if args.json:
            say(pretty(found))
        else:
            for line in serial_text.survey(found, colour=colourful(), with_hex=args.hex):
                say(line)
        return WELL if any(port.bytes for port in results) else WRONG


def _rows(client: Client) -> Mapping[str, Row]:
    try:
        return serial_agent.rows(client)
    except ControlRefusedError as error:
        complain(f"the agent does not say which ports it holds: {error}", WRONG)
    except ControlError as error:
        if is_there(client.path):
            complain(f"which ports the agent holds is not known: {error}", WRONG)
    return {}


def _all(rows: Mapping[str, Row]) -> list[Port]:
    """Those of this machine, and what else the agent holds."""
    ports = serial_ports.found()
    known = {port.tty for port in ports}
    return ports + [Port(row.port, tty, "") for tty, row in rows.items() if tty not in known]


def _listen(ports: list[Port], rows: Mapping[str, Row], client: Client, args: argparse.Namespace) -> list[SurveyedPort]:
    """All ports at once, until all is known or the time is over."""
    begun = [_begin(port, rows.get(port.tty), client, args) for port in ports]
    lines = [each.line for each in begun if isinstance(each, _Started)]
    if lines:
        ports_are = "1 port" if len(lines) == 1 else f"{len(lines)} ports"
        sys.stderr.write(f"Listening on {ports_are}, {args.for_s:g} s at the most. Ctrl-C ends it early ...\n")

    def so_far() -> str:
        read = [str(each.score.language) for line in lines for each in line.hearing.candidates()[:1] if each.sure]
        return f"recognised: {', '.join(read) or 'nobody yet'}"

    try:
        with closing(looks(args.for_s if lines else 0.0, LOOK_S, so_far)) as turns:
            for _ in turns:
                for line in lines:
                    line.look(time.monotonic())
                if all(line.is_done for line in lines):
                    break
    finally:
        for line in lines:
            line.close()
    return [told(*each) if isinstance(each, _Started) else each for each in begun]


def _begin(port: Port, row: Row | None, client: Client, args: argparse.Namespace) -> _Started | SurveyedPort:
    if row is not None:
        return _watched(port, row, client, args.for_s)
    try:
        refusal = _not_ours(port) if serial_ports.is_terminal(port.tty) else _no_port(port, "it is no serial port")
        return refusal or _Started(port, "", Line(port.path, time.monotonic(), raised=args.dtr))
    except PortError as error:
        return _no_port(port, str(error), error.code)
    except OSError as error:
        return _no_port(port, error.strerror or str(error), "missing")


def _watched(port: Port, row: Row, client: Client, for_s: float) -> _Started | SurveyedPort:
    holder = f"the agent as {row.name}"
    if not row.language:
        return refused(port, holder, f"{holder} talks with a modem there", "Look at edge-agent status")
    try:
        return _Started(port, holder, Watched(client, row, for_s, time.monotonic()))
    except ControlError as error:
        return refused(port, holder, f"{holder} has it: {error.args[0]}", error.fix)


def _not_ours(port: Port) -> SurveyedPort | None:
    """Why another program would be troubled; None: nobody is known to use it."""
    if serial_ports.console(port.tty):
        fix = "Take console= for it out of the kernel's command line (raspi-config, Interface, Serial Port)"
        return refused(port, "the system", "the system writes its messages there", fix)
    program = serial_ports.other_program(port.tty)
    return refused(port, program, f"{program} has it open", _fix("busy", port)) if program else None


def _no_port(port: Port, why: str, code: str = "failed") -> SurveyedPort:
    return refused(port, "", f"it cannot be opened: {why}", _fix(code, port))


def _fix(code: str, port: Port) -> str:
    return _FIXES[code].format(tty=port.tty)


def _add(result: SurveyedPort, args: argparse.Namespace) -> int:
    """Write the section, or say why not."""
    if result.verdict != "understood":
        why = f"{result.port} is not understood: {result.sentence}. {result.fix}"
        return refuse(why, as_json=args.json)
    guess = result.guesses[0]
    section = addition(result.port, args.name, guess.language, Setting(guess.baud, guess.bits, guess.parity))
    if result.holder:
        return refuse(f"{result.port} is in the configuration already: held by {result.holder}", as_json=args.json)
    if guess.language in UNFINISHED:
        why = f"the section of {guess.language} needs what only you know: put it in by hand (docs/languages.md)"
        return refuse(why, section, as_json=args.json)
    return add_and_tell(args.config, section, as_json=args.json)


SURVEY_SERIAL = SurveyingSerial()
