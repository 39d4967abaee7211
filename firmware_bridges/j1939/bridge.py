"""J1939: parameter groups and trouble codes of control units, from SocketCAN or from a serial CAN adapter.

Only listened to: nothing is ever sent to the bus.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Code, Codes, Frame, Item, Reading, Send
from firmware_bridges.base import ListeningBridge, seconds_between
from firmware_bridges.canbus import EVERY_S, Field, Message, Opening, Transport, Turns, message
from firmware_bridges.cantext import frame, other
from firmware_bridges.framing import LineSplitter
from firmware_bridges.j1939.groups import GROUPS
from firmware_bridges.j1939.words import meaning

MAX_LINE = 128
DM1, DM2 = 65226, 65227
# The four lamps in a diagnostic message's first byte (J1939-73 §5.7.1), two bits each, from the highest.
LAMPS = ("mil", "stop_lamp", "warning_lamp", "protect_lamp")
ENGINE = 0
# Lawicel: 250 kbit/s is S5 (J1939-11), L listens only, O takes part and so acknowledges frames.
OPENING = {"": b"", "listen": b"\rC\rS5\rL\r", "normal": b"\rC\rS5\rO\r"}
OPEN_AGAIN_S = 30.0
UNCOUNTED = 0x7F
MAX_TEXT = 400


class J1939(ListeningBridge):
    """Frames or an adapter's lines in, readings and trouble codes out."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._lines = LineSplitter(MAX_LINE)
        self._transport = Transport()
        self._turns = Turns(seconds_between(device, options, 0.0, 86400.0))
        self._opening = Opening(OPENING[options["open"]], OPEN_AGAIN_S)
        self._joined = False

    def next(self, now: float) -> tuple[float | None, Send | None]:
        """Opens a Lawicel adapter, and again while nothing is heard of it."""
        return self._opening.next(now)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What these frames say."""
        if isinstance(chunk, Frame):
            yield from self._part(message(chunk.can_id, chunk.data), at)
        elif isinstance(chunk, bytes):
            for line in self._lines.feed(chunk):
                yield from self._line(line, at)
        else:
            yield from self.unsupported(chunk, at)

    def _line(self, line: bytes | None, at: float) -> Iterator[Item]:
        found = None if line is None else frame(line)
        joined, self._joined = self._joined, True
        if found is not None:
            self._opening.heard(at)
            yield from self._part(message(found.can_id, found.data), at)
        elif line is None:
            yield from self.faults.say("overflow", f"no end of line within {MAX_LINE} bytes", at)
        elif joined and not other(line):
            yield from self.faults.say("garbage", "a line is no CAN frame", at)

    def _part(self, part: Message, at: float) -> Iterator[Item]:
        for whole in self._transport.feed(part, at):
            if whole is None:
                yield from self.faults.say("sequence", "frames of a longer message were lost", at)
            elif whole.pgn in {DM1, DM2}:
                yield from self._diagnostic(whole, at)
            else:
                for field in GROUPS.get(whole.pgn, ()):
                    yield from self._field(field, whole, at)

    def _field(self, field: Field, whole: Message, at: float) -> Iterator[Reading]:
        raw = field.raw(whole.data)
        top = 0xFF if raw is None else raw >> max(0, field.bits - 8)
        states = field.bits < 8
        if raw is None or top == (3 if states else 0xFF):
            return  # this unit does not tell it
        faulty = top > (1 if states else 0xFA)
        if not self._turns.due(field.name, whole.source, at, gap=faulty):
            return
        channel = self.channel(field.name, field.unit, field.kind)
        if faulty:
            yield from self.absent(channel, "the control unit says that its sensor is faulty", at)
        else:
            yield self.present(channel, bool(raw) if states else field.number(raw), at)

    def _diagnostic(self, whole: Message, at: float) -> Iterator[Item]:
        data, source = whole.data, whole.source
        if len(data) < 6:
            yield from self.faults.say("malformed", "a list of trouble codes is cut short", at)
            return
        troubles = list(_troubles(data))
        if whole.pgn == DM2:
            yield self.present(self._of(source, "earlier_codes", ChannelKind.GAUGE), len(troubles), at)
            yield self.present(self._of(source, "earlier_code_list", ChannelKind.TEXT), _listed(troubles), at)
            return
        for place, name in enumerate(LAMPS):
            bits = data[0] >> 6 - 2 * place & 3
            if bits < 2:
                yield self.present(self._of(source, name, ChannelKind.STATE), bits == 1, at)
        severity = _severity(data[0])
        codes = tuple(Code(one.code, meaning(one.spn, one.fmi), severity=severity) for one in troubles)
        yield Codes(self.device, codes, at, str(source))

    def _of(self, source: int, name: str, kind: ChannelKind) -> Any:
        return self.channel(name if source == ENGINE else f"{name}_{source}", "", kind)


def _severity(lamps: int) -> Severity:
    """By the lamps that are lit: the red one is an alarm, none at all a notice."""
    lit = [name for place, name in enumerate(LAMPS) if lamps >> 6 - 2 * place & 3 == 1]
    if "stop_lamp" in lit:
        return Severity.ALARM
    return Severity.WARNING if lit else Severity.NOTICE


class _Trouble(NamedTuple):
    """What fails and how; `times` it has become active, 0 where the unit does not count."""

    spn: int
    fmi: int
    times: int

    @property
    def code(self) -> str:
        """As workshops write it."""
        return f"SPN {self.spn} FMI {self.fmi}"


def _troubles(data: bytes) -> Iterator[_Trouble]:
    """Four bytes each behind the lamps (J1939-73 §5.7.1, version 4): SPN with 19 bits, FMI with 5, a count with 7."""
    seen = set()
    for place in range(2, len(data) - 3, 4):
        spn = data[place] | data[place + 1] << 8 | (data[place + 2] >> 5) << 16
        fmi, times = data[place + 2] & 0x1F, data[place + 3] & 0x7F
        none = (spn, fmi) in {(0, 0), (0x7FFFF, 0x1F)}
        if none or (spn, fmi) in seen:
            continue
        seen.add((spn, fmi))
        yield _Trouble(spn, fmi, 0 if times == UNCOUNTED else times)


def _listed(troubles: list[_Trouble]) -> str:
    """Codes that are over, in one line that a person can read; so many as fit."""
    said = ""
    for place, one in enumerate(troubles):
        times = f", {one.times} times" if one.times > 1 else ""
        more = f"{'; ' if said else ''}{one.code} ({meaning(one.spn, one.fmi)}{times})"
        if len(said) + len(more) > MAX_TEXT:
            return f"{said}; and {len(troubles) - place} more"
        said += more
    return said or "none"


def _make(device: str, options: Mapping[str, Any]) -> J1939:
    if options["open"] not in OPENING:
        raise ConfigError(f"open = {options['open']!r} is unknown", fix='One of "", "listen" or "normal"')
    return J1939(device, options)


SPEC = LanguageSpec(
    name="j1939",
    transports=frozenset({"serial", "can"}),
    make=_make,
    options={
        "every_s": EVERY_S,
        "open": Option(str, "", "open a Lawicel (slcan) adapter: listen, or normal where it cannot only listen"),
    },
    doc="J1939: engines, gearboxes and generators of trucks, buses and motorhomes, and their trouble codes",
    baud=115200,
)
