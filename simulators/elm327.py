"""An ELM327 adapter in a vehicle: it answers what it is asked, and misbehaves as clones do where it is told to."""

from collections.abc import Mapping
from typing import ClassVar

from edge_agent.core.reading import Value

# Mode 01: parameter, the key of its value, bytes, and the inverse of its formula (SAE J1979, annex B).
_PARAMETERS: dict[int, tuple[str, int, float, float]] = {
    0x04: ("load_pct", 1, 255 / 100, 0),
    0x05: ("coolant_c", 1, 1, 40),
    0x0C: ("rpm", 2, 4, 0),
    0x0D: ("speed_kmh", 1, 1, 0),
    0x11: ("throttle_pct", 1, 255 / 100, 0),
    0x1F: ("run_time_s", 2, 1, 0),
    0x2F: ("fuel_pct", 1, 255 / 100, 0),
    0x31: ("since_clear_km", 2, 1, 0),
    0x42: ("voltage_v", 2, 1000, 0),
}
_STATUS = 0x01
# A petrol engine's: catalyst, fuel vapour, oxygen sensor and its heater (J1979, table B6).
_OWN_TESTS = 0x65
ENGINE, GEARBOX = "7E8", "7E9"


class Elm327:
    """`answer` takes what the host writes, and gives what comes back to it. Times are the caller's.

    Values beside those of the parameters: `codes` ("P0217 P0301", empty: none), `awake` (false: the vehicle's bus is
    silent), `tests_open` (its own tests of catalyst, tank, sensors and exhaust gas are not done). QUIRKS: `no_prompt`
    (OK without a prompt), `late_prompt` (the prompt comes in front of the next answer), `banner_noise`, `deaf` (ATE0
    and ATH1 are not obeyed), `two_units` (a gearbox answers first), `split` (answers to others stand among the frames
    of a list of codes).
    """

    KEYS: ClassVar[frozenset[str]] = frozenset(
        {key for key, *_ in _PARAMETERS.values()} | {"codes", "awake", "tests_open"}
    )
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"voltage_v"})
    QUIRKS: ClassVar[frozenset[str]] = frozenset(
        {"no_prompt", "late_prompt", "banner_noise", "deaf", "two_units", "split"}
    )

    def __init__(self, quirks: frozenset[str] = frozenset()) -> None:
        self.values: Mapping[str, Value] = {}
        self._quirks = quirks
        self._line = b""
        self._echo = True
        self._headers = False
        self._owed = b""
        self._searched = False

    def answer(self, data: bytes) -> bytes:
        """What comes back for these bytes: nothing until a command has its end."""
        self._line += data
        out = b""
        while b"\r" in self._line:
            raw, _, self._line = self._line.partition(b"\r")
            command = raw.decode("ascii", "replace").replace(" ", "").upper()
            echo = raw + b"\r" if self._echo else b""
            out += self._ended(echo, command)
        return out

    def _ended(self, echo: bytes, command: str) -> bytes:
        owed, self._owed = self._owed, b""
        said = "".join(f"{line}\r" for line in self._lines(command)).encode("latin-1")
        okay = said == b"OK\r"
        if "no_prompt" in self._quirks and okay:
            return owed + echo + b"OK"
        if "late_prompt" in self._quirks and okay:
            self._owed = b"\r>"
            return owed + echo + said
        return owed + echo + said + b"\r>"

    def _lines(self, command: str) -> list[str]:
        if command == "ATZ":
            self._echo, self._headers, self._searched = True, False, False
            return ["", "\xfcELM327 v1.5" if "banner_noise" in self._quirks else "ELM327 v1.5"]
        if command == "ATRV":
            return [f"{float(self.values['voltage_v']):.1f}V"]
        if command.startswith("AT"):
            if "deaf" not in self._quirks:
                self._echo = self._echo and command != "ATE0"
                self._headers = self._headers or command == "ATH1"
            return ["OK"] if len(command) > 2 else ["?"]
        if not self.values.get("awake", True):
            return ["SEARCHING...", "UNABLE TO CONNECT"] if not self._searched else ["NO DATA"]
        before = [] if self._searched else ["SEARCHING..."]
        self._searched = True
        return before + (self._vehicle(command) or ["NO DATA"])

    def _vehicle(self, command: str) -> list[str]:
        try:
            service, rest = int(command[:2], 16), bytes.fromhex(command[2:])
        except ValueError:
            return ["?"]
        lines: list[str] = []
        if service == 0x01 and rest:
            lines = self._parameter(rest[0])
        elif service in {0x03, 0x07, 0x0A}:
            lines = self._codes(service)
        elif service == 0x02 and len(rest) == 2 and self._stored():
            frozen = bytes(_bytes(self._stored()[0])) if rest[0] == 0x02 else self._value(rest[0])
            lines = self._message(ENGINE, bytes((0x42, rest[0], 0)) + frozen) if frozen else []
        return lines

    def _parameter(self, pid: int) -> list[str]:
        value = self._value(pid)
        if value is None:
            return []
        engine = self._message(ENGINE, bytes((0x41, pid)) + value)
        if "two_units" in self._quirks and pid in {0x00, 0x0D}:
            other = b"\x00\x08\x00\x00" if pid == 0x00 else value
            return self._message(GEARBOX, bytes((0x41, pid)) + other) + engine
        return engine

    def _value(self, pid: int) -> bytes | None:
        known = {p: row for p, row in _PARAMETERS.items() if row[0] in self.values}
        if pid % 0x20 == 0:
            mask = sum(1 << (32 - (p - pid)) for p in {*known, _STATUS} if pid < p <= pid + 32)
            more = any(p > pid + 32 for p in known)
            return (mask | more).to_bytes(4, "big") if mask or more else None
        if pid == _STATUS:
            codes, tests_open = len(self._stored()), bool(self.values.get("tests_open", False))
            return bytes(((0x80 if codes else 0) | codes, 0x07, _OWN_TESTS, _OWN_TESTS * tests_open))
        if pid not in known:
            return None
        key, size, factor, offset = known[pid]
        number: int = round(float(self.values[key]) * factor + offset)
        return min((1 << 8 * size) - 1, max(0, number)).to_bytes(size, "big")

    def _stored(self) -> list[str]:
        return str(self.values.get("codes", "")).split()

    def _codes(self, service: int) -> list[str]:
        codes = self._stored() if service == 0x03 else []
        if service == 0x0A:
            return []
        body = bytes((service + 0x40, len(codes))) + b"".join(bytes(_bytes(code)) for code in codes)
        lines = self._message(ENGINE, body)
        if "two_units" in self._quirks:
            lines.insert(1, self._message(GEARBOX, bytes((service + 0x40, 0)))[0])
        if "split" in self._quirks:
            lines.insert(1, self._message(ENGINE, b"\x41\x0d\x00")[0])
        return lines

    def _message(self, unit: str, data: bytes) -> list[str]:
        """A message as the adapter prints it: one frame, or several (ISO 15765-2); without headers numbered lines."""
        if len(data) <= 7:
            return [f"{unit} {len(data):02X} {data.hex(' ').upper()}" if self._headers else data.hex(" ").upper()]
        rest = [data[i : i + 7] for i in range(6, len(data), 7)]
        if not self._headers:
            parts = [data[:6], *rest]
            return [f"{len(data):03X}", *(f"{i % 16:X}: {p.hex(' ').upper()}" for i, p in enumerate(parts))]
        head = bytes((0x10 | len(data) >> 8, len(data) & 0xFF)) + data[:6]
        frames = [head, *(bytes((0x20 | i % 16,)) + part.ljust(7, b"\0") for i, part in enumerate(rest, 1))]
        return [f"{unit} {frame.hex(' ').upper()}" for frame in frames]


def _bytes(code: str) -> tuple[int, int]:
    number = "PCBU".index(code[0]) << 14 | int(code[1:], 16)
    return number >> 8, number & 0xFF
