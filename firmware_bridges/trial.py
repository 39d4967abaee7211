"""Which language is spoken on a line: bytes that were heard are given to the bridge of every language, without asking.

    ranked({9600: first, 115200: second})    # the best first; empty: none that is known

What a language makes of them counts for it (readings, trouble codes, right frames), and each fault against it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import ChannelKind, Codes, Reading
from firmware_bridges.registry import language, languages

DEVICE = "trial"
MAX_BYTES = 65_536
CHUNK_BYTES = 4096
# Options with which a language listens where it otherwise would ask, or cannot do without.
LISTENING: Mapping[str, Mapping[str, Any]] = {
    "iec62056": {"mode": "listen"},
    "modbus": {"map": "sdm630", "listen": True},
}
# A meter that pushes its registers speaks both of these: the one that knows more of it goes first.
_BEFORE = {"dsmr": 0}
# One right frame among noise may be chance: a line of text, a check sum of eight bits.
MIN_EVIDENCE = 2


class Score(NamedTuple):
    """How a language did on what was heard at a speed: what it read, what it could not, and the share of the first."""

    language: str
    baud: int
    evidence: int
    faults: int
    share: float


def bauds() -> list[int]:
    """Speeds worth listening at: those of most languages first."""
    usual = [language(name).baud for name in languages() if "serial" in language(name).transports]
    return sorted(set(usual), key=lambda baud: (-usual.count(baud), -baud))


def ranked(heard: Mapping[int, bytes]) -> list[Score]:
    """Every language that read something, the best first; `heard` are bytes by the speed that they were heard at."""
    scores = [score for baud, data in heard.items() for score in _scores(baud, data[:MAX_BYTES])]
    return sorted(scores, key=lambda s: (-s.evidence * s.share, _BEFORE.get(s.language, 1), s.language, s.baud))


def _scores(baud: int, data: bytes) -> Iterator[Score]:
    for name in languages():
        try:
            spec = language(name)
            if "serial" not in spec.transports:
                continue
            defaults = {key: option.default for key, option in spec.options.items()}
            bridge = spec.make(DEVICE, {**defaults, **LISTENING.get(name, {})})
        except ConfigError:  # one of somebody else's that needs to be told more
            continue
        items = [
            item
            for place in range(0, len(data), CHUNK_BYTES)
            for item in bridge.feed(data[place : place + CHUNK_BYTES], 0.0)
        ]
        read = sum(
            isinstance(item, Reading) and item.value is not None and item.channel.kind is not ChannelKind.TEXT
            for item in items  # text says little: a console prints any bytes that are letters
        )
        codes = sum(isinstance(item, Codes) for item in items)
        counts: Mapping[str, int] = getattr(getattr(bridge, "faults", None), "counts", {})
        evidence, faults = read + codes + getattr(bridge, "heard", 0), sum(counts.values())
        if evidence >= MIN_EVIDENCE:
            yield Score(name, baud, evidence, faults, evidence / (evidence + faults))
