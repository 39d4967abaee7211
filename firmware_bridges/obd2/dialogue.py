"""The talk with an ELM327: one command at a time, and never lost for long.

Strategy: what a line is goes by its form. A command is over when its own answer was seen, and after it the prompt or
a moment of silence: clones leave prompts out, or send them late, in front of the next answer. What gets no answer in
time is followed by a resynchronisation, for an adapter that is still busy swallows what it is sent.
"""

import re
from collections.abc import Iterator
from enum import Enum

MAX_LINE = 512
QUIET_S = 0.3
ATTEMPTS = 3
# "AT" alone: an idle adapter answers "?" or "OK", one that is busy stops and says "STOPPED" (ELM327 data sheet).
RESYNC = "AT"
RESYNC_WAIT_S = 1.0

_CUT = re.compile(rb"[\r\n>]")
_DROP = bytes(set(range(0x21)) - {0x0A, 0x0D}) + bytes(range(0x7F, 0x100))
# What an adapter prints in front of an answer in the same line, or where its line end was lost.
_BEFORE = re.compile(r"(?:OK|SEARCHING\.*|BUSINIT:\.*(?!ERROR)(?:OK)?)+(?=[^.])(?!ERROR)")


class Kind(Enum):
    """What a line is."""

    DATA = "data"
    VOLTS = "volts"
    ERROR = "error"
    OKAY = "okay"
    BANNER = "banner"
    NOTHING = "nothing"
    LONG = "long"


# In this order. Our own commands come back where the adapter goes on repeating them; a length of three digits (`014`)
# is none of them.
_FORMS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\A(AT[A-Z].*|0[1-9A](?:[0-9A-F]{2}[0-9A-F]{0,3})?|)\Z"), Kind.NOTHING),
    (re.compile(r"(ELM327V|STN\d{4}V|OBDLINK)"), Kind.BANNER),
    (
        re.compile(
            r"(NODATA|UNABLETOCONNECT|BUSBUSY|BUSERROR|CANERROR|DATAERROR|RXERROR|FBERROR|BUFFERFULL|STOPPED|"
            r"BUSINIT:\.*ERROR|LVRESET|ACTALERT|LPALERT|ERR\d\d|\A\?\Z)"
        ),
        Kind.ERROR,
    ),
    (re.compile(r"(\d{1,2}\.\d{1,2})V\Z"), Kind.VOLTS),
    (re.compile(r"\A(OK)\Z"), Kind.OKAY),
    (re.compile(r"\A(SEARCHING|BUSINIT)"), Kind.NOTHING),
)


def kind_of(line: str) -> tuple[Kind, str]:
    """What a line (upper case, without spaces) is, and its part that matters."""
    line = _BEFORE.sub("", line, count=1)
    for pattern, kind in _FORMS:
        match = pattern.search(line)
        if match is not None:
            return kind, match[1]
    return Kind.DATA, line


class Dialogue:
    """One outstanding command, and the lines that come back. The bridge says which of them answers it."""

    def __init__(self) -> None:
        self.outstanding: str | None = None
        self.over = ""
        self.lost = False
        self.timeouts = 0
        self._until = 0.0
        self._rest = b""
        self._skipping = False
        self._heard_at = 0.0
        self._answered = False
        self._prompted = False

    def feed(self, chunk: bytes, at: float) -> Iterator[tuple[Kind, str]]:
        """The lines in these bytes, by kind. A line that was never ended ends where the adapter falls silent."""
        if self._rest and at - self._heard_at >= QUIET_S:
            rest, self._rest = self._rest, b""
            yield self._line(rest)
        self._heard_at = at
        start = 0
        for cut in _CUT.finditer(chunk):
            line = self._rest + chunk[start : cut.start()].translate(None, _DROP)
            start = cut.end()
            self._rest = b""
            if self._skipping:
                self._skipping = False
            elif line:
                yield self._line(line) if len(line) <= MAX_LINE else (Kind.LONG, "")
            if cut[0] == b">":
                self._prompted = self._answered
        rest = self._rest + chunk[start:].translate(None, _DROP) if not self._skipping else b""
        if len(rest) > MAX_LINE:
            self._skipping = True
            rest = b""
            yield Kind.LONG, ""
        self._rest = rest

    def answer(self) -> None:
        """What was just heard answers the outstanding command."""
        self._answered = True
        self.timeouts = 0

    def ask(self, command: str, wait_s: float, now: float) -> bytes:
        """The bytes of a command, which is outstanding from now on."""
        self.outstanding = command
        self.over, self.lost = "", False
        self._until = now + wait_s
        self._answered = self._prompted = False
        return command.encode("ascii") + b"\r"

    def free_at(self, now: float) -> float:
        """When the next command may be sent: `now` if it may, and the outstanding one is `over` then.

        It is `lost` too where nothing answered it, until the next is asked.
        """
        if self.outstanding is None:
            return now
        if self._rest == b"OK" or (self._rest and self.outstanding == RESYNC):
            self._answered = True  # a last line without an end
        until = self._until
        if self._answered:
            until = now if self._prompted else min(until, self._heard_at + QUIET_S)
        if now < until:
            return until
        if not self._answered:
            self.timeouts += 1
        self.over, self.lost = self.outstanding, not self._answered
        self.outstanding = None
        return now

    @staticmethod
    def _line(line: bytes) -> tuple[Kind, str]:
        return kind_of(line.decode("ascii").upper())
