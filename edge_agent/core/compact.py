"""The compact form of a call for help: 74 bytes, one SMS of 8-bit data (at most 140). docs/wire.md has every byte.

Text goes by reference: rules and findings are numbers that the desk looks up in what the gateway told it before, and
the full event with the same id follows on the first path that can carry it.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edge_agent.core.clock import Instant, age_s
from edge_agent.core.errors import WireError
from edge_agent.core.event import Event
from edge_agent.core.ids import uuid_bytes
from edge_agent.core.request import CODE_ALPHABET, CODE_LENGTH, Trigger, is_case_code
from edge_agent.core.wire import text_of, unpack

VERSION = 1
# User data of one SMS, 8-bit coded (3GPP TS 23.040, 9.2.3.24); eCall's minimum set of data has the same bound.
MAX_BYTES = 140
MAX_FINDINGS = 2
_LAYOUT = struct.Struct(">BB16s16s5s8sI6sIHHIIB")
SIZE = _LAYOUT.size
_NO_BATTERY = 255
_MOST_MS, _MOST_U32 = (1 << 48) - 1, (1 << 32) - 1
# The order is the wire's: bits of the flags, the lowest first. New ones go behind the last.
_TRIGGERS = (Trigger.MANUAL, Trigger.AUTOMATIC, Trigger.TEST)
_CONSENTS = ("help_ready", "telemetry", "findings", "diagnostics", "assist", "effort")
_KINDS = {"edge.help.raised.v1": 1, "edge.help.reopened.v1": 2, "edge.help.cancelled.v1": 3}
_TYPES = {number: name for name, number in _KINDS.items()}
# What a check is, in the first byte of a finding's code; 255 is any other.
_CHECKS = {"range": 1, "rate": 2, "stuck": 3, "silent": 4, "learned": 5}
_OTHER_CHECK = 255
_CLOCK_BIT, _POWER_SHIFT, _CONSENT_SHIFT = 1 << 2, 3, 5


class Power(StrEnum):
    """What the gateway runs on."""

    UNKNOWN = "unknown"
    MAINS = "mains"
    BATTERY = "battery"


_POWERS = (Power.UNKNOWN, Power.MAINS, Power.BATTERY)


@dataclass(frozen=True, slots=True)
class CompactCall:
    """One call for help. `type` is the event's (raised, reopened, cancelled), `event` its id, `request` the case's.

    `gateway` is gateway_number(), `sequence` the event's. `pressed_ms` is Unix milliseconds as the clock then said,
    0..2^48-1; `age_ds` tenths of a second since then by the monotonic clock. `rule` is rule_number(), `findings` at
    most two finding_code(), none of them 0. `battery_pct` is 0..254, None where there is none.
    """

    type: str
    event: bytes
    request: bytes
    case: str
    gateway: bytes
    sequence: int
    pressed_ms: int
    age_ds: int
    trigger: Trigger
    clock_trusted: bool
    power: Power = Power.UNKNOWN
    consent: frozenset[str] = frozenset()
    rule: int = 0
    findings: tuple[int, ...] = ()
    battery_pct: int | None = None

    def pack(self) -> bytes:
        """The bytes. Raises WireError for a value that has no place in them."""
        first, second = (*self.findings, 0, 0)[:MAX_FINDINGS]
        if (len(self.event), len(self.request), len(self.gateway)) != (16, 16, 8):
            raise WireError("no compact form of it: an id of the wrong length")
        try:
            return _LAYOUT.pack(
                VERSION,
                _KINDS[self.type],
                self.event,
                self.request,
                _code_bytes(self.case),
                self.gateway,
                self.sequence,
                self.pressed_ms.to_bytes(6, "big"),
                self.age_ds,
                self._flags(),
                self.rule,
                first,
                second,
                _NO_BATTERY if self.battery_pct is None else self.battery_pct,
            )
        except (ArithmeticError, LookupError, ValueError, struct.error) as wrong:
            raise WireError(f"no compact form of it: {wrong}") from wrong

    def _flags(self) -> int:
        told = sum(1 << _CONSENTS.index(purpose) for purpose in self.consent)
        return (
            _TRIGGERS.index(self.trigger)
            | (_CLOCK_BIT if self.clock_trusted else 0)
            | _POWERS.index(self.power) << _POWER_SHIFT
            | told << _CONSENT_SHIFT
        )


def unpack_call(payload: bytes) -> CompactCall:
    """A call from its bytes. Raises WireError. Flags that this version does not know are ignored."""
    if len(payload) != SIZE or payload[0] != VERSION:
        raise WireError(f"not a compact call of version {VERSION}: {len(payload)} bytes")
    fields = _LAYOUT.unpack(payload)
    _, kind, event, request, code, gateway, sequence, pressed, age_ds, flags, rule, first, second, battery = fields
    try:
        return CompactCall(
            type=_TYPES[kind],
            event=event,
            request=request,
            case=_code_text(code),
            gateway=gateway,
            sequence=sequence,
            pressed_ms=int.from_bytes(pressed, "big"),
            age_ds=age_ds,
            trigger=_TRIGGERS[flags & 3],
            clock_trusted=bool(flags & _CLOCK_BIT),
            power=_POWERS[flags >> _POWER_SHIFT & 3],
            consent=frozenset(name for bit, name in enumerate(_CONSENTS) if flags >> _CONSENT_SHIFT + bit & 1),
            rule=rule,
            findings=tuple(finding for finding in (first, second) if finding),
            battery_pct=None if battery == _NO_BATTERY else battery,
        )
    except LookupError as error:
        raise WireError(f"not a compact call: {error}") from error


def call_of(event: Event, gateway: str, now: Instant) -> CompactCall:
    """The compact form of a raised, reopened or cancelled event, as it leaves `now`. Raises WireError for any other."""
    data = unpack(event.payload)
    if event.type not in _KINDS or not isinstance(data, dict):
        raise WireError(f"no compact form of {event.type}")
    pressed = _number(data, "pressed_time", 0.0)
    made_s = max(0.0, age_s(event.at, event.boot_id, pressed, now))
    age = _number(data, "pressed_age_s", 0.0) + made_s
    # one that opens the case again, or ends it, carries no time of its own: it is as old as its event
    wall = pressed if "pressed_time" in data else now.wall - made_s
    battery = data.get("battery_pct")
    return CompactCall(
        type=event.type,
        event=event.id,
        request=_request(data),
        case=event.subject,
        gateway=gateway_number(gateway),
        sequence=min(event.sequence, _MOST_U32),
        pressed_ms=_whole(wall * 1000, _MOST_MS),
        age_ds=_whole(age * 10, _MOST_U32),
        trigger=_member(Trigger, data.get("trigger"), Trigger.MANUAL),
        clock_trusted=bool(data.get("clock_trusted", now.trusted)),
        power=_member(Power, data.get("power"), Power.UNKNOWN),
        consent=frozenset(_CONSENTS).intersection(_texts(data.get("consent"))),
        rule=rule_number(text_of(data, "rule")),
        findings=_findings(data.get("findings")),
        battery_pct=_whole(battery, 100) if isinstance(battery, int | float) else None,
    )


def gateway_number(gateway: str) -> bytes:
    """Eight bytes for a gateway's id: the beginning of its SHA-256, so that nobody has to hand numbers out."""
    return hashlib.sha256(gateway.encode()).digest()[:8]


def rule_number(rule: str) -> int:
    """Two bytes for a rule's name, by its SHA-256; 0 is no rule."""
    return max(1, int.from_bytes(hashlib.sha256(rule.encode()).digest()[:2], "big")) if rule else 0


def finding_code(channel: str, kind: str) -> int:
    """Four bytes for a finding: what kind of check, then the beginning of the SHA-256 of its channel; never 0."""
    return _CHECKS.get(kind, _OTHER_CHECK) << 24 | int.from_bytes(hashlib.sha256(channel.encode()).digest()[:3], "big")


def _code_bytes(code: str) -> bytes:
    """Eight characters out of 31 are less than 40 bits."""
    if not is_case_code(code) or len(code) != CODE_LENGTH:
        raise ValueError(f"not a case code: {code[:20]!r}")
    number = 0
    for character in code:
        number = number * len(CODE_ALPHABET) + CODE_ALPHABET.index(character)
    return number.to_bytes(5, "big")


def _code_text(packed: bytes) -> str:
    number, characters = int.from_bytes(packed, "big"), ""
    for _ in range(CODE_LENGTH):
        number, value = divmod(number, len(CODE_ALPHABET))
        characters = CODE_ALPHABET[value] + characters
    if number or not is_case_code(characters):
        raise WireError("not a compact call: its case code is none")
    return characters


def _request(data: Mapping[str, Any]) -> bytes:
    try:
        return uuid_bytes(text_of(data, "request"))
    except ValueError as error:
        raise WireError(str(error)) from error


def _number(data: Mapping[str, Any], key: str, default: float) -> float:
    value = data.get(key)
    return float(value) if isinstance(value, int | float) else default


def _whole(value: float, most: int) -> int:
    return round(min(max(value, 0.0), most))


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _member(kind: Any, value: object, default: Any) -> Any:
    return kind(value) if value in [each.value for each in kind] else default


def _findings(value: object) -> tuple[int, ...]:
    told = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return tuple(finding_code(text_of(each, "channel"), text_of(each, "kind")) for each in told[:MAX_FINDINGS])
