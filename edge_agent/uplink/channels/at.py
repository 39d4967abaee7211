"""The dialogue with a modem by AT commands (3GPP TS 27.007 and 27.005, V.250), sans-IO: bytes in, answers out.

One command at a time. A modem speaks between the lines as well: what belongs to no command is set aside as `between`.
Echo may be on or off.
"""

import re
from collections import deque
from typing import NamedTuple

from edge_agent.core.errors import LinkError

# A PDU in hexadecimal is at most 360 characters; whatever is longer is noise.
MAX_LINE_BYTES = 1024
MAX_LINES = 200
MAX_BETWEEN = 100
_FINAL = frozenset({"OK", "ERROR", "NO CARRIER", "COMMAND NOT SUPPORT"})
_ERROR = re.compile(r"\+(CM[ES]) ERROR: ?(.*)")
# Lines that a PDU follows.
_HEADS = ("+CMGL:", "+CMGR:", "+CMT:")
_PROMPT = b">"

# 3GPP TS 27.007, 9.2: what is said of SIM and network.
_CME = {
    3: "the modem does not allow this now",
    4: "the modem does not know this command",
    10: "there is no SIM card in it",
    11: "the SIM card wants its PIN",
    12: "the SIM card is blocked and wants its PUK",
    13: "the SIM card does not work",
    14: "the SIM card is busy",
    15: "it is the wrong kind of SIM card",
    16: "the SIM card says that the PIN is wrong",
    30: "there is no network",
    31: "the network did not answer in time",
    32: "the network allows emergency calls only",
}
# 3GPP TS 27.005, 3.2.5, and TS 24.011, E.2, for those below 128.
_CMS = {
    1: "the number is not assigned",
    8: "the operator bars this number",
    10: "the operator bars calls from this SIM card",
    21: "the network rejected it",
    27: "the other end cannot be reached",
    28: "the network does not know this SIM card",
    29: "the SIM card's contract does not allow it",
    30: "the network does not know this SIM card",
    38: "the network is out of order",
    41: "the network has a passing failure",
    42: "the network is congested",
    47: "the network has no room for it",
    50: "the SIM card's contract does not have text messages",
    69: "the network does not carry this kind of message",
    96: "the network did not understand the message",
    302: "the modem does not allow this now",
    304: "the modem did not understand the message",
    310: "there is no SIM card in it",
    311: "the SIM card wants its PIN",
    313: "the SIM card does not work",
    314: "the SIM card is busy",
    316: "the SIM card is blocked and wants its PUK",
    321: "there is no such message",
    322: "the SIM card has no room for messages",
    330: "the SIM card does not know its message centre",
    331: "there is no network",
    332: "the network did not answer in time",
    500: "the modem does not say why",
}


class AtError(LinkError):
    """The modem answered, and said no. `code` is the number it gave, 0 where it gave none."""

    def __init__(self, what: str, *, code: int = 0, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.code = code


class Answer(NamedTuple):
    """What a command brought: its lines (with the PDUs behind them), and `error`, None where it went well."""

    lines: tuple[str, ...]
    error: AtError | None


class Dialogue:
    """`ask` gives the bytes of a command, `feed` takes what came; then look at `answer`, `prompted` and `between`."""

    def __init__(self) -> None:
        self.between: deque[str] = deque(maxlen=MAX_BETWEEN)
        self.answer: Answer | None = None
        self.prompted = False
        self._buffer = bytearray()
        self._asked = ""
        self._prefix = ""
        self._busy = False
        self._lines: list[str] = []
        self._pdu_of = ""

    def ask(self, command: str, prefix: str = "") -> bytes:
        """Begin a command; lines of its answer begin with `prefix`."""
        self._asked, self._prefix, self._busy = command, prefix, True
        self.answer, self.prompted, self._lines = None, False, []
        return command.encode("ascii", "replace") + b"\r"

    def give(self, text: str) -> bytes:
        """What the prompt asked for, with its end."""
        self._asked, self.prompted = text, False
        return text.encode("ascii", "replace") + b"\x1a"

    def feed(self, chunk: bytes) -> None:
        """Take bytes, in any pieces."""
        self._buffer += chunk
        while (end := self._end()) >= 0:
            line = self._buffer[:end].decode("ascii", "replace").strip()
            del self._buffer[: end + 1]
            if line:
                self._line(line)
        if self._busy and self._buffer.lstrip(b"\r\n ").startswith(_PROMPT):
            self._buffer.clear()
            self.prompted = True
        if len(self._buffer) > MAX_LINE_BYTES:
            self._buffer.clear()

    def _end(self) -> int:
        ends = [place for place in (self._buffer.find(b"\r"), self._buffer.find(b"\n")) if place >= 0]
        return min(ends, default=-1)

    def _line(self, line: str) -> None:
        head, self._pdu_of = self._pdu_of, ""
        if head:
            self._keep(head, line)
        elif line.startswith(_HEADS):
            self._pdu_of = line
        elif self._busy and line.removesuffix("\x1a") == self._asked:
            return  # the echo
        elif self._busy and (line in _FINAL or _ERROR.match(line)):
            self._busy = False
            self.answer = Answer(tuple(self._lines), None if line == "OK" else error_of(line))
        else:
            self._keep(line)

    def _keep(self, *lines: str) -> None:
        mine = self._busy and self._prefix and lines[0].startswith(self._prefix) and len(self._lines) < MAX_LINES
        (self._lines if mine else self.between).extend(lines)


def error_of(line: str) -> AtError:
    """A final result in words."""
    found = _ERROR.match(line)
    if found is None:
        return AtError("the modem said no, and not why" if line == "ERROR" else f"the modem said {line.lower()}")
    kind, told = found[1], found[2].strip()
    if not told.isdecimal() or len(told) > 5:
        return AtError(f"the modem says: {told[:80] or 'an error'}")
    said = (_CME if kind == "CME" else _CMS).get(int(told))
    return AtError(f"the modem says: {said or 'an error'} (+{kind} {told})", code=int(told))


def numbers(line: str) -> list[int]:
    """The numbers behind the colon of an answer: `+CREG: 0,5` gives 0 and 5; what is none is left out."""
    return [int(part) for part in re.findall(r"(?<![\w\"])\d{1,9}(?![\w\"])", line.partition(":")[2])]
