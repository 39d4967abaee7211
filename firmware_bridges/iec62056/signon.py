"""Asking a meter for its readout: IEC 62056-21 §6.3, modes A, B and C, as one small state machine."""

from enum import Enum, auto

from edge_agent.core.reading import Fault, Send
from firmware_bridges.base import Faults

FIRST_BAUD = 300
BITS = 10  # start, seven data, parity, stop
# §6.3.14: the meter answers within 1.5 s, and the asker waits 200 ms before it acknowledges.
ANSWER_S = 1.5
PAUSE_S = 0.2
# A name has at most 22 characters and two of line end.
NAME_S = ANSWER_S + 24 * BITS / FIRST_BAUD
# §6.3.14: 1.5 s between two characters; meters that compute a register take twice as long.
SILENCE_S = 3.0
RETRY_S = 30.0
WARM_UP_S = 1.0  # optical heads draw their power from the port's control lines


class _State(Enum):
    IDLE = auto()
    NAME = auto()
    ACKNOWLEDGE = auto()
    SPEED = auto()
    READOUT = auto()


def even(text: bytes) -> bytes:
    """Seven-bit characters with their parity in the eighth bit."""
    return bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in text)


def offered(letter: str) -> tuple[str, int]:
    """The mode and the speed that the fourth character of a meter's name stands for (§6.3.2, items 13 and 14)."""
    if letter in "0123456":
        return "C", FIRST_BAUD << int(letter)
    if letter in "ABCDEF":
        return "B", 600 << "ABCDEF".index(letter)
    return "A", FIRST_BAUD


class SignOn:
    """Says what to send and when. The bridge tells it of every byte, of names and of the end of a readout."""

    def __init__(self, faults: Faults, address: str, every_s: float, max_baud: int) -> None:
        self._faults = faults
        self._request = even(f"/?{address}!\r\n".encode("ascii"))
        self._every_s = every_s
        self._max_baud = max_baud
        self._state = _State.IDLE
        self._at: float | None = None
        self._asked_at = 0.0
        self._letter = "0"
        self._baud = FIRST_BAUD

    def next(self, now: float) -> tuple[float | None, Send | Fault | None]:
        """As Bridge.next."""
        if self._at is None:
            self._at = now + WARM_UP_S
        if now < self._at:
            return self._at, None
        match self._state:
            case _State.IDLE:
                self._asked_at = now
                self._go(_State.NAME, now + len(self._request) * BITS / FIRST_BAUD + NAME_S)
                return self._at, Send(self._request, baud=FIRST_BAUD)
            case _State.ACKNOWLEDGE:
                answer = even(f"\x060{self._letter}0\r\n".encode("ascii"))
                self._go(_State.SPEED, now + len(answer) * BITS / FIRST_BAUD)
                return self._at, Send(answer)
            case _State.SPEED:
                self._go(_State.READOUT, now + SILENCE_S)
                return self._at, Send(b"", baud=self._baud)
            case _:
                what = "does not answer" if self._state is _State.NAME else "stops in the middle of its readout"
                self._go(_State.IDLE, now + min(RETRY_S, self._every_s))
                return self._at, next(self._faults.say("silent", f"the meter {what}", now), None)

    def heard(self, at: float) -> None:
        """A byte of a readout."""
        if self._state is _State.READOUT:
            self._at = at + SILENCE_S

    def named(self, letter: str, at: float) -> None:
        """The meter said its name: go on as it can."""
        if self._state is not _State.NAME:
            return
        mode, baud = offered(letter)
        if mode == "C":
            while baud > max(self._max_baud, FIRST_BAUD):
                baud //= 2
            self._letter = str((baud // FIRST_BAUD).bit_length() - 1)
            self._go(_State.ACKNOWLEDGE, at + PAUSE_S)
        else:  # A stays, B changes by itself
            self._go(_State.SPEED, at)
        self._baud = baud

    def finished(self, at: float) -> None:
        """A readout is over."""
        if self._state is _State.READOUT:
            self._go(_State.IDLE, max(at, self._asked_at + self._every_s))

    def _go(self, state: _State, at: float) -> None:
        self._state, self._at = state, at
