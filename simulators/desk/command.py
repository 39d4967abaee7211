"""`edge-agent desk`: a service desk for a developer, at any MQTT 5 broker."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from edge_agent.core.errors import AgentError, ConfigError
from edge_agent.core.wire import ROOT
from edge_agent.uplink.connection import TlsFiles
from simulators.desk.cases import CaseState
from simulators.desk.desk import Desk
from simulators.desk.https import calls
from simulators.desk.keys import DeskKey
from simulators.desk.news import News, plain
from simulators.desk.policy import Policy
from simulators.desk.policy import words as policy_words
from simulators.desk.web import start as web

_PATIENCE_S = 1.0
_MAX_TYPED_BYTES = 4096
_BY_HAND = {"receive": CaseState.RECEIVED, "engage": CaseState.ENGAGED, "resolve": CaseState.RESOLVED}
_TYPED = "cases, receive CODE, engage CODE, resolve CODE, say CODE TEXT, policy WORDS"
_EPILOG = f"""\
examples:
  edge-agent desk --port 1883 --key desk.key --db desk.sqlite
  edge-agent desk --policy received=0.5,engaged=5,resolved=never
  edge-agent desk --policy lies               an agent must not light its lamp for this one
  edge-agent desk --json | jq .text
  edge-agent desk --web 127.0.0.1:8080 --key desk.key --db desk.sqlite --name one
                                              a page for people who help; see docs/desk.md

policy words: {policy_words()}
While it runs, type: {_TYPED}

exit codes: 0 ended by Ctrl-C, 1 the broker cannot be reached, 2 wrong usage
"""


class _Command:
    help = "a service desk for trying things out: shows what gateways send, answers help requests"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = _EPILOG
        parser.add_argument("--host", default="127.0.0.1", help="the broker (default: %(default)s)")
        parser.add_argument("--port", type=int, default=1883, help="its MQTT 5 port (default: %(default)s)")
        parser.add_argument("--tls", action="store_true", help="the port speaks TLS")
        parser.add_argument("--ca-file", default="", metavar="FILE", help="trust this instead of the system's")
        parser.add_argument("--username", default="", help="for a broker that asks")
        parser.add_argument("--password-file", default="", metavar="FILE", help="for a broker that asks")
        parser.add_argument("--root", default=ROOT, help="the agents' [broker] root (default: %(default)s)")
        parser.add_argument(
            "--db", default=":memory:", metavar="FILE", help="keep everything here (default: in memory)"
        )
        parser.add_argument(
            "--key", type=Path, metavar="FILE", help="sign with this key; it is made when there is none"
        )
        parser.add_argument("--name", default="", help="the broker keeps what comes while it is away; for one alone")
        parser.add_argument("--policy", metavar="WORDS", help="how it answers, see below (default with --web: by_hand)")
        parser.add_argument(
            "--keep-days", type=float, default=90.0, metavar="N", help="readings of no case (default: %(default)g)"
        )
        parser.add_argument("--web", metavar="HOST:PORT", help="serve the page there, such as 127.0.0.1:8080")
        parser.add_argument("--web-token", type=Path, metavar="FILE", help="log in with this one; made when missing")
        parser.add_argument(
            "--web-name",
            action="append",
            default=[],
            metavar="NAME",
            help="how browsers may call it too",
        )
        parser.add_argument(
            "--calls", metavar="HOST:PORT", help="take calls for help by HTTPS there (docs/channels.md)"
        )
        parser.add_argument("--calls-cert", type=Path, metavar="FILE", help="certificate and key for that, PEM")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def run(self, args: argparse.Namespace) -> int:
        """Run until Ctrl-C; 1 when the broker cannot be reached, 2 when an argument is wrong."""
        # the desk tells of its connection itself
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        try:
            return asyncio.run(_serve(args))
        except ConfigError as error:
            print(f"edge-agent desk: {error}", file=sys.stderr)
            return 2
        except AgentError as error:
            # the link speaks to a gateway's owner; here these are options of the same names
            print(f"edge-agent desk: {error}".replace(" under [broker]", ""), file=sys.stderr)
            return 1


COMMAND = _Command()


async def _serve(args: argparse.Namespace) -> int:
    tell = _as_json if args.json else _as_line
    policy = Policy.parse(("by_hand" if args.web else "") if args.policy is None else args.policy)
    if not 1 <= args.port <= 65535:
        raise ConfigError(f"--port {args.port} is no port", fix="Name one from 1 to 65535")
    if not args.keep_days > 0:
        raise ConfigError("--keep-days must be more than 0", fix="Say --keep-days 90")
    place = web.place_of(args.web) if args.web else None
    door = web.door_of(args.web_token, args.web_name) if place else None
    calls_at = web.place_of(args.calls, "--calls") if args.calls else None
    key = DeskKey.from_file(args.key) if args.key else DeskKey.make()
    desk = Desk(
        *(args.host, args.port),
        key=key,
        policy=policy,
        db=args.db,
        root=args.root,
        name=args.name,
        username=args.username,
        password_file=args.password_file,
        tls=TlsFiles(args.ca_file) if args.tls or args.ca_file else None,
        keep_days=args.keep_days,
        tell=tell,
    )
    _introduce(desk, kept=args.key is not None, as_json=args.json)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(desk.run())
    try:
        if not await _connected(desk, running, stop):
            return 1
        _listen_to_keyboard(loop, lambda line: _obey(desk, line, tell))
        async with web.page(desk, place, door, tell), calls(desk, calls_at, args.calls_cert, args.root):
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
    finally:
        loop.remove_reader(sys.stdin)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        _sum_up(desk, tell)
        desk.close()
    return 0


async def _connected(desk: Desk, running: asyncio.Task[None], stop: asyncio.Event) -> bool:
    """Wait for the broker; False, and the reason on stderr, when it is not there."""
    waiting = [asyncio.create_task(desk.ready.wait()), asyncio.create_task(stop.wait())]
    await asyncio.wait({running, *waiting}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if desk.ready.is_set() or stop.is_set() or running.done():
        return True
    fix = desk.health.fix or "Start a broker (sudo apt install mosquitto), or name another with --host and --port."
    here = " Here those are --host, --port, --tls, --username and the like." if "[broker]" in fix else ""
    print(f"edge-agent desk: {desk.health.sentence}. {fix}{here}", file=sys.stderr)
    return False


def _introduce(desk: Desk, *, kept: bool, as_json: bool) -> None:
    if as_json:
        key = {"kid": desk.key.kid, "public": desk.key.public, "toml": desk.key.toml}
        _as_json(News(time.time(), "key", "", f"this desk signs as {desk.key.kid}", key))
        return
    print("Paste this into the agent's configuration, so that it believes this desk:\n")
    print(desk.key.toml + "\n")
    if not kept:
        print("This key is new and will be forgotten; --key FILE keeps one.\n")
    sys.stdout.flush()


def _sum_up(desk: Desk, tell: Callable[[News], None]) -> None:
    counts = {
        "events": desk.events_received,
        "readings": desk.readings_received,
        "redelivered": desk.redelivered,
        "refused": desk.refused,
        "missing": sum(gap.last - gap.first + 1 for gap in desk.gaps),
        "cases": len(desk.cases),
    }
    if desk.corrected:
        counts["dated by the desk"] = len(desk.corrected)
    text = ", ".join(f"{name} {count}" for name, count in counts.items())
    tell(News(time.time(), "sum", "", text, dict(counts)))


def _as_line(news: News) -> None:
    print(news.line, flush=True)


def _as_json(news: News) -> None:
    told = {"at": news.at, "kind": news.kind, "gateway": news.gateway, "text": plain(news.text), **news.data}
    print(json.dumps(told), flush=True)


def _listen_to_keyboard(loop: asyncio.AbstractEventLoop, obey: Callable[[str], None]) -> None:
    def typed() -> None:
        read = os.read(sys.stdin.fileno(), _MAX_TYPED_BYTES)
        if not read:
            loop.remove_reader(sys.stdin)
        for line in read.decode(errors="replace").splitlines():
            if line.strip():
                obey(line.strip())

    # a file or nothing at all cannot be waited for, and need not be
    with suppress(OSError, ValueError):
        loop.add_reader(sys.stdin, typed)


def _obey(desk: Desk, line: str, tell: Callable[[News], None]) -> None:
    """Do what was typed; what is not understood is said and stops nothing."""
    word, _, rest = line.partition(" ")
    rest = rest.strip()
    if word == "cases":
        listed = [f"{case.code} {case.gateway} {case.state.value}" for case in desk.cases]
        answer = "; ".join(listed) or "no cases"
    elif word == "policy":
        try:
            desk.policy = Policy.parse(rest)
            answer = f"the policy is now: {rest or 'the usual one'}"
        except ConfigError as error:
            answer = str(error)
    elif word in (*_BY_HAND, "say"):
        answer = _speak(desk, word, rest)
    else:
        answer = f"not understood: {line!r}; known are {_TYPED}"
    if answer:
        tell(News(time.time(), "typed", "", answer, {}))


def _speak(desk: Desk, word: str, rest: str) -> str:
    """Bring a case on, or say something in it; returns what is wrong. What went well shows as the desk's answer."""
    code, _, text = rest.partition(" ")
    if not code:
        return f"{word} needs the code of a case; `cases` lists them"
    case = desk.find(code)
    if case is None:
        return f"there is no case {code!r}"
    if word in _BY_HAND:
        desk.advance(case, _BY_HAND[word])
    elif text:
        desk.say(case, text)
    else:
        return "say needs a text after the code"
    return ""
