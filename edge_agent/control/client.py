"""The control API's client: what every console speaks through. Standard library only, synchronous."""

import grp
import http.client
import os
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from edge_agent.control.errors import ControlError, ControlRefusedError
from edge_agent.control.paths import find_socket
from edge_agent.control.types import (
    API_VERSION,
    MOST_LINES,
    USUAL_HOLD_S,
    Answer,
    Channels,
    Clear,
    Consent,
    Console,
    Decide,
    Examine,
    Explained,
    Failure,
    Finding,
    Findings,
    Help,
    HelpTest,
    Hygiene,
    InForce,
    Lamp,
    Live,
    Log,
    OpenConsole,
    Play,
    Press,
    Queue,
    Raw,
    Readiness,
    Reply,
    Say,
    SelfTest,
    Shelve,
    Status,
    Taught,
    Watch,
    Which,
    decode,
    encode,
    live,
)
from edge_agent.core.errors import WireError

__all__ = ["Client", "ControlError", "ControlRefusedError"]

TIMEOUT_S = 5.0
# The server says something at least every 10 s.
QUIET_TIMEOUT_S = 30.0
BUSY_PAUSE_S = 0.1
# 1,000 channels are about 150 kB.
MAX_REPLY_BYTES = 8 << 20
MAX_LINE_BYTES = 1 << 20
START_IT = "Start it with: sudo systemctl start edge-agent, or edge-agent run --config FILE."
Some = TypeVar("Some", bound=Reply)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP whose other end is a file; the host is what the server expects to be called."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("edge-agent", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Called by http.client when the first byte is to be sent."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


class Client:
    """Asks the agent on this machine. Every method may raise ControlError, and ControlRefusedError when it says no.

    `path` is the socket; without it the usual places are tried (see paths.find_socket). One connection a question.
    """

    def __init__(self, path: Path | str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self.path = find_socket(os.fspath(path) if path else None)
        self._timeout_s = timeout_s

    def status(self) -> Status:
        """All at a glance."""
        return self._ask("status", Status)

    def queue(self) -> Queue:
        """The outbox."""
        return self._ask("queue", Queue)

    def findings(self) -> Findings:
        """What the checks say."""
        return self._ask("findings", Findings)

    def explain(self, name: str) -> Explained:
        """All that is known of a finding, by its id or channel."""
        return self._ask(f"findings/explain?id={quote(name)}", Explained)

    def hygiene(self) -> Hygiene:
        """How findings behaved in the last 30 days."""
        return self._ask("findings/hygiene", Hygiene)

    def readiness(self) -> Readiness:
        """Which checks have come to a verdict."""
        return self._ask("findings/readiness", Readiness)

    def clear(self, name: str, by: str = "", why: str = "") -> Findings:
        """Clear a finding by hand, or `*`: all that may be. Gives what was cleared."""
        return self._ask("findings/clear", Findings, body=encode(Clear(id=name, by=by, why=why)))

    def shelve(self, name: str, reason: str, owner: str, seconds: float) -> Finding:
        """Let a finding rest."""
        asked = Shelve(id=name, reason=reason, owner=owner, seconds=seconds)
        return self._ask("findings/shelve", Finding, body=encode(asked))

    def unshelve(self, name: str) -> Finding:
        """Let it count again."""
        return self._ask("findings/unshelve", Finding, body=encode(Which(id=name)))

    def normal(self, name: str, by: str = "", why: str = "") -> Taught:
        """Say that this is normal here, of a finding or of a channel that learns."""
        return self._ask("findings/normal", Taught, body=encode(Clear(id=name, by=by, why=why)))

    def help(self) -> Help:
        """Where help stands."""
        return self._ask("help", Help)

    def lamp(self) -> Lamp:
        """What the lamp shows and means."""
        return self._ask("lamp", Lamp)

    def channels(self) -> Channels:
        """The newest values."""
        return self._ask("channels", Channels)

    def press(self, hold_s: float = USUAL_HOLD_S) -> Help:
        """Hold the help button for `hold_s`; returns after the release."""
        return self._ask("press", Help, body=encode(Press(hold_s=hold_s)), extra_s=hold_s)

    def play(self, pattern: str, seconds: float) -> Lamp:
        """Show an example on the lamp; gives what is true meanwhile."""
        return self._ask("lamp/play", Lamp, body=encode(Play(pattern=pattern, seconds=seconds)))

    def cancel(self) -> Help:
        """Cancel the open case."""
        return self._ask("cancel", Help, body=b"{}")

    def answer(self, answer: str, question: str = "", by: Literal["page", "command"] = "command") -> Help:
        """Answer what the desk asks; an empty `question` is the one that is asked now."""
        return self._ask("help/answer", Help, body=encode(Answer(answer=answer, question=question, by=by)))

    def say(self, text: str) -> Help:
        """Write to the desk, at most LONGEST_TEXT characters."""
        return self._ask("help/say", Help, body=encode(Say(text=text)))

    def selftest(self) -> SelfTest:
        """The last self-test, or the one that runs."""
        return self._ask("selftest", SelfTest)

    def start_selftest(self, *, round_trip: bool = True) -> SelfTest:
        """Begin a self-test; a minute later at the latest it is done."""
        return self._ask("selftest", SelfTest, body=encode(Examine(round_trip=round_trip)))

    def metrics(self) -> str:
        """Figures as Prometheus text."""
        with self._asking("metrics", None, self._timeout_s) as response:
            if response.status != http.client.OK:
                raise self._refusal(response)
            return _whole(response).decode()

    def config(self) -> InForce:
        """The configuration as it is in force."""
        return self._ask("config", InForce)

    def log(self, after: int = 0, lines: int = MOST_LINES) -> Log:
        """The newest lines of the log behind number `after`."""
        return self._ask(f"log?after={after}&lines={lines}", Log)

    def raw(self, device: str) -> Raw:
        """Raw frames of a device, where somebody has asked to keep them."""
        return self._ask(f"raw?device={quote(device)}", Raw)

    def watch(self, device: str, seconds: float = 60.0) -> Raw:
        """Keep raw frames of a device for so long; 0 ends it."""
        return self._ask("raw", Raw, body=encode(Watch(device=device, seconds=seconds)))

    def console(self, seconds: float | None = None, *, lan: bool = False, look: bool = False) -> Console:
        """Open the page on site, for so long (0: shut it; None: as configured), or only `look` at it; gives its PIN."""
        return self._ask("console", Console, body=encode(OpenConsole(seconds=seconds, lan=lan, look=look)))

    def consent(self) -> Consent:
        """What may leave this house."""
        return self._ask("consent", Consent)

    def decide(self, purpose: str, *, granted: bool, by: Literal["page", "command"] = "command") -> Consent:
        """Allow a purpose, or take it back."""
        return self._ask("consent", Consent, body=encode(Decide(purpose=purpose, granted=granted, by=by)))

    def help_test(self) -> HelpTest:
        """The last test of the way to the desk."""
        return self._ask("help/test", HelpTest)

    def start_help_test(self) -> HelpTest:
        """Test the way to the desk now."""
        return self._ask("help/test", HelpTest, body=b"{}")

    def events(self, kinds: Collection[str] = (), after: str = "") -> Iterator[Live]:
        """What happens from now on, until the agent stops (ControlError) or the caller closes the iterator.

        `kinds` are keys of LIVE_KINDS; what is left out costs the agent nothing. None given means all. Who comes back
        gives the id of the last event that it had as `after`; what is missing then is told by a Gap.
        """
        route = f"events?kinds={','.join(kinds)}" if kinds else "events"
        with self._asking(route, None, QUIET_TIMEOUT_S, after) as response:
            if response.status != http.client.OK:
                raise self._refusal(response)
            yield from self._parse(response)

    def _ask(self, name: str, kind: type[Some], *, body: bytes | None = None, extra_s: float = 0.0) -> Some:
        deadline = time.monotonic() + self._timeout_s
        while True:
            with self._asking(name, body, self._timeout_s + extra_s) as response:
                if response.status == http.client.OK:
                    return self._decoded(_whole(response), kind)
                if response.status != http.client.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise self._refusal(response)
            time.sleep(BUSY_PAUSE_S)

    @contextmanager
    def _asking(
        self, name: str, body: bytes | None, timeout_s: float, after: str = ""
    ) -> Iterator[http.client.HTTPResponse]:
        """One question on its own connection; what goes wrong with it becomes one sentence."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        headers |= {"Last-Event-ID": after} if after else {}
        connection = _UnixConnection(self.path, timeout_s)
        try:
            with suppress(BrokenPipeError):  # refused before it was read: the answer says why
                connection.request("GET" if body is None else "POST", f"/v{API_VERSION}/{name}", body, headers)
            with connection.getresponse() as response:
                yield response
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            what = f"the agent is not running here, or runs with another socket: nobody answers on {self.path}"
            raise ControlError(what, fix=START_IT) from error
        except PermissionError as error:
            what = f"you may not use the control socket {self.path}"
            raise ControlError(what, fix=_how_to_be_let_in(self.path)) from error
        except TimeoutError as error:
            fix = "It may be very busy or stuck: try again, then look at journalctl -u edge-agent."
            raise ControlError(f"the agent did not answer within {timeout_s:g} s", fix=fix) from error
        except (OSError, http.client.HTTPException) as error:
            fix = "Try again; if it stays, look at journalctl -u edge-agent."
            raise ControlError(f"the talk with the agent on {self.path} broke off: {error}", fix=fix) from error
        finally:
            connection.close()

    def _decoded(self, raw: bytes, kind: type[Some]) -> Some:
        try:
            return decode(raw, kind)
        except WireError as error:
            raise _other_version(f"the agent's answer was not understood: {error.args[0]}") from error

    def _refusal(self, response: http.client.HTTPResponse) -> ControlError:
        failure = self._decoded(_whole(response), Failure)
        if response.status == http.client.NOT_FOUND:
            return _other_version(failure.error)
        return ControlRefusedError(failure.error, status=response.status, fix=failure.fix)

    def _parse(self, response: http.client.HTTPResponse) -> Iterator[Live]:
        kind = ident = ""
        while (line := response.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            field, _, value = line.rstrip(b"\r\n").partition(b": ")
            if field == b"event":
                kind = value.decode("utf-8", "replace")
            elif field == b"id":
                ident = value.decode("ascii", "replace")
            elif field == b"data":
                try:
                    yield live(kind, value, ident)
                except WireError as error:
                    raise _other_version(f"an event was not understood: {error.args[0]}") from error
        raise ControlError("the agent ended the stream", fix="It may be stopping or restarting: try again.")


def _whole(response: http.client.HTTPResponse) -> bytes:
    raw = response.read(MAX_REPLY_BYTES)
    if response.length:
        raise http.client.IncompleteRead(raw, response.length)
    return raw


def _other_version(what: str) -> ControlError:
    fix = "Use the edge-agent command that was installed with the agent, and restart the agent after an upgrade."
    return ControlError(f"the agent is of another version than this command: {what}", fix=fix)


def _how_to_be_let_in(path: Path) -> str:
    """By the group that owns the socket or, where it cannot be seen, its folder. Never the advice to join root."""
    for place in (path, path.parent):
        try:
            owner = place.stat().st_gid
            if owner:
                group = grp.getgrgid(owner).gr_name
                return f"Join the group {group}: sudo usermod -aG {group} $USER, then log in again."
        except (OSError, KeyError):
            continue
    return "Ask as the user that the agent runs as, or with sudo."
