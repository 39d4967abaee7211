"""Which language is spoken on a line: bytes that were heard are given to the bridge of every language, without asking.

    ranked({9600: first, 115200: second})    # the best first; empty: none that is known
    trial = Trial(); trial.feed(more); trial.scores(9600)    # the same, while the line is listened to

What a language makes of them counts for it (readings, trouble codes, right frames), and each fault against it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import Bridge, LanguageSpec
from edge_agent.core.reading import ChannelKind, Codes, Reading, Send
from firmware_bridges.registry import language, languages

DEVICE = "trial"
MAX_BYTES = 65_536
CHUNK_BYTES = 4096
# Options with which a language listens where it otherwise would ask, or cannot do without.
LISTENING: Mapping[str, Mapping[str, Any]] = {
    "iec62056": {"mode": "listen"},
    "modbus": {"map": "sdm630", "listen": True},
}
# A meter that pushes its registers speaks both of these: the one that knows more of it goes first, also where the other
# has read half a telegram more.
_WEIGHTS = {"iec62056": 0.5}
# One right frame among noise may be chance: a line of text, a check sum of eight bits.
MIN_EVIDENCE = 2
# The usual speeds of meters, modules and adapters that are no language's own. Never 1200: boards with USB of their own
# (Arduinos, RP2040) take it as the order to wait for a new program.
_USUAL = (57_600, 2400, 230_400)
# What a device says of itself, in frames that are right.
_SAID = frozenset({"bus", "exception", "refused", "version"})
# Who asks nothing for so long hears others by themselves.
_ASKS_WITHIN_S = 30.0
_BOTH = frozenset({"native"})  # asks who is there, and its readings come by themselves


class Score(NamedTuple):
    """How a language did on what was heard at a speed: what it read, what it could not, and the share of the first."""

    language: str
    baud: int
    evidence: int
    faults: int
    share: float

    @property
    def weight(self) -> float:
        """What it is ranked by."""
        return self.evidence * self.share * _WEIGHTS.get(self.language, 1.0)


class Measured(NamedTuple):
    """What a language makes of pieces: when each message ended, what it rejected, and how many bytes messages had."""

    times: tuple[float, ...]
    rejected: int
    understood: int


class Trial:
    """One line at one setting, as every language hears it: bytes in any pieces. Only bounded rests are kept."""

    def __init__(self) -> None:
        self._ears = [_Ear(name, spec.marks_breaks, bridge) for name, spec, bridge in _listeners()]

    def feed(self, data: bytes, marked: bytes | None = None) -> None:
        """What came next; `marked` is the same with breaks marked (LanguageSpec.marks_breaks), where that is known."""
        for ear in self._ears:
            ear.feed(marked if ear.marks_breaks and marked is not None else data)

    def scores(self, baud: int) -> list[Score]:
        """Every language that read something, the best first."""
        return _sorted(ear.score(baud) for ear in self._ears if ear.evidence >= MIN_EVIDENCE)


def bauds() -> list[int]:
    """Speeds worth listening at: those of most languages first."""
    usual = [language(name).baud for name in languages() if "serial" in language(name).transports]
    return sorted(set(usual), key=lambda baud: (-usual.count(baud), -baud)) + list(_USUAL)


def ranked(heard: Mapping[int, bytes]) -> list[Score]:
    """Every language that read something, the best first; `heard` are bytes by the speed that they were heard at."""
    scores: list[Score] = []
    for baud, data in heard.items():
        trial = Trial()
        for place in range(0, min(len(data), MAX_BYTES), CHUNK_BYTES):
            trial.feed(data[place : min(place + CHUNK_BYTES, MAX_BYTES)])
        scores += trial.scores(baud)
    return _sorted(scores)


def measured(name: str, pieces: Iterable[tuple[float, bytes]]) -> Measured:
    """How well a language understands a line: bytes with the time that they came at. Slow: byte by byte."""
    ear = next(_Ear(name, spec.marks_breaks, bridge) for each, spec, bridge in _listeners() if each == name)
    times: list[float] = []
    understood = since = before = 0
    for at, data in pieces:
        for place in range(len(data)):
            evidence, faults = ear.evidence, ear.faults
            ear.feed(data[place : place + 1])
            before += 1
            if ear.evidence > evidence:
                times.append(at)
                understood += before - since
            if ear.evidence > evidence or ear.faults > faults:
                since = before
    return Measured(tuple(times), ear.faults, understood)


def asked() -> list[str]:
    """The languages of devices that say nothing unless they are asked: of them, silence proves nothing."""
    return [name for name in languages() if name not in _BOTH and any(map(_asks, _made(name, {"map": "sdm630"})))]


class _Ear:
    """One language's bridge, and what it made of all that it was fed."""

    def __init__(self, name: str, marks_breaks: bool, bridge: Bridge) -> None:
        self.marks_breaks = marks_breaks
        self._name = name
        self._bridge = bridge
        self._read = 0

    @property
    def evidence(self) -> int:
        return self._read + getattr(self._bridge, "heard", 0)

    @property
    def faults(self) -> int:
        counts: Mapping[str, int] = getattr(getattr(self._bridge, "faults", None), "counts", {})
        return sum(count for code, count in counts.items() if code not in _SAID)

    def feed(self, data: bytes) -> None:
        for item in self._bridge.feed(data, 0.0):
            if isinstance(item, Reading):  # text says little: a console prints any bytes that are letters
                self._read += item.value is not None and item.channel.kind is not ChannelKind.TEXT
            else:
                self._read += isinstance(item, Codes)

    def score(self, baud: int) -> Score:
        evidence, faults = self.evidence, self.faults
        return Score(self._name, baud, evidence, faults, evidence / (evidence + faults))


def _sorted(scores: Iterable[Score]) -> list[Score]:
    return sorted(scores, key=lambda score: (-score.weight, score.language, score.baud))


def _listeners() -> Iterator[tuple[str, LanguageSpec, Bridge]]:
    for name in languages():
        for spec, bridge in _made(name, LISTENING.get(name, {})):
            yield name, spec, bridge


def _made(name: str, options: Mapping[str, Any]) -> Iterator[tuple[LanguageSpec, Bridge]]:
    """A language of serial lines with its bridge; nothing where it is somebody else's and needs to be told more."""
    try:
        spec = language(name)
        if "serial" in spec.transports:
            defaults = {key: option.default for key, option in spec.options.items()}
            yield spec, spec.make(DEVICE, defaults | {key: options[key] for key in options if key in defaults})
    except ConfigError:
        return


def _asks(made: tuple[LanguageSpec, Bridge]) -> bool:
    """Whether it has something to send before half a minute is over."""
    _, bridge = made
    now = 0.0
    while now is not None and now <= _ASKS_WITHIN_S:
        deadline, item = bridge.next(now)
        if isinstance(item, Send):
            return True
        if deadline is None or deadline <= now:
            return False
        now = deadline
    return False
