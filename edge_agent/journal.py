"""The log where systemd's journal is: each line with its fields, by the journal's own socket.

Protocol: systemd.io/JOURNAL_NATIVE_PROTOCOL. `journalctl -u edge-agent EDGE_EVENT=fault EDGE_WHAT=boiler` finds what
was said of a device, `-p warning` what is worse than information.
"""

import os
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

SOCKET = "/run/systemd/journal/socket"
PREFIX = "EDGE_"
# syslog(3), as sd-daemon(3) has them.
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "warn": 4, "error": 3, "exception": 3, "critical": 2}
# The default limit of a datagram is some 200 kB; a line has a few hundred bytes, and a trace a few thousand.
MAX_VALUE = 8192
MAX_FIELDS = 40
# Said by the journal itself, or by a field of its own.
_OWN = frozenset({"event", "level", "timestamp"})


def is_journal(stream: TextIO) -> bool:
    """Whether what is written to this stream goes to the journal (JOURNAL_STREAM in systemd.exec(5))."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    with suppress(OSError, ValueError):
        found = os.fstat(stream.fileno())
        return (str(found.st_dev), str(found.st_ino)) == (device, inode)
    return False


class Journal:
    """Stands for structlog's logger: takes an event as it was made and sends it; where that fails, to the stream."""

    def __init__(self, stream: TextIO, path: str = SOCKET) -> None:
        self._stream = stream
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def msg(self, **event: Any) -> None:
        """One line of the log. Never raises."""
        try:
            self._socket.sendto(packed(event), self._path)
        except OSError:
            with suppress(OSError, ValueError):
                print(told(event), file=self._stream, flush=True)

    debug = info = warning = warn = error = exception = critical = fatal = log = failure = err = msg


def told(event: Mapping[str, Any]) -> str:
    """The line for a person: what happened, and then the rest of it."""
    rest = " ".join(f"{name}={value}" for name, value in event.items() if name not in _OWN and name != "exception")
    return f"{event.get('event', '')}  {rest}".rstrip()


def packed(event: Mapping[str, Any]) -> bytes:
    """An event as the journal takes it; values are cut at MAX_VALUE characters."""
    level = str(event.get("level", "info"))
    fields = {"MESSAGE": told(event), "PRIORITY": _PRIORITIES.get(level, 6), "SYSLOG_IDENTIFIER": "edge-agent"}
    for name, value in list(event.items())[:MAX_FIELDS]:
        if name not in _OWN - {"event"}:
            fields[field_name(name)] = value
    return b"".join(_field(name, str(value)[:MAX_VALUE]) for name, value in fields.items())


def field_name(name: str) -> str:
    """A name as the journal allows it: upper case letters, digits and _, at most 64."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return f"{PREFIX}{plain.upper()}"[:64]


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
