"""How a console talks with the agent: HTTP over the Unix socket. Standard library only, synchronous."""

import grp
import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from edge_agent.control.errors import ControlError, ControlRefusedError
from edge_agent.control.paths import find_socket
from edge_agent.control.types import API_VERSION, Failure, Live, Reply, decode, live
from edge_agent.core.errors import WireError

TIMEOUT_S = 5.0
# The server says something at least every 10 s.
QUIET_TIMEOUT_S = 30.0
BUSY_PAUSE_S = 0.1
# A small computer strikes out what is private in some seconds.
REPORT_S = 25.0
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


class Talk:
    """One agent's socket. Every method may raise ControlError, and ControlRefusedError when the agent says no."""

    def __init__(self, path: Path | str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self.path = find_socket(os.fspath(path) if path else None)
        self._timeout_s = timeout_s

    def _ask(self, name: str, kind: type[Some], *, body: bytes | None = None, extra_s: float = 0.0) -> Some:
        deadline = time.monotonic() + self._timeout_s
        while True:
            with self._asking(name, body, self._timeout_s + extra_s) as response:
                if response.status == http.client.OK:
                    return self._decoded(_whole(response), kind)
                if response.status != http.client.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise self._refusal(response)
            time.sleep(BUSY_PAUSE_S)

    def _text(self, name: str) -> str:
        with self._asking(name, None, self._timeout_s) as response:
            if response.status != http.client.OK:
                raise self._refusal(response)
            return _whole(response).decode()

    def _stream(self, route: str, after: str) -> Iterator[Live]:
        with self._asking(route, None, QUIET_TIMEOUT_S, after) as response:
            if response.status != http.client.OK:
                raise self._refusal(response)
            yield from self._parse(response)

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
