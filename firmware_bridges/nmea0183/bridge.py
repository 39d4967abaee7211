"""NMEA 0183: sentences of GPS receivers and boat instruments to readings.

A receiver says the same thing in several sentences of one cycle (a position in GGA, RMC and GLL), and so do
instruments: only one of them is listened to, so that nothing is stored twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import xor
from typing import Any

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import Chunk, Item, Reading
from firmware_bridges.base import ListeningBridge
from firmware_bridges.framing import LineSplitter
from firmware_bridges.nmea0183.gps import QUANTITIES, RECEIVERS, groups
from firmware_bridges.nmea0183.instruments import INSTRUMENTS, NUMBER, Told
from firmware_bridges.nmea0183.instruments import at as value_at
from firmware_bridges.nmea0183.transducers import revolutions, transducers

# 82 characters are allowed (NMEA 0183 §5.3); receivers with many decimals go beyond it.
MAX_LINE = 256
MAX_CHANNELS = 96
_NAMED = {"RPM": revolutions, "XDR": transducers}
# Of two kinds that say the same, the one with the lower number is the better.
_RANK = {kind: rank for rank, kind in enumerate((*RECEIVERS, *INSTRUMENTS, *_NAMED))}
_NUMBERS: Mapping[str, frozenset[int]] = {
    **{kind: frozenset(places.numbers()) for kind, places in RECEIVERS.items()},
    **{kind: frozenset(n for field in fields for n in field.numbers()) for kind, fields in INSTRUMENTS.items()},
}
_FIXED = QUANTITIES | {f.quantity: (f.unit, f.kind) for fields in INSTRUMENTS.values() for f in fields}
# What is told once for each time of the receiver, whichever sentence says it.
_TIMED = frozenset({"position", "sky"})


class _Source:
    """What a subject was last taken from: the kind of sentence, its time, and who else spoke since it was heard."""

    __slots__ = ("gap", "kind", "rivals", "time")

    def __init__(self, kind: str, time: str) -> None:
        self.kind = kind
        self.time = time
        self.gap = False  # it had no value
        self.rivals: set[str] = set()


class Nmea0183(ListeningBridge):
    """Sentences in, readings out. A position without a valid fix is None with the reason, and `fix` says `none`."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._lines = LineSplitter(MAX_LINE)
        self._sources: dict[str, _Source] = {}
        self._joined = False

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the sentences completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for line in self._lines.feed(chunk):
            yield from self._line(line, at)

    def _line(self, line: bytes | None, at: float) -> Iterator[Item]:
        """A line holds one sentence; more where noise swallowed an end, none where it is noise or a comment."""
        if line is None:
            yield from self.faults.say("overflow", f"no end of line within {MAX_LINE} bytes", at)
            return
        if b"!" in line and line.lstrip().startswith(b"!"):
            return  # AIS: what other ships say is no reading of this one
        before, *sentences = line.split(b"$")
        if (before.strip() or not sentences) and self._joined:
            yield from self.faults.say("garbage", "bytes that are no NMEA sentence", at)
        for sentence in sentences:
            yield from self._sentence(sentence, at)
        # Whoever joins a talking line hears the end of a sentence first: that is no fault.
        self._joined = True

    def _sentence(self, sentence: bytes, at: float) -> Iterator[Item]:
        content, star, checksum = sentence.rstrip(b" \t\x00").partition(b"*")
        if not star or len(checksum) != 2 or not content.isascii():
            yield from self.faults.say("garbage", "a sentence is cut short or garbled", at)
            return
        if f"{reduce(xor, content, 0):02X}".encode() != checksum.upper():
            yield from self.faults.say("checksum", "a sentence does not match its checksum", at)
            return
        self.heard += 1
        values = content.decode().split(",")
        kind = values[0][2:]
        if kind == "MWV":
            kind += values[2] if len(values) > 2 else ""
        if any(values[n] and not NUMBER.fullmatch(values[n]) for n in _NUMBERS.get(kind, ()) if n < len(values)):
            yield from self.faults.say("malformed", f"a field of {values[0]} cannot be read", at)
            return
        for subject, told in self._parts(kind, values):
            if subject not in self._sources and len(self._sources) >= MAX_CHANNELS:
                yield from self.faults.say("overflow", f"more than {MAX_CHANNELS} channels; {subject} is left out", at)
            elif self._listens(subject, kind, _time(subject, kind, values)):
                for one in told:
                    yield from self._tell(one, at)

    def _parts(self, kind: str, values: Sequence[str]) -> Iterator[tuple[str, Iterable[Told]]]:
        """What a sentence tells, by the subject that is taken from one kind of sentence alone."""
        if kind in RECEIVERS:
            yield from groups(RECEIVERS[kind], values)
            return
        told = _NAMED[kind](values) if kind in _NAMED else (f.told(values) for f in INSTRUMENTS.get(kind, ()))
        for one in told:
            source, known = self._sources.get(one.quantity), self._channels.get(one.quantity)
            unit_kind = _FIXED.get(one.quantity) or (known[1:] if known is not None else (one.unit, one.kind))
            if unit_kind != (one.unit, one.kind):
                continue  # a transducer that was given the name of something else
            if one.value is None and (one.optional if source is None else source.kind != kind):
                continue  # who has no value takes nobody's place
            yield one.quantity, (one,)

    def _listens(self, subject: str, kind: str, time: str) -> bool:
        """Whether this sentence is the one to take the subject from.

        A time that was told already brings nothing, whichever sentence repeats it. Where there is no time, a better
        kind of sentence takes over at once, and so does any from one without a value; another one when it has come
        twice since the present one was last heard.
        """
        source = self._sources.get(subject)
        if source is None:
            self._sources[subject] = _Source(kind, time)
            return True
        if time:
            news = time != source.time
            source.kind, source.time = kind, time
            return news
        if source.gap or kind == source.kind or kind in source.rivals or _RANK[kind] < _RANK[source.kind]:
            self._sources[subject] = _Source(kind, time)
            return True
        source.rivals.add(kind)
        return False

    def _tell(self, one: Told, at: float) -> Iterator[Reading]:
        channel = self.channel(one.quantity, one.unit, one.kind)
        if one.quantity in self._sources:
            self._sources[one.quantity].gap = one.value is None
        if one.value is None:
            yield from self.absent(channel, one.reason, at)
        else:
            yield self.present(channel, one.value, at)


def _time(subject: str, kind: str, values: Sequence[str]) -> str:
    """The time (UTC) that the sentence speaks of; empty where it has none, or where that does not matter."""
    return value_at(values, RECEIVERS[kind].time) if subject in _TIMED else ""


SPEC = LanguageSpec(
    name="nmea0183",
    transports=frozenset({"serial"}),
    make=Nmea0183,
    options={},
    doc="NMEA 0183: GPS receivers, and a boat's depth, wind, heading, water, rudder, engines and transducers",
    baud=4800,
)
