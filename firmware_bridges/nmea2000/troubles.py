"""What is wrong on a boat, as trouble codes: status bits of engine and gearbox, alerts, a man overboard."""

from collections.abc import Iterator

from edge_agent.core.finding import Severity
from edge_agent.core.reading import Code, Codes
from firmware_bridges.canbus import Field, Message
from firmware_bridges.nmea2000.groups import ENGINE_TROUBLES, GEARBOX_TROUBLES

MAX_ALERTS = 100
_TEXT_CHARS = 80
# Alert types (126983): emergency alarm, alarm, warning, caution.
_SEVERITIES = {1: Severity.ALARM, 2: Severity.ALARM, 5: Severity.WARNING, 8: Severity.NOTICE}
# States in which an alert stands: active, silenced, acknowledged, waits for that.
_STANDS = range(2, 6)
_UTF16 = 0


class Troubles:
    """Messages in, lists of trouble codes out. Each alert has a list of its own, for its message speaks of it alone."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._texts: dict[tuple[int, int], str] = {}

    def feed(self, whole: Message, at: float) -> Iterator[Codes]:
        """What this message says is wrong, or not any more."""
        data = whole.data
        if whole.pgn == 127489 and len(data) >= 24:
            bits = int.from_bytes(data[20:24], "little")
            yield self._bits("engine", "E", data[0], bits, ENGINE_TROUBLES, at)
        elif whole.pgn == 127493 and len(data) >= 7:
            yield self._bits("gearbox", "G", data[0], data[6], GEARBOX_TROUBLES, at)
        elif whole.pgn == 126985 and len(data) > 18:
            text = _string(data[17:])
            if text and (self._key(data) in self._texts or len(self._texts) < MAX_ALERTS):
                self._texts[self._key(data)] = text
        elif whole.pgn == 126983 and len(data) >= 28:
            yield self._alert(data, at)
        elif whole.pgn == 127233 and len(data) >= 6:
            yield self._overboard(data[5] & 7, at)

    def _bits(self, part: str, letter: str, instance: int, bits: int, words: tuple[str, ...], at: float) -> Codes:
        found = [(place, each) for place, each in enumerate(words) if each and bits >> place & 1]
        codes = tuple(
            Code(
                f"{letter}{place}",
                each.removeprefix("*"),
                severity=Severity.ALARM if each.startswith("*") else Severity.WARNING,
            )
            for place, each in found
        )
        return Codes(self._device, codes, at, part if not instance else f"{part} {instance + 1}")

    def _alert(self, data: bytes, at: float) -> Codes:
        system, number = self._key(data)
        stands = data[27] in _STANDS
        severity = _SEVERITIES.get(data[0] & 0x0F, Severity.WARNING)
        code = Code(f"Alert {number}", self._texts.get((system, number), ""), severity=severity)
        return Codes(self._device, (code,) if stands else (), at, f"alert {system} {number}")

    def _overboard(self, status: int, at: float) -> Codes:
        lost = status in {0, 1}
        code = Code("MOB", "somebody is overboard", severity=Severity.ALARM)
        return Codes(self._device, (code,) if lost else (), at, "overboard")

    @staticmethod
    def _key(data: bytes) -> tuple[int, int]:
        return data[1], Field("", "", 24, 16).raw(data) or 0


def _string(data: bytes) -> str:
    """Length with its own two bytes, then 1 for ASCII or 0 for UTF-16, then the text."""
    length, kind = data[0], data[1]
    raw = data[2 : max(2, length)]
    text = raw.decode("utf-16-le" if kind == _UTF16 else "latin-1", "replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_TEXT_CHARS]
