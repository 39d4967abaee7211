"""Trouble codes: a round of questions (stored, pending, permanent), and one whole list of each control unit from it."""

from collections.abc import Iterator

from edge_agent.core.reading import Code, Codes, Value
from firmware_bridges.obd2.pids import PIDS
from firmware_bridges.obd2.replies import MAX_UNITS
from firmware_bridges.obd2.words import meaning

STORED, PENDING, PERMANENT = "03", "07", "0A"
# In this order: the round is over with the last one, and with what was frozen when a code is new.
MODES = (STORED, PENDING, PERMANENT)
# Mode 02, parameter 02: the code that the frame was stored for (SAE J1979 §6.2).
CAUSE = 0x02
MAX_ROWS = 20
MAX_CODES = 200
Frame = dict[str, tuple[Value, str]]


class Round:
    """What was heard since the last round began, and what was known before.

    `asked` and `over` are told of every command that goes out and is done with; after `settle`, `lists` has them.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._heard: dict[str, dict[str, tuple[str, ...]]] = {}
        self._known: dict[str, frozenset[str]] = {}
        self._frames: dict[str, Frame] = {}
        self._causes: dict[str, str] = {}
        self._whole = False
        self._due = self._settled = False

    def asked(self, command: str) -> None:
        """A command goes out: the first mode begins a round."""
        if command == STORED:
            self._heard.clear()
            self._whole = True

    def heard(self, mode: str, unit: str, codes: tuple[str, ...]) -> None:
        """A control unit's codes of this mode; on older buses they come in several messages."""
        if unit not in self._heard and len(self._heard) >= MAX_UNITS:
            return
        modes = self._heard.setdefault(unit, {})
        modes[mode] = tuple(dict.fromkeys((*modes.get(mode, ()), *codes)))[:MAX_CODES]

    def spoiled(self) -> None:
        """A question of this round had no whole answer: nothing is said of it."""
        self._whole = False

    def over(self, command: str) -> bool:
        """The last mode is done with: is there a new code, whose frame must be asked for first?"""
        if command != PERMANENT or not self._whole:
            return False
        self._due, self._settled = True, False
        stored = {unit: frozenset(modes.get(STORED, ())) for unit, modes in self._heard.items()}
        new = [unit for unit, codes in stored.items() if codes - self._known.get(unit, frozenset())]
        for unit in new:
            self._frames.pop(unit, None)
            self._causes.pop(unit, None)
        self._known.update(stored)
        return bool(new)

    def settle(self) -> None:
        """Nothing more is asked for in this round."""
        self._settled = True

    def frozen(self, unit: str, pid: int, data: bytes, cause: str) -> None:
        """One value of a unit's frame, or (`cause`) the code that it was stored for."""
        if pid == CAUSE:
            self._causes[unit] = cause
        frame = self._frames.setdefault(unit, {}) if len(self._frames) < MAX_UNITS else {}
        for quantity in PIDS.get(pid, ()):
            value = quantity.value(data)
            if value is not None and len(frame) < MAX_ROWS:
                frame[quantity.name] = value, quantity.unit

    def lists(self, at: float) -> Iterator[Codes]:
        """One list a control unit that said what it has stored, once a round; none while the round goes on."""
        if not self._due or not self._settled:
            return
        self._due = False
        for unit, modes in self._heard.items():
            if STORED in modes:
                codes = tuple(self._code(unit, code, modes) for code in dict.fromkeys(sum(modes.values(), ())))
                yield Codes(self._device, codes, at, unit.lower())

    def _code(self, unit: str, code: str, modes: dict[str, tuple[str, ...]]) -> Code:
        pending = code not in modes[STORED] and code not in modes.get(PERMANENT, ())
        cause = self._causes.get(unit, code)
        rows = tuple((name, value, unit_) for name, (value, unit_) in self._frames.get(unit, {}).items())
        frame = rows if not pending and cause == code else ()
        return Code(code, meaning(code), pending, code in modes.get(PERMANENT, ()), frame=frame)
