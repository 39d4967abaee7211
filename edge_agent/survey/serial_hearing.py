"""What was heard on a line at one setting, in one go, and how well each language understands it."""

from collections import deque
from typing import NamedTuple

from edge_agent.survey.serial_marks import Marks
from firmware_bridges.registry import language
from firmware_bridges.trial import MAX_BYTES, Measured, Score, Trial, measured

PAUSE_S = 0.25  # between two messages; a character of 300 baud takes 33 ms
# So much evidence, of which so much right, is no chance: at least two readings more than any noise was seen to give.
SURE_EVIDENCE, SURE_SHARE = 8, 0.8
LIKELY_SHARE = 0.5
MIN_BYTES = 24  # less is no message of anybody
# Of random bytes half have even parity.
_PARITY_SHARE, _PARITY_BYTES = 0.98, 32
_EVEN = bytes(byte for byte in range(256) if byte.bit_count() % 2 == 0)
_SEVEN = bytes(byte & 0x7F for byte in range(256))
_PRINTED = bytes([9, 10, 13, *range(32, 127)])
MEASURED_BYTES = 16_384  # each byte is looked at by itself: a second of a small computer


class Setting(NamedTuple):
    """How a port is set."""

    baud: int
    bits: int = 8
    parity: str = "none"

    @property
    def words(self) -> str:
        """As people write it."""
        return f"{self.baud} baud {self.bits}{self.parity[0].upper()}1"


class _Piece(NamedTuple):
    """What came in at once, as it is and with its marks."""

    at: float
    plain: bytes
    came: bytes


class Candidate(NamedTuple):
    """A language at a setting, and how it did."""

    setting: Setting
    score: Score

    @property
    def sure(self) -> bool:
        """Whether this is no chance."""
        return self.score.evidence >= SURE_EVIDENCE and self.score.share >= SURE_SHARE


class Hearing:
    """Bytes at a setting, the newest MAX_BYTES kept. `marks`: the port marks what came damaged. Times are monotonic."""

    def __init__(self, setting: Setting, now: float, *, marks: bool = True) -> None:
        self.setting = setting
        self.began = self.seen = now
        self.count = 0
        self.bursts = 0
        self.last_at: float | None = None
        self.printed = 0
        self.missed = 0  # bytes that are known to have been lost on the way
        self._even = 0
        self._marks = Marks() if marks else None
        self._trial = Trial()
        self._pieces: deque[_Piece] = deque()
        self._kept = 0

    @property
    def damaged(self) -> int:
        """Characters with a wrong stop or parity bit, as far as the port tells."""
        return self._marks.damaged if self._marks else 0

    @property
    def breaks(self) -> int:
        """Breaks, and zeros that came damaged."""
        return self._marks.breaks if self._marks else 0

    def take(self, came: bytes, now: float) -> None:
        """What came in at once; nothing is a look at a silent line."""
        self.seen = now
        if not came:
            return
        plain = self._marks.feed(came) if self._marks else came
        if self.last_at is None or now - self.last_at >= PAUSE_S:
            self.bursts += 1
        self.last_at = now
        self.count += len(plain)
        self.printed += len(plain) - len(plain.translate(None, _PRINTED))
        self._even += len(plain) - len(plain.translate(None, _EVEN))
        self._trial.feed(plain, came if self._marks else None)
        self._pieces.append(_Piece(now, plain, came))
        self._kept += len(plain)
        while self._kept > MAX_BYTES:
            self._kept -= len(self._pieces.popleft().plain)

    def pauses(self, now: float) -> bool:
        """Whether a message has ended, or none has begun."""
        return self.last_at is None or now - self.last_at >= PAUSE_S

    def candidates(self) -> list[Candidate]:
        """Languages that read something of it, the best first; seven bits with parity are looked for too."""
        found = [Candidate(self.setting, score) for score in self._trial.scores(self.setting.baud)]
        if self._has_parity():
            trial = Trial()
            trial.feed(self.newest(MAX_BYTES).translate(_SEVEN))
            seven = Setting(self.setting.baud, 7, "even")
            found += [Candidate(seven, score) for score in trial.scores(seven.baud)]
        return found

    def measured(self, candidate: Candidate) -> tuple[Measured, int]:
        """How the language did byte by byte on the newest of it, and how many bytes those were."""
        name, seven = candidate.score.language, candidate.setting.bits < self.setting.bits
        marked = language(name).marks_breaks
        pieces: deque[tuple[float, bytes]] = deque()
        count = 0
        for piece in reversed(self._pieces):
            if pieces and count + len(piece.plain) > MEASURED_BYTES:
                break
            data = piece.came if marked else piece.plain
            pieces.appendleft((piece.at, data.translate(_SEVEN) if seven else data))
            count += len(data)
        return measured(name, pieces), count

    def newest(self, count: int) -> bytes:
        """The newest bytes, as many as there are and at most `count`."""
        return b"".join(piece.plain for piece in self._pieces)[-count:]

    def _has_parity(self) -> bool:
        eighth = self.setting.bits == 8 and self.count >= _PARITY_BYTES
        return eighth and self._even >= _PARITY_SHARE * self.count and not self.newest(MAX_BYTES).isascii()
